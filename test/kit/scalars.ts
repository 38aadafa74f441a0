import fc from 'fast-check';
import { Cnum32, Cnum64 } from '../../bpf/verifier/values/cnum.ts';
import { Scalar } from '../../bpf/verifier/values/scalar.ts';
import { Tnum } from '../../bpf/verifier/values/tnum.ts';

// What the verifier claims of values, and values to hold it to.

export const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
export const low = (n: bigint): number => Number(BigInt.asUintN(32, n));

/** Whether a tnum stands for a number. */
export function isOf(tnum: Tnum, n: bigint): boolean {
  return ((n ^ tnum.value) & ~tnum.mask) === 0n;
}

/** Whether a scalar may be a number, unsigned. */
export function mayBe({ tnum, r64, r32 }: Scalar, n: bigint): boolean {
  return isOf(tnum, n) && r64.contains(n) && r32.contains(low(n));
}

/** All tnums of so many bits, as bits `shift` and above. */
export function allTnums(bits: number, shift = 0): Tnum[] {
  const found: Tnum[] = [];
  for (let mask = 0; mask < 1 << bits; mask++) {
    for (let value = 0; value < 1 << bits; value++) {
      if ((value & mask) !== 0) continue;
      found.push(new Tnum(BigInt(value) << BigInt(shift), BigInt(mask) << BigInt(shift)));
    }
  }
  return found;
}

/** All that a tnum of few unknown bits stands for. */
export function membersOf({ value, mask }: Tnum): bigint[] {
  const found: bigint[] = [];
  let part = 0n;
  do {
    found.push(value | part);
    part = (part - mask) & mask; // the next subset of the mask
  } while (part !== 0n);
  return found;
}

/** Where numbers of 32 and 64 bits change their sign, wrap, or have a half that does. */
const CORNERS = [0n, 1n << 31n, 1n << 32n, 1n << 63n, (1n << 63n) + (1n << 31n)];
/** Numbers around each of them. */
const AROUND = 3n;

/** Numbers around one corner, in the order of the circle. */
export function around(corner: bigint): bigint[] {
  return Array.from({ length: 2 * Number(AROUND) }, (_, i) => u64(corner - AROUND + BigInt(i)));
}

export interface Claim {
  readonly s: Scalar;
  /** Some that it may be. */
  readonly members: readonly bigint[];
}

function claim(s: Scalar, candidates: readonly bigint[]): Claim[] {
  const members = candidates.filter((n) => mayBe(s, n));
  const synced = s.sync();
  return members.length === 0 ? [] : [{ s: synced, members }];
}

/**
 * Every range around a corner, of 64 and of 32 bits, and every tnum of three bits there; all
 * synced, with all of their members that are around the corner.
 */
export function claimsAround(corner: bigint): Claim[] {
  const numbers = around(corner);
  const claims: Claim[] = [];
  numbers.forEach((first, i) => {
    for (const last of numbers.slice(i)) {
      const size = u64(last - first);
      claims.push(...claim(Scalar.UNKNOWN.withR64(new Cnum64(first, size)), numbers));
      const r32 = new Cnum32(low(first), Number(size));
      claims.push(...claim(Scalar.UNKNOWN.withR32(r32), numbers));
    }
  });
  const base = u64(corner - AROUND) & ~7n;
  for (const { value, mask } of allTnums(3)) {
    claims.push(...claim(Scalar.UNKNOWN.withTnum(new Tnum(base | value, mask)), numbers));
  }
  return claims;
}

export const corners: readonly bigint[] = CORNERS;

/** Numbers of all sizes, many of them near a corner. */
export const anyNumber: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc
    .tuple(fc.constantFrom(...CORNERS), fc.bigInt({ min: -70n, max: 70n }))
    .map(([corner, off]) => u64(corner + off)),
);

/** A size of a range: of any order of magnitude. */
const anySize = (bits: number): fc.Arbitrary<bigint> =>
  fc
    .tuple(fc.integer({ min: 0, max: bits }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }))
    .map(([wanted, n]) => BigInt.asUintN(wanted, n));

/** Something true of a number: bits, and ranges of both widths that it is in. */
export function anyClaimOf(n: bigint): fc.Arbitrary<Scalar> {
  return fc
    .record({
      mask: fc.oneof(anyNumber, fc.constant(0n), fc.constant((1n << 64n) - 1n)),
      size64: anySize(64),
      size32: anySize(32),
      at64: anySize(64),
      at32: anySize(32),
    })
    .map(({ mask, size64, size32, at64, at32 }) => {
      const base64 = u64(n - (at64 % (size64 + 1n)));
      const base32 = low(n - (at32 % (size32 + 1n)));
      return new Scalar(
        new Tnum(n & ~mask, mask),
        size64 === (1n << 64n) - 1n ? new Cnum64(0n, size64) : new Cnum64(base64, size64),
        size32 === (1n << 32n) - 1n
          ? new Cnum32(0, Number(size32))
          : new Cnum32(base32, Number(size32)),
      );
    });
}

/** A number and something true of it. */
export const anyClaim: fc.Arbitrary<{ n: bigint; s: Scalar }> = anyNumber.chain((n) =>
  anyClaimOf(n).map((s) => ({ n, s: s.sync() })),
);
