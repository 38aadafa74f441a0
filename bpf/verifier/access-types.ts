/** Words that checks of memory accesses share: who accesses, how, and by what name they say so. */

/** enum bpf_access_type */
export const BPF_READ = 1;
export const BPF_WRITE = 2;
export type AccessType = typeof BPF_READ | typeof BPF_WRITE;

/** enum bpf_access_src: an instruction, or a helper. */
export const ACCESS_DIRECT = 1;
export const ACCESS_HELPER = 2;
export type AccessSrc = typeof ACCESS_DIRECT | typeof ACCESS_HELPER;

/** Registers that pass arguments: those behind stand on the stack. */
const REG_ARGS_MAX = 5;

/**
 * Which register or argument something is about: a register's number, or an argument's, counted
 * from 1 and negated. argno_t
 */
export type ArgNo = number;

export function argnoFromReg(regno: number): ArgNo {
  return regno;
}

/** `arg` counts from 1. */
export function argnoFromArg(arg: number): ArgNo {
  return -arg;
}

/** The register that it is in, or -1: it is on the stack. */
export function regFromArgno(argno: ArgNo): number {
  if (argno >= 0) return argno;
  return argno >= -REG_ARGS_MAX ? -argno : -1;
}

/** From 1; -1: it is no argument. */
export function argFromArgno(argno: ArgNo): number {
  return argno < 0 ? -argno : -1;
}

/** From 0. */
export function argIdxFromArgno(argno: ArgNo): number {
  return argFromArgno(argno) - 1;
}

/** As the log has it. reg_arg_name() */
export function regArgName(argno: ArgNo): string {
  const regno = regFromArgno(argno);
  return regno >= 0 ? `R${regno}` : `*(R11-${(argFromArgno(argno) - REG_ARGS_MAX) * 8})`;
}

/**
 * What checks of a helper's memory find out for the call: part of struct bpf_call_arg_meta. Changed
 * by them.
 */
export interface MemMeta {
  /** The helper fills the memory: it need not be initialised. */
  rawMode: boolean;
  /** Bytes that it fills, of the stack behind register `regno`. */
  accessSize: number;
  regno: number;
  /** The most that the size argument can be, unsigned. */
  msizeMaxValue: bigint;
  /** Whether it may read and write packets. */
  pktAccess: boolean;
}
