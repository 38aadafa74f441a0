import type { AluOp } from '../../isa/ops.ts';
import {
  CNUM32_UNBOUNDED,
  CNUM64_UNBOUNDED,
  type Cnum32,
  type Cnum64,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  U32_MAX,
  U64_MAX,
  cnum32Add,
  cnum32FromSrange,
  cnum32FromUrange,
  cnum32Intersect,
  cnum32Negate,
  cnum64Add,
  cnum64FromSrange,
  cnum64FromUrange,
  cnum64Intersect,
  cnum64Negate,
} from './cnum.ts';
import * as bits from './scalar-alu-bits.ts';
import * as div from './scalar-alu-div.ts';
import { zext32To64 } from './scalar-cast.ts';
import { Scalar } from './scalar.ts';
import { tnumAdd, tnumMul, tnumSub } from './tnum.ts';

// What arithmetic makes of what is known of two scalars. adjust_scalar_min_max_vals()

type Transfer = (dst: Scalar, src: Scalar) => Scalar;

const U32_MASK = 0xffff_ffffn;

/** scalar_min_max_add(), scalar32_min_max_add() */
function add(dst: Scalar, src: Scalar): Scalar {
  const r32 = cnum32Add(dst.r32, src.r32);
  return new Scalar(tnumAdd(dst.tnum, src.tnum), cnum64Add(dst.r64, src.r64), r32);
}

/** scalar_min_max_sub(), scalar32_min_max_sub() */
function sub(dst: Scalar, src: Scalar): Scalar {
  const r32 = cnum32Add(dst.r32, cnum32Negate(src.r32));
  const r64 = cnum64Add(dst.r64, cnum64Negate(src.r64));
  return new Scalar(tnumSub(dst.tnum, src.tnum), r64, r32);
}

/** scalar_min_max_mul(), scalar32_min_max_mul() */
function mul(dst: Scalar, src: Scalar): Scalar {
  return new Scalar(tnumMul(dst.tnum, src.tnum), mulRange64(dst, src), mulRange32(dst, src));
}

/** Where a product may be too large, nothing is known. */
function mulRange32({ r32: a }: Scalar, { r32: b }: Scalar): Cnum32 {
  const umax = a.umax * b.umax;
  const unsigned = umax > U32_MAX ? CNUM32_UNBOUNDED : cnum32FromUrange(a.umin * b.umin, umax);
  const products = [a.smin * b.smin, a.smin * b.smax, a.smax * b.smin, a.smax * b.smax] as const;
  const min = Math.min(...products);
  const max = Math.max(...products);
  const fits = min >= S32_MIN && max <= S32_MAX;
  return cnum32Intersect(unsigned, fits ? cnum32FromSrange(min, max) : CNUM32_UNBOUNDED);
}

function mulRange64({ r64: a }: Scalar, { r64: b }: Scalar): Cnum64 {
  const umax = a.umax * b.umax;
  const unsigned = umax > U64_MAX ? CNUM64_UNBOUNDED : cnum64FromUrange(a.umin * b.umin, umax);
  const [aMin, aMax, bMin, bMax] = [a.smin, a.smax, b.smin, b.smax];
  let min = aMin * bMin;
  let max = min;
  for (const product of [aMin * bMax, aMax * bMin, aMax * bMax]) {
    if (product < min) min = product;
    if (product > max) max = product;
  }
  const fits = min >= S64_MIN && max <= S64_MAX;
  return cnum64Intersect(unsigned, fits ? cnum64FromSrange(min, max) : CNUM64_UNBOUNDED);
}

/** Division by 0 gives 0. */
function orZero(divide: Transfer, isZero: (src: Scalar) => boolean): Transfer {
  return (dst, src) => (isZero(src) ? Scalar.ZERO : divide(dst, src));
}

/** The remainder of a division by 0 is the dividend. */
function orDividend(modulo: Transfer, isZero: (src: Scalar) => boolean): Transfer {
  return (dst, src) => (isZero(src) ? dst : modulo(dst, src));
}

const isZero64 = (src: Scalar): boolean => src.umin === 0n;
const isZero32 = (src: Scalar): boolean => src.u32min === 0;

type ScalarOp = Exclude<AluOp, 'mov'>;

/** Of 64 bits; neither tells the other range all it could: a sync follows. */
const WIDE: Readonly<Record<ScalarOp, Transfer>> = {
  add,
  sub,
  mul,
  div: orZero(div.udiv64, isZero64),
  sdiv: orZero(div.sdiv64, isZero64),
  mod: orDividend(div.umod64, isZero64),
  smod: orDividend(div.smod64, isZero64),
  and: bits.and,
  or: bits.or,
  xor: bits.xor,
  lsh: bits.lsh64,
  rsh: bits.rsh64,
  arsh: bits.arsh64,
};

/** Of 32 bits: the high half is cleared behind. */
const NARROW: Readonly<Record<ScalarOp, Transfer>> = {
  ...WIDE,
  div: orZero(div.udiv32, isZero32),
  sdiv: orZero(div.sdiv32, isZero32),
  mod: orDividend(div.umod32, isZero32),
  smod: orDividend(div.smod32, isZero32),
  lsh: bits.lsh32,
  rsh: bits.rsh32,
  arsh: bits.arsh32,
};

const DIVISIONS: ReadonlySet<AluOp> = new Set(['div', 'sdiv', 'mod', 'smod']);
const SHIFTS: ReadonlySet<AluOp> = new Set(['lsh', 'rsh', 'arsh']);

function isSrcConst(wide: boolean, src: Scalar): boolean {
  if (wide) return src.isConst && src.r64.isConst;
  return src.isConst32 && src.r32.isConst;
}

/**
 * Whether anything can be said of the result: division and shifts only by constants, and shifts by
 * less than the width. is_safe_to_compute_dst_reg_range()
 */
function isComputable(op: ScalarOp, wide: boolean, src: Scalar): boolean {
  if (DIVISIONS.has(op)) return isSrcConst(wide, src);
  if (SHIFTS.has(op)) return isSrcConst(wide, src) && src.umax < (wide ? 64n : 32n);
  return true;
}

/** The result of two constants, where it needs no more than arithmetic. */
const CONST_OPS: Readonly<Partial<Record<ScalarOp, (a: bigint, b: bigint) => bigint>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  lsh: (a, b) => a << b,
  rsh: (a, b) => a >> b,
};

/** The result, or undefined if nothing can be said of it. */
export function scalarAlu(
  op: ScalarOp,
  wide: boolean,
  dst: Scalar,
  src: Scalar,
): Scalar | undefined {
  if (!isComputable(op, wide, src)) return undefined;
  const ofConst = CONST_OPS[op];
  if (ofConst !== undefined && dst.isConst && src.isConst) {
    if (wide) return Scalar.of(ofConst(dst.value, src.value));
    const value = ofConst(dst.value & U32_MASK, src.value & U32_MASK);
    return Scalar.of(value & U32_MASK);
  }
  return wide ? WIDE[op](dst, src).sync() : zext32To64(NARROW[op](dst, src)).sync();
}

/** 0 minus it. */
export function scalarNeg(wide: boolean, s: Scalar): Scalar {
  const negated = sub(Scalar.ZERO, s);
  return wide ? negated.sync() : zext32To64(negated).sync();
}

/** What has been added since two scalars were the same; not synced. */
export const scalarAdd: Transfer = add;
