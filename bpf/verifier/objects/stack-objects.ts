import { EINVAL, ERANGE } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { Rejection } from '../rejection.ts';
import { allBytes, spiOf, StackSlot } from '../values/stack.ts';
import type { FuncState } from '../state.ts';
import {
  BPF_REG_SIZE,
  STACK_DYNPTR,
  STACK_INVALID,
  STACK_IRQ_FLAG,
  STACK_ITER,
  STACK_MISC,
  STACK_POISON,
  STACK_SPILL,
  STACK_ZERO,
} from '../types.ts';

// What dynptrs, iterators and saved interrupt flags on the stack have in common, and what becomes
// of bytes that are overwritten.

/**
 * The first slot of the object that a pointer to stack points at, or a negated errno: said in the
 * log, but for -ERANGE, where that stack is not there yet. stack_slot_obj_get_spi()
 */
export function stackSlotObjGetSpi(
  env: VerifierEnv,
  reg: Reg,
  objKind: string,
  slots: number,
): number {
  if (!reg.s.isConst) {
    env.verbose(`${objKind} has to be at a constant offset\n`);
    return -EINVAL;
  }
  const off = Number(BigInt.asIntN(32, reg.s.value));
  const spi = spiOf(off);
  if (off >= 0 || off % BPF_REG_SIZE !== 0 || spi + 1 < slots) {
    env.verbose(`cannot pass in ${objKind} at an offset=${off}\n`);
    return -EINVAL;
  }
  const isThere = spi - slots + 1 >= 0 && spi < env.func(reg).stack.length;
  return isThere ? spi : -ERANGE;
}

/** The same where the object must be there. */
export function existingSpi(spi: number): number {
  if (spi < 0) throw new Rejection(-spi);
  return spi;
}

/** Whether all bytes of so many slots, downwards from `spi`, are of a type. */
export function areAllBytes(frame: FuncState, spi: number, slots: number, type: number): boolean {
  const types = allBytes(type);
  for (let i = 0; i < slots; i++) if (frame.stack[spi - i]!.types !== types) return false;
  return true;
}

export function hasByteOf(slot: StackSlot, type: number): boolean {
  for (let i = 0; i < BPF_REG_SIZE; i++) if (slot.typeAt(i) === type) return true;
  return false;
}

/** A slot whose eight bytes are one thing, described by `reg`. */
export function objectSlot(type: number, reg: Reg): StackSlot {
  return new StackSlot(allBytes(type), reg);
}

/** is_stack_slot_special(): more than bytes. */
export function isStackSlotSpecial(slot: StackSlot): boolean {
  const type = slot.typeAt(BPF_REG_SIZE - 1);
  return (
    type === STACK_SPILL || type === STACK_DYNPTR || type === STACK_ITER || type === STACK_IRQ_FLAG
  );
}

/** What a byte becomes that part of something is written over. mark_stack_slot_misc() */
export function markStackSlotMisc(type: number): number {
  return type === STACK_ZERO ? STACK_ZERO : scrubSpilledSlot(type);
}

/** scrub_spilled_slot() */
export function scrubSpilledSlot(type: number): number {
  return type === STACK_INVALID || type === STACK_POISON ? type : STACK_MISC;
}
