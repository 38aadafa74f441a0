import { EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { invalidateOutgoingStackArgs, setCalleeState, setupFuncEntry } from './func-entry.ts';
import { processBpfExitFull } from './func-exit.ts';
import type { Outcome } from '../outcome.ts';
import { clearAllPktPointers } from '../access/packet-pointers.ts';
import { printVerifierState } from '../report/print-state.ts';
import { NOT_INIT_REG } from '../values/reg.ts';
import { CALLER_SAVED, clearCallerSaved, unknownReg } from '../values/regs.ts';
import { inSleepableContext, nonSleepableContextDescription } from '../objects/sections.ts';
import { btfCheckSubprogCall } from './subprog-call-args.ts';
import { findSubprog, subprogIsGlobal, subprogName, subprogReturnsVoid } from '../subprog-query.ts';

type Call = Extract<Insn, { kind: 'call' }>;

/**
 * A call of a function of the program. A global one is verified on its own; others are looked into,
 * every time with what they are given. check_func_call()
 */
export function checkFuncCall(env: VerifierEnv, insn: Call): Outcome {
  const target = env.insnIdx + insn.imm + 1;
  const subprog = findSubprog(env, target);
  if (subprog < 0) throw env.bug(`target of func call at insn ${target} is not a program`);
  const errno = btfCheckSubprogCall(env, subprog);
  if (subprogIsGlobal(env, subprog)) return callGlobal(env, subprog, errno);
  const caller = env.frame;
  const info = env.subprogs[caller.subprogno]!;
  const stackArgCnt = info.inStackArgCnt + env.subprogs[subprog]!.inStackArgCnt;
  info.stackArgCnt = Math.max(info.stackArgCnt, stackArgCnt);
  setupFuncEntry(env, subprog, env.insnIdx, setCalleeState, env.cur);
  for (const regno of CALLER_SAVED) {
    caller.regs[regno] = NOT_INIT_REG;
    env.markRegScratched(regno);
  }
  env.insnIdx = env.subprogs[subprog]!.start;
  if (env.log.isLevel) {
    env.verbose('caller:\n');
    printVerifierState(env, env.cur, caller.frameno, true);
    env.verbose('callee:\n');
    printVerifierState(env, env.cur, env.cur.curframe, true);
  }
  return 'moved';
}

function callGlobal(env: VerifierEnv, subprog: number, errno: number): Outcome {
  const name = subprogName(env, subprog);
  const info = env.subprogs[subprog]!;
  if (env.cur.activeLocks > 0) {
    env.verbose('global function calls are not allowed while holding a lock,\n');
    throw env.reject(EINVAL, 'use static function instead');
  }
  if (info.mightSleep && !inSleepableContext(env)) {
    const where = nonSleepableContextDescription(env);
    throw env.reject(EINVAL, `sleepable global function ${name}() called in ${where}`);
  }
  if (errno !== 0) {
    throw env.reject(errno, `Caller passes invalid args into func#${subprog} ('${name}')`);
  }
  if (env.log.isLevel) {
    env.verbose(`Func#${subprog} ('${name}') is global and assumed valid.\n`);
  }
  if (info.changesPktData) clearAllPktPointers(env);
  info.called = true;
  clearCallerSaved(env);
  invalidateOutgoingStackArgs(env.frame);
  if (!subprogReturnsVoid(env, subprog)) env.regs[0] = unknownReg(env);
  if (!info.mightThrow) return 'next';
  // It may not come back.
  pushStack(env, env.insnIdx + 1, env.insnIdx, false);
  return processBpfExitFull(env, true);
}
