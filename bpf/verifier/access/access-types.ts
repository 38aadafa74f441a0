// Words that checks of memory accesses share: how, by whom, and by what name they say so.

/** enum bpf_access_type */
export const BPF_READ = 1;
export const BPF_WRITE = 2;
export type AccessType = typeof BPF_READ | typeof BPF_WRITE;

/** An instruction, or a helper. enum bpf_access_src */
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

/** argno_from_reg() */
export function argnoFromReg(regno: number): ArgNo {
  return regno;
}

/** `arg` counts from 1. argno_from_arg() */
export function argnoFromArg(arg: number): ArgNo {
  return -arg;
}

/** The register that it is in, or -1: it is on the stack. reg_from_argno() */
export function regFromArgno(argno: ArgNo): number {
  if (argno >= 0) return argno;
  return argno >= -REG_ARGS_MAX ? -argno : -1;
}

/** From 1; -1: it is no argument. arg_from_argno() */
export function argFromArgno(argno: ArgNo): number {
  return argno < 0 ? -argno : -1;
}

/** From 0. arg_idx_from_argno() */
export function argIdxFromArgno(argno: ArgNo): number {
  return argFromArgno(argno) - 1;
}

/** As the log has it. reg_arg_name() */
export function regArgName(argno: ArgNo): string {
  const regno = regFromArgno(argno);
  return regno >= 0 ? `R${regno}` : `*(R11-${(argFromArgno(argno) - REG_ARGS_MAX) * 8})`;
}
