import type { VerifierEnv } from '../env.ts';
import { addSet } from '../values/spis.ts';
import { type FuncInstance, LIVE_BEFORE } from './stack-liveness.ts';
import type { VerifierState } from '../state.ts';

const ALL = 0xffff_ffff;

/** Whose masks speak for a frame: the deepest analysis that there is of such a call. */
function lookupInstance(
  env: VerifierEnv,
  state: VerifierState,
  frameno: number,
): FuncInstance | undefined {
  const { subprogno, callsite } = state.frames[frameno]!;
  const { start } = env.subprogs[subprogno]!;
  const call = frameno > 0 ? callsite : start;
  for (let depth = frameno; depth > 0; depth--) {
    const found = env.liveness!.find(call, depth);
    if (found) return found;
  }
  return env.liveness!.find(start, 0);
}

/** Whose stack liveStackSlots() is about to be asked about. bpf_live_stack_query_init() */
export function liveStackQueryInit(env: VerifierEnv, state: VerifierState): void {
  const { frames, curframe, insnIdx } = state;
  const instances = frames.map((_, frame) => lookupInstance(env, state, frame));
  const callsites = frames.slice(1).map(({ callsite }) => callsite);
  env.liveness!.query = { instances, callsites, curframe, insnIdx };
}

/** Adds what is alive of a frame's stack before an instruction. */
function addLiveBefore(
  live: Uint32Array,
  instance: FuncInstance,
  insnIdx: number,
  frame: number,
): void {
  const masks = instance.frames[frame];
  if (masks) addSet(live, 0, masks, instance.at(insnIdx) + LIVE_BEFORE);
}

/**
 * Which halves of a frame's slots may be read from here on: by the function that runs, or by one of
 * its callers once it is back; into `live`, SPIS_WORDS words. bpf_stack_slot_alive()
 */
export function liveStackSlots(env: VerifierEnv, frameno: number, live: Uint32Array): void {
  const { instances, callsites, curframe, insnIdx } = env.liveness!.query;
  live.fill(0);
  const current = instances[curframe];
  if (!current) {
    live.fill(ALL);
    return;
  }
  const own = frameno + current.depth - curframe;
  if (own >= 0 && own <= current.depth) addLiveBefore(live, current, insnIdx, own);
  for (let frame = frameno; frame < curframe; frame++) {
    const instance = instances[frame];
    const inner = instance ? frameno + instance.depth - frame : -1;
    if (!instance || inner < 0 || inner > instance.depth) {
      live.fill(ALL);
      return;
    }
    const call = callsites[frame]!;
    addLiveBefore(live, instance, env.aux[call]!.callsCallback ? call : call + 1, inner);
  }
}
