import type { JmpOp } from '../../isa/ops.ts';
import type { VerifierEnv } from '../env.ts';
import { regNotNull } from './null-check.ts';
import { regIsPktPointerAny } from '../access/packet-pointers.ts';
import { BEYOND_PKT_END, type Reg } from '../values/reg.ts';
import {
  FLIPPED,
  type Pair,
  REVERSE,
  isScalarConst,
  regsRefineCondOp,
  scalarConst,
} from './refine.ts';
import type { Scalar } from '../values/scalar.ts';
import { tnumOverlap, tnumSubreg } from '../values/tnum.ts';
import { PTR_TO_PACKET_END, SCALAR_VALUE } from '../types.ts';

/** 1: it is; 0: it is not; -1: both may be. */
export type Taken = 1 | 0 | -1;

/** Where a comparison leads, and what is known then of both operands on either way. */
export interface Branch {
  readonly taken: Taken;
  /** Where it is not known: on the way of the jump, and past it. */
  readonly jump: Pair;
  readonly fallThrough: Pair;
}

/** Whether `a op b` holds; `isSame`: they are one register. is_branch_taken() */
export function isBranchTaken(
  env: VerifierEnv,
  a: Reg,
  b: Reg,
  op: JmpOp,
  is32: boolean,
  isSame: boolean,
): Branch {
  if (a.type === SCALAR_VALUE && b.type === SCALAR_VALUE) {
    return isScalarBranchTaken(a.s, b.s, op, is32, isSame);
  }
  if (!is32 && regIsPktPointerAny(a) && regIsPktPointerAny(b)) {
    return decided(isPktPtrBranchTaken(a, b, op), a.s, b.s);
  }
  return decided(is32 ? -1 : isPtrBranchTaken(env, a, b, op), a.s, b.s);
}

/** Nothing is learned beyond which way it goes. */
function decided(taken: Taken, a: Scalar, b: Scalar): Branch {
  const same: Pair = [a, b];
  return { taken, jump: same, fallThrough: same };
}

/** A pointer that is not NULL is compared with 0. */
function isPtrBranchTaken(env: VerifierEnv, a: Reg, b: Reg, op: JmpOp): Taken {
  const isConst = (reg: Reg): boolean => reg.type === SCALAR_VALUE && reg.s.isConst;
  const [ptr, scalar] = isConst(b) ? [a, b] : [b, a];
  if (!isConst(scalar) || scalar.s.value !== 0n || !regNotNull(env, ptr)) return -1;
  if (op === 'jeq') return 0;
  return op === 'jne' ? 1 : -1;
}

/** A packet pointer that has been compared with the end before. is_pkt_ptr_branch_taken() */
function isPktPtrBranchTaken(a: Reg, b: Reg, op: JmpOp): Taken {
  let pkt = a;
  let relation = op;
  if (b.type !== PTR_TO_PACKET_END) {
    if (a.type !== PTR_TO_PACKET_END) return -1;
    pkt = b;
    relation = FLIPPED[op];
  }
  if (pkt.range >= 0) return -1;
  switch (relation) {
    case 'jle':
    case 'jgt':
      if (pkt.range !== BEYOND_PKT_END) return -1;
      return relation === 'jgt' ? 1 : 0;
    case 'jlt':
    case 'jge':
      return relation === 'jge' ? 1 : 0;
    default:
      return -1;
  }
}

/** is_scalar_branch_taken() */
export function isScalarBranchTaken(
  a: Scalar,
  b: Scalar,
  op: JmpOp,
  is32: boolean,
  isSame: boolean,
): Branch {
  if (isSame) return decided(isTakenBySelf(a, op, is32), a, b);
  const isKnown = isScalarConst(a, is32) || isScalarConst(b, is32);
  if (op === 'jset' && !isKnown) return decided(-1, a, b);
  const taken = is32 ? isTaken32(a, b, op) : isTaken64(a, b, op);
  return taken === -1 ? simulateBothBranchesTaken(a, b, op, is32) : decided(taken, a, b);
}

const HOLDS_FOR_EQUALS: ReadonlySet<JmpOp> = new Set(['jge', 'jle', 'jsge', 'jsle', 'jeq']);

/** A register compared with itself. */
function isTakenBySelf(s: Scalar, op: JmpOp, is32: boolean): Taken {
  if (op !== 'jset') return HOLDS_FOR_EQUALS.has(op) ? 1 : 0;
  if (isScalarConst(s, is32)) return scalarConst(s, is32) === 0n ? 0 : 1;
  const mayBeZero = is32 ? s.s32min <= 0 && s.s32max >= 0 : s.smin <= 0n && s.smax >= 0n;
  return mayBeZero ? -1 : 1;
}

/** Whether a number of one range is less than one of another. */
function isLess<T extends bigint | number>(aMin: T, aMax: T, bMin: T, bMax: T): Taken {
  if (aMax < bMin) return 1;
  return aMin >= bMax ? 0 : -1;
}

function isLessOrEqual<T extends bigint | number>(aMin: T, aMax: T, bMin: T, bMax: T): Taken {
  if (aMax <= bMin) return 1;
  return aMin > bMax ? 0 : -1;
}

function not(taken: Taken): Taken {
  return taken === -1 ? -1 : taken === 1 ? 0 : 1;
}

function isTaken64(a: Scalar, b: Scalar, op: JmpOp): Taken {
  switch (op) {
    case 'jeq':
      return isEqual64(a, b);
    case 'jne':
      return not(isEqual64(a, b));
    case 'jset':
      return isSet(a, b, false);
    case 'jlt':
      return isLess(a.umin, a.umax, b.umin, b.umax);
    case 'jgt':
      return isLess(b.umin, b.umax, a.umin, a.umax);
    case 'jle':
      return isLessOrEqual(a.umin, a.umax, b.umin, b.umax);
    case 'jge':
      return isLessOrEqual(b.umin, b.umax, a.umin, a.umax);
    case 'jslt':
      return isLess(a.smin, a.smax, b.smin, b.smax);
    case 'jsgt':
      return isLess(b.smin, b.smax, a.smin, a.smax);
    case 'jsle':
      return isLessOrEqual(a.smin, a.smax, b.smin, b.smax);
    case 'jsge':
      return isLessOrEqual(b.smin, b.smax, a.smin, a.smax);
  }
}

function isTaken32(a: Scalar, b: Scalar, op: JmpOp): Taken {
  switch (op) {
    case 'jeq':
      return isEqual32(a, b);
    case 'jne':
      return not(isEqual32(a, b));
    case 'jset':
      return isSet(a, b, true);
    case 'jlt':
      return isLess(a.u32min, a.u32max, b.u32min, b.u32max);
    case 'jgt':
      return isLess(b.u32min, b.u32max, a.u32min, a.u32max);
    case 'jle':
      return isLessOrEqual(a.u32min, a.u32max, b.u32min, b.u32max);
    case 'jge':
      return isLessOrEqual(b.u32min, b.u32max, a.u32min, a.u32max);
    case 'jslt':
      return isLess(a.s32min, a.s32max, b.s32min, b.s32max);
    case 'jsgt':
      return isLess(b.s32min, b.s32max, a.s32min, a.s32max);
    case 'jsle':
      return isLessOrEqual(a.s32min, a.s32max, b.s32min, b.s32max);
    case 'jsge':
      return isLessOrEqual(b.s32min, b.s32max, a.s32min, a.s32max);
  }
}

/** No number is in both ranges of the low halves, unsigned or signed. */
function isApart32(a: Scalar, b: Scalar): boolean {
  return a.u32min > b.u32max || a.u32max < b.u32min || a.s32min > b.s32max || a.s32max < b.s32min;
}

function isEqual64(a: Scalar, b: Scalar): Taken {
  if (a.isConst && b.isConst) return a.value === b.value ? 1 : 0;
  if (!tnumOverlap(a.tnum, b.tnum)) return 0;
  if (a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin) return 0;
  return isApart32(a, b) ? 0 : -1;
}

function isEqual32(a: Scalar, b: Scalar): Taken {
  if (a.isConst32 && b.isConst32) return a.value32 === b.value32 ? 1 : 0;
  if (!tnumOverlap(tnumSubreg(a.tnum), tnumSubreg(b.tnum))) return 0;
  return isApart32(a, b) ? 0 : -1;
}

/** One of them is a constant. */
function isSet(a: Scalar, b: Scalar, is32: boolean): Taken {
  const [s, bits] = isScalarConst(b, is32) ? [a, b] : [b, a];
  const wanted = scalarConst(bits, is32);
  if ((s.tnum.value & wanted) !== 0n) return 1;
  return (s.tnum.max & wanted) === 0n ? 0 : -1;
}

/**
 * Follows both ways: where nothing is left that a scalar could be, the way is dead.
 * simulate_both_branches_taken()
 */
function simulateBothBranchesTaken(a: Scalar, b: Scalar, op: JmpOp, is32: boolean): Branch {
  const fallThrough = synced(regsRefineCondOp(a, b, REVERSE[op], is32));
  if (isDead(fallThrough)) return decided(1, a, b);
  const jump = synced(regsRefineCondOp(a, b, op, is32));
  if (isDead(jump)) return decided(0, a, b);
  return { taken: -1, jump, fallThrough };
}

function synced([a, b]: Pair): Pair {
  return [a.sync(), b.sync()];
}

function isDead([a, b]: Pair): boolean {
  return a.isImpossible || b.isImpossible;
}
