import { EINVAL } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { findContainingSubprog } from '../subprog-query.ts';

/** Where a gotox may go: what the instruction arrays of its function say, ascending. create_jt() */
export function createJt(env: VerifierEnv, insnIdx: number): readonly number[] {
  const subprog = findContainingSubprog(env, insnIdx)!;
  const { start } = subprog;
  const end = env.subprogs[env.subprogs.indexOf(subprog) + 1]!.start;
  const targets = jtFromSubprog(env, start, end);
  for (const target of targets) {
    if (target >= start && target < end) continue;
    const where = `points outside of the subprog [${start},${end}]`;
    throw env.reject(EINVAL, `jump table for insn ${insnIdx} ${where}`);
  }
  return targets;
}

/** A whole array belongs to the function that its first target is in. jt_from_subprog() */
function jtFromSubprog(env: VerifierEnv, start: number, end: number): readonly number[] {
  const all = new Set<number>();
  for (const map of env.insnArrayMaps) {
    const targets = env.world.insnArrayTargets(map, 0, map.maxEntries - 1);
    if (targets.length === 0) throw env.reject(EINVAL, '');
    if (targets[0]! >= start && targets[0]! < end) for (const target of targets) all.add(target);
  }
  if (all.size === 0) {
    throw env.reject(EINVAL, `no jump tables found for subprog starting at ${start}`);
  }
  return [...all].sort((a, b) => a - b);
}
