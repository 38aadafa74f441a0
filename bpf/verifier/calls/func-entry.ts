import { E2BIG } from '../../../kernel/errno.ts';
import { initFuncState } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { NOT_INIT_REG } from '../values/reg.ts';
import type { FuncState, VerifierState } from '../state.ts';

/** What a function begins with: its registers, by what its caller has. set_callee_state_fn */
export type SetCalleeState = (
  env: VerifierEnv,
  caller: FuncState,
  callee: FuncState,
  insnIdx: number,
) => void;

/** r1 to r5, which are the arguments. set_callee_state() */
export const setCalleeState: SetCalleeState = (_env, caller, callee) => {
  for (let regno = 1; regno <= 5; regno++) callee.regs[regno] = caller.regs[regno]!;
};

/** One frame more in a state. setup_func_entry() */
export function setupFuncEntry(
  env: VerifierEnv,
  subprog: number,
  callsite: number,
  setState: SetCalleeState,
  state: VerifierState,
): void {
  const frameno = state.frames.length;
  if (frameno >= env.world.framesMax) {
    throw env.reject(E2BIG, `the call stack of ${frameno + 1} frames is too deep`);
  }
  const callee = initFuncState(env, callsite, frameno, subprog);
  setState(env, state.frame, callee, callsite);
  state.frames.push(callee);
}

/** What a call leaves of the arguments on the stack. invalidate_outgoing_stack_args() */
export function invalidateOutgoingStackArgs(frame: FuncState): void {
  frame.stackArgRegs.fill(NOT_INIT_REG);
}
