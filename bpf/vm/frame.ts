import { DIRECT_MAP_HIGH } from '../../kernel/memory.ts';
import { array, embed, struct, u32, u64, type StructType, type Fields } from '../../base/layout.ts';

/** r0 to r10. */
export const REGS = 11;
/** include/linux/filter.h, include/linux/bpf_verifier.h */
export const MAX_BPF_STACK = 512;
/** Of v7.2; an older kernel's checker allows less. */
export const MAX_CALL_FRAMES = 16;
/** Rounds of bpf_loop() and of iterators; of may_goto, where nobody looks at the clock. */
export const BPF_MAX_LOOPS = 8 * 1024 * 1024;
/** How often one subprogram frame takes a may_goto until it is asked whether it may go on. */
export const BPF_MAX_TIMED_LOOPS = 0xffff;
/** Of `loops`: the frame has been asked before. The bits below count. */
export const LOOPS_ASKED = 0x1_0000;

/** What a subprogram call saves, and an exit restores. */
const savedFrame = struct('bpf_saved_frame', {
  regs: array(u64, 4), // r6 to r9
  pc: u32, // where the caller goes on
  loops: u32, // may_goto left to the caller
});

/**
 * One run of a program: all of its state, in simulated memory, so that either engine can go on
 * where the other has stopped, at any instruction. The stack of call depth d stands at
 * stack + d * MAX_BPF_STACK, and r10 points to its end.
 *
 * The shadow forbids everything in front of `stack` and behind it: engines, the runner and the
 * decoders of arguments use raw accesses there, and a program that strays has a FAULT. Its pages
 * are marked dirty when the frame is taken, so engines need not when they write to it. `Its own
 * stack` is all of `stack`, of whatever depth: an access with every byte in there.
 */
export const bpfFrame = struct('bpf_frame', {
  regs: array(u64, REGS),
  pc: u32, // the slot to execute next
  depth: u32, // subprogram calls under way, from 0
  /** Instructions that may still be executed before FUEL. Read and written as a signed number. */
  fuel: u32,
  /** Fine mode: accesses that may still be done before ACCESS. */
  countdown: u32,
  loops: u32, // may_goto left in this frame until it is asked; LOOPS_ASKED
  /**
   * ACCESS, FAULT: size in bytes of the access, and whether it reads (1), writes (2), both (3):
   * READ, WRITE, RMW of sim/request.ts. Of a call too deep: 0, 0 and address 0.
   */
  accessSize: u32,
  accessKind: u32,
  /** Of a program with an arena: its page tables, and the upper half of its user addresses. */
  arena: u32,
  arenaHigh: u32,
  pad: u32,
  /** ACCESS, FAULT: the 64-bit address. */
  accessAddr: u64,
  /** By depth, where it has been asked: since when may_goto loop there. bpf/vm/timed-goto.ts */
  loopsSince: array(u64, MAX_CALL_FRAMES),
  saved: array(embed(savedFrame) as never, MAX_CALL_FRAMES),
  stack: array(u64, (MAX_BPF_STACK / 8) * MAX_CALL_FRAMES),
});

/** What a register holds for memory offset `addr`: its address in the direct map; NULL for 0. */
export function kernelAddress(addr: number): bigint {
  return addr === 0 ? 0n : (BigInt(DIRECT_MAP_HIGH) << 32n) | BigInt(addr);
}

export const savedFrameStruct: StructType<Fields> = savedFrame as StructType<Fields>;

// Why an engine came back. Everything but pc and the access is as after the instruction before
// pc: the one at pc has changed nothing, and its fuel is not taken. Of one instruction, FUEL comes
// before ACCESS, and ACCESS (whatever the address) before FAULT and HELPER.

/**
 * The exit instruction of the frame at whose depth run() was entered: r0 has the result. It has
 * taken its fuel; pc stands at it, and depth is what it was on entry.
 */
export const EXIT = 0;
/** Out of fuel: pc is the next instruction. */
export const FUEL = 1;
/**
 * pc stands at a call that the engine cannot finish by itself: callHelper() said so; or at ld_abs
 * or ld_ind; or at the may_goto at which the frame has to be asked; or at an access to an arena of
 * which a page is not there, or that goes over the end of one. The runner finishes it, takes its
 * fuel, writes what it reads and moves pc on.
 */
export const HELPER = 2;
/** The access of the instruction at pc must not be done: accessAddr, accessSize, accessKind. */
export const FAULT = 3;
/** Fine mode: the instruction at pc is about to access memory that is not its own stack. */
export const ACCESS = 4;
export type Status = typeof EXIT | typeof FUEL | typeof HELPER | typeof FAULT | typeof ACCESS;
