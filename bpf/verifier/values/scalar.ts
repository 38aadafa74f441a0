import {
  CNUM32_UNBOUNDED,
  CNUM64_UNBOUNDED,
  Cnum32,
  Cnum64,
  S32_MAX,
  S32_MIN,
  U64_MAX,
  cnum32FromCnum64,
  cnum32FromSrange,
  cnum32FromUrange,
  cnum32Intersect,
  cnum64Cnum32Intersect,
  cnum64FromSrange,
  cnum64FromUrange,
  cnum64Intersect,
} from './cnum.ts';
import { TNUM_UNKNOWN, Tnum, tnumConstSubreg, tnumIntersect, tnumRange, tnumStep } from './tnum.ts';

/** Constants from -INTERNED to INTERNED exist once. */
const INTERNED_MAX = 512;
const INTERNED = BigInt(INTERNED_MAX);
const SIGN = 0x8000_0000_0000_0000n;
const HIGH_HALF = 0xffff_ffff_0000_0000n;
const LOW_HALF = 0xffff_ffffn;

/**
 * What is known of a 64-bit value: its bits, its range, and the range of its low half. Each knows
 * things that the others cannot say; `sync()` tells each what follows from the others. A value,
 * never changed. The fields var_off, r64 and r32 of struct bpf_reg_state
 */
export class Scalar {
  readonly tnum: Tnum;
  readonly r64: Cnum64;
  readonly r32: Cnum32;

  constructor(tnum: Tnum, r64: Cnum64, r32: Cnum32) {
    this.tnum = tnum;
    this.r64 = r64;
    this.r32 = r32;
  }

  static readonly UNKNOWN: Scalar = new Scalar(TNUM_UNKNOWN, CNUM64_UNBOUNDED, CNUM32_UNBOUNDED);

  static readonly #small: Scalar[] = Array.from({ length: INTERNED_MAX * 2 + 1 }, (_, i) =>
    Scalar.#newConst(BigInt.asUintN(64, BigInt(i) - INTERNED)),
  );

  static readonly ZERO: Scalar = Scalar.of(0n);

  /** A constant, signed or not. ___mark_reg_known() */
  static of(value: bigint): Scalar {
    const signed = BigInt.asIntN(64, value);
    if (signed >= -INTERNED && signed <= INTERNED) return Scalar.#small[Number(signed + INTERNED)]!;
    return Scalar.#newConst(BigInt.asUintN(64, value));
  }

  /** The same of a number that is whole and exact. */
  static ofNumber(value: number): Scalar {
    if (Math.abs(value) <= INTERNED_MAX) return Scalar.#small[value + INTERNED_MAX]!;
    return Scalar.#newConst(BigInt.asUintN(64, BigInt(value)));
  }

  static #newConst(value: bigint): Scalar {
    const low = Number(BigInt.asUintN(32, value));
    return new Scalar(new Tnum(value, 0n), new Cnum64(value, 0n), new Cnum32(low, 0));
  }

  /** Of unsigned numbers from min to max. */
  static urange(min: bigint, max: bigint): Scalar {
    return Scalar.UNKNOWN.withUrange64(min, max).sync();
  }

  /** Of signed numbers from min to max. */
  static srange(min: bigint, max: bigint): Scalar {
    return Scalar.UNKNOWN.withSrange64(min, max).sync();
  }

  /** tnum_is_const(reg->var_off) */
  get isConst(): boolean {
    return this.tnum.mask === 0n;
  }

  /** tnum_subreg_is_const(reg->var_off) */
  get isConst32(): boolean {
    return (this.tnum.mask & LOW_HALF) === 0n;
  }

  /** Of a constant: which, unsigned. reg->var_off.value */
  get value(): bigint {
    return this.tnum.value;
  }

  /** Of a constant: which, signed. */
  get svalue(): bigint {
    return BigInt.asIntN(64, this.tnum.value);
  }

  /** Of a constant that is an offset: which, signed. */
  get num(): number {
    return Number(BigInt.asIntN(64, this.tnum.value));
  }

  /** Of a constant: the low half, unsigned. */
  get value32(): number {
    return Number(BigInt.asUintN(32, this.tnum.value));
  }

  /** reg_umin() */
  get umin(): bigint {
    return this.r64.umin;
  }

  /** reg_umax() */
  get umax(): bigint {
    return this.r64.umax;
  }

  /** reg_smin() */
  get smin(): bigint {
    return this.r64.smin;
  }

  /** reg_smax() */
  get smax(): bigint {
    return this.r64.smax;
  }

  /** reg_u32_min() */
  get u32min(): number {
    return this.r32.umin;
  }

  /** reg_u32_max() */
  get u32max(): number {
    return this.r32.umax;
  }

  /** reg_s32_min() */
  get s32min(): number {
    return this.r32.smin;
  }

  /** reg_s32_max() */
  get s32max(): number {
    return this.r32.smax;
  }

  /** Nothing at all is known. __is_scalar_unbounded() */
  get isUnbounded(): boolean {
    return this.tnum.isUnknown && this.r64.equals(CNUM64_UNBOUNDED);
  }

  /** No value fits: one range is empty. range_bounds_violation() */
  get isImpossible(): boolean {
    return this.r64.isEmpty || this.r32.isEmpty;
  }

  equals(other: Scalar): boolean {
    return (
      this === other ||
      (this.tnum.equals(other.tnum) && this.r64.equals(other.r64) && this.r32.equals(other.r32))
    );
  }

  withTnum(tnum: Tnum): Scalar {
    return tnum.equals(this.tnum) ? this : new Scalar(tnum, this.r64, this.r32);
  }

  withR64(r64: Cnum64): Scalar {
    return r64.equals(this.r64) ? this : new Scalar(this.tnum, r64, this.r32);
  }

  withR32(r32: Cnum32): Scalar {
    return r32.equals(this.r32) ? this : new Scalar(this.tnum, this.r64, r32);
  }

  /** Unsigned bounds in place of the range. reg_set_urange64() */
  withUrange64(min: bigint, max: bigint): Scalar {
    return this.withR64(cnum64FromUrange(min, max));
  }

  /** reg_set_srange64() */
  withSrange64(min: bigint, max: bigint): Scalar {
    return this.withR64(cnum64FromSrange(min, max));
  }

  /** reg_set_urange32() */
  withUrange32(min: number, max: number): Scalar {
    return this.withR32(cnum32FromUrange(min, max));
  }

  /** reg_set_srange32() */
  withSrange32(min: number, max: number): Scalar {
    return this.withR32(cnum32FromSrange(min, max));
  }

  /** The low half is a constant, the high half as it was; not synced. __mark_reg32_known() */
  with32Known(value: number): Scalar {
    const r32 = new Cnum32(value >>> 0, 0);
    return new Scalar(tnumConstSubreg(this.tnum, value), this.r64, r32);
  }

  /** Both ranges forgotten, not the bits. __mark_reg_unbounded() */
  unbounded(): Scalar {
    return new Scalar(this.tnum, CNUM64_UNBOUNDED, CNUM32_UNBOUNDED);
  }

  /** Nothing known of the bits and of the 64-bit range. reset_reg64_and_tnum() */
  static only32(r32: Cnum32): Scalar {
    return new Scalar(TNUM_UNKNOWN, CNUM64_UNBOUNDED, r32);
  }

  /** Nothing known of the bits and of the 32-bit range. reset_reg32_and_tnum() */
  static only64(r64: Cnum64): Scalar {
    return new Scalar(TNUM_UNKNOWN, r64, CNUM32_UNBOUNDED);
  }

  /** What follows for the 32-bit range from the bits. __update_reg32_bounds() */
  update32(): Scalar {
    return this.withR32(cnum32Intersect(this.r32, cnum32FromTnum(this.tnum)));
  }

  /** What follows for the ranges from the bits. __update_reg_bounds() */
  update(): Scalar {
    return rangesFromBits(this);
  }

  /** What follows for bits and ranges from each other. reg_bounds_sync() */
  sync(): Scalar {
    if (this.isImpossible || isSyncedConst(this)) return this;
    const s = rangesFromBits(this);
    if (isSyncedConst(s)) return s;
    // Twice: the first may teach the 32-bit range what helps the 64-bit one.
    const ranges = rangesFromEachOther(rangesFromEachOther(s));
    const bits = bitsFromRanges(ranges);
    return bits === s ? s : rangesFromBits(bits);
  }
}

/** Nothing more can follow: all three say the same one value. */
function isSyncedConst({ tnum, r64, r32 }: Scalar): boolean {
  return (
    tnum.mask === 0n &&
    r64.size === 0n &&
    r32.size === 0 &&
    r64.base === tnum.value &&
    r32.base === Number(BigInt.asUintN(32, tnum.value))
  );
}

/** From the least to the greatest with the unknown bits free. cnum32_from_tnum() */
function cnum32FromTnum(tnum: Tnum): Cnum32 {
  const value = low(tnum.value);
  const mask = low(tnum.mask);
  // The sign bit counts the other way: least with it set, greatest without.
  if ((value | mask) >= 0) return cnum32FromUrange(value, value | mask);
  return cnum32FromSrange(value | (mask & S32_MIN), value | (mask & S32_MAX));
}

/** cnum64_from_tnum() */
function cnum64FromTnum(tnum: Tnum): Cnum64 {
  if (tnum.isUnknown) return CNUM64_UNBOUNDED;
  const { value, mask, max } = tnum;
  if (max < SIGN) return cnum64FromUrange(value, max);
  return cnum64FromSrange(value | (mask & SIGN), value | (mask & (SIGN - 1n)));
}

/** The low half, signed. */
function low(n: bigint): number {
  return Number(BigInt.asIntN(32, n));
}

/** __update_reg_bounds() */
function rangesFromBits(s: Scalar): Scalar {
  const { tnum } = s;
  const r32 = cnum32Intersect(s.r32, cnum32FromTnum(tnum));
  const r64 = cnum64Intersect(s.r64, cnum64FromTnum(tnum));
  const only = onlyCommonValue(tnum, r64);
  if (only !== undefined) return Scalar.of(only);
  return r32.equals(s.r32) && r64.equals(s.r64) ? s : new Scalar(tnum, r64, r32);
}

/** The one value that is in an unsigned range and of a tnum, if there is just one. */
function onlyCommonValue(tnum: Tnum, { umin, umax }: Cnum64): bigint | undefined {
  if (tnum.isUnknown) return umin === umax && umin !== U64_MAX ? umin : undefined;
  const isCommon = (umin & ~tnum.mask) === tnum.value;
  // The next one, most often: its last bit is free.
  if (isCommon && (tnum.mask & ~umin & 1n) === 1n && umin < umax) return undefined;
  const next = tnumStep(tnum, umin);
  if (isCommon) return next > umax ? umin : undefined;
  if (next === tnum.max) return next;
  return next <= umax && tnumStep(tnum, next) > umax ? next : undefined;
}

/** __reg_deduce_bounds() */
function rangesFromEachOther(s: Scalar): Scalar {
  const r32 = cnum32Intersect(s.r32, cnum32FromCnum64(s.r64));
  const r64 = cnum64Cnum32Intersect(s.r64, r32);
  return r32.equals(s.r32) && r64.equals(s.r64) ? s : new Scalar(s.tnum, r64, r32);
}

/** __reg_bound_offset() */
function bitsFromRanges(s: Scalar): Scalar {
  const { umin, umax } = s.r64;
  const isUnbounded = umax === U64_MAX && umin === 0n;
  const whole = isUnbounded ? s.tnum : tnumIntersect(s.tnum, tnumRange(umin, umax));
  return s.withTnum(lowBitsFromRange(whole, s.r32));
}

/** The high half as it is; the low half by its range too. */
function lowBitsFromRange(tnum: Tnum, { umin, umax }: Cnum32): Tnum {
  const free = 2 ** (32 - Math.clz32(umin ^ umax)) - 1; // where numbers of the range differ
  const value = low(tnum.value);
  const mask = low(tnum.mask);
  const both = mask & free;
  const known = (value | (umin & ~free)) & ~both;
  if (both === mask && known === value) return tnum;
  return new Tnum(withLow(tnum.value, known), withLow(tnum.mask, both));
}

function withLow(n: bigint, half: number): bigint {
  return (n & HIGH_HALF) | BigInt(half >>> 0);
}
