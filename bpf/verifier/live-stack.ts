import type { VerifierEnv } from './env.ts';
import { hasBit } from './spis.ts';
import { type FuncInstance, LIVE_BEFORE } from './stack-liveness.ts';
import type { VerifierState } from './state.ts';

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

/** Whose stack stackSlotAlive() is about to be asked about. bpf_live_stack_query_init() */
export function liveStackQueryInit(env: VerifierEnv, state: VerifierState): void {
  const { frames, curframe, insnIdx } = state;
  const instances = frames.map((_, frame) => lookupInstance(env, state, frame));
  const callsites = frames.slice(1).map(({ callsite }) => callsite);
  env.liveness!.query = { instances, callsites, curframe, insnIdx };
}

function isLiveBefore(
  instance: FuncInstance,
  insnIdx: number,
  frame: number,
  halfSpi: number,
): boolean {
  const masks = instance.frames[frame];
  return masks !== undefined && hasBit(masks, instance.at(insnIdx) + LIVE_BEFORE, halfSpi);
}

/**
 * Whether half a slot of a frame may be read from here on: by the function that runs, or by one of
 * its callers once it is back. bpf_stack_slot_alive()
 */
export function stackSlotAlive(env: VerifierEnv, frameno: number, halfSpi: number): boolean {
  const { instances, callsites, curframe, insnIdx } = env.liveness!.query;
  const current = instances[curframe];
  if (!current) return true;
  const own = frameno + current.depth - curframe;
  if (own >= 0 && own <= current.depth && isLiveBefore(current, insnIdx, own, halfSpi)) return true;
  for (let frame = frameno; frame < curframe; frame++) {
    const instance = instances[frame];
    if (!instance) return true;
    const inner = frameno + instance.depth - frame;
    if (inner < 0 || inner > instance.depth) return true;
    const call = callsites[frame]!;
    const at = env.aux[call]!.callsCallback ? call : call + 1;
    if (isLiveBefore(instance, at, inner, halfSpi)) return true;
  }
  return false;
}
