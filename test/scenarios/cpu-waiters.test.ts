import { expect, test } from 'vitest';
import cpuWaiters from '../../scenarios/writes/cpu-waiters.ts';
import { World } from '../../scenarios/world.ts';
import { Stay } from '../../sim/strategies/stay.ts';

const variants = Object.keys(cpuWaiters.variants);

test.each(variants)('05 R1: with %s the running process is told, by one load', (variant) => {
  const world = new World(cpuWaiters, { variant, mode: 'timed' });
  const plan = new Stay();
  plan.begin(0);
  const { failures } = world.run(plan);
  expect(failures.map(({ text }) => text)).toEqual([]);
  expect(world.notes.get('told')).toBe(true);
});
