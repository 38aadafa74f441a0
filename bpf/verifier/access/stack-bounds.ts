import { EACCES, EFAULT, EINVAL } from '../../../kernel/errno.ts';
import { type AccessType, type ArgNo, BPF_READ, BPF_WRITE, regArgName } from './access-types.ts';
import { growStackState } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { tnumText } from '../report/print-state.ts';
import { BPF_MAX_VAR_OFF } from '../types.ts';

/** MAX_BPF_STACK */
const STACK_BYTES_MAX = 512;
const VAR_OFF_MAX = BigInt(BPF_MAX_VAR_OFF);

/** Where an access to the stack begins and ends, from the least to the greatest offset. */
function extentOf(
  env: VerifierEnv,
  { s }: Reg,
  argno: ArgNo,
  off: number,
  accessSize: number,
  what: string,
): { minOff: bigint; maxOff: bigint } {
  const by = BigInt(off);
  const size = BigInt(accessSize);
  if (s.isConst) return { minOff: s.svalue + by, maxOff: s.svalue + by + size };
  if (s.smax >= VAR_OFF_MAX || s.smin <= -VAR_OFF_MAX) {
    throw env.reject(EACCES, `invalid unbounded variable-offset${what} stack ${regArgName(argno)}`);
  }
  return { minOff: s.smin + by, maxOff: s.smax + by + size };
}

/**
 * An access is within the stack that there may be; of a read without the right to see what was not
 * written, within what there is. Makes it that large. check_stack_access_within_bounds()
 */
export function checkStackAccessWithinBounds(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  accessSize: number,
  type: AccessType,
): void {
  const frame = env.func(reg);
  const what = type === BPF_READ ? ' read from' : ' write to';
  const { minOff, maxOff } = extentOf(env, reg, argno, off, accessSize, what);
  const canBeAnew = type === BPF_WRITE || env.allowUninitStack;
  const lowest = canBeAnew ? STACK_BYTES_MAX : frame.allocatedStack;
  let errno = 0;
  if (minOff < -lowest || minOff > -1) errno = EACCES;
  else if (maxOff > 0) errno = EINVAL;
  else if (accessSize < 0) errno = EFAULT;
  if (errno === 0) {
    growStackState(env, frame, -Number(minOff));
    return;
  }
  const where = reg.s.isConst
    ? `invalid${what} stack ${regArgName(argno)} off=${minOff} size=${accessSize}`
    : `invalid variable-offset${what} stack ${regArgName(argno)} ` +
      `var_off=${tnumText(reg.s.tnum)} off=${off} size=${accessSize}`;
  throw env.reject(errno, where);
}
