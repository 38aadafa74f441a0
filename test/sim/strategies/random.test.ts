import { expect, test } from 'vitest';
import { Random } from '../../../sim/strategies/random.ts';
import { independent, madeUp, runOnce, spell } from '../../kit/toy.ts';

test('fixed seeds give the schedules that they always gave', () => {
  const model = independent([4, 4, 4]);
  const schedules = [0, 1, 2].map((run) => spell(runOnce(model, new Random(1), run).schedule));
  expect(schedules).toMatchInlineSnapshot(`
    [
      "0:1 1:1 3:1 4:2 6:1 7:1 8:1",
      "0:2 1:1 2:2 3:2 4:1 8:1 9:1",
      "1:2 2:1 5:1 7:1 8:1",
    ]
  `);
});

test('a run hangs on seed and number alone, not on the runs before', () => {
  const model = madeUp(3, 6);
  const one = new Random(9);
  const hashes = [0, 1, 2, 3].map((run) => runOnce(model, one, run).traceHash);
  expect(runOnce(model, new Random(9), 3).traceHash).toBe(hashes[3]);
  expect(runOnce(model, new Random(9), 1).traceHash).toBe(hashes[1]);
  expect(new Set(hashes).size).toBe(4);
});

test('reaches every interleaving of two tasks with three steps', () => {
  const orders = new Set<string>();
  const model = independent([3, 3], (order) => orders.add(order.join('')));
  const random = new Random(1);
  // The rarest of the 20 have probability 2^-5: one is missed with probability 20 * e^-31.
  for (let run = 0; run < 1_000; run++) runOnce(model, random, run);
  expect(orders.size).toBe(20);
});
