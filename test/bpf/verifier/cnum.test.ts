import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as c from '../../../bpf/verifier/values/cnum.ts';
import { Cnum32, Cnum64 } from '../../../bpf/verifier/values/cnum.ts';
import { anyNumber, low, u64 } from '../../kit/scalars.ts';

/**
 * A circle of sixteen cells, of 2**60 or 2**28 numbers each: all ranges of whole cells. A cell is
 * looked at by its first and its last number.
 */
const CELLS = 16;

interface Width<R, N> {
  readonly bits: 32 | 64;
  readonly range: (base: bigint, size: bigint) => R;
  readonly number: (n: bigint) => N;
  readonly intersect: (a: R, b: R) => R;
  readonly add: (a: R, b: R) => R;
  readonly negate: (a: R) => R;
  readonly isSubset: (outer: R, inner: R) => boolean;
  readonly fromUrange: (min: N, max: N) => R;
  readonly fromSrange: (min: N, max: N) => R;
}

const wide: Width<Cnum64, bigint> = {
  bits: 64,
  range: (base, size) => new Cnum64(base, size),
  number: (n) => n,
  intersect: c.cnum64Intersect,
  add: c.cnum64Add,
  negate: c.cnum64Negate,
  isSubset: c.cnum64IsSubset,
  fromUrange: c.cnum64FromUrange,
  fromSrange: c.cnum64FromSrange,
};
const narrow: Width<Cnum32, number> = {
  bits: 32,
  range: (base, size) => new Cnum32(Number(base), Number(size)),
  number: Number,
  intersect: c.cnum32Intersect,
  add: c.cnum32Add,
  negate: c.cnum32Negate,
  isSubset: c.cnum32IsSubset,
  fromUrange: c.cnum32FromUrange,
  fromSrange: c.cnum32FromSrange,
};

interface Range<N> {
  readonly isEmpty: boolean;
  readonly umin: N;
  readonly umax: N;
  readonly smin: N;
  readonly smax: N;
  contains(n: N): boolean;
}

function suite<R extends Range<N>, N extends number | bigint>(width: Width<R, N>): void {
  const { bits } = width;
  const cell = 1n << BigInt(bits - 4);
  const cut = (n: bigint): bigint => BigInt.asUintN(bits, n);
  const ends = (i: number): N[] =>
    [BigInt(i) * cell, (BigInt(i) + 1n) * cell - 1n].map((n) => width.number(cut(n)));
  const arcs = Array.from({ length: CELLS * CELLS }, (_, i) => {
    const [first, more] = [i % CELLS, Math.floor(i / CELLS)];
    // The whole circle has one form.
    const base = more === CELLS - 1 ? 0n : BigInt(first) * cell;
    const cells = Array.from({ length: more + 1 }, (__, k) => (first + k) % CELLS);
    return { r: width.range(base, (BigInt(more) + 1n) * cell - 1n), cells };
  });
  const hasAll = (r: R, cells: readonly number[]): boolean =>
    cells.every((i) => ends(i).every((n) => r.contains(n)));

  test('contains its cells and no others', () => {
    for (const { r, cells } of arcs) {
      const inside = Array.from({ length: CELLS }, (_, i) => ends(i).every((n) => r.contains(n)));
      expect(inside).toEqual(inside.map((_, i) => cells.includes(i)));
    }
  });

  test('intersection has all that is in both; an empty one nothing', () => {
    for (const { r: a, cells: ofA } of arcs) {
      for (const { r: b, cells: ofB } of arcs) {
        const both = ofA.filter((i) => ofB.includes(i));
        const r = width.intersect(a, b);
        if (r.isEmpty !== (both.length === 0) || !hasAll(r, both)) {
          expect({ a, b, r }).toBe(both);
        }
      }
    }
  });

  test('subsets', () => {
    for (const { r: a, cells: ofA } of arcs) {
      for (const { r: b, cells: ofB } of arcs) {
        const isSubset = width.isSubset(a, b);
        if (isSubset !== ofB.every((i) => ofA.includes(i))) expect({ a, b }).toBe(!isSubset);
      }
    }
  });

  test('sums and negatives', () => {
    for (const { r: a, cells: ofA } of arcs) {
      const first = ofA[0]!;
      const last = first + ofA.length;
      for (const x of [BigInt(first) * cell, BigInt(last) * cell - 1n]) {
        expect(width.negate(a).contains(width.number(cut(-x)))).toBe(true);
        for (const { r: b, cells: ofB } of arcs) {
          const start = ofB[0]!;
          const sum = width.add(a, b);
          for (const y of [BigInt(start) * cell, BigInt(start + ofB.length) * cell - 1n]) {
            if (!sum.contains(width.number(cut(x + y)))) expect({ a, b, sum }).toBe(x + y);
          }
        }
      }
    }
  });

  test('bounds are those of its numbers, or all if it wraps', () => {
    for (const { r, cells } of arcs) {
      for (const n of cells.flatMap(ends)) {
        const big = BigInt(n);
        const signed = width.number(BigInt.asIntN(bits, big));
        const isIn = n >= r.umin && n <= r.umax && signed >= r.smin && signed <= r.smax;
        if (!isIn) expect({ r, n }).toBe('in its bounds');
      }
      if (cells.at(-1)! >= cells[0]!) {
        expect(width.fromUrange(r.umin, r.umax)).toEqual(r);
      }
    }
    const half = width.number(-(1n << BigInt(bits - 1)));
    const most = width.number((1n << BigInt(bits - 1)) - 1n);
    expect(width.fromSrange(half, most)).toEqual(width.range(0n, cut(-1n)));
  });
}

describe('64 bits', () => suite(wide));
describe('32 bits', () => suite(narrow));

describe('both widths', () => {
  // Numbers in steps of 2**29: eight to a round of the low half.
  const STEP = 1n << 29n;
  const ROUND = 8;

  test('the low half of a range', () => {
    for (let base = 0; base < 2 * ROUND; base++) {
      for (let size = 0; size < 2 * ROUND; size++) {
        const a = new Cnum64(u64(BigInt(base - ROUND) * STEP), BigInt(size) * STEP);
        const r = c.cnum32FromCnum64(a);
        for (let i = 0; i <= size; i++) {
          expect(r.contains(low(a.base + BigInt(i) * STEP))).toBe(true);
        }
      }
    }
  });

  test('a range cut by what its low half can be', () => {
    let cuts = 0;
    for (let base = 0; base < 2 * ROUND; base++) {
      for (let size = 0; size < 3 * ROUND; size++) {
        const a = new Cnum64(u64(BigInt(base - ROUND) * STEP), BigInt(size) * STEP);
        const numbers = Array.from({ length: size + 1 }, (_, i) => u64(a.base + BigInt(i) * STEP));
        for (let i = 0; i < ROUND * ROUND; i++) {
          const b = new Cnum32((i % ROUND) * Number(STEP), Math.floor(i / ROUND) * Number(STEP));
          const r = c.cnum64Cnum32Intersect(a, b);
          if (r.size < a.size) cuts++;
          for (const n of numbers) {
            if (b.contains(low(n)) && !r.contains(n)) expect({ a, b, r }).toBe(n);
          }
          if (!r.isEmpty) expect(c.cnum64IsSubset(a, r)).toBe(true);
        }
      }
    }
    expect(cuts).toBeGreaterThan(1000);
  });

  test('random ranges', () => {
    const anyRange = fc
      .tuple(anyNumber, anyNumber, fc.integer({ min: 0, max: 64 }))
      .map(([base, size, bits]) => new Cnum64(base, BigInt.asUintN(bits, size)));
    const member = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    fc.assert(
      fc.property(anyRange, anyRange, member, (a, b, at) => {
        if (a.isEmpty || b.isEmpty) return;
        const x = u64(a.base + (at % (a.size + 1n)));
        const y = u64(b.base + (at % (b.size + 1n)));
        expect(c.cnum64Add(a, b).contains(u64(x + y))).toBe(true);
        expect(c.cnum64Negate(a).contains(u64(-x))).toBe(true);
        if (b.contains(x)) expect(c.cnum64Intersect(a, b).contains(x)).toBe(true);
        const half = new Cnum32(low(y), low(b.size));
        expect(c.cnum32FromCnum64(a).contains(low(x))).toBe(true);
        if (!half.contains(low(x))) return;
        expect(c.cnum64Cnum32Intersect(a, half).contains(x)).toBe(true);
      }),
      { numRuns: 20_000, seed: 1 },
    );
  });

  test('what is empty stays empty', () => {
    const some = new Cnum64(3n, 4n);
    expect(c.cnum64Intersect(some, c.CNUM64_EMPTY).isEmpty).toBe(true);
    expect(c.cnum64Add(some, c.CNUM64_EMPTY).isEmpty).toBe(true);
    expect(c.cnum64Negate(c.CNUM64_EMPTY).isEmpty).toBe(true);
    expect(c.cnum32Add(c.CNUM32_EMPTY, new Cnum32(1, 2)).isEmpty).toBe(true);
    expect(c.cnum32Negate(c.CNUM32_EMPTY).isEmpty).toBe(true);
    expect(c.cnum32FromCnum64(c.CNUM64_EMPTY).isEmpty).toBe(true);
    expect(c.cnum64Cnum32Intersect(some, c.CNUM32_EMPTY).isEmpty).toBe(true);
    expect(c.cnum64IsSubset(some, c.CNUM64_EMPTY)).toBe(true);
    expect(c.cnum64IsSubset(c.CNUM64_EMPTY, some)).toBe(false);
    expect(c.CNUM64_EMPTY.contains(0xffff_ffff_ffff_ffffn)).toBe(false);
  });
});
