import { expect, test } from 'vitest';
import { defaultPlan, explore } from '../../../sim/explore.ts';
import { strategyByName } from '../../../sim/strategies/by-name.ts';
import { Auto } from '../../../sim/strategies/auto.ts';
import { abba, depthThree, independent, lostUpdate, runOnce } from '../../kit/toy.ts';

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

test('after the first runs every second one is sampled, and after the last all are', () => {
  const strategy = new Auto({ seed: 1, exhaustiveRunsFirst: 3, exhaustiveRunsMax: 5 });
  const model = independent([6, 6]);
  const names = Array.from({ length: 12 }, (_, run) => {
    runOnce(model, strategy, run);
    return strategy.name;
  });
  expect(names.join(' ')).toBe(
    'exhaustive exhaustive exhaustive pct:3:11 exhaustive random exhaustive ' +
      'pct:3:11 random pct:3:11 random pct:3:11',
  );
});

test('a sampled run can be made again by the name that it had', () => {
  const model = depthThree(30);
  const strategy = new Auto({ seed: 4, exhaustiveRunsFirst: 10, exhaustiveRunsMax: 10 });
  const { found } = explore(model, { strategy, runsMax: 100_000 });
  expect(found?.strategyName).toMatch(/^pct:3:\d+$/);
  const again = runOnce(model, strategyByName(found!.strategyName, { seed: 4 }), found!.run);
  expect(again).toEqual(found!.result);
});
