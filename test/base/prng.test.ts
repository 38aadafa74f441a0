import { expect, test } from 'vitest';
import { Prng } from '../../base/prng.ts';

const draw = (prng: Prng, count: number): number[] =>
  Array.from({ length: count }, () => prng.next32());

test('a seed gives the numbers that it always gave', () => {
  expect(draw(new Prng('random 1 0'), 4)).toMatchInlineSnapshot(`
    [
      2096059399,
      3267489708,
      3539230496,
      49939802,
    ]
  `);
  expect(draw(new Prng(1), 2)).toEqual(draw(new Prng('1'), 2));
  expect(
    Array.from(
      { length: 8 },
      (
        (p) => () =>
          p.below(10)
      )(new Prng(7)),
    ),
  ).toMatchInlineSnapshot(`
    [
      3,
      0,
      1,
      5,
      1,
      1,
      3,
      3,
    ]
  `);
  const cards = [1, 2, 3, 4, 5, 6];
  new Prng('cards').shuffle(cards);
  expect(cards).toMatchInlineSnapshot(`
    [
      4,
      2,
      1,
      5,
      3,
      6,
    ]
  `);
  expect(draw(new Prng(1).split('faults'), 2)).toMatchInlineSnapshot(`
    [
      1943699305,
      2823298511,
    ]
  `);
});

test('a split stream hangs on seed and name, not on what was drawn', () => {
  const fresh = draw(new Prng(5).split('faults'), 10);
  const used = new Prng(5);
  draw(used, 100);
  used.split('other').below(3);
  expect(draw(used.split('faults'), 10)).toEqual(fresh);
  expect(draw(new Prng(5).split('fault'), 10)).not.toEqual(fresh);
  expect(draw(new Prng(5), 10)).not.toEqual(fresh);
  expect(draw(new Prng(6).split('faults'), 10)).not.toEqual(fresh);
});

/** Sum of (seen - expected)^2 / expected. Above 30.1 for 9 degrees once in 2,300 fair streams. */
function chiSquare(values: Iterable<number>, buckets: number): number {
  const counts = Array.from({ length: buckets }, () => 0);
  let total = 0;
  for (const value of values) {
    counts[value]!++;
    total++;
  }
  const expected = total / buckets;
  return counts.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
}

test('the first draws of neighbouring seeds are as even as those of one stream', () => {
  for (let place = 0; place < 4; place++) {
    const across = Array.from({ length: 10_000 }, (_, run) => {
      const prng = new Prng(`random 1 ${run}`);
      for (let i = 0; i < place; i++) prng.next32();
      return prng.below(10);
    });
    expect(chiSquare(across, 10)).toBeLessThan(30.1);
    // Neighbours are independent too: pairs of consecutive runs fill a 3 x 3 table evenly.
    const pairs = across.slice(1).map((value, i) => (value % 3) * 3 + (across[i]! % 3));
    const thirds = pairs.filter((_, i) => across[i]! < 9 && across[i + 1]! < 9);
    expect(chiSquare(thirds, 9)).toBeLessThan(30.1);
  }
  const prng = new Prng('one');
  expect(
    chiSquare(
      Array.from({ length: 10_000 }, () => prng.below(10)),
      10,
    ),
  ).toBeLessThan(30.1);
});

test('below() keeps its bounds, at the ends as well', () => {
  const prng = new Prng('bounds');
  for (const count of [1, 2, 3, 255, 2 ** 31, 2 ** 32]) {
    for (let i = 0; i < 1_000; i++) {
      const value = prng.below(count);
      expect(value >= 0 && value < count && Number.isInteger(value)).toBe(true);
    }
  }
  expect(() => prng.below(0)).toThrow('below(0)');
  expect(() => prng.below(2 ** 33)).toThrow('expected 1 to 2^32');
});

test('shuffling reaches every order about equally often', () => {
  const prng = new Prng('orders');
  const orders = Array.from({ length: 6_000 }, () => {
    const cards = [0, 1, 2];
    prng.shuffle(cards);
    return ['012', '021', '102', '120', '201', '210'].indexOf(cards.join(''));
  });
  expect(chiSquare(orders, 6)).toBeLessThan(30.1);
});
