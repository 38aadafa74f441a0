/** The rows of kernel/mutations.ts that are remedies: what they are good for would be missed. */
import { expect, test } from 'vitest';
import { MUTATIONS } from '../../kernel/mutations.ts';
import { isFound } from '../../scenarios/judge.ts';
import { SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { defaultPlan, explore } from '../../sim/explore.ts';

const RUNS_MAX = 3_000;

const remedied = MUTATIONS.filter(({ kind }) => kind === 'fix').flatMap(({ name: fix }) =>
  SCENARIOS.flatMap((scenario) =>
    Object.entries(scenario.variants)
      .filter(([, { mutations, expect: kinds }]) => mutations.includes(fix) && kinds.length === 0)
      .map(([variant]) => ({ fix, name: scenario.name, scenario, variant })),
  ),
);

test.each(remedied)(
  '$fix: without it $name $variant is not clean',
  ({ scenario, variant, fix }) => {
    const stated = scenario.variants[variant]!;
    expect(stated.expect).toEqual([]);
    const mutations = stated.mutations.filter((name) => name !== fix);
    const world = new World(
      { ...scenario, variants: { [variant]: { ...stated, mutations } } },
      { variant },
    );
    const outcome = explore(world, {
      strategy: defaultPlan({ seed: 1 }),
      runsMax: RUNS_MAX,
      isFound: isFound(stated),
    });
    expect(outcome.verdict).toBe('failure');
  },
);
