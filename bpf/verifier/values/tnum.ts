/**
 * Tristate numbers: of each of 64 bits it is known that it is 0, that it is 1, or nothing. Every
 * function gives a number that stands for at least all results of all values that its arguments
 * stand for. A value, never changed. kernel/bpf/tnum.c
 */
export class Tnum {
  /** The bits known to be 1, and so the least value it stands for. Unsigned. */
  readonly value: bigint;
  /** The bits of which nothing is known: none of them in `value`. Unsigned. */
  readonly mask: bigint;

  constructor(value: bigint, mask: bigint) {
    this.value = value;
    this.mask = mask;
  }

  get isConst(): boolean {
    return this.mask === 0n;
  }

  get isUnknown(): boolean {
    return this.mask === U64_MAX;
  }

  /** The greatest value it stands for. */
  get max(): bigint {
    return this.value | this.mask;
  }

  equals(other: Tnum): boolean {
    return this === other || (this.value === other.value && this.mask === other.mask);
  }
}

const U64_MAX = 0xffff_ffff_ffff_ffffn;
const U32_MAX = 0xffff_ffffn;
const HIGH_HALF = 0xffff_ffff_0000_0000n;

export const TNUM_UNKNOWN = new Tnum(0n, U64_MAX);
const TNUM_ZERO = new Tnum(0n, 0n);

function u64(n: bigint): bigint {
  return BigInt.asUintN(64, n);
}

/** How many bits are needed to write it. fls64() */
export function fls64(n: bigint): number {
  const high = Number(n >> 32n);
  return high === 0 ? 32 - Math.clz32(Number(n)) : 64 - Math.clz32(high);
}

/** tnum_const() */
export function tnumConst(value: bigint): Tnum {
  return new Tnum(u64(value), 0n);
}

/** All of min to max, and others that share their first bits. tnum_range() */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = fls64(min ^ max);
  if (bits > 63) return TNUM_UNKNOWN;
  const below = (1n << BigInt(bits)) - 1n;
  return new Tnum(min & ~below, below);
}

/** By a known number of bits. tnum_lshift() */
export function tnumLshift(a: Tnum, shift: number): Tnum {
  const by = BigInt(shift);
  return new Tnum(u64(a.value << by), u64(a.mask << by));
}

/** tnum_rshift() */
export function tnumRshift(a: Tnum, shift: number): Tnum {
  const by = BigInt(shift);
  return new Tnum(a.value >> by, a.mask >> by);
}

/** An unknown sign stays unknown in the bits that come in. tnum_arshift() */
export function tnumArshift(a: Tnum, shift: number, bits: 32 | 64): Tnum {
  const by = BigInt(shift);
  return new Tnum(
    BigInt.asUintN(bits, BigInt.asIntN(bits, a.value) >> by),
    BigInt.asUintN(bits, BigInt.asIntN(bits, a.mask) >> by),
  );
}

/** tnum_add() */
export function tnumAdd(a: Tnum, b: Tnum): Tnum {
  const least = a.value + b.value;
  if (a.mask === 0n && b.mask === 0n) return tnumConst(least);
  // A bit is known if it is the same whether all that is unknown is 0 or 1.
  const most = least + a.mask + b.mask;
  const unknown = u64((least ^ most) | a.mask | b.mask);
  return new Tnum(u64(least) & ~unknown, unknown);
}

/** tnum_sub() */
export function tnumSub(a: Tnum, b: Tnum): Tnum {
  const diff = a.value - b.value;
  if (a.mask === 0n && b.mask === 0n) return tnumConst(diff);
  const unknown = u64(((diff + a.mask) ^ (diff - b.mask)) | a.mask | b.mask);
  return new Tnum(u64(diff) & ~unknown, unknown);
}

/** tnum_neg() */
export function tnumNeg(a: Tnum): Tnum {
  return tnumSub(TNUM_ZERO, a);
}

/** tnum_and() */
export function tnumAnd(a: Tnum, b: Tnum): Tnum {
  const ones = a.value & b.value;
  return new Tnum(ones, a.max & b.max & ~ones);
}

/** tnum_or() */
export function tnumOr(a: Tnum, b: Tnum): Tnum {
  const ones = a.value | b.value;
  return new Tnum(ones, (a.mask | b.mask) & ~ones);
}

/** tnum_xor() */
export function tnumXor(a: Tnum, b: Tnum): Tnum {
  const unknown = a.mask | b.mask;
  return new Tnum((a.value ^ b.value) & ~unknown, unknown);
}

/** As at school, an unknown digit adding or not. tnum_mul() */
export function tnumMul(a: Tnum, b: Tnum): Tnum {
  if (a.mask === 0n && b.mask === 0n) return tnumConst(a.value * b.value);
  let sum = TNUM_ZERO;
  let { value, mask } = a;
  for (let shift = 0; value !== 0n || mask !== 0n; shift++) {
    if ((value & 1n) !== 0n) sum = tnumAdd(sum, tnumLshift(b, shift));
    else if ((mask & 1n) !== 0n) sum = tnumUnion(sum, tnumAdd(sum, tnumLshift(b, shift)));
    value >>= 1n;
    mask >>= 1n;
  }
  return sum;
}

/** Whether no bit is known to be different. tnum_overlap() */
export function tnumOverlap(a: Tnum, b: Tnum): boolean {
  return ((a.value ^ b.value) & ~a.mask & ~b.mask) === 0n;
}

/** Both are true; where they contradict each other, the bit is 1. tnum_intersect() */
export function tnumIntersect(a: Tnum, b: Tnum): Tnum {
  const unknown = a.mask & b.mask;
  return new Tnum((a.value | b.value) & ~unknown, unknown);
}

/** One of them is true. tnum_union() */
export function tnumUnion(a: Tnum, b: Tnum): Tnum {
  const unknown = (a.value ^ b.value) | a.mask | b.mask;
  return new Tnum(a.value & b.value & ~unknown, unknown);
}

/** The low bytes, zero-extended. tnum_cast() */
export function tnumCast(a: Tnum, bytes: number): Tnum {
  const bits = bytes * 8;
  return new Tnum(BigInt.asUintN(bits, a.value), BigInt.asUintN(bits, a.mask));
}

/** Whether it is a multiple of a power of two, or of 0. tnum_is_aligned() */
export function tnumIsAligned(a: Tnum, size: number): boolean {
  return size === 0 || (a.max & BigInt(size - 1)) === 0n;
}

/** Whether a stands for all that b stands for. tnum_in() */
export function tnumIn(a: Tnum, b: Tnum): boolean {
  if (a === b || a.mask === U64_MAX) return true;
  return (b.mask & ~a.mask) === 0n && a.value === (b.value & ~a.mask);
}

/** The low 32 bits. tnum_subreg() */
export function tnumSubreg(a: Tnum): Tnum {
  return new Tnum(a.value & U32_MAX, a.mask & U32_MAX);
}

/** tnum_clear_subreg() */
export function tnumClearSubreg(a: Tnum): Tnum {
  return new Tnum(a.value & HIGH_HALF, a.mask & HIGH_HALF);
}

/** tnum_with_subreg() */
export function tnumWithSubreg(a: Tnum, subreg: Tnum): Tnum {
  return new Tnum(
    (a.value & HIGH_HALF) | (subreg.value & U32_MAX),
    (a.mask & HIGH_HALF) | (subreg.mask & U32_MAX),
  );
}

/** tnum_const_subreg() */
export function tnumConstSubreg(a: Tnum, value: number): Tnum {
  return new Tnum((a.value & HIGH_HALF) | BigInt(value >>> 0), a.mask & HIGH_HALF);
}

/** tnum_subreg_is_const() */
export function tnumSubregIsConst(a: Tnum): boolean {
  return (a.mask & U32_MAX) === 0n;
}

function bswap(n: bigint, bits: number): bigint {
  let swapped = 0n;
  for (let at = 0; at < bits; at += 8) swapped = (swapped << 8n) | ((n >> BigInt(at)) & 0xffn);
  return swapped;
}

/** The low bits with their bytes reversed. tnum_bswap16(), tnum_bswap32(), tnum_bswap64() */
export function tnumBswap(a: Tnum, bits: 16 | 32 | 64): Tnum {
  return new Tnum(bswap(a.value, bits), bswap(a.mask, bits));
}

/** The least value it stands for that is greater than z; its greatest if none is. tnum_step() */
export function tnumStep(t: Tnum, z: bigint): bigint {
  const { value, mask, max } = t;
  if (z >= max) return max;
  if (z < value) return value;
  // Counts on by one in the unknown bits: the known ones are filled up so that the carry passes.
  const past = z - value;
  const known = past & ~mask;
  const below = (1n << BigInt(fls64(known))) - 1n;
  return value | (u64((past | below | (mask ^ U64_MAX)) + 1n) & mask);
}
