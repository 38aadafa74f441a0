import { runUnit, type Unit, type UnitResult } from '../scenarios/fuzz/campaign.ts';
import { ProgramWorlds } from '../scenarios/fuzz/worlds.ts';

/** What a thread of the pool in fuzz.ts is asked. */
export interface FuzzTask {
  readonly unit: Unit;
  readonly mutations: readonly string[];
}

const worlds = new Map<string, ProgramWorlds>();

/** One unit. The kernels of a thread serve all its units. */
export default function fuzzUnit({ unit, mutations }: FuzzTask): UnitResult {
  const key = mutations.join();
  let own = worlds.get(key);
  if (!own) worlds.set(key, (own = new ProgramWorlds({ mutations })));
  return runUnit(unit, own);
}
