import { EINVAL, EPROTO, ERANGE } from '../../../kernel/errno.ts';
import type { Btf } from '../../btf/types.ts';
import type { VerifierEnv } from '../env.ts';
import { pointerReg, type Reg } from '../values/reg.ts';
import { acquireIrqState, acquireReference, releaseIrqState, releaseReference } from './refs.ts';
import { Rejection } from '../rejection.ts';
import { inRcuCs } from './sections.ts';
import { INVALID_SLOT } from '../values/stack.ts';
import {
  areAllBytes,
  existingSpi,
  hasByteOf,
  objectSlot,
  stackSlotObjGetSpi,
} from './stack-objects.ts';
import * as t from '../types.ts';

// Iterators on the stack, the first slot at the highest index, and saved interrupt flags.

/** iter_get_spi() */
export function iterGetSpi(env: VerifierEnv, reg: Reg, slots: number): number {
  return stackSlotObjGetSpi(env, reg, 'iter', slots);
}

/** An iterator is made where `reg` points. mark_stack_slots_iter() */
export function markStackSlotsIter(
  env: VerifierEnv,
  isRcuProtected: boolean,
  reg: Reg,
  insnIdx: number,
  btf: Btf,
  btfId: number,
  slots: number,
): void {
  const spi = existingSpi(iterGetSpi(env, reg, slots));
  const id = acquireReference(env, insnIdx, 0);
  const protection = isRcuProtected ? (inRcuCs(env) ? t.MEM_RCU : t.PTR_UNTRUSTED) : 0;
  const rest = pointerReg(t.PTR_TO_STACK | protection, {
    btf,
    btfId,
    iterState: t.ITER_ACTIVE,
  });
  const { stack } = env.func(reg);
  for (let i = 0; i < slots; i++) {
    stack[spi - i] = objectSlot(t.STACK_ITER, i === 0 ? rest.with({ id }) : rest);
    env.markSlotScratched(spi - i);
  }
}

/** unmark_stack_slots_iter() */
export function unmarkStackSlotsIter(env: VerifierEnv, reg: Reg, slots: number): void {
  const spi = existingSpi(iterGetSpi(env, reg, slots));
  const { stack } = env.func(reg);
  releaseReference(env, stack[spi]!.reg.id);
  for (let i = 0; i < slots; i++) {
    stack[spi - i] = INVALID_SLOT;
    env.markSlotScratched(spi - i);
  }
}

/** One may be made there. is_iter_reg_valid_uninit() */
export function isIterRegValidUninit(env: VerifierEnv, reg: Reg, slots: number): boolean {
  const spi = iterGetSpi(env, reg, slots);
  if (spi === -ERANGE) return true;
  if (spi < 0) return false;
  const { stack } = env.func(reg);
  for (let i = 0; i < slots; i++) if (hasByteOf(stack[spi - i]!, t.STACK_ITER)) return false;
  return true;
}

/** 0: there is one; or EPROTO: no longer protected; or EINVAL. is_iter_reg_valid_init() */
export function isIterRegValidInit(
  env: VerifierEnv,
  reg: Reg,
  btf: Btf,
  btfId: number,
  slots: number,
): number {
  const spi = iterGetSpi(env, reg, slots);
  if (spi < 0) return EINVAL;
  const frame = env.func(reg);
  for (let i = 0; i < slots; i++) {
    const st = frame.stack[spi - i]!.reg;
    if ((st.type & t.PTR_UNTRUSTED) !== 0) return EPROTO;
    const hasId = st.id !== 0;
    if (hasId !== (i === 0) || st.btf !== btf || st.btfId !== btfId) return EINVAL;
    if (!areAllBytes(frame, spi - i, 1, t.STACK_ITER)) return EINVAL;
  }
  return 0;
}

function irqFlagGetSpi(env: VerifierEnv, reg: Reg): number {
  return stackSlotObjGetSpi(env, reg, 'irq_flag', 1);
}

/** Interrupts are turned off, and the flag saved where `reg` points. mark_stack_slot_irq_flag() */
export function markStackSlotIrqFlag(
  env: VerifierEnv,
  reg: Reg,
  insnIdx: number,
  irqClass: number,
): void {
  const spi = existingSpi(irqFlagGetSpi(env, reg));
  const id = acquireIrqState(env, insnIdx);
  env.func(reg).stack[spi] = objectSlot(
    t.STACK_IRQ_FLAG,
    pointerReg(t.PTR_TO_STACK, { id, irqClass }),
  );
  env.markSlotScratched(spi);
}

const irqClassName = (irqClass: number): string =>
  irqClass === t.IRQ_NATIVE_KFUNC ? 'native' : 'lock';

/** unmark_stack_slot_irq_flag() */
export function unmarkStackSlotIrqFlag(env: VerifierEnv, reg: Reg, irqClass: number): void {
  const spi = existingSpi(irqFlagGetSpi(env, reg));
  const { stack } = env.func(reg);
  const st = stack[spi]!.reg;
  if (st.irqClass !== irqClass) {
    const [by, other] = [irqClassName(st.irqClass), irqClassName(irqClass)];
    const text = `irq flag acquired by ${by} kfuncs cannot be restored with ${other} kfuncs`;
    throw env.reject(EINVAL, text);
  }
  const error = releaseIrqState(env.cur, st.id);
  if (error !== 0) {
    const { activeIrqId, refs } = env.cur;
    const at = refs.find((ref) => ref.id === activeIrqId)?.insnIdx ?? 0;
    env.verbose('cannot restore irq state out of order, ');
    env.verbose(`expected id=${activeIrqId} acquired at insn_idx=${at}\n`);
    throw new Rejection(error);
  }
  stack[spi] = INVALID_SLOT;
  env.markSlotScratched(spi);
}

/** One may be saved there. is_irq_flag_reg_valid_uninit() */
export function isIrqFlagRegValidUninit(env: VerifierEnv, reg: Reg): boolean {
  const spi = irqFlagGetSpi(env, reg);
  if (spi === -ERANGE) return true;
  return spi >= 0 && !hasByteOf(env.func(reg).stack[spi]!, t.STACK_IRQ_FLAG);
}

/** One is. is_irq_flag_reg_valid_init() */
export function isIrqFlagRegValidInit(env: VerifierEnv, reg: Reg): boolean {
  const spi = irqFlagGetSpi(env, reg);
  if (spi < 0) return false;
  const frame = env.func(reg);
  return frame.stack[spi]!.reg.id !== 0 && areAllBytes(frame, spi, 1, t.STACK_IRQ_FLAG);
}
