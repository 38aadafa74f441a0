import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import { resolve } from '../../btf/resolve.ts';
import type { BtfType } from '../../btf/types.ts';
import { resolveProgType } from '../../prog/types.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../uapi.ts';
import { checkPtrOffReg } from '../access/access.ts';
import type { VerifierEnv } from '../env.ts';
import { markChainPrecision } from '../search/precision.ts';
import type { Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { regIsReferenced } from '../objects/refs.ts';
import { checkRegArg, isArenaReg, isPointerValue } from '../values/regs.ts';
import type { RetvalRange } from '../values/retval-range.ts';
import { subprogReturnsVoid } from '../subprog-query.ts';
import { SCALAR_VALUE } from '../types.ts';

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;

/** retval_range_within() */
export function retvalRangeWithin(range: RetvalRange, { s }: Reg): boolean {
  if (range.return32bit) return range.min <= s.s32min && s.s32max <= range.max;
  return BigInt(range.min) <= s.smin && s.smax <= BigInt(range.max);
}

/**
 * `At program exit the register R0 has smin=2 should have been in [0, 1]`.
 * verbose_invalid_scalar()
 */
export function verboseInvalidScalar(
  env: VerifierEnv,
  { s }: Reg,
  range: RetvalRange,
  where: string,
  regName: string,
): void {
  const low = s.smin > S64_MIN ? ` smin=${s.smin}` : '';
  const high = s.smax < S64_MAX ? ` smax=${s.smax}` : '';
  const known = low + high || ' unknown scalar value';
  const wanted = `should have been in [${range.min}, ${range.max}]`;
  env.verbose(`${where} the register ${regName} has${known} ${wanted}\n`);
}

/** What the program attaches to returns: undefined where that is void, or it is for nothing. */
function attachedReturns(env: VerifierEnv): BtfType | undefined {
  const { attach } = env.prog;
  const proto = attach && attach.btf.types[attach.protoId];
  return proto?.kind === 'func_proto' ? resolve(attach!.btf, proto.type) : undefined;
}

/** program_returns_void() */
function programReturnsVoid(env: VerifierEnv): boolean {
  switch (env.prog.type.number) {
    case PROG_TYPE.LSM:
      return !isCgroupLsm(env) && !attachedReturns(env);
    case PROG_TYPE.STRUCT_OPS:
      return !attachedReturns(env);
    case PROG_TYPE.EXT:
      return subprogReturnsVoid(env, 0);
    default:
      return false;
  }
}

function isCgroupLsm(env: VerifierEnv): boolean {
  return env.prog.expectedAttachType === ATTACH_TYPE.LSM_CGROUP;
}

/** The kernel struct that a struct_ops member returns a pointer to, if it does. */
function returnedStruct(env: VerifierEnv): BtfType | undefined {
  const returned = attachedReturns(env);
  if (env.prog.type.number !== PROG_TYPE.STRUCT_OPS || returned?.kind !== 'ptr') return undefined;
  return resolve(env.prog.attach!.btf, returned.type);
}

/** What the main function, or an asynchronous callback, ends with. check_return_code() */
export function checkReturnCode(env: VerifierEnv, regno: number, regName: string): void {
  const [main] = env.cur.frames;
  const isAsync = main!.inAsyncCallbackFn;
  if (!isAsync && programReturnsVoid(env)) return;
  const reg = env.regs[regno]!;
  const struct = returnedStruct(env);
  if (struct && reg.btf?.types[reg.btfId] === struct && regIsReferenced(env, reg)) {
    checkPtrOffReg(env, reg, regno);
    return;
  }
  checkRegArg(env, regno, 'src');
  if (isPointerValue(env, regno)) {
    throw env.reject(EACCES, `R${regno} leaks addr as return value`);
  }
  if (isAsync) {
    enforceRange(env, regno, regName, main!.callbackRetRange, 'At async callback return');
    return;
  }
  if (env.prog.type.number === PROG_TYPE.STRUCT_OPS && !struct) return;
  const range = resolveProgType(env.prog).retvalRange(env.prog);
  if (range) enforceRange(env, regno, regName, range, 'At program exit');
}

function enforceRange(
  env: VerifierEnv,
  regno: number,
  regName: string,
  range: RetvalRange,
  where: string,
): void {
  const { type } = env.regs[regno]!;
  if (type !== SCALAR_VALUE) {
    const name = regTypeStr(type);
    throw env.reject(EINVAL, `${where} the register R${regno} is not a known value (${name})`);
  }
  markChainPrecision(env, regno);
  if (retvalRangeWithin(range, env.regs[regno]!)) return;
  verboseInvalidScalar(env, env.regs[regno]!, range, where, regName);
  const isVoidHook = env.prog.type.number === PROG_TYPE.LSM && !attachedReturns(env);
  if (isCgroupLsm(env) && isVoidHook) {
    env.verbose("Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n");
  }
  throw env.reject(EINVAL, '');
}

/** Any scalar, or an arena's pointer. check_global_subprog_return_code() */
export function checkGlobalSubprogReturnCode(env: VerifierEnv): void {
  if (subprogReturnsVoid(env, env.frame.subprogno)) return;
  checkRegArg(env, 0, 'src');
  if (isArenaReg(env, 0)) return;
  if (isPointerValue(env, 0)) throw env.reject(EACCES, 'R0 leaks addr as return value');
  const { type } = env.regs[0]!;
  if (type === SCALAR_VALUE) return;
  const name = regTypeStr(type);
  throw env.reject(EINVAL, `At subprogram exit the register R0 is not a scalar value (${name})`);
}
