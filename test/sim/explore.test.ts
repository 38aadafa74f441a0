import { describe, expect, test } from 'vitest';
import type { Model } from '../../sim/model.ts';
import { Exploration, explore, sameFailureAs, type Progress } from '../../sim/explore.ts';
import { Bounded } from '../../sim/strategies/bounded.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import { abba, failureOf, independent, lostUpdate, runOnce } from '../kit/toy.ts';

test('ends at the first failure, and says how to make it again', () => {
  const outcome = explore(lostUpdate(), { strategy: new Random(1), runsMax: 1_000 });
  expect(outcome.verdict).toBe('failure');
  expect(outcome.exhausted).toBe(false);
  const { result, run } = outcome.found!;
  expect(run).toBe(outcome.runs - 1);
  expect(runOnce(lostUpdate(), new Random(1), run)).toEqual(result);
  expect(outcome.distinct).toEqual([
    { failure: result.failures[0], first: outcome.found, runs: 1 },
  ]);
});

test('a strategy that ends is exhausted where nothing is left, also exactly at the limit', () => {
  const ways = 20;
  for (const runsMax of [ways, ways + 1, 1_000]) {
    const outcome = explore(independent([3, 3]), { strategy: new Bounded(), runsMax });
    expect(outcome).toMatchObject({
      verdict: 'clean',
      runs: ways,
      steps: 6 * ways,
      exhausted: true,
    });
  }
  const less = explore(independent([3, 3]), { strategy: new Bounded(), runsMax: ways - 1 });
  expect(less).toMatchObject({ runs: ways - 1, exhausted: false });
  const stay = explore(independent([3, 3]), { strategy: new Stay(), runsMax: 10 });
  expect(stay).toMatchObject({ runs: 1, exhausted: false });
});

test('no runs are no failure', () => {
  const outcome = explore(lostUpdate(), { strategy: new Random(1), runsMax: 0 });
  expect(outcome).toMatchObject({ verdict: 'clean', runs: 0, distinct: [] });
});

test('what counts as found is up to the caller; everything met is counted', () => {
  const strategy = new Random(1);
  const outcome = explore(abba(), { strategy, runsMax: 200, isFound: () => false });
  expect(outcome).toMatchObject({ verdict: 'clean', runs: 200 });
  expect(outcome.distinct).toHaveLength(1);
  const [{ failure, first, runs }] = outcome.distinct as [(typeof outcome.distinct)[0]];
  expect(failure.kind).toBe('deadlock');
  // Both take their first lock before either takes its second: one time in two.
  expect(runs).toBeGreaterThan(60);
  expect(runs).toBeLessThan(140);
  expect(runOnce(abba(), new Random(1), first.run)).toEqual(first.result);
});

test('goes in slices as well as in one go', () => {
  const options = { strategy: new Random(3), runsMax: 25, isFound: () => false };
  const sliced = new Exploration(lostUpdate(3), options);
  const runs: number[] = [];
  while (sliced.step(10)) runs.push(sliced.runs);
  expect(runs).toEqual([10, 20]);
  expect(sliced.step()).toBe(false);
  expect(sliced.outcome()).toEqual(explore(lostUpdate(3), { ...options, strategy: new Random(3) }));
});

test('stops between two runs when told to, though not before the first', () => {
  const outcome = explore(lostUpdate(), { strategy: new Stay(), runsMax: 9, stop: () => true });
  expect(outcome.runs).toBe(1);
});

test('tells of progress after each run', () => {
  const told: Progress[] = [];
  explore(abba(), {
    strategy: new Random(1),
    runsMax: 5,
    isFound: () => false,
    onProgress: ({ runs, steps, distinctCount }) => told.push({ runs, steps, distinctCount }),
  });
  expect(told.map(({ runs }) => runs)).toEqual([1, 2, 3, 4, 5]);
  expect(told.at(-1)!.distinctCount).toBe(1);
});

test('workers that share a search make each run once', () => {
  const hashes = (runFirst: number, runStride: number, runsMax: number): string[] => {
    const seen: string[] = [];
    const isFound = ({ traceHash }: { traceHash: string }): boolean => (
      seen.push(traceHash),
      false
    );
    const runAfter = (run: number) => (run < 0 ? runFirst : run + runStride);
    explore(lostUpdate(6), { strategy: new Random(1), runsMax, runAfter, isFound });
    return seen;
  };
  const alone = hashes(0, 1, 9);
  expect(alone.filter((_, run) => run % 3 === 1)).toEqual(hashes(1, 3, 3));
});

describe('the same failure', () => {
  const resultWith = (...sites: string[]): ReturnType<Model['run']> => ({
    ...runOnce(independent([1]), new Stay()),
    failures: sites.map((site) => failureOf('leak', site, 0)),
  });

  test('is one with the key of the first, among whatever else', () => {
    const isSame = sameFailureAs(resultWith('a', 'b'));
    expect(isSame(resultWith('c', 'a'))).toBe(true);
    expect(isSame(resultWith('b'))).toBe(false);
    expect(isSame(resultWith())).toBe(false);
  });

  test('of a clean run is being clean', () => {
    expect(sameFailureAs(resultWith())(resultWith())).toBe(true);
    expect(sameFailureAs(resultWith())(resultWith('a'))).toBe(false);
  });
});
