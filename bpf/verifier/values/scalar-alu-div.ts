import {
  type Cnum32,
  type Cnum64,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  cnum32FromSrange,
  cnum32FromUrange,
  cnum64FromSrange,
  cnum64FromUrange,
} from './cnum.ts';
import { Scalar } from './scalar.ts';

/**
 * Division and remainder by a constant that is not 0. What is known of the bits is lost; the
 * remainder of a range that lies below the divisor is that range. kernel/bpf/verifier.c:
 * scalar_min_max_udiv() and the seven beside it
 */
type Divide = (dst: Scalar, src: Scalar) => Scalar;

/** scalar32_min_max_udiv() */
export const udiv32: Divide = (dst, src) => {
  const by = src.u32min;
  const [min, max] = [Math.floor(dst.u32min / by), Math.floor(dst.u32max / by)];
  return Scalar.only32(cnum32FromUrange(min, max));
};

/** scalar_min_max_udiv() */
export const udiv64: Divide = (dst, src) => {
  const by = src.umin;
  return Scalar.only64(cnum64FromUrange(dst.umin / by, dst.umax / by));
};

/** The least number by -1 is itself: with others it makes everything possible. */
function sdivRange32(min: number, max: number, by: number): Cnum32 {
  if (min === S32_MIN && by === -1) {
    return max === S32_MIN ? cnum32FromSrange(min, max) : cnum32FromSrange(S32_MIN, S32_MAX);
  }
  const [a, b] = [Math.trunc(min / by), Math.trunc(max / by)];
  return cnum32FromSrange(Math.min(a, b), Math.max(a, b));
}

function sdivRange64(min: bigint, max: bigint, by: bigint): Cnum64 {
  if (min === S64_MIN && by === -1n) {
    return max === S64_MIN ? cnum64FromSrange(min, max) : cnum64FromSrange(S64_MIN, S64_MAX);
  }
  const [a, b] = [min / by, max / by];
  return a < b ? cnum64FromSrange(a, b) : cnum64FromSrange(b, a);
}

/** scalar32_min_max_sdiv() */
export const sdiv32: Divide = (dst, src) =>
  Scalar.only32(sdivRange32(dst.s32min, dst.s32max, src.s32min));

/** scalar_min_max_sdiv() */
export const sdiv64: Divide = (dst, src) =>
  Scalar.only64(sdivRange64(dst.smin, dst.smax, src.smin));

/** scalar32_min_max_umod() */
export const umod32: Divide = (dst, src) => {
  const most = src.u32min - 1;
  return dst.u32max <= most ? dst : Scalar.only32(cnum32FromUrange(0, most));
};

/** scalar_min_max_umod() */
export const umod64: Divide = (dst, src) => {
  const most = src.umin - 1n;
  return dst.umax <= most ? dst : Scalar.only64(cnum64FromUrange(0n, most));
};

/** The sign is the dividend's. scalar32_min_max_smod() */
export const smod32: Divide = (dst, src) => {
  const most = Math.abs(src.s32min) - 1;
  const { s32min: min, s32max: max } = dst;
  if (min >= -most && max <= most) return dst;
  if (min >= 0) return Scalar.only32(cnum32FromSrange(0, Math.min(max, most)));
  if (max <= 0) return Scalar.only32(cnum32FromSrange(Math.max(min, -most), 0));
  return Scalar.only32(cnum32FromSrange(-most, most));
};

/** scalar_min_max_smod() */
export const smod64: Divide = (dst, src) => {
  const by = src.smin;
  const most = (by < 0n ? -by : by) - 1n;
  const { smin: min, smax: max } = dst;
  if (min >= -most && max <= most) return dst;
  if (min >= 0n) return Scalar.only64(cnum64FromSrange(0n, max < most ? max : most));
  if (max <= 0n) return Scalar.only64(cnum64FromSrange(min > -most ? min : -most, 0n));
  return Scalar.only64(cnum64FromSrange(-most, most));
};
