import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { adjustPtrMinMaxVals, aluSign } from './alu-pointer.ts';
import { regBoundsSanityCheck } from '../values/bounds-check.ts';
import { pushStack } from '../search/branches.ts';
import { S32_MIN, U32_MAX } from '../values/cnum.ts';
import type { VerifierEnv } from '../env.ts';
import { assignScalarIdBeforeMov, clearScalarId } from './linked-regs.ts';
import { markChainPrecision } from '../search/precision.ts';
import type { Reg } from '../values/reg.ts';
import { checkRegArg, isPointerValue, knownReg, markRegUnknown } from '../values/regs.ts';
import { sanitizeNeeded, sanitizeValAlu } from './sanitize.ts';
import { Scalar } from '../values/scalar.ts';
import { byteSwap } from '../values/scalar-alu-bits.ts';
import { scalarAlu, scalarNeg } from '../values/scalar-alu.ts';
import { coerceRegToSizeSx, coerceSubregToSizeSx, zext32To64 } from '../values/scalar-cast.ts';
import { BPF_ADD_CONST32, BPF_ADD_CONST64, PTR_TO_ARENA, SCALAR_VALUE } from '../types.ts';

type AluInsn = Extract<Insn, { kind: 'alu' }>;
type NegInsn = Extract<Insn, { kind: 'neg' }>;
type EndianInsn = Extract<Insn, { kind: 'endian' }>;
type MovsxInsn = Extract<Insn, { kind: 'movsx' }>;
type CastInsn = Extract<Insn, { kind: 'addr_space_cast' }>;

const ADD_CONST = BPF_ADD_CONST64 | BPF_ADD_CONST32;

/** Arithmetic, moves included. check_alu_op() */
export function checkAluOp(
  env: VerifierEnv,
  insn: AluInsn | NegInsn | EndianInsn | MovsxInsn | CastInsn,
): void {
  switch (insn.kind) {
    case 'neg':
    case 'endian':
      checkUnary(env, insn);
      break;
    case 'movsx':
      checkMovsx(env, insn);
      break;
    case 'addr_space_cast':
      checkAddrSpaceCast(env, insn);
      break;
    case 'alu':
      if (insn.op === 'mov') checkMov(env, insn);
      else checkBinary(env, insn);
  }
  const { regs } = env;
  const reg = regs[insn.dst]!;
  const s = regBoundsSanityCheck(env, reg.s, 'alu');
  if (s !== reg.s) regs[insn.dst] = reg.with({ s });
}

function checkUnary(env: VerifierEnv, insn: NegInsn | EndianInsn): void {
  const { regs } = env;
  const { dst } = insn;
  checkRegArg(env, dst, 'src');
  if (isPointerValue(env, dst)) {
    throw env.reject(EACCES, `R${dst} pointer arithmetic prohibited`);
  }
  const reg = regs[dst]!;
  if (reg.type !== SCALAR_VALUE) {
    checkRegArg(env, dst, 'dst');
    return;
  }
  checkRegArg(env, dst, 'dst_no_mark');
  if (insn.kind === 'neg') {
    regs[dst] = clearScalarId(reg).with({ s: scalarNeg(insn.wide, reg.s) });
    return;
  }
  const isSame = insn.to === 'le' && insn.bits === 64;
  const s = byteSwap(reg.s, insn.to, insn.bits);
  regs[dst] = (isSame ? reg : clearScalarId(reg)).with({ s });
}

function checkAddrSpaceCast(env: VerifierEnv, { dst, src, as }: CastInsn): void {
  if (env.arena === undefined) {
    const text = 'addr_space_cast insn can only be used in a program that has an associated arena';
    throw env.reject(EINVAL, text);
  }
  checkRegArg(env, src, 'src');
  checkRegArg(env, dst, 'dst_no_mark');
  markRegUnknown(env, env.regs, dst);
  // From the arena's space to the kernel's.
  if (as === 1) env.regs[dst] = env.regs[dst]!.with({ type: PTR_TO_ARENA });
}

/** The sign-extension leaves it as it is, so that both are the same scalar. */
function checkMovsx(env: VerifierEnv, { dst, src, bits, wide }: MovsxInsn): void {
  const { regs } = env;
  checkRegArg(env, src, 'src');
  checkRegArg(env, dst, 'dst_no_mark');
  if (isPointerValue(env, src)) {
    const what = wide ? 'sign-extension part' : 'partial copy';
    throw env.reject(EACCES, `R${src} ${what} of pointer`);
  }
  if (regs[src]!.type !== SCALAR_VALUE) {
    markRegUnknown(env, regs, dst);
    if (!wide) regs[dst] = zeroExtended(regs[dst]!);
    return;
  }
  const isSame = regs[src]!.s.umax < 1n << BigInt(bits - 1);
  if (isSame) regs[src] = assignScalarIdBeforeMov(env, regs[src]!);
  const reg = isSame ? regs[src]! : clearScalarId(regs[src]!);
  if (wide) regs[dst] = reg.with({ s: coerceRegToSizeSx(reg.s, bits >>> 3) });
  else regs[dst] = zeroExtended(reg.with({ s: coerceSubregToSizeSx(reg.s, bits >>> 3) }));
}

function zeroExtended(reg: Reg): Reg {
  const s = zext32To64(reg.s).sync();
  return s.equals(reg.s) ? reg : reg.with({ s });
}

function checkMov(env: VerifierEnv, { src: from, dst, wide }: AluInsn): void {
  const { regs } = env;
  if ('imm' in from) {
    checkRegArg(env, dst, 'dst_no_mark');
    regs[dst] = knownReg(env, BigInt(wide ? from.imm : from.imm >>> 0));
    return;
  }
  const src = from.reg;
  checkRegArg(env, src, 'src');
  checkRegArg(env, dst, 'dst_no_mark');
  if (wide) {
    regs[src] = assignScalarIdBeforeMov(env, regs[src]!);
    regs[dst] = regs[src]!;
    return;
  }
  if (isPointerValue(env, src)) throw env.reject(EACCES, `R${src} partial copy of pointer`);
  if (regs[src]!.type !== SCALAR_VALUE) {
    markRegUnknown(env, regs, dst);
  } else if (regs[src]!.s.umax <= BigInt(U32_MAX)) {
    regs[src] = assignScalarIdBeforeMov(env, regs[src]!);
    regs[dst] = regs[src]!;
  } else {
    regs[dst] = clearScalarId(regs[src]!);
  }
  regs[dst] = zeroExtended(regs[dst]!);
}

/** Two operands, the destination being the first. */
function checkBinary(env: VerifierEnv, insn: AluInsn): void {
  const { op, src, dst, wide } = insn;
  if ('reg' in src) checkRegArg(env, src.reg, 'src');
  checkRegArg(env, dst, 'src');
  if ('imm' in src) {
    const isDivision = op === 'div' || op === 'sdiv' || op === 'mod' || op === 'smod';
    if (isDivision && src.imm === 0) throw env.reject(EINVAL, 'div by zero');
    const isShift = op === 'lsh' || op === 'rsh' || op === 'arsh';
    if (isShift && (src.imm < 0 || src.imm >= (wide ? 64 : 32))) {
      throw env.reject(EINVAL, `invalid shift ${src.imm}`);
    }
  }
  checkRegArg(env, dst, 'dst_no_mark');
  adjustRegMinMaxVals(env, insn);
}

/** adjust_reg_min_max_vals() */
function adjustRegMinMaxVals(env: VerifierEnv, insn: AluInsn): void {
  const { regs } = env;
  const { dst, src: from } = insn;
  const dstIsScalar = regs[dst]!.type === SCALAR_VALUE;
  if ('imm' in from) {
    const { imm } = from;
    // Any arithmetic is good for a pointer into an arena: its high half is made good.
    if (regs[dst]!.type === PTR_TO_ARENA) {
      if (insn.wide) env.curAux.needsZext = true;
      return;
    }
    if (dstIsScalar) onScalars(env, insn, Scalar.ofNumber(imm));
    else adjustPtrMinMaxVals(env, insn, regs[dst]!, Scalar.ofNumber(imm), true);
    return;
  }
  const src = from.reg;
  if (regs[dst]!.type === PTR_TO_ARENA || regs[src]!.type === PTR_TO_ARENA) {
    if (regs[dst]!.type !== PTR_TO_ARENA) regs[dst] = regs[src]!;
    if (insn.wide) env.curAux.needsZext = true;
  } else if (regs[src]!.type !== SCALAR_VALUE) {
    if (!dstIsScalar) {
      onPointers(env, insn);
      return;
    }
    markChainPrecision(env, dst);
    adjustPtrMinMaxVals(env, insn, regs[src]!, regs[dst]!.s, false);
  } else if (!dstIsScalar) {
    markChainPrecision(env, src);
    adjustPtrMinMaxVals(env, insn, regs[dst]!, regs[src]!.s, true);
  } else {
    // What a precise one is made of must be precise too.
    if (regs[dst]!.precise) markChainPrecision(env, src);
    onScalars(env, insn, regs[src]!.s);
  }
}

/** The distance of two pointers is all that may be had of them. */
function onPointers(env: VerifierEnv, insn: AluInsn): void {
  const { op, dst } = insn;
  if (op !== 'sub' || !env.allowPtrLeaks) {
    throw env.reject(EACCES, `R${dst} pointer ${aluSign(insn)} pointer prohibited`);
  }
  markRegUnknown(env, env.regs, dst);
}

function onScalars(env: VerifierEnv, insn: AluInsn, src: Scalar): void {
  const { regs } = env;
  const { dst } = insn;
  const before = regs[dst]!.s;
  adjustScalarMinMaxVals(env, insn, src);
  const reg = regs[dst]!;
  if (reg.id === 0 && reg.delta === 0) return;
  regs[dst] = linkAfterAdd(env, insn, reg, src, before);
}

/**
 * A constant added to a scalar that others are copies of is remembered, once. The rest of
 * adjust_reg_min_max_vals()
 */
function linkAfterAdd(env: VerifierEnv, insn: AluInsn, reg: Reg, src: Scalar, before: Scalar): Reg {
  const { op, wide, dst, src: from } = insn;
  const isSum = op === 'add' || op === 'sub';
  const isOwn = 'reg' in from && from.reg === dst;
  const isKnown = wide ? src.isConst : src.isConst32;
  if (!env.bpfCapable || !isSum || reg.id === 0 || !isKnown || isOwn) return clearScalarId(reg);
  const isNarrow = BigInt.asIntN(32, src.value) === src.svalue;
  if (wide ? !isNarrow : before.umax > BigInt(U32_MAX)) return clearScalarId(reg);
  const added = src.value32 | 0;
  if ((op === 'sub' && added === S32_MIN) || (reg.id & ADD_CONST) !== 0) return clearScalarId(reg);
  const mark = wide ? BPF_ADD_CONST64 : BPF_ADD_CONST32;
  return reg.with({ id: (reg.id | mark) >>> 0, delta: op === 'sub' ? -added : added });
}

/** adjust_scalar_min_max_vals() */
function adjustScalarMinMaxVals(env: VerifierEnv, insn: AluInsn, src: Scalar): void {
  const { regs } = env;
  const { op, wide, dst } = insn;
  if (op === 'mov') throw env.bug('a move is no arithmetic');
  if (sanitizeNeeded(op)) sanitizeValAlu(env, insn);
  if ((op === 'and' || op === 'or') && src.isConst) maybeForkScalars(env, dst);
  const reg = regs[dst]!;
  const s = scalarAlu(op, wide, reg.s, src);
  if (s === undefined) markRegUnknown(env, regs, dst);
  else regs[dst] = reg.with({ s });
}

/**
 * A mask made of a comparison, -1 or 0, is looked at as the one and as the other: what it is
 * applied to next is exact then. maybe_fork_scalars()
 */
function maybeForkScalars(env: VerifierEnv, dst: number): void {
  const { regs } = env;
  const reg = regs[dst]!;
  const { s } = reg;
  const isWide = s.smin === -1n && s.smax === 0n;
  if (!isWide && !(s.s32min === -1 && s.s32max === 0)) return;
  const fork = pushStack(env, env.insnIdx, env.insnIdx, false).frame.regs;
  const known = (value: number): Reg =>
    isWide
      ? clearScalarId(reg).with({ s: Scalar.of(BigInt(value)) })
      : reg.with({ s: s.with32Known(value) });
  fork[dst] = known(0);
  regs[dst] = known(-1);
}
