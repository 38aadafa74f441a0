import { type AccessType, type ArgNo, BPF_READ } from './access-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { checkStackAccessWithinBounds } from './stack-bounds.ts';
import { checkStackRead } from './stack-read.ts';
import { checkStackWrite } from './stack-write.ts';

/** A load from the stack, or a store to it. */
export function checkStackAccess(
  env: VerifierEnv,
  insnIdx: number,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  type: AccessType,
  valueRegno: number,
): void {
  checkStackAccessWithinBounds(env, reg, argno, off, size, type);
  if (type === BPF_READ) checkStackRead(env, reg, argno, off, size, valueRegno);
  else checkStackWrite(env, reg, off, size, valueRegno, insnIdx);
}
