import { CNUM32_UNBOUNDED, cnum32FromSrange, cnum64FromSrange, cnum64FromUrange } from './cnum.ts';
import { Scalar } from './scalar.ts';
import { TNUM_UNKNOWN, Tnum, tnumCast, tnumConst, tnumRange, tnumSubreg } from './tnum.ts';

const LOW_HALF = new Tnum(0n, 0xffff_ffffn);

/** The low half, the high one being 0; not synced. zext_32_to_64() */
export function zext32To64(s: Scalar): Scalar {
  const { r32 } = s;
  if (s.isConst && r32.isConst) return Scalar.of(BigInt(r32.base));
  const r64 = cnum64FromUrange(BigInt(r32.umin), BigInt(r32.umax));
  return new Scalar(tnumSubreg(s.tnum), r64, r32);
}

/** The low bytes (1, 2 or 4), zero-extended. coerce_reg_to_size() */
export function coerceRegToSize(s: Scalar, size: number): Scalar {
  const bits = size * 8;
  const { umin, umax } = s;
  const by = BigInt(bits);
  const r64 =
    umin >> by === umax >> by
      ? cnum64FromUrange(BigInt.asUintN(bits, umin), BigInt.asUintN(bits, umax))
      : cnum64FromUrange(0n, (1n << by) - 1n);
  return new Scalar(tnumCast(s.tnum, size), r64, size < 4 ? CNUM32_UNBOUNDED : s.r32).sync();
}

/** The low bytes (1, 2 or 4), sign-extended to 64 bits. coerce_reg_to_size_sx() */
export function coerceRegToSizeSx(s: Scalar, size: number): Scalar {
  const bits = size * 8;
  if (s.isConst) return Scalar.of(BigInt.asIntN(bits, s.value));
  const { smin, smax } = s;
  const by = BigInt(bits);
  const first = BigInt.asIntN(bits, smin);
  const last = BigInt.asIntN(bits, smax);
  if (smin >> by === smax >> by && first < 0n === last < 0n) {
    const [min, max] = first < last ? [first, last] : [last, first];
    const r32 = cnum32FromSrange(Number(min), Number(max));
    const tnum = tnumRange(BigInt.asUintN(64, min), BigInt.asUintN(64, max));
    return new Scalar(tnum, cnum64FromSrange(min, max), r32);
  }
  const half = 1n << (by - 1n);
  const r32 = cnum32FromSrange(Number(-half), Number(half - 1n));
  return new Scalar(TNUM_UNKNOWN, cnum64FromSrange(-half, half - 1n), r32);
}

/**
 * The low bytes (1 or 2), sign-extended to 32 bits; the 64-bit range stays: zext32To64() and a
 * sync follow. coerce_subreg_to_size_sx()
 */
export function coerceSubregToSizeSx(s: Scalar, size: number): Scalar {
  const bits = size * 8;
  if (s.isConst) {
    const value = BigInt.asIntN(bits, s.value);
    const r32 = cnum32FromSrange(Number(value), Number(value));
    return new Scalar(tnumConst(value), s.r64, r32);
  }
  const { s32min, s32max } = s;
  const drop = 32 - bits;
  const first = (s32min << drop) >> drop;
  const last = (s32max << drop) >> drop;
  if (s32min >> bits === s32max >> bits && first < 0 === last < 0) {
    const min = Math.min(first, last);
    const max = Math.max(first, last);
    const tnum = tnumRange(BigInt(min >>> 0), BigInt(max >>> 0));
    return new Scalar(tnum, s.r64, cnum32FromSrange(min, max));
  }
  const half = 1 << (bits - 1);
  return new Scalar(LOW_HALF, s.r64, cnum32FromSrange(-half, half - 1));
}
