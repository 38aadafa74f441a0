import type { JmpOp } from '../../isa/ops.ts';
import {
  Cnum32,
  Cnum64,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  U32_MAX,
  U64_MAX,
  cnum32FromSrange,
  cnum32FromUrange,
  cnum32Intersect,
  cnum64FromSrange,
  cnum64FromUrange,
  cnum64Intersect,
} from '../values/cnum.ts';
import type { Scalar } from '../values/scalar.ts';
import {
  tnumAnd,
  tnumConst,
  tnumIntersect,
  tnumOr,
  tnumSubreg,
  tnumWithSubreg,
} from '../values/tnum.ts';

// What a comparison says of the two scalars that it compares, where it holds.

/** A comparison, or that no bit of the two is set in both (which has no opcode). */
export type Relation = JmpOp | 'jnset';
export type Pair = readonly [Scalar, Scalar];

/** What holds where the comparison does not. rev_opcode() */
export const REVERSE: Readonly<Record<Relation, Relation>> = {
  jeq: 'jne',
  jne: 'jeq',
  jset: 'jnset',
  jnset: 'jset',
  jge: 'jlt',
  jgt: 'jle',
  jle: 'jgt',
  jlt: 'jge',
  jsge: 'jslt',
  jsgt: 'jsle',
  jsle: 'jsgt',
  jslt: 'jsge',
};

/** The same with the operands exchanged. flip_opcode() */
export const FLIPPED: Readonly<Record<JmpOp, JmpOp>> = {
  jeq: 'jeq',
  jne: 'jne',
  jset: 'jset',
  jge: 'jle',
  jgt: 'jlt',
  jle: 'jge',
  jlt: 'jgt',
  jsge: 'jsle',
  jsgt: 'jslt',
  jsle: 'jsge',
  jslt: 'jsgt',
};

/** is_reg_const(), of a scalar */
export function isScalarConst(s: Scalar, is32: boolean): boolean {
  return is32 ? s.isConst32 : s.isConst;
}

/** reg_const_value() */
export function scalarConst(s: Scalar, is32: boolean): bigint {
  return is32 ? BigInt.asUintN(32, s.value) : s.value;
}

/** Both as they are where `a relation b`; not synced. regs_refine_cond_op() */
export function regsRefineCondOp(a: Scalar, b: Scalar, relation: Relation, is32: boolean): Pair {
  switch (relation) {
    case 'jge':
    case 'jgt':
    case 'jsge':
    case 'jsgt':
      return swapped(regsRefineCondOp(b, a, FLIPPED[relation], is32));
    case 'jeq':
      return is32 ? refineEqual32(a, b) : refineEqual64(a, b);
    case 'jne':
    case 'jset':
    case 'jnset':
      return refineByConst(a, b, relation, is32);
    default:
      return is32 ? refineOrder32(a, b, relation) : refineOrder64(a, b, relation);
  }
}

function swapped([a, b]: Pair): Pair {
  return [b, a];
}

function refineEqual64(a: Scalar, b: Scalar): Pair {
  const r64 = cnum64Intersect(a.r64, b.r64);
  const tnum = tnumIntersect(a.tnum, b.tnum);
  return [a.withR64(r64).withTnum(tnum), b.withR64(r64).withTnum(tnum)];
}

function refineEqual32(a: Scalar, b: Scalar): Pair {
  const r32 = cnum32Intersect(a.r32, b.r32);
  const low = tnumIntersect(tnumSubreg(a.tnum), tnumSubreg(b.tnum));
  const refined = (s: Scalar): Scalar => s.withR32(r32).withTnum(tnumWithSubreg(s.tnum, low));
  return [refined(a), refined(b)];
}

/** Where one of them is a constant, something can be said of the other. */
function refineByConst(
  a: Scalar,
  b: Scalar,
  relation: 'jne' | 'jset' | 'jnset',
  is32: boolean,
): Pair {
  const refine = { jne: refineNotEqual, jset: refineSet, jnset: refineNotSet }[relation];
  if (isScalarConst(b, is32)) return [refine(a, scalarConst(b, is32), is32), b];
  if (isScalarConst(a, is32)) return [a, refine(b, scalarConst(a, is32), is32)];
  return [a, b];
}

/** The circle without that one number. */
function refineNotEqual(s: Scalar, value: bigint, is32: boolean): Scalar {
  if (is32) {
    const others = new Cnum32((Number(value) + 1) >>> 0, U32_MAX - 1);
    return s.withR32(cnum32Intersect(s.r32, others));
  }
  const others = new Cnum64(BigInt.asUintN(64, value + 1n), U64_MAX - 1n);
  return s.withR64(cnum64Intersect(s.r64, others));
}

/** One of these bits is set: which, is known if there is but one. */
function refineSet(s: Scalar, value: bigint, is32: boolean): Scalar {
  if (value === 0n || (value & (value - 1n)) !== 0n) return s;
  const bit = tnumConst(value);
  if (!is32) return s.withTnum(tnumOr(s.tnum, bit));
  return s.withTnum(tnumWithSubreg(s.tnum, tnumOr(tnumSubreg(s.tnum), bit)));
}

/** None of these bits is set. The ranges may contradict that where the branch is dead. */
function refineNotSet(s: Scalar, value: bigint, is32: boolean): Scalar {
  const others = tnumConst(~value);
  const tnum = is32
    ? tnumWithSubreg(s.tnum, tnumAnd(tnumSubreg(s.tnum), others))
    : tnumAnd(s.tnum, others);
  return s.unbounded().withTnum(tnum);
}

type Order = 'jle' | 'jlt' | 'jsle' | 'jslt';

/** a below b: a by the greatest that b can be, then b by the least that a can be. */
function refineOrder64(a: Scalar, b: Scalar, order: Order): Pair {
  const gap = order === 'jlt' || order === 'jslt' ? 1n : 0n;
  if (order === 'jle' || order === 'jlt') {
    const low = cnum64Intersect(a.r64, cnum64FromUrange(0n, b.umax - gap));
    const high = cnum64Intersect(b.r64, cnum64FromUrange(low.umin + gap, U64_MAX));
    return [a.withR64(low), b.withR64(high)];
  }
  const low = cnum64Intersect(a.r64, cnum64FromSrange(S64_MIN, b.smax - gap));
  const high = cnum64Intersect(b.r64, cnum64FromSrange(low.smin + gap, S64_MAX));
  return [a.withR64(low), b.withR64(high)];
}

function refineOrder32(a: Scalar, b: Scalar, order: Order): Pair {
  const gap = order === 'jlt' || order === 'jslt' ? 1 : 0;
  if (order === 'jle' || order === 'jlt') {
    const low = cnum32Intersect(a.r32, cnum32FromUrange(0, b.u32max - gap));
    const high = cnum32Intersect(b.r32, cnum32FromUrange(low.umin + gap, U32_MAX));
    return [a.withR32(low), b.withR32(high)];
  }
  const low = cnum32Intersect(a.r32, cnum32FromSrange(S32_MIN, b.s32max - gap));
  const high = cnum32Intersect(b.r32, cnum32FromSrange(low.smin + gap, S32_MAX));
  return [a.withR32(low), b.withR32(high)];
}
