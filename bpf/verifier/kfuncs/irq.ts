import { EINVAL } from '../../../kernel/errno.ts';
import { checkMemAccess } from '../access/access.ts';
import { BPF_WRITE, regArgName, type ArgNo } from '../access/access-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { KfuncCallArgMeta } from './kfunc-meta.ts';
import type { Reg } from '../values/reg.ts';
import {
  isIrqFlagRegValidInit,
  isIrqFlagRegValidUninit,
  markStackSlotIrqFlag,
  unmarkStackSlotIrqFlag,
} from '../objects/stack-iter.ts';
import { IRQ_LOCK_KFUNC, IRQ_NATIVE_KFUNC } from '../types.ts';

/** Kfuncs that save the interrupt flag, or restore it: of which class. */
const SAVING: ReadonlyMap<string, number> = new Map([
  ['bpf_local_irq_save', IRQ_NATIVE_KFUNC],
  ['bpf_res_spin_lock_irqsave', IRQ_LOCK_KFUNC],
]);
const RESTORING: ReadonlyMap<string, number> = new Map([
  ['bpf_local_irq_restore', IRQ_NATIVE_KFUNC],
  ['bpf_res_spin_unlock_irqrestore', IRQ_LOCK_KFUNC],
]);

/** An interrupt flag on the stack is an argument. process_irq_flag() */
export function processIrqFlag(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  { funcName }: KfuncCallArgMeta,
): void {
  const saves = SAVING.get(funcName);
  if (saves !== undefined) {
    if (!isIrqFlagRegValidUninit(env, reg)) {
      throw env.reject(EINVAL, `expected uninitialized irq flag as ${regArgName(argno)}`);
    }
    checkMemAccess(env, env.insnIdx, reg, argno, 0, 8, BPF_WRITE, -1, false, false);
    markStackSlotIrqFlag(env, reg, env.insnIdx, saves);
    return;
  }
  const restores = RESTORING.get(funcName);
  if (restores === undefined) throw env.bug('unknown irq flags kfunc');
  if (!isIrqFlagRegValidInit(env, reg)) {
    throw env.reject(EINVAL, `expected an initialized irq flag as ${regArgName(argno)}`);
  }
  unmarkStackSlotIrqFlag(env, reg, restores);
}
