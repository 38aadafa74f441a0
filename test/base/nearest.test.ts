import { expect, test } from 'vitest';
import { nearest } from '../../base/nearest.ts';

const NAMES = ['stay', 'round-robin', 'random', 'pct', 'exhaustive'];

test.each([
  ['randon', 'random'],
  ['exaustive', 'exhaustive'],
  ['roundrobin', 'round-robin'],
  ['pcr', 'pct'],
  ['tsay', 'stay'],
  ['dpor', undefined],
  ['', undefined],
  ['r'.repeat(1_000_000), undefined],
])('%.20s means %s', (text, meant) => {
  expect(nearest(text, NAMES)).toBe(meant);
});
