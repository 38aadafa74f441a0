import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../scenarios/dsl.ts';
import { expected, isFound } from '../../scenarios/judge.ts';
import { findScenario, SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { EBUSY, EWOULDBLOCK } from '../../kernel/errno.ts';
import { MUTATIONS } from '../../kernel/mutations.ts';
import { defaultPlan, explore, type Outcome } from '../../sim/explore.ts';
import { Pct } from '../../sim/strategies/pct.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';

const RUNS_MAX = 1_000;
/** Until something rare is found. */
const RUNS_OF_SEARCH_MAX = 2_000;
const RUNS_OF_LIFE_MAX = 300;

/** A scenario about time has one run. */
function search(world: World, strategy: Strategy, most: number): Outcome {
  const runsMax = world.scenario.timed ? 1 : most;
  return explore(world, { strategy, runsMax, isFound: isFound(world.variant) });
}

function kindsOf({ distinct }: Outcome): string[] {
  return distinct.map(({ failure }) => `${failure.kind} ${failure.sites.join(' ')}`);
}

/** As many cases as there are variants. */
function variantsOf(scenarios: readonly Scenario[]): [string, string, Scenario][] {
  return scenarios.flatMap((scenario) =>
    Object.keys(scenario.variants).map((variant): [string, string, Scenario] => [
      scenario.name,
      variant,
      scenario,
    ]),
  );
}

const all = variantsOf(SCENARIOS);
const bugs = new Set(MUTATIONS.filter(({ kind }) => kind === 'bug').map(({ name }) => name));
const bad = all.filter(([, variant, { variants }]) => variants[variant]!.expect.length > 0);
const good = all.filter(([, variant, { variants }]) => variants[variant]!.expect.length === 0);

describe('what a variant states is found, and nothing else', () => {
  test.each(bad)('%s %s', (_name, variant, scenario) => {
    const world = new World(scenario, { variant });
    const outcome = search(world, defaultPlan({ seed: 1 }), RUNS_OF_SEARCH_MAX);
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
    const chosen = scenario.timed ? strategies.slice(0, 1) : strategies; // its one run is the same
    for (const [name, make] of chosen) {
      const runsMax = scenario.hazard === undefined ? RUNS_OF_LIFE_MAX : RUNS_MAX;
      expect(kindsOf(search(world, make(), runsMax)), name).toEqual([]);
    }
  });
});

/** Where programs have kptrs and uptrs that v6.1 does not know. */
const YOUNGER = new Set(['cpu-waiters uptr', 'kill-stashed good', 'orphan-page good']);

describe('the good kernel of the other profile is clean too', () => {
  const other = (scenario: Scenario) => (scenario.profile === 'v7.2' ? 'v6.1' : 'v7.2');
  test.each(good)('%s %s', (name, variant, scenario) => {
    const make = (): World => new World(scenario, { variant, profile: other(scenario) });
    if (YOUNGER.has(`${name} ${variant}`)) {
      expect(make).toThrow('is not loaded: -E');
      return;
    }
    const world = make();
    expect(kindsOf(search(world, new Random(4), RUNS_OF_LIFE_MAX))).toEqual([]);
  });
});

/** What runs of a scenario noted under a key, each value once. */
function noted(name: string, variant: string, key: string, strategy: Strategy): unknown[] {
  const world = new World(findScenario(name), { variant });
  const values = new Set<unknown>();
  for (let run = 0; run < 200 && strategy.begin(run); run++) {
    strategy.end(world.run(strategy).choiceCount);
    values.add(world.notes.get(key));
  }
  return [...values];
}

test('00 H3: while the ioctl has not ended, the file that is kept keeps the module', () => {
  expect(noted('autofs-unload', 'good', 'delete_module', new Stay())).toEqual([-EWOULDBLOCK]);
});

test('00 H7: a reserved descriptor is busy, one that is free or installed is not', () => {
  expect(noted('dup2-reserved', 'good', 'dup2', new Random(1)).toSorted()).toEqual([-EBUSY, 5]);
});

/** The same scenario in a kernel without its deliberate bugs. */
function withoutBugs(scenario: Scenario): Scenario {
  const variants = Object.fromEntries(
    Object.entries(scenario.variants).map(([name, variant]) => [
      name,
      { ...variant, mutations: variant.mutations.filter((mutation) => !bugs.has(mutation)) },
    ]),
  );
  return { ...scenario, variants };
}

describe('without the deliberate bugs nothing is found of what they cause', () => {
  const caused = bad.filter(([, variant, { variants }]) =>
    variants[variant]!.mutations.some((mutation) => bugs.has(mutation)),
  );
  test.each(caused)('%s %s', (_name, variant, scenario) => {
    const world = new World(withoutBugs(scenario), { variant });
    const outcome = explore(world, { strategy: defaultPlan({ seed: 1 }), runsMax: RUNS_MAX });
    // The control device breaks the borrow rule in every kernel; that alone corrupts nothing.
    const kinds = new Set(outcome.distinct.map(({ failure }) => failure.kind));
    kinds.delete('borrow-rule');
    expect([...kinds]).toEqual([]);
  });
});
