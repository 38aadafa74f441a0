import { EFAULT, EINVAL } from '../../../kernel/errno.ts';
import { argnoFromArg, regArgName, type ArgNo } from '../access/access-types.ts';
import { CallArgMeta, noRefObj } from './call-meta.ts';
import { processDynptrFunc } from './dynptr-arg.ts';
import type { VerifierEnv } from '../env.ts';
import { btfPrepareFuncArgs } from './func-args.ts';
import { checkMemReg } from '../access/helper-mem.ts';
import { regIsDynptrSlicePkt, regIsPktPointerAny } from '../access/packet-pointers.ts';
import { isNullReg, type Reg } from '../values/reg.ts';
import { checkFuncArgRegOff } from './reg-offset.ts';
import { checkRegType } from './reg-type.ts';
import { Rejection } from '../rejection.ts';
import { checkOutgoingStackArgs, getFuncArgReg } from '../access/stack-arg.ts';
import type { SubprogArg } from '../subprog-info.ts';
import * as t from '../types.ts';

/** 0, or the errno with which a rule refuses. */
function errnoOf(rule: () => void): number {
  try {
    rule();
    return 0;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return error.errno;
  }
}

/**
 * 0, or why the arguments do not go with what BTF says of a function. That is no refusal yet:
 * static functions are looked at with the registers as they are. btf_check_subprog_call()
 */
export function btfCheckSubprogCall(env: VerifierEnv, subprog: number): number {
  const { funcInfo } = env.prog;
  if (funcInfo.length === 0) return EINVAL;
  if (funcInfo[subprog]!.typeId === 0) throw new Rejection(EFAULT);
  const info = env.subprogs[subprog]!;
  if (info.isUnreliable) return EINVAL;
  const errno = errnoOf(() => btfCheckFuncArgMatch(env, subprog));
  if (errno === 0) return 0;
  info.isUnreliable = true;
  if (errno === EFAULT) throw new Rejection(EFAULT);
  return errno;
}

/** btf_check_func_arg_match() */
function btfCheckFuncArgMatch(env: VerifierEnv, subprog: number): void {
  const info = env.subprogs[subprog]!;
  const caller = env.frame;
  const unprepared = errnoOf(() => btfPrepareFuncArgs(env, subprog));
  if (unprepared === 0 || info.inStackArgCnt > 0) {
    checkOutgoingStackArgs(env, caller, info.argCnt);
  }
  if (unprepared !== 0) throw new Rejection(unprepared);
  for (let i = 0; i < info.argCnt; i++) {
    const reg = getFuncArgReg(caller, caller.regs, i);
    checkArg(env, subprog, reg, argnoFromArg(i + 1), info.args[i]!);
  }
}

function checkArg(
  env: VerifierEnv,
  subprog: number,
  reg: Reg,
  argno: ArgNo,
  arg: SubprogArg,
): void {
  const { argType } = arg;
  const name = (): string => regArgName(argno);
  if (argType === t.ARG_ANYTHING) {
    if (reg.type === t.SCALAR_VALUE) return;
    throw env.reject(EINVAL, `${name()} is not a scalar`);
  }
  // What is untrusted is only read, and with care: anything will do.
  if ((argType & t.PTR_UNTRUSTED) !== 0) return;
  switch (t.baseType(argType)) {
    case t.ARG_PTR_TO_CTX:
      checkFuncArgRegOff(env, reg, argno, t.ARG_PTR_TO_CTX);
      if (reg.type === t.PTR_TO_CTX) return;
      throw env.reject(EINVAL, `${name()} expects pointer to ctx`);
    case t.ARG_PTR_TO_MEM:
      checkMem(env, subprog, reg, argno, arg);
      return;
    case t.ARG_PTR_TO_ARENA:
      if (reg.type === t.PTR_TO_ARENA || reg.type === t.SCALAR_VALUE) return;
      throw env.reject(EINVAL, `${name()} is not a pointer to arena or scalar.`);
    case t.ARG_PTR_TO_DYNPTR:
      checkFuncArgRegOff(env, reg, argno, t.ARG_PTR_TO_DYNPTR);
      processDynptrFunc(env, reg, argno, -1, argType, noRefObj(), undefined);
      return;
    case t.ARG_PTR_TO_BTF_ID:
      if (isNullReg(reg) && t.mayBeNull(argType)) return;
      checkRegType(env, reg, argno, argType, arg.btfId, new CallArgMeta());
      checkFuncArgRegOff(env, reg, argno, argType);
      return;
    default:
      throw env.bug(`unrecognized ${name()} type ${argType}`);
  }
}

function checkMem(
  env: VerifierEnv,
  subprog: number,
  reg: Reg,
  argno: ArgNo,
  { argType, memSize }: SubprogArg,
): void {
  checkFuncArgRegOff(env, reg, argno, t.ARG_DONTCARE);
  if (errnoOf(() => checkMemReg(env, reg, argno, memSize)) !== 0) throw new Rejection(EINVAL);
  const isPacket = regIsPktPointerAny(reg) || regIsDynptrSlicePkt(reg);
  if (isPacket && env.subprogs[subprog]!.changesPktData) {
    throw env.reject(
      EINVAL,
      `${regArgName(argno)} is a packet pointer, but func#${subprog} may change packet data`,
    );
  }
  if (!t.mayBeNull(argType) && (t.mayBeNull(reg.type) || isNullReg(reg))) {
    throw env.reject(EINVAL, `${regArgName(argno)} is expected to be non-NULL`);
  }
}
