import { expect, test } from 'vitest';
import { defaultPlan, explore } from '../../../sim/explore.ts';
import type { RunResult } from '../../../sim/model.ts';
import { strategyByName } from '../../../sim/strategies/by-name.ts';
import { Auto } from '../../../sim/strategies/auto.ts';
import { HARD_FIXED } from '../../../bench/search/fdget.ts';
import { Threads } from '../../../sim/threads.ts';
import { abba, independent, lostUpdate, runOnce } from '../../kit/toy.ts';

test('a small model is exhausted, and no schedule run twice', () => {
  const outcome = explore(independent([4, 4]), {
    strategy: defaultPlan({ seed: 1 }),
    runsMax: 1_000,
  });
  expect(outcome).toMatchObject({ verdict: 'clean', runs: 70, exhausted: true });
});

test('shallow bugs are found at once, with the fewest deviations', () => {
  for (const model of [abba(), lostUpdate(5)]) {
    const { found } = explore(model, { strategy: new Auto({ seed: 1 }), runsMax: 1_000 });
    expect(found?.strategyName).toBe('exhaustive');
    expect(found?.result.schedule.at).toHaveLength(1);
  }
});

test('after the first runs three take turns, and after the last of few deviations two', () => {
  const strategy = new Auto({ seed: 1, fewestFirst: 3, fewestMax: 5 });
  const model = independent([6, 6]);
  const names = Array.from({ length: 16 }, (_, run) => {
    runOnce(model, strategy, run);
    return strategy.name;
  });
  expect(names.join(' ')).toBe(
    'exhaustive exhaustive exhaustive dpor pct:3:1 exhaustive dpor surw exhaustive dpor pos ' +
      'dpor random dpor pct:3:6 dpor',
  );
});

test('DPOR ends it where few deviations do not', () => {
  const program = HARD_FIXED;
  const outcome = explore(new Threads(program), { strategy: new Auto({ seed: 1 }), runsMax: 300 });
  expect(outcome).toMatchObject({ verdict: 'clean', runs: 253, exhausted: true });
});

test('a sampled run can be made again by the name that it had', () => {
  const model = lostUpdate(5);
  const strategy = new Auto({ seed: 4, fewestFirst: 1, fewestMax: 1 });
  const isFound = ({ failures }: RunResult) =>
    failures.length > 0 && strategy.name.startsWith('pct');
  const { found } = explore(model, { strategy, runsMax: 100_000, isFound });
  expect(found?.strategyName).toMatch(/^pct:3:\d+$/);
  const again = runOnce(model, strategyByName(found!.strategyName, { seed: 4 }), found!.run);
  expect(again).toEqual(found!.result);
});
