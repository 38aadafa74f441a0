import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import { accountProcessedInsns } from '../search/account.ts';
import type { VerifierEnv } from '../env.ts';
import { invalidateOutgoingStackArgs } from './func-entry.ts';
import { checkResourceLeak } from '../objects/leak.ts';
import type { Outcome } from '../outcome.ts';
import { markChainPrecision } from '../search/precision.ts';
import { findPrevEntry } from '../search/prev-entry.ts';
import { printVerifierState } from '../report/print-state.ts';
import {
  checkGlobalSubprogReturnCode,
  checkReturnCode,
  retvalRangeWithin,
  verboseInvalidScalar,
} from '../insns/return-code.ts';
import type { FuncState } from '../state.ts';
import { PTR_TO_STACK, SCALAR_VALUE } from '../types.ts';
import { widenImpreciseScalars } from '../search/widen.ts';

/**
 * The end of a function: back to its caller, or of a callback to the call itself, which may call
 * it once more. prepare_func_exit()
 */
export function prepareFuncExit(env: VerifierEnv): void {
  const state = env.cur;
  const callee = state.frame;
  const caller = state.frames[callee.frameno - 1]!;
  if (callee.regs[0]!.type === PTR_TO_STACK) {
    throw env.reject(EINVAL, 'cannot return stack pointer to the caller');
  }
  if (callee.inCallbackFn) {
    checkCallbackReturn(env, callee);
    env.insnIdx = callee.callsite;
  } else {
    caller.regs[0] = callee.regs[0]!;
    env.insnIdx = callee.callsite + 1;
  }
  if (env.log.isLevel) {
    env.verbose('returning from callee:\n');
    printVerifierState(env, state, callee.frameno, true);
    env.verbose(`to caller at ${env.insnIdx}:\n`);
    printVerifierState(env, state, caller.frameno, true);
  }
  accountProcessedInsns(env, callee, caller);
  state.frames.pop();
  invalidateOutgoingStackArgs(caller);
  // What changes in every call of the callback need not be known, so that there is an end to it.
  const before = callee.inCallbackFn ? findPrevEntry(env, state, env.insnIdx) : undefined;
  if (before) widenImpreciseScalars(env, before, state);
}

function checkCallbackReturn(env: VerifierEnv, callee: FuncState): void {
  if (callee.regs[0]!.type !== SCALAR_VALUE) throw env.reject(EACCES, 'R0 not a scalar value');
  markChainPrecision(env, 0);
  const range = callee.callbackRetRange;
  const r0 = callee.regs[0]!;
  if (!retvalRangeWithin(range, r0)) {
    verboseInvalidScalar(env, r0, range, 'At callback return', 'R0');
    throw env.reject(EINVAL, '');
  }
  if (!env.aux[callee.callsite]!.callsCallback) {
    throw env.bug(`in callback at ${env.insnIdx}, callsite ${callee.callsite} !calls_callback`);
  }
}

/** `exit`, or the end by an exception, which unwinds all frames. process_bpf_exit_full() */
export function processBpfExitFull(env: VerifierEnv, exceptionExit: boolean): Outcome {
  const { cur, frame } = env;
  const isLast = exceptionExit || cur.curframe === 0;
  const what = exceptionExit ? 'bpf_throw' : 'BPF_EXIT instruction in main prog';
  checkResourceLeak(env, exceptionExit, isLast, what);
  if (exceptionExit) return 'exit';
  if (!isLast) {
    prepareFuncExit(env);
    return 'moved';
  }
  const isGlobal = frame.subprogno > 0 && !frame.inAsyncCallbackFn && !frame.inExceptionCallbackFn;
  if (isGlobal) checkGlobalSubprogReturnCode(env);
  else checkReturnCode(env, 0, 'R0');
  return 'exit';
}
