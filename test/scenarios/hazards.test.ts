import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../scenarios/dsl.ts';
import { expected, isFound } from '../../scenarios/judge.ts';
import { SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { MUTATIONS } from '../../kernel/mutations.ts';
import { defaultPlan, explore, type Outcome } from '../../sim/explore.ts';
import { Pct } from '../../sim/strategies/pct.ts';
import { Random } from '../../sim/strategies/random.ts';
import type { Strategy } from '../../sim/strategy.ts';

const RUNS_MAX = 2_000;
const RUNS_OF_LIFE_MAX = 400;

function search(world: World, strategy: Strategy, runsMax: number): Outcome {
  return explore(world, { strategy, runsMax, isFound: isFound(world.variant) });
}

function kindsOf({ distinct }: Outcome): string[] {
  return distinct.map(({ failure }) => `${failure.kind} ${failure.sites.join(' ')}`);
}

/** As many cases as there are variants. */
function variantsOf(scenarios: readonly Scenario[]): [string, string, Scenario][] {
  return scenarios.flatMap((scenario) =>
    Object.keys(scenario.variants).map((variant): [string, string, Scenario] =>
      [scenario.name, variant, scenario]));
}

const all = variantsOf(SCENARIOS);
const bad = all.filter(([, variant, { variants }]) => variants[variant]!.expect.length > 0);
const good = all.filter(([, variant, { variants }]) => variants[variant]!.expect.length === 0);

describe('what a variant states is found, and nothing else', () => {
  test.each(bad)('%s %s', (_name, variant, scenario) => {
    const world = new World(scenario, { variant });
    const outcome = search(world, defaultPlan({ seed: 1 }), RUNS_MAX);
    expect(kindsOf(outcome)).not.toEqual([]);
    expect(outcome.found, kindsOf(outcome).join(', ')).toBeDefined();
    expect(expected(world.variant, outcome.found!.result)).toBe(true);
  });
});

describe('a variant that states nothing is clean under every strategy', () => {
  const strategies: [string, () => Strategy][] = [
    ['the default', () => defaultPlan({ seed: 1 })],
    ['random', () => new Random(2)],
    ['pct', () => new Pct({ seed: 3, depth: 3, length: 150 })],
  ];
  test.each(good)('%s %s', (_name, variant, scenario) => {
    const world = new World(scenario, { variant });
    for (const [name, make] of strategies) {
      const runsMax = scenario.hazard === undefined ? RUNS_OF_LIFE_MAX : RUNS_MAX;
      expect(kindsOf(search(world, make(), runsMax)), name).toEqual([]);
    }
  });
});

describe('the good kernel of the other profile is clean too', () => {
  const other = (scenario: Scenario) => (scenario.profile === 'v7.2' ? 'v6.1' : 'v7.2');
  test.each(good)('%s %s', (_name, variant, scenario) => {
    const world = new World(scenario, { variant, profile: other(scenario) });
    expect(kindsOf(search(world, new Random(4), RUNS_OF_LIFE_MAX))).toEqual([]);
  });
});

/** The same scenario in a kernel without its deliberate bugs. */
function withoutBugs(scenario: Scenario): Scenario {
  const bugs = new Set(MUTATIONS.filter(({ kind }) => kind === 'bug').map(({ name }) => name));
  const variants = Object.fromEntries(Object.entries(scenario.variants).map(([name, variant]) =>
    [name, { ...variant, mutations: variant.mutations.filter((mutation) => !bugs.has(mutation)) }]));
  return { ...scenario, variants };
}

describe('without the deliberate bugs nothing is found of what they cause', () => {
  const caused = bad.filter(([, variant, { variants }]) => variants[variant]!.mutations.length > 0);
  test.each(caused)('%s %s', (_name, variant, scenario) => {
    const world = new World(withoutBugs(scenario), { variant });
    const outcome = explore(world, { strategy: defaultPlan({ seed: 1 }), runsMax: RUNS_MAX });
    // The control device breaks the borrow rule in every kernel; that alone corrupts nothing.
    const kinds = new Set(outcome.distinct.map(({ failure }) => failure.kind));
    kinds.delete('borrow-rule');
    expect([...kinds]).toEqual([]);
  });
});
