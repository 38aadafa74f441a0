import { expect, test } from 'vitest';
import { DESIGN_NAMES } from '../../scenarios/compare/design.ts';
import { World } from '../../scenarios/world.ts';
import cpuWaiters from '../../scenarios/writes/cpu-waiters.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Stay } from '../../sim/strategies/stay.ts';

test('05 R1: the use case has a variant for each design', () => {
  expect(Object.keys(cpuWaiters.variants)).toEqual(DESIGN_NAMES);
});

test.each(DESIGN_NAMES)('05 R1: with %s who runs is told, by one load and a compare', (variant) => {
  for (const mode of ['timed', 'explore'] as const) {
    const world = new World(cpuWaiters, { variant, mode });
    const plan = new Stay();
    plan.begin(0);
    const { failures } = world.run(plan);
    expect(failures.map(({ text }) => text)).toEqual([]);
    expect(world.notes.get('served')).toBe(2);
    expect(world.notes.get('told')).toBe(2);
  }
});

test.each(DESIGN_NAMES)('with %s nobody is told of who has had the CPU already', (variant) => {
  const world = new World(cpuWaiters, { variant });
  const strategy = new Random(1);
  const told = new Set<unknown>();
  for (let run = 0; run < 60; run++) {
    strategy.begin(run);
    expect(world.run(strategy).failures).toEqual([]);
    told.add(world.notes.get('told'));
  }
  expect(told).toContain(0); // there was a switch in between
});

test('05 R8: without the feature there is no such helper', () => {
  const mutations: readonly string[] = [];
  const regwrite = { ...cpuWaiters.variants['regwrite']!, mutations };
  const without = { ...cpuWaiters, variants: { regwrite } };
  expect(() => new World(without)).toThrow('invalid func unknown#212');
});
