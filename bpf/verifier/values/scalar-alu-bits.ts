import {
  CNUM32_UNBOUNDED,
  CNUM64_UNBOUNDED,
  Cnum32,
  type Cnum64,
  cnum32FromSrange,
  cnum32FromUrange,
  cnum64FromSrange,
  cnum64FromUrange,
  cnum64Intersect,
} from './cnum.ts';
import { Scalar } from './scalar.ts';
import { coerceRegToSize } from './scalar-cast.ts';
import {
  type Tnum,
  tnumAnd,
  tnumArshift,
  tnumBswap,
  tnumLshift,
  tnumOr,
  tnumRshift,
  tnumSubreg,
  tnumSubregIsConst,
  tnumXor,
} from './tnum.ts';

type Transfer = (dst: Scalar, src: Scalar) => Scalar;

function low(tnum: Tnum): number {
  return Number(BigInt.asUintN(32, tnum.value));
}

function lowMax(tnum: Tnum): number {
  return Number(BigInt.asUintN(32, tnum.max));
}

/** Of a bitwise result whose bits are `tnum`: the ranges, unless it is a constant. */
function bitwise(src: Scalar, tnum: Tnum, r64: () => Cnum64, r32: () => Cnum32): Scalar {
  if (tnum.isConst && src.isConst) return Scalar.of(tnum.value);
  const isLowConst = tnumSubregIsConst(tnum) && src.isConst32;
  return new Scalar(tnum, r64(), isLowConst ? new Cnum32(low(tnum), 0) : r32());
}

/** No less than its known bits, no more than either. scalar_min_max_and() */
export const and: Transfer = (dst, src) => {
  const tnum = tnumAnd(dst.tnum, src.tnum);
  const most = dst.umax < src.umax ? dst.umax : src.umax;
  return bitwise(
    src,
    tnum,
    () => cnum64FromUrange(tnum.value, most),
    () => cnum32FromUrange(low(tnum), Math.min(dst.u32max, src.u32max)),
  ).update();
};

/** No less than either, no more than all bits that may be set. scalar_min_max_or() */
export const or: Transfer = (dst, src) => {
  const tnum = tnumOr(dst.tnum, src.tnum);
  const least = dst.umin > src.umin ? dst.umin : src.umin;
  return bitwise(
    src,
    tnum,
    () => cnum64FromUrange(least, tnum.max),
    () => cnum32FromUrange(Math.max(dst.u32min, src.u32min), lowMax(tnum)),
  ).update();
};

/** scalar_min_max_xor() */
export const xor: Transfer = (dst, src) => {
  const tnum = tnumXor(dst.tnum, src.tnum);
  return bitwise(
    src,
    tnum,
    () => cnum64FromUrange(tnum.value, tnum.max),
    () => cnum32FromUrange(low(tnum), lowMax(tnum)),
  );
};

// Shifts are by a constant below the width: scalar-alu.ts sees to that.

/** The low half's range after a shift to the left. __scalar32_min_max_lsh() */
function lshRange32({ r32 }: Scalar, by: number): Cnum32 {
  if (by > 31 || r32.umax > 2 ** (31 - by)) return CNUM32_UNBOUNDED;
  return cnum32FromUrange(r32.umin * 2 ** by, r32.umax * 2 ** by);
}

/** __scalar64_min_max_lsh() */
function lshRange64(s: Scalar, by: bigint): Cnum64 {
  const { umin, umax } = s;
  const fits = umax <= 1n << (63n - by);
  const r64 = fits ? cnum64FromUrange(umin << by, umax << by) : CNUM64_UNBOUNDED;
  if (by !== 32n) return r64;
  // How compilers begin to sign-extend the low half: its signed order is kept.
  const signed = cnum64FromSrange(BigInt(s.s32min) << 32n, BigInt(s.s32max) << 32n);
  return cnum64Intersect(r64, signed);
}

/** scalar32_min_max_lsh() */
export const lsh32: Transfer = (dst, src) => {
  const by = src.u32min;
  const tnum = tnumSubreg(tnumLshift(tnumSubreg(dst.tnum), by));
  return new Scalar(tnum, CNUM64_UNBOUNDED, lshRange32(dst, by)).update32();
};

/** scalar_min_max_lsh() */
export const lsh64: Transfer = (dst, src) => {
  const by = src.umin;
  const tnum = tnumLshift(dst.tnum, Number(by));
  return new Scalar(tnum, lshRange64(dst, by), lshRange32(dst, Number(by))).update();
};

/** scalar32_min_max_rsh() */
export const rsh32: Transfer = (dst, src) => {
  const by = src.u32min;
  const tnum = tnumRshift(tnumSubreg(dst.tnum), by);
  const r32 = cnum32FromUrange(dst.u32min >>> by, dst.u32max >>> by);
  return new Scalar(tnum, CNUM64_UNBOUNDED, r32).update32();
};

/** What comes into the low half is only known by its bits. scalar_min_max_rsh() */
export const rsh64: Transfer = (dst, src) => {
  const by = src.umin;
  const tnum = tnumRshift(dst.tnum, Number(by));
  const r64 = cnum64FromUrange(dst.umin >> by, dst.umax >> by);
  return new Scalar(tnum, r64, CNUM32_UNBOUNDED).update();
};

/** scalar32_min_max_arsh() */
export const arsh32: Transfer = (dst, src) => {
  const by = src.u32min;
  const tnum = tnumArshift(tnumSubreg(dst.tnum), by, 32);
  const r32 = cnum32FromSrange(dst.s32min >> by, dst.s32max >> by);
  return new Scalar(tnum, CNUM64_UNBOUNDED, r32).update32();
};

/** scalar_min_max_arsh() */
export const arsh64: Transfer = (dst, src) => {
  const by = src.umin;
  const tnum = tnumArshift(dst.tnum, Number(by), 64);
  const r64 = cnum64FromSrange(dst.smin >> by, dst.smax >> by);
  return new Scalar(tnum, r64, CNUM32_UNBOUNDED).update();
};

/** Bytes reversed, cut to the width, or both; the machine is little-endian. scalar_byte_swap() */
export function byteSwap(dst: Scalar, to: 'le' | 'be' | 'bswap', bits: 16 | 32 | 64): Scalar {
  const isSwapped = to !== 'le';
  const s = isSwapped ? dst.withTnum(tnumBswap(dst.tnum, bits)).unbounded() : dst;
  return (bits === 64 ? s : coerceRegToSize(s, bits / 8)).sync();
}
