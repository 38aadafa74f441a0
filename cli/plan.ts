import { defaultPlan } from '../sim/explore.ts';
import { OnlyRun } from '../sim/strategies/only-run.ts';
import { strategyByName, type StrategyOptions } from '../sim/strategies/by-name.ts';
import type { Strategy } from '../sim/strategy.ts';
import type { Mode, Subject } from './subject.ts';

/** Runs of a search that nothing else limits. */
const RUNS_MAX = 20_000;

export function makeStrategy(name: string | undefined, options: StrategyOptions): Strategy {
  return name === undefined ? defaultPlan(options) : strategyByName(name, options);
}

/** How a search runs the subject: one about time has a single run, whoever was to choose. */
export function planOf(
  { scenario, memoryModel }: Subject,
  name: string | undefined,
  seed: number,
): { readonly mode: Mode; readonly strategy: Strategy } {
  if (scenario.timed) return { mode: 'timed', strategy: new OnlyRun() };
  return { mode: 'explore', strategy: makeStrategy(name, { seed, memoryModel }) };
}

/** Without any limit of the user's, there is still one on the number of runs. */
export function budgetOf(flags: { readonly runs?: number; readonly maxTime?: number }) {
  const { runs, maxTime } = flags;
  return {
    runsMax: runs ?? (maxTime === undefined ? RUNS_MAX : Number.MAX_SAFE_INTEGER),
    timeMaxMs: maxTime ?? Infinity,
  };
}
