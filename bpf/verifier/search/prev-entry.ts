import type { VerifierEnv } from '../env.ts';
import { exploredStatesOf } from './explored.ts';
import type { VerifierState } from '../state.ts';

/** The same functions, called from the same places. same_callsites() */
export function sameCallsites(a: VerifierState, b: VerifierState): boolean {
  return (
    a.frames.length === b.frames.length &&
    a.frames.every(({ callsite }, i) => callsite === b.frames[i]!.callsite)
  );
}

/**
 * The state in which the path that leads here came to an instruction the last time: with it, it is
 * a loop. find_prev_entry()
 */
export function findPrevEntry(
  env: VerifierEnv,
  cur: VerifierState,
  insnIdx: number,
): VerifierState | undefined {
  return exploredStatesOf(env, insnIdx).findLast(
    (state) =>
      state.insnIdx === insnIdx &&
      state.branches > 0 &&
      sameCallsites(state, cur) &&
      state.dfsDepth < cur.dfsDepth,
  );
}
