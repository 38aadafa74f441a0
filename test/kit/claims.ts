import type { Reg } from '../../bpf/verifier/values/reg.ts';
import type { Scalar } from '../../bpf/verifier/values/scalar.ts';
import type { StackSlot } from '../../bpf/verifier/values/stack.ts';
import type { VerifierState } from '../../bpf/verifier/state.ts';
import {
  BPF_ADD_CONST32,
  BPF_REG_SIZE,
  PTR_TO_MAP_VALUE,
  PTR_TO_STACK,
  SCALAR_VALUE,
  STACK_SPILL,
  STACK_ZERO,
} from '../../bpf/verifier/types.ts';

/** What the verifier said of one function when a path came to an instruction. */
export interface Claim {
  readonly depth: number;
  readonly regs: readonly Reg[];
  readonly stack: readonly StackSlot[];
}

/** By slot of the program: what was said there on each path. */
export type Claims = Map<number, Claim[]>;

export function claimOf(state: VerifierState): Claim {
  const { regs, stack } = state.frame;
  return { depth: state.curframe, regs: regs.slice(), stack: stack.slice() };
}

/** What really is, before an instruction. */
export interface Machine {
  readonly depth: number;
  /** r0 to r10, unsigned. */
  readonly regs: readonly bigint[];
  /** Where the stack of a frame ends, and the map's value begins. */
  frameEnd(depth: number): bigint;
  readonly valueAddr: bigint;
  /** Eight bytes of the stack, `spi` slots below its end. */
  stackWord(spi: number): bigint;
}

const U32 = 0xffff_ffffn;

/** Why a number is not among those that a scalar stands for; undefined where it is. */
export function notIn(s: Scalar, given: bigint): string | undefined {
  const value = BigInt.asUintN(64, given);
  const signed = BigInt.asIntN(64, value);
  const low = Number(value & U32);
  const slow = low | 0;
  const { tnum } = s;
  if ((value & ~tnum.mask) !== tnum.value) return `var_off ${tnum.value};${tnum.mask}`;
  if (value < s.umin || value > s.umax) return `u64 [${s.umin}, ${s.umax}]`;
  if (signed < s.smin || signed > s.smax) return `s64 [${s.smin}, ${s.smax}]`;
  if (low < s.u32min || low > s.u32max) return `u32 [${s.u32min}, ${s.u32max}]`;
  if (slow < s.s32min || slow > s.s32max) return `s32 [${s.s32min}, ${s.s32max}]`;
  return undefined;
}

function regDiffers(reg: Reg, value: bigint, machine: Machine): string | undefined {
  switch (reg.type) {
    case SCALAR_VALUE:
      return notIn(reg.s, value);
    case PTR_TO_STACK:
      return notIn(reg.s, value - machine.frameEnd(reg.frameno));
    case PTR_TO_MAP_VALUE:
      return notIn(reg.s, value - machine.valueAddr);
    default:
      return undefined;
  }
}

/** Numbers of the same id are the same. */
function linksDiffer(claim: Claim, machine: Machine): string | undefined {
  const byId = new Map<number, bigint>();
  for (const [i, { type, id }] of claim.regs.entries()) {
    if (type !== SCALAR_VALUE || id === 0 || id >= BPF_ADD_CONST32) continue;
    const value = machine.regs[i]!;
    const known = byId.get(id) ?? value;
    if (known !== value) return `r${i} is not the number of id ${id}`;
    byId.set(id, value);
  }
  return undefined;
}

function slotDiffers(slot: StackSlot, word: bigint, machine: Machine): string | undefined {
  for (let i = 0; i < BPF_REG_SIZE; i++) {
    const byte = (word >> BigInt(8 * (BPF_REG_SIZE - 1 - i))) & 0xffn;
    if (slot.typeAt(i) === STACK_ZERO && byte !== 0n) return `byte ${i} is not zero`;
  }
  if (slot.typeAt(BPF_REG_SIZE - 1) !== STACK_SPILL) return undefined;
  // Of fewer than eight bytes spilled, the register is known as what a load of them gives.
  if (slot.typeAt(0) === STACK_SPILL) return regDiffers(slot.reg, word, machine);
  return undefined;
}

/** Where what is differs from what one path said; undefined: nowhere. */
export function differs(claim: Claim, machine: Machine): string | undefined {
  if (claim.depth !== machine.depth) return `depth ${claim.depth}`;
  for (const [i, reg] of claim.regs.entries()) {
    const why = regDiffers(reg, machine.regs[i]!, machine);
    if (why) return `r${i}=${machine.regs[i]}: ${why}`;
  }
  for (const [spi, slot] of claim.stack.entries()) {
    const why = slotDiffers(slot, machine.stackWord(spi), machine);
    if (why) return `fp-${8 * (spi + 1)}=${machine.stackWord(spi)}: ${why}`;
  }
  return linksDiffer(claim, machine);
}
