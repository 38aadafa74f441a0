import { describe, expect, test } from 'vitest';
import { findScenario } from '../../scenarios/registry.ts';
import { isFound } from '../../scenarios/judge.ts';
import { World } from '../../scenarios/world.ts';
import { defaultPlan, explore, sameFailureAs } from '../../sim/explore.ts';
import { shrink } from '../../sim/shrink.ts';
import { Replay } from '../../sim/strategies/replay.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';

const NAMES = ['exec-events', 'wake-latency', 'tail-call-chain', 'map-race', 'map-fd-lifetime'];

describe.each(NAMES)('%s', (name) => {
  const scenario = findScenario(name);

  test('one run in simulated time is clean, and the same whatever the engine', () => {
    const hashes = (['interp', 'jit'] as const).map((engine) => {
      const world = new World(scenario, {
        mode: 'timed',
        variant: scenario.variants['good'] ? 'good' : scenario.defaultVariant,
        bpf: { engine },
      });
      const strategy = strategyByName('stay', { seed: 1 });
      strategy.begin(0);
      const { failures, traceHash } = world.run(strategy);
      expect(failures.map(({ text }) => text)).toEqual([]);
      return traceHash;
    });
    expect(hashes[1]).toBe(hashes[0]);
  });
});

test.each([
  ['map-race', 'bad'],
  ['map-fd-lifetime', 'bad'],
])('%s %s is found, shrinks to one or two deviations, and replays', (name, variant) => {
  const scenario = findScenario(name);
  const world = new World(scenario, { variant });
  const outcome = explore(world, {
    strategy: defaultPlan({ seed: 1 }),
    runsMax: 3_000,
    isFound: isFound(scenario.variants[variant]!),
  });
  const found = outcome.found!.result;
  const { result } = shrink(world, found, sameFailureAs(found));
  expect(result.schedule.at.length).toBeLessThanOrEqual(2);
  const again = [1, 2].map(() => {
    const replay = new Replay(result.schedule);
    replay.begin(0);
    return world.run(replay);
  });
  expect(again[0]!.failures.map(({ kind }) => kind)).toEqual(scenario.variants[variant]!.expect);
  expect(again[1]!.traceHash).toBe(again[0]!.traceHash);
});

test.each([
  ['map-race', 'good'],
  ['map-fd-lifetime', 'good'],
  ['exec-events', 'only'],
  ['wake-latency', 'only'],
  ['tail-call-chain', 'only'],
])('%s %s is clean however it is scheduled', (name, variant) => {
  const scenario = findScenario(name);
  const world = new World(scenario, { variant });
  const outcome = explore(world, {
    strategy: defaultPlan({ seed: 1 }),
    runsMax: 300,
    isFound: isFound(scenario.variants[variant]!),
  });
  expect(outcome.distinct.map(({ failure }) => failure.text)).toEqual([]);
});
