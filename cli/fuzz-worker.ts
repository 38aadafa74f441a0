import { runUnit, type Unit, type UnitResult } from '../scenarios/fuzz/campaign.ts';
import { ProgramWorlds } from '../scenarios/fuzz/worlds.ts';
import type { FuzzFailure, Unshrunk } from './fuzz-failure.ts';
import { simplest } from './fuzz-shrink.ts';

/** What a thread of the pool in fuzz.ts is asked: to do a unit, or to make a failure small. */
export type FuzzTask = { readonly mutations: readonly string[] } & (
  | { readonly unit: Unit }
  | { readonly found: Unshrunk }
);

const worlds = new Map<string, ProgramWorlds>();

/** The kernels of a thread serve all that it is asked. */
export default function fuzzTask(task: FuzzTask): UnitResult | FuzzFailure {
  const { mutations } = task;
  const key = mutations.join();
  let own = worlds.get(key);
  if (!own) worlds.set(key, (own = new ProgramWorlds({ mutations })));
  return 'unit' in task ? runUnit(task.unit, own) : simplest(task.found, own, mutations);
}
