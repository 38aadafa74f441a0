import { EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { PROG_TYPE } from '../../uapi.ts';
import { checkPtrOffReg } from '../access/access.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { prepareFuncExit } from '../calls/func-exit.ts';
import { checkResourceLeak } from '../objects/leak.ts';
import { pointerReg } from '../values/reg.ts';
import { checkRegArg, clearCallerSaved, unknownReg } from '../values/regs.ts';
import { PTR_TO_CTX } from '../types.ts';

type LdAbs = Extract<Insn, { kind: 'ld_abs' | 'ld_ind' }>;

const CTX_REG = 6;
/** may_access_skb() */
const MAY_ACCESS_SKB: readonly number[] = [
  PROG_TYPE.SOCKET_FILTER,
  PROG_TYPE.SCHED_CLS,
  PROG_TYPE.SCHED_ACT,
];

/**
 * The packet's bytes by their place: a call in disguise, whose packet is in r6. Beyond the packet
 * it ends the program, so nothing may be held. check_ld_abs()
 */
export function checkLdAbs(env: VerifierEnv, insn: LdAbs): void {
  if (!MAY_ACCESS_SKB.includes(env.prog.type.number)) {
    const message = 'BPF_LD_[ABS|IND] instructions not allowed for this program type';
    throw env.reject(EINVAL, message);
  }
  if (env.cur.frames.some(({ inCallbackFn, frameno }) => frameno > 0 && inCallbackFn)) {
    throw env.reject(EINVAL, 'cannot use BPF_LD_[ABS|IND] within callback');
  }
  checkRegArg(env, CTX_REG, 'src');
  checkResourceLeak(env, false, true, 'BPF_LD_[ABS|IND]');
  const ctx = env.regs[CTX_REG]!;
  if (ctx.type !== PTR_TO_CTX) {
    throw env.reject(EINVAL, 'at the time of BPF_LD_ABS|IND R6 != pointer to skb');
  }
  if (insn.kind === 'ld_ind') checkRegArg(env, insn.src, 'src');
  checkPtrOffReg(env, ctx, CTX_REG);
  clearCallerSaved(env);
  env.regs[0] = unknownReg(env);
  if (env.cur.curframe > 0) exploreMissing(env);
}

/** In a function, the end comes back to its caller with zero: a path of its own. */
function exploreMissing(env: VerifierEnv): void {
  env.markRegScratched(0);
  pushStack(env, env.insnIdx + 1, env.insnIdx, false);
  env.regs[0] = pointerReg(env.regs[0]!.type, { precise: env.regs[0]!.precise });
  prepareFuncExit(env);
  env.insnIdx--;
}
