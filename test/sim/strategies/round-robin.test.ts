import { expect, test } from 'vitest';
import { RoundRobin } from '../../../sim/strategies/round-robin.ts';
import { independent, runOnce } from '../../kit/toy.ts';

test('each step is another task than the last, in the order of their numbers', () => {
  const orders: (readonly number[])[] = [];
  const model = independent([3, 1, 2], (order) => orders.push([...order]));
  const strategy = new RoundRobin();
  runOnce(model, strategy);
  runOnce(model, strategy);
  expect(orders).toEqual([
    [0, 1, 2, 0, 2, 0],
    [0, 1, 2, 0, 2, 0],
  ]);
  expect(strategy.begin(1)).toBe(false);
});
