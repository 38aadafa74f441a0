import { EINVAL } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { isNullReg, type Reg } from '../values/reg.ts';
import { refConvertAllocRcuProtected, regIsReferenced, releaseReference } from '../objects/refs.ts';
import { Rejection } from '../rejection.ts';
import { unmarkStackSlotsDynptr } from '../objects/stack-dynptr.ts';

/** What a call is given for good: an object, or what a dynptr holds. release_reg() */
export function releaseReg(
  env: VerifierEnv,
  reg: Reg,
  convertRcu: boolean,
  releaseDynptr: boolean,
): void {
  if (isNullReg(reg)) return;
  if (releaseDynptr) unmarkStackSlotsDynptr(env, reg);
  else if (convertRcu) {
    if (!refConvertAllocRcuProtected(env, reg.id)) throw new Rejection(EINVAL);
  } else if (regIsReferenced(env, reg)) releaseReference(env, reg.id);
  else throw new Rejection(EINVAL);
}
