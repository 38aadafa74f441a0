/** Scenarios without a hazard, in both profiles and along every kind of schedule: all are clean. */
import { describe, expect, test } from 'vitest';
import { PROFILES } from '../../kernel/profile.ts';
import { SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { explore } from '../../sim/explore.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';

const RUNS = 500;
/** Those of one run, and what a run has of choices is what the other has of runs. */
const STRATEGIES = [
  { strategy: 'stay', runsMin: 1 },
  { strategy: 'round-robin', runsMin: 1 },
  { strategy: 'random', runsMin: RUNS },
  { strategy: 'pct:3', runsMin: RUNS },
  { strategy: 'exhaustive:1', runsMin: 50 },
];

const life = SCENARIOS.filter(({ variants }) => Object.keys(variants).length === 1);

test('there are five of them', () => {
  expect(life.length).toBeGreaterThanOrEqual(5);
});

describe.each(PROFILES)('%s', (profile) => {
  describe.each(life.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
    test.each(STRATEGIES)('$strategy', ({ strategy, runsMin }) => {
      const outcome = explore(new World(scenario, { profile }), {
        strategy: strategyByName(strategy, { seed: 3 }),
        runsMax: RUNS,
      });
      expect(outcome.found?.result.failures.map(({ text }) => text)).toBeUndefined();
      expect(outcome.runs).toBeGreaterThanOrEqual(runsMin);
    });
  });
});
