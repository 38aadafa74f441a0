import { EINVAL } from '../../kernel/errno.ts';
import { PROG_TYPE } from '../uapi.ts';
import { accountCurrentPath } from './search/account.ts';
import { initFuncState } from './search/branches.ts';
import type { VerifierEnv } from './env.ts';
import { doCheck } from './explore.ts';
import { btfPrepareFuncArgs } from './calls/func-args.ts';
import { pointerReg, type Reg } from './values/reg.ts';
import { acquireReference } from './objects/refs.ts';
import { unknownReg } from './values/regs.ts';
import { Rejection } from './rejection.ts';
import { markDynptrReg } from './objects/stack-dynptr.ts';
import { VerifierState } from './state.ts';
import type { SubprogArg, SubprogInfo } from './subprog-info.ts';
import { subprogIsGlobal, subprogName, subprogReturnsVoid } from './subprog-query.ts';
import * as t from './types.ts';

// What is known where a program, or a function of it that is verified on its own, begins.

/** do_check_main() */
export function doCheckMain(env: VerifierEnv): void {
  doCheckCommon(env, 0);
}

/**
 * Global functions on their own: those that the program calls, and those that these call, each with
 * whatever arguments its BTF allows. do_check_subprogs()
 */
export function doCheckSubprogs(env: VerifierEnv): void {
  if (env.prog.funcInfo.length === 0) return;
  const { exceptionCallbackSubprog, subprogs } = env;
  if (exceptionCallbackSubprog !== 0) subprogs[exceptionCallbackSubprog]!.called = true;
  let isNew = true;
  while (isNew) {
    isNew = false;
    for (let i = 1; i < env.subprogCnt; i++) {
      const { called, verified } = subprogs[i]!;
      if (!called || verified || !subprogIsGlobal(env, i)) continue;
      doCheckCommon(env, i);
      if (env.log.isLevel) {
        const name = subprogName(env, i);
        env.verbose(`Func#${i} ('${name}') is safe for any args that match its prototype\n`);
      }
      subprogs[i]!.verified = true;
      isNew = true;
    }
  }
}

/** do_check_common() */
function doCheckCommon(env: VerifierEnv, subprog: number): void {
  env.prevLinfo = undefined;
  env.passCnt++;
  env.insnIdx = env.subprogs[subprog]!.start;
  env.cur = entryState(env, subprog);
  env.exploredStates = Array.from({ length: env.insns.length });
  try {
    const isFunction = subprog !== 0 || env.prog.type.number === PROG_TYPE.EXT;
    if (isFunction) functionArgs(env, subprog);
    else programArgs(env);
    if (subprog === 0) acquireCtxArgs(env);
    doCheck(env);
  } finally {
    accountCurrentPath(env);
    env.pending.length = 0;
    env.exploredStates = [];
    env.sccVisits.clear();
  }
  if (!env.log.isVerbose) env.log.reset(0);
}

function entryState(env: VerifierEnv, subprog: number): VerifierState {
  const state = new VerifierState();
  state.branches = 1;
  state.inSleepable = env.prog.isSleepable;
  state.frames.push(initFuncState(env, t.BPF_MAIN_FUNC, 0, subprog));
  state.firstInsnIdx = env.insnIdx;
  state.lastInsnIdx = -1;
  return state;
}

/** r1 is the context; BTF may say otherwise, and is not relied on then. */
function programArgs(env: VerifierEnv): void {
  const info = env.subprogs[0]!;
  if (env.prog.funcInfo.length > 0 && !isCtxFunction(env, info)) {
    info.isUnreliable = true;
    info.argCnt = 1;
    info.stackArgCnt = 0;
  }
  env.regs[1] = pointerReg(t.PTR_TO_CTX);
}

function isCtxFunction(env: VerifierEnv, info: SubprogInfo): boolean {
  try {
    btfPrepareFuncArgs(env, 0);
  } catch (error) {
    if (error instanceof Rejection) return false;
    throw error;
  }
  return info.argCnt === 1 && info.args[0]!.argType === t.ARG_PTR_TO_CTX;
}

function functionArgs(env: VerifierEnv, subprog: number): void {
  const info = env.subprogs[subprog]!;
  if (env.log.isLevel) {
    env.verbose(`Validating ${subprogName(env, subprog)}() func#${subprog}...\n`);
  }
  btfPrepareFuncArgs(env, subprog);
  if (info.isExceptionCb) enterExceptionCallback(env, subprog, info);
  const inRegs = Math.min(info.argCnt, t.MAX_BPF_FUNC_REG_ARGS);
  for (let i = 0; i < inRegs; i++) env.regs[i + 1] = argReg(env, i, info.args[i]!);
  const isExt = env.prog.type.number === PROG_TYPE.EXT;
  if (isExt && info.argCnt > t.MAX_BPF_FUNC_REG_ARGS) {
    const most = `>${t.MAX_BPF_FUNC_REG_ARGS} args`;
    throw env.reject(EINVAL, `freplace programs with ${most} not supported yet`);
  }
}

function enterExceptionCallback(env: VerifierEnv, subprog: number, info: SubprogInfo): void {
  env.frame.inExceptionCallbackFn = true;
  if (subprogReturnsVoid(env, subprog)) {
    throw env.reject(EINVAL, 'exception cb cannot return void');
  }
  if (info.argCnt !== 1 || info.args[0]!.argType !== t.ARG_ANYTHING) {
    throw env.reject(EINVAL, 'exception cb only supports single integer argument');
  }
}

/** Whatever a caller may hand over as such an argument. */
function argReg(env: VerifierEnv, index: number, { argType, memSize, btfId }: SubprogArg): Reg {
  const nullable = argType & t.PTR_MAYBE_NULL;
  switch (t.baseType(argType)) {
    case t.ARG_PTR_TO_CTX:
      return pointerReg(t.PTR_TO_CTX);
    case t.ARG_ANYTHING:
    case t.ARG_PTR_TO_ARENA:
      return unknownReg(env);
    case t.ARG_PTR_TO_DYNPTR:
      return markDynptrReg(t.BPF_DYNPTR_TYPE_LOCAL, true, env.newId(), 0);
    case t.ARG_PTR_TO_MEM: {
      const flags = argType & (t.PTR_UNTRUSTED | t.MEM_RDONLY);
      const id = nullable === 0 ? 0 : env.newId();
      return pointerReg(t.PTR_TO_MEM | nullable | flags, { memSize, id });
    }
    case t.ARG_PTR_TO_BTF_ID: {
      const flags = argType & (t.PTR_UNTRUSTED | t.PTR_TRUSTED);
      const at = { btf: env.kernelBtf, btfId, id: env.newId() };
      return pointerReg(t.PTR_TO_BTF_ID | nullable | flags, at);
    }
    default:
      throw env.bug(`unhandled arg#${index + 1} type ${argType}`);
  }
}

/** Arguments of struct_ops programs that come with a reference (`__ref`). */
function acquireCtxArgs(env: VerifierEnv): void {
  if (env.prog.type.number !== PROG_TYPE.STRUCT_OPS) return;
  for (const arg of env.prog.attach?.ctxArgs ?? []) {
    arg.refId = arg.isRefcounted ? acquireReference(env, 0, 0) : 0;
  }
}
