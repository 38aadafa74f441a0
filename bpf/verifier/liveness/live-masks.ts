import type { VerifierEnv } from '../env.ts';
import { SPIS_WORDS } from '../values/spis.ts';
import {
  type FuncInstance,
  LIVE_BEFORE,
  MASK_WORDS,
  MAY_READ,
  MUST_WRITE,
} from './stack-liveness.ts';
import { insnSuccessors } from '../passes/successors.ts';

/**
 * Adds what a second pass over the same function found: what either may read, and only what both
 * surely write. merge_instances()
 */
export function mergeInstances(to: FuncInstance, from: FuncInstance): void {
  for (let frame = 0; frame <= to.depth; frame++) {
    const source = from.frames[frame];
    const masks = to.frames[frame];
    if (masks && source) mergeMasks(masks, source);
    else if (masks ?? source) {
      to.frames[frame] = masks ?? source;
      forgetWrites(to.frames[frame]!);
    }
  }
}

function mergeMasks(masks: Uint32Array, source: Uint32Array): void {
  for (let at = 0; at < masks.length; at += MASK_WORDS) {
    for (let i = at; i < at + SPIS_WORDS; i++) {
      masks[i + MAY_READ]! |= source[i + MAY_READ]!;
      masks[i + MUST_WRITE]! &= source[i + MUST_WRITE]!;
    }
  }
}

function forgetWrites(masks: Uint32Array): void {
  for (let at = 0; at < masks.length; at += MASK_WORDS) {
    masks.fill(0, at + MUST_WRITE, at + MUST_WRITE + SPIS_WORDS);
  }
}

/** What is alive before each instruction, until nothing changes. update_instance() */
export function updateInstance(env: VerifierEnv, instance: FuncInstance): void {
  instance.mustWriteInitialized = true;
  const first = env.subprogs[instance.subprog]!.postorderStart;
  const end = env.subprogs[instance.subprog + 1]!.postorderStart;
  for (let changed = true; changed;) {
    changed = false;
    for (const masks of instance.frames) {
      if (!masks) continue;
      for (let i = first; i < end; i++) {
        if (updateInsn(env, instance, masks, env.postorder[i]!)) changed = true;
      }
    }
  }
}

/** What is read here, or alive behind and not surely written here. update_insn() */
function updateInsn(
  env: VerifierEnv,
  instance: FuncInstance,
  masks: Uint32Array,
  insnIdx: number,
): boolean {
  const successors = insnSuccessors(env, insnIdx);
  if (successors.length === 0) return false;
  const at = instance.at(insnIdx);
  let changed = false;
  for (let i = 0; i < SPIS_WORDS; i++) {
    let after = 0;
    for (const successor of successors) {
      after |= masks[instance.at(successor) + LIVE_BEFORE + i] ?? 0;
    }
    const before = ((after & ~masks[at + MUST_WRITE + i]!) | masks[at + MAY_READ + i]!) >>> 0;
    if (masks[at + LIVE_BEFORE + i] === before) continue;
    masks[at + LIVE_BEFORE + i] = before;
    changed = true;
  }
  return changed;
}
