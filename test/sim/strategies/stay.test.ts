import { expect, test } from 'vitest';
import { Stay } from '../../../sim/strategies/stay.ts';
import { independent, runOnce } from '../../kit/toy.ts';

test('each task runs to its end in turn, once', () => {
  const orders: (readonly number[])[] = [];
  const model = independent([2, 2, 2], (order) => orders.push([...order]));
  expect(runOnce(model, new Stay()).schedule).toEqual({ at: [], skip: [] });
  expect(orders).toEqual([[0, 0, 1, 1, 2, 2]]);
  expect(new Stay().begin(1)).toBe(false);
});
