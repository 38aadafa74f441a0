import { expect, test } from 'vitest';
import { explore } from '../../../sim/explore.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { Stay } from '../../../sim/strategies/stay.ts';
import { modelFor, runTwice, Twice } from '../../../sim/strategies/twice.ts';
import { idle, independent, lostUpdate, madeUp, runOnce, toyModel } from '../../kit/toy.ts';

test('a model that keeps nothing between runs passes, its own failures unchanged', () => {
  for (let run = 0; run < 50; run++) {
    const model = run % 2 === 0 ? lostUpdate(1) : madeUp(run, 5);
    expect(runOnce(runTwice(model), new Random(1), run)).toEqual(
      runOnce(model, new Random(1), run),
    );
  }
});

test('state kept between runs is found, and where the runs part is said', () => {
  let runs = 0;
  const forgetful = toyModel({
    state: () => ({ extra: runs++ % 2 === 1 }),
    tasks: [idle(2), [...idle<{ extra: boolean }>(1), { when: (s) => s.extra, act: () => {} }]],
  });
  const { failures } = runOnce(runTwice(forgetful), new Stay());
  expect(failures.map(({ kind }) => kind)).toEqual(['deadlock', 'divergence']);
  expect(failures[1]!.text).toMatchInlineSnapshot(`
    "BUG: two runs of one schedule differ
      trace 6d9430c926fa6ed6 became 777210eb88cab79e
      they part after the last of 2 choices, all of them alike
      something outside the simulation decides: a clock, Math.random, state kept between runs"
  `);
});

test('a difference that no choice shows is still one', () => {
  let runs = 0;
  const model = {
    run: (strategy: Stay) => ({
      ...independent([2, 2]).run(strategy),
      traceHash: `000000000000000${runs++ % 2}`,
    }),
  };
  const { failures } = runOnce(runTwice(model), new Stay());
  expect(failures[0]!.text).toMatchInlineSnapshot(`
    "BUG: two runs of one schedule differ
      trace 0000000000000000 became 0000000000000001
      they part after the last of 2 choices, all of them alike
      something outside the simulation decides: a clock, Math.random, state kept between runs"
  `);
});

test('choices that vary are pointed out', () => {
  let runs = 0;
  const model = {
    run: (strategy: Stay) => independent(runs++ % 2 ? [2, 2] : [2, 2, 2]).run(strategy),
  };
  const { failures } = runOnce(runTwice(model), new Stay());
  expect(failures[0]!.text).toContain(
    'at choice 0: sched among 0 1 2, staying with 0; then sched among 0 1, staying with 0',
  );
});

test('as a strategy it needs no more than its name', () => {
  let runs = 0;
  const model = { run: (strategy: Stay) => independent([2, 2 + (runs++ % 2)]).run(strategy) };
  const outcome = explore(model, { strategy: new Twice(new Random(1)), runsMax: 5 });
  expect(outcome.found?.result.failures[0]?.kind).toBe('divergence');
  expect(outcome.found?.strategyName).toBe('twice:random');
  expect(modelFor(new Random(1), model)).toBe(model);
});
