import type { VerifierEnv } from '../env.ts';
import type { VerifierState } from '../state.ts';

const NONE: readonly VerifierState[] = [];

/** As Linux hashes them: states of other instructions may be among them, and are counted. */
function bucketOf(env: VerifierEnv, insnIdx: number): number {
  return ((insnIdx ^ env.cur.frame.callsite) >>> 0) % env.insns.length;
}

/** The kept states of an instruction, the newest last. bpf_explored_state() */
export function exploredStatesOf(env: VerifierEnv, insnIdx: number): readonly VerifierState[] {
  return env.exploredStates[bucketOf(env, insnIdx)] ?? NONE;
}

/** The same, to be changed. */
export function exploredListOf(env: VerifierEnv, insnIdx: number): VerifierState[] {
  return (env.exploredStates[bucketOf(env, insnIdx)] ??= []);
}
