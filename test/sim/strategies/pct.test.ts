import { expect, test } from 'vitest';
import { PREEMPT } from '../../../sim/actors.ts';
import type { Choice } from '../../../sim/choice.ts';
import { explore } from '../../../sim/explore.ts';
import { Pct } from '../../../sim/strategies/pct.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { depthThree, failingAllocations, independent, runOnce, spell } from '../../kit/toy.ts';

const pct = (depth: number, length: number, seed = 1): Pct => new Pct({ seed, depth, length });

test('fixed seeds give the schedules that they always gave', () => {
  const model = independent([4, 4, 4]);
  const schedules = [0, 1, 2].map((run) => spell(runOnce(model, pct(3, 12), run).schedule));
  expect(schedules).toMatchInlineSnapshot(`
    [
      "0:1 1:1",
      "0:2 3:1",
      "0:1 4:1",
    ]
  `);
  expect(pct(3, 12).name).toBe('pct:3:12');
});

test('a bug of depth 3 that random misses is found, as often as the paper promises', () => {
  const model = depthThree(20);
  const runsMax = 100_000;
  // The second task must stand still for about 20 steps twice, so a random run finds it with
  // probability below 2^-40: 100,000 of them with 2^-23.
  expect(explore(model, { strategy: new Random(1), runsMax }).verdict).toBe('clean');
  // n = 2 actors, k = 43 choices, d = 3: at least 1 / (2 * 43^2) = 1/3698 a run, so 27 times are
  // expected, with a standard deviation of 5.2; fewer than 14 once in 300 seeds.
  const all = explore(model, { strategy: pct(3, 43), runsMax, isFound: () => false });
  expect(all.distinct[0]!.runs).toBeGreaterThanOrEqual(14);
  expect(explore(model, { strategy: pct(3, 43), runsMax }).verdict).toBe('failure');
});

test('too small a depth never finds it: it takes two change points', () => {
  const outcome = explore(depthThree(20), { strategy: pct(2, 43), runsMax: 5_000 });
  expect(outcome.verdict).toBe('clean');
});

test('without change points a run is one order of priorities, each about equally often', () => {
  const counts = new Map<string, number>();
  const model = independent([3, 3, 3], (order) => {
    const key = order.join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  });
  const strategy = pct(1, 9);
  for (let run = 0; run < 6_000; run++) runOnce(model, strategy, run);
  expect(counts.size).toBe(6);
  // 1,000 of each expected, with a standard deviation of 29.
  for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

test('half of the runs leave other choices alone, the others deviate now and then', () => {
  const strategy = pct(3, 40);
  let deviating = 0;
  for (let run = 0; run < 1_000; run++) {
    if (runOnce(failingAllocations(40), strategy, run).schedule.at.length > 0) deviating++;
  }
  // A quarter deviates with 1 - (15/16)^40 = 92%, a quarter with 1 - (127/128)^40 = 27%.
  expect(deviating).toBeGreaterThan(230);
  expect(deviating).toBeLessThan(370);
});

test('a preemption that is always possible does not crowd out the steps', () => {
  const options = Int32Array.of(0, PREEMPT);
  const choice = choiceAmong(options);
  for (let run = 0; run < 200; run++) {
    const strategy = pct(3, 100);
    strategy.begin(run);
    let steps = 0;
    for (choice.index = 0; choice.index < 100; choice.index++) {
      if (strategy.choose(choice) === 0) steps++;
    }
    expect(steps).toBeGreaterThan(50);
  }
});

test('actors with large numbers are as good as others', () => {
  const choice = choiceAmong(Int32Array.of(5, 40, 10_000));
  const strategy = pct(1, 1);
  const taken = new Set<number>();
  for (let run = 0; run < 100; run++) {
    strategy.begin(run);
    taken.add(strategy.choose(choice));
  }
  expect([...taken].sort()).toEqual([0, 1, 2]);
});

function choiceAmong(options: Int32Array): Choice {
  const requestOf = () => null;
  const nameOf = () => ({ path: '', site: '', object: '' });
  return {
    index: 0,
    kind: 'sched',
    count: options.length,
    options,
    stay: 0,
    isForced: false,
    requestOf,
    nameOf,
  };
}
