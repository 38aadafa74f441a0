import { Prng } from '../base/prng.ts';
import type { Model, RunResult } from './model.ts';
import { FITS, type Fit, type NamedDeviation } from './names.ts';
import type { Schedule } from './schedule.ts';
import { NamedReplay, NamingReplay } from './strategies/named-replay.ts';

/** How a recorded run was found again in a model that may have changed. */
export interface Aligned {
  readonly result: RunResult;
  /**
   * `exact`: by the numbers of the choices, and all names agree; a fit: by names, that closely;
   * `near`: by a search near where the names point; `lost`: not at all, `result` being the run that
   * fitted best.
   */
  readonly by: 'exact' | Fit | 'near' | 'lost';
  /** Deviations that found their place, of how many. */
  readonly fittedCount: number;
  readonly count: number;
  /** Runs that it took. */
  readonly runs: number;
}

/** Runs near the recorded schedule before it counts as lost. */
const NEAR_RUNS_MAX = 2_000;

/** Steps by which a deviation is moved, at most: more the longer the search. */
const SHIFT_MAX = 24;

/**
 * Runs what a token names: by its numbers where the names agree; else by the names, the closest fit
 * first; else near there, with deviations left out or moved by a few steps. `isSame` says whether a
 * run shows what the recorded one did.
 */
export function align(
  model: Model,
  schedule: Schedule,
  names: readonly NamedDeviation[],
  isSame: (result: RunResult) => boolean,
): Aligned {
  const count = names.length;
  const exact = new NamingReplay(schedule);
  exact.begin(0);
  const asNumbered = model.run(exact);
  exact.end();
  const agreeing = exact.named.filter((name, i) => agrees(name, names[i]!)).length;
  const numbered = { result: asNumbered, fittedCount: agreeing, count, runs: 1 };
  const isExact = exact.misfitCount === 0 && agreeing === count;
  if (isExact && isSame(asNumbered)) return { ...numbered, by: 'exact' };
  let best: Aligned = { ...numbered, by: 'lost' };
  let runs = 1;
  for (const fit of FITS) {
    const { result, fittedCount } = runNamed(model, names, fit);
    runs++;
    if (isSame(result)) return { result, by: fit, fittedCount, count, runs };
    if (fittedCount > best.fittedCount) best = { result, by: 'lost', fittedCount, count, runs };
  }
  if (isSame(asNumbered)) return { ...numbered, by: 'near', runs };
  const prng = new Prng('near');
  for (let tried = 0; tried < NEAR_RUNS_MAX; tried++) {
    const reach = 1 + Math.floor((tried / NEAR_RUNS_MAX) * SHIFT_MAX);
    const { result, fittedCount } = runNamed(model, moved(names, reach, prng), 'step');
    runs++;
    if (isSame(result)) return { result, by: 'near', fittedCount, count, runs };
  }
  return { ...best, runs };
}

function runNamed(model: Model, names: readonly NamedDeviation[], fit: Fit) {
  const strategy = new NamedReplay(names, fit);
  strategy.begin(0);
  const result = model.run(strategy);
  return { result, fittedCount: strategy.fittedCount };
}

/** The deviations, each left out or moved by up to `reach` steps, or as it is. */
function moved(names: readonly NamedDeviation[], reach: number, prng: Prng): NamedDeviation[] {
  return names
    .filter(() => names.length === 1 || prng.below(8) !== 0)
    .map((name) => {
      const shift = prng.below(2 * reach + 1) - reach;
      return { ...name, nthStep: Math.max(1, name.nthStep + shift) };
    });
}

/** Whether two names are of one step in one model: counts of all steps may differ. */
function agrees(a: NamedDeviation, b: NamedDeviation): boolean {
  const isPlace = a.path === b.path && a.site === b.site && a.object === b.object;
  return isPlace && a.nth === b.nth && a.target === b.target;
}
