import { describe, expect, test } from 'vitest';
import { FAULT_KINDS } from '../../kernel/faults.ts';
import { SCENARIOS, World, type Scenario } from '../../scenarios/index.ts';
import { Random } from '../../sim/strategies/random.ts';

const RUNS = 150;
/** Of a scenario about time, whose runs differ by faults alone. */
const TIMED_RUNS = 5;

/** Their programs race on purpose: by plain loads and stores in maps that others change. */
const RACY = ['store-buffering', 'slot-reuse'];

/** Every variant that must be clean, as [name, scenario, variant]. */
const CLEAN = SCENARIOS.flatMap((scenario) =>
  Object.entries(scenario.variants)
    .filter(([, { expect: kinds }]) => kinds.length === 0)
    .map(([variant]) => [`${scenario.name} ${variant}`, scenario, variant] as const),
);

/** Titles of what random schedules find, each once. */
function titles(scenario: Scenario, variant: string): string[] {
  const world = new World(scenario, { variant });
  const strategy = new Random(1);
  const found = new Set<string>();
  for (let run = 0; run < (scenario.timed ? TIMED_RUNS : RUNS); run++) {
    strategy.begin(run);
    for (const failure of world.run(strategy).failures) found.add(failure.title);
  }
  return [...found];
}

describe('the race monitor finds nothing in scenarios that are clean', () => {
  test.each(CLEAN.filter(([, { name }]) => !RACY.includes(name)))('%s', (_, scenario, variant) => {
    expect(titles({ ...scenario, races: true }, variant)).toEqual([]);
  });
});

describe.each(FAULT_KINDS)('%s breaks no kernel, whatever the processes make of it', (kind) => {
  test.each(CLEAN)('%s', (_, scenario, variant) => {
    const found = titles({ ...scenario, faults: [kind] }, variant);
    expect(found.filter((title) => !title.startsWith('invariant broken'))).toEqual([]);
  });
});
