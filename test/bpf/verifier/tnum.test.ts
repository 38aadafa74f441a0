import { describe, expect, test } from 'vitest';
import * as t from '../../../bpf/verifier/values/tnum.ts';
import { Tnum } from '../../../bpf/verifier/values/tnum.ts';
import { allTnums, isOf, membersOf, u64 } from '../../kit/scalars.ts';

/** At the low end, and at the high end, where results are cut off. */
const BITS = 4;
const SHIFTS = [0, 64 - BITS];

type Binary = readonly [
  name: string,
  of: (a: Tnum, b: Tnum) => Tnum,
  concrete: (x: bigint, y: bigint) => bigint,
];

const BINARY: readonly Binary[] = [
  ['add', t.tnumAdd, (x, y) => x + y],
  ['sub', t.tnumSub, (x, y) => x - y],
  ['and', t.tnumAnd, (x, y) => x & y],
  ['or', t.tnumOr, (x, y) => x | y],
  ['xor', t.tnumXor, (x, y) => x ^ y],
  ['mul', t.tnumMul, (x, y) => x * y],
];
/** Those for which no other result would say more. */
const EXACT = new Set(['add', 'sub', 'and', 'or', 'xor']);

/** The tnum that says the most of such numbers. */
function bestOf(numbers: readonly bigint[]): Tnum {
  let ones = numbers[0]!;
  let any = 0n;
  for (const n of numbers) {
    ones &= n;
    any |= n;
  }
  return new Tnum(ones, any & ~ones);
}

function wellFormed(tnum: Tnum): boolean {
  const isCut = u64(tnum.value) === tnum.value && u64(tnum.mask) === tnum.mask;
  return isCut && (tnum.value & tnum.mask) === 0n;
}

describe.each(SHIFTS)('all tnums of 4 bits, at bit %i', (shift) => {
  const tnums = allTnums(BITS, shift);

  test.each(BINARY)('%s', (name, of, concrete) => {
    for (const a of tnums) {
      for (const b of tnums) {
        const result = of(a, b);
        const numbers = membersOf(a).flatMap((x) => membersOf(b).map((y) => u64(concrete(x, y))));
        const best = bestOf(numbers);
        const isSound = numbers.every((n) => isOf(result, n)) && wellFormed(result);
        const isExact = !EXACT.has(name) || result.equals(best);
        if (!isSound || !isExact) expect({ a, b, result }).toEqual({ a, b, result: best });
      }
    }
  });

  test('shifts by every number', () => {
    for (const a of tnums) {
      for (let by = 0; by < 64; by++) {
        const count = BigInt(by);
        for (const n of membersOf(a)) {
          expect(isOf(t.tnumLshift(a, by), u64(n << count))).toBe(true);
          expect(isOf(t.tnumRshift(a, by), n >> count)).toBe(true);
          const shifted = u64(BigInt.asIntN(64, n) >> count);
          expect(isOf(t.tnumArshift(a, by, 64), shifted)).toBe(true);
        }
      }
    }
  });

  test('negation', () => {
    for (const a of tnums) {
      expect(t.tnumNeg(a)).toEqual(bestOf(membersOf(a).map((n) => u64(-n))));
    }
  });

  test('union, intersection, and what stands for what', () => {
    for (const a of tnums) {
      for (const b of tnums) {
        const [ofA, ofB] = [membersOf(a), membersOf(b)];
        expect(t.tnumUnion(a, b)).toEqual(bestOf([...ofA, ...ofB]));
        const both = ofA.filter((n) => isOf(b, n));
        expect(t.tnumOverlap(a, b)).toBe(both.length > 0);
        if (both.length > 0) expect(t.tnumIntersect(a, b)).toEqual(bestOf(both));
        expect(t.tnumIn(a, b)).toBe(ofB.every((n) => isOf(a, n)));
      }
    }
  });

  test('the next member', () => {
    for (const a of tnums) {
      const members = membersOf(a).toSorted((x, y) => (x < y ? -1 : 1));
      for (let i = 0; i < 1 << BITS; i++) {
        for (const off of [-1n, 0n, 1n]) {
          const z = u64((BigInt(i) << BigInt(shift)) + off);
          expect(t.tnumStep(a, z)).toBe(members.find((n) => n > z) ?? members.at(-1));
        }
      }
    }
  });

  test('the low half, and reversed bytes', () => {
    for (const a of tnums) {
      for (const n of membersOf(a)) {
        expect(isOf(t.tnumSubreg(a), BigInt.asUintN(32, n))).toBe(true);
        expect(isOf(t.tnumClearSubreg(a), n & ~0xffff_ffffn)).toBe(true);
        const withLow = t.tnumConstSubreg(a, -2);
        expect(isOf(withLow, (n & ~0xffff_ffffn) | 0xffff_fffen)).toBe(true);
        expect(isOf(t.tnumCast(a, 1), n & 0xffn)).toBe(true);
      }
    }
    const bytes = new Tnum(
      0x0102_0304_0506_0708n,
      0xff00_0000_0000_00f0n & ~0x0102_0304_0506_0708n,
    );
    expect(t.tnumBswap(bytes, 16).value).toBe(0x0807n);
    expect(t.tnumBswap(bytes, 32).value).toBe(0x0807_0605n);
    expect(t.tnumBswap(bytes, 64)).toEqual(
      new Tnum(0x0807_0605_0403_0201n, 0xf000_0000_0000_00fen),
    );
  });
});

test('arithmetic shifts of the low half', () => {
  for (const a of allTnums(4, 28)) {
    for (let by = 0; by < 32; by++) {
      for (const n of membersOf(a)) {
        const shifted = BigInt.asUintN(32, BigInt.asIntN(32, n) >> BigInt(by));
        expect(isOf(t.tnumArshift(a, by, 32), shifted)).toBe(true);
      }
    }
  }
});

test('a range has its bounds in it', () => {
  for (let min = 0n; min < 16n; min++) {
    for (let max = min; max < 16n; max++) {
      for (const shift of [0n, 29n, 60n]) {
        const range = t.tnumRange(min << shift, max << shift);
        for (let n = min; n <= max; n++) expect(isOf(range, n << shift)).toBe(true);
      }
    }
  }
  expect(t.tnumRange(0n, 1n << 63n)).toBe(t.TNUM_UNKNOWN);
  expect(t.tnumRange(5n, 5n)).toEqual(new Tnum(5n, 0n));
});

test('alignment', () => {
  expect(t.tnumIsAligned(new Tnum(8n, 16n), 8)).toBe(true);
  expect(t.tnumIsAligned(new Tnum(8n, 4n), 8)).toBe(false);
  expect(t.tnumIsAligned(new Tnum(1n, 0n), 0)).toBe(true);
});
