import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Model, RunResult } from '../../sim/model.ts';
import { explore, sameFailureAs } from '../../sim/explore.ts';
import { shrink } from '../../sim/shrink.ts';
import { Pct } from '../../sim/strategies/pct.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Replay } from '../../sim/strategies/replay.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';
import { abba, depthThree, failingAllocations, lostUpdate, madeUp, runOnce } from '../kit/toy.ts';

function find(
  model: Model,
  strategy: Strategy,
  isFound?: (result: RunResult) => boolean,
): RunResult {
  const { found } = explore(model, { strategy, runsMax: 100_000, ...(isFound && { isFound }) });
  return found!.result;
}

/** Whether some single deviation of a result can be left out, by trying. */
function hasIdleDeviation(model: Model, result: RunResult): boolean {
  const isSame = sameFailureAs(result);
  const { at, skip } = result.schedule;
  return at.some((_, i) =>
    isSame(runOnce(model, new Replay({ at: at.toSpliced(i, 1), skip: skip.toSpliced(i, 1) }))),
  );
}

test.each([0, 1, 5, 20, 100])('the lost update with padding %i takes one deviation', (padding) => {
  for (let seed = 1; seed <= 10; seed++) {
    const model = lostUpdate(padding);
    const found = find(model, new Random(seed));
    const { result, minimal } = shrink(model, found, sameFailureAs(found));
    expect(result.schedule.at).toHaveLength(1);
    expect(result.failures.map(({ sites }) => sites)).toEqual([['increment']]);
    expect(minimal).toBe(true);
  }
});

test('equal failures found in different runs come out equal', () => {
  const model = lostUpdate(10);
  const shrunk = [1, 2, 3, 4, 5].map((seed) => {
    const found = find(model, new Random(seed));
    return shrink(model, found, sameFailureAs(found)).result.traceHash;
  });
  expect(new Set(shrunk).size).toBe(1);
});

test('a deadlock takes one deviation, the bug of depth 3 two', () => {
  const found = find(abba(), new Random(1));
  expect(shrink(abba(), found, sameFailureAs(found)).result.schedule.at).toHaveLength(1);
  const deep = find(depthThree(20), new Pct({ seed: 1, depth: 3, length: 43 }));
  const { result } = shrink(depthThree(20), deep, sameFailureAs(deep));
  expect(result.schedule.at).toHaveLength(2);
});

test('faults shrink as schedules do: to the first two in a row', () => {
  const model = failingAllocations(200);
  const found = find(model, new Random(2));
  expect(found.schedule.at.length).toBeGreaterThan(50);
  const { result } = shrink(model, found, sameFailureAs(found));
  expect(result.schedule).toEqual({ at: [0, 1], skip: [1, 1] });
});

test('20,000 deviations take few runs', () => {
  const model = lostUpdate(7_000);
  const found = find(
    model,
    new Random(1),
    ({ failures, schedule }) => failures.length > 0 && schedule.at.length > 13_000,
  );
  const { result, runs } = shrink(model, found, sameFailureAs(found));
  expect(result.schedule.at).toHaveLength(1);
  expect(runs).toBeLessThan(600);
});

test('no deviation of a shrunk run can be left out, and shrinking is deterministic', () => {
  let shrunkCount = 0;
  fc.assert(
    fc.property(fc.nat(10_000), (seed) => {
      const model = madeUp(seed, 6);
      const calm = sameFailureAs(runOnce(model, new Stay()));
      const isFound = (result: RunResult): boolean => result.failures.length > 0 && !calm(result);
      const { found } = explore(model, { strategy: new Random(1), runsMax: 200, isFound });
      if (found === undefined) return;
      shrunkCount++;
      const isSame = sameFailureAs(found.result);
      const once = shrink(model, found.result, isSame);
      expect(once.minimal).toBe(true);
      expect(once.result.schedule.at.length).toBeGreaterThan(0);
      expect(hasIdleDeviation(model, once.result)).toBe(false);
      expect(isSame(once.result)).toBe(true);
      expect(once.result).toEqual(runOnce(model, new Replay(once.result.schedule)));
      expect(shrink(model, found.result, isSame)).toEqual(once);
    }),
    { numRuns: 200 },
  );
  expect(shrunkCount).toBeGreaterThan(50);
});

test('limits are kept, and the best so far is returned', () => {
  const model = lostUpdate(100);
  const found = find(model, new Random(1));
  for (const runsMax of [0, 1, 5, 8]) {
    const shrunk = shrink(model, found, sameFailureAs(found), { runsMax });
    expect(shrunk.runs).toBeLessThanOrEqual(runsMax);
    expect(shrunk.minimal).toBe(false);
    expect(shrunk.result.schedule.at.length).toBeLessThanOrEqual(found.schedule.at.length);
    expect(shrunk.result.failures).toHaveLength(1);
  }
  let runs = 0;
  const stopped = shrink(model, found, sameFailureAs(found), { stop: () => runs++ > 3 });
  expect(stopped).toMatchObject({ runs: 4, minimal: false });
});

test('what does not come again is given back as it was', () => {
  const found = find(lostUpdate(1), new Random(1));
  const shrunk = shrink(lostUpdate(1), found, () => false);
  expect(shrunk).toEqual({ result: found, runs: 1, minimal: false });
});

test('a failure of the run that stays has no deviations', () => {
  const model = failingAllocations(3);
  const clean = runOnce(model, new Random(1), 1);
  const { result, runs } = shrink(model, clean, sameFailureAs({ ...clean, failures: [] }));
  expect(result.schedule.at).toEqual([]);
  expect(runs).toBeLessThanOrEqual(2);
});
