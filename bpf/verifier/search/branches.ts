import { E2BIG } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { markVerifierStateScratched } from '../report/print-state.ts';
import { pointerReg } from '../values/reg.ts';
import { FRAME_POINTER } from '../values/regs.ts';
import { FuncState, VerifierState } from '../state.ts';
import { BPF_MAIN_FUNC, PTR_TO_STACK } from '../types.ts';

/** BPF_COMPLEXITY_LIMIT_JMP_SEQ */
const PENDING_MAX = 8192;

/** A copy of the state on this path, to go on from `insnIdx` later. push_stack() */
export function pushStack(
  env: VerifierEnv,
  insnIdx: number,
  prevInsnIdx: number,
  speculative: boolean,
): VerifierState {
  const state = env.cur.copy();
  // This path may still add to the record of this instruction: the other has one of its own.
  if (env.curHistEnt) state.history[state.history.length - 1] = { ...env.curHistEnt };
  if (speculative) state.speculative = true;
  push(env, state, insnIdx, prevInsnIdx);
  if (env.pending.length > PENDING_MAX) {
    const text = `The sequence of ${env.pending.length} jumps is too complex.`;
    throw env.reject(E2BIG, text);
  }
  if (state.parent !== undefined) state.parent.branches++;
  return state;
}

/** A callback that runs on its own, later: with a stack of its own. push_async_cb() */
export function pushAsyncCb(
  env: VerifierEnv,
  insnIdx: number,
  prevInsnIdx: number,
  subprog: number,
  isSleepable: boolean,
): VerifierState {
  const state = new VerifierState();
  push(env, state, insnIdx, prevInsnIdx);
  if (env.pending.length > PENDING_MAX) {
    const text = `The sequence of ${env.pending.length} jumps is too complex for async cb.`;
    throw env.reject(E2BIG, text);
  }
  state.branches = 1;
  state.inSleepable = isSleepable;
  state.frames.push(initFuncState(env, BPF_MAIN_FUNC, 0, subprog));
  return state;
}

function push(env: VerifierEnv, state: VerifierState, insnIdx: number, prevInsnIdx: number): void {
  env.pending.push({ state, insnIdx, prevInsnIdx, logPos: env.log.position });
}

/** A function at its entry: nothing known but its frame pointer. init_func_state() */
export function initFuncState(
  env: VerifierEnv,
  callsite: number,
  frameno: number,
  subprogno: number,
): FuncState {
  const frame = new FuncState(callsite, frameno, subprogno);
  frame.regs[FRAME_POINTER] = pointerReg(PTR_TO_STACK, { frameno });
  markVerifierStateScratched(env);
  return frame;
}

/** grow_stack_state() */
export function growStackState(env: VerifierEnv, frame: FuncState, sizeBytes: number): void {
  frame.growStack(sizeBytes);
  const subprog = env.subprogs[frame.subprogno]!;
  if (subprog.stackDepth < frame.allocatedStack) subprog.stackDepth = frame.allocatedStack;
}

/** Goes on with the branch that was put aside last; false: there is none. pop_stack() */
export function popStack(env: VerifierEnv): boolean {
  const next = env.pending.pop();
  if (!next) return false;
  env.cur = next.state;
  env.insnIdx = next.insnIdx;
  env.prevInsnIdx = next.prevInsnIdx;
  if (!env.log.isVerbose) env.log.reset(next.logPos);
  return true;
}
