import { EACCES } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { regBoundsSanityCheck } from '../values/bounds-check.ts';
import { type Branch, isBranchTaken } from './branch-taken.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { pushJmpHistory } from '../search/history.ts';
import { collectLinkedRegs, syncLinkedRegs } from './linked-regs.ts';
import { markPtrNotNullReg, markPtrOrNullRegs, regNotNull } from './null-check.ts';
import type { Outcome } from '../outcome.ts';
import { regIsPktPointerAny } from '../access/packet-pointers.ts';
import { tryMatchPktPointers } from './packet-range.ts';
import { markChainPrecision } from '../search/precision.ts';
import { findPrevEntry } from '../search/prev-entry.ts';
import { printInsnState } from '../report/print-state.ts';
import { type Reg, isNullReg, scalarReg } from '../values/reg.ts';
import { checkRegArg, isPointerValue } from '../values/regs.ts';
import { sanitizeSpeculativePath } from './sanitize.ts';
import { Scalar } from '../values/scalar.ts';
import {
  INSN_F_DST_REG_STACK,
  INSN_F_SRC_REG_STACK,
  type LinkedReg,
  type VerifierState,
} from '../state.ts';
import { PTR_TO_BTF_ID, PTR_TO_STACK, SCALAR_VALUE, baseType, mayBeNull } from '../types.ts';
import { widenImpreciseScalars } from '../search/widen.ts';

type JmpInsn = Extract<Insn, { kind: 'jmp' }>;
type MayGotoInsn = Extract<Insn, { kind: 'may_goto' }>;

/** A conditional jump: which of both ways are possible, and what is known on each. */
export function checkCondJmpOp(env: VerifierEnv, insn: JmpInsn | MayGotoInsn): Outcome {
  if (insn.kind === 'may_goto') return checkMayGoto(env, insn);
  checkOperands(env, insn);
  const { regs } = env;
  const { op, wide, dst } = insn;
  const src = srcRegno(insn);
  const linked: LinkedReg[] = [];
  for (const regno of [src, dst]) {
    const reg = regs[regno];
    if (reg?.type !== SCALAR_VALUE || reg.id === 0) continue;
    collectLinkedRegs(env, env.cur, reg.id, linked);
  }
  const branch = isBranchTaken(env, regs[dst]!, srcReg(env, insn), op, !wide, src === dst);
  if (branch.taken === -1) return takeBoth(env, insn, branch, linked);
  return takeOne(env, insn, branch.taken === 1);
}

/** The jump is looked at first, what follows later: it may run any number of times. */
function checkMayGoto(env: VerifierEnv, { off }: MayGotoInsn): Outcome {
  const { insnIdx, cur } = env;
  const before = cur.parent && findPrevEntry(env, cur.parent, insnIdx);
  const queued = pushStack(env, insnIdx + 1, insnIdx, false);
  queued.mayGotoDepth++;
  if (before !== undefined) widenImpreciseScalars(env, before, queued);
  env.insnIdx += off;
  return 'next';
}

/** The number of the second operand, or -1 of an immediate. */
function srcRegno({ src }: JmpInsn): number {
  return 'reg' in src ? src.reg : -1;
}

function srcReg(env: VerifierEnv, { src }: JmpInsn): Reg {
  return 'reg' in src ? env.regs[src.reg]! : scalarReg(Scalar.ofNumber(src.imm));
}

/** Both may be read and compared. Pointers to stack among them are of use on the way back. */
function checkOperands(env: VerifierEnv, insn: JmpInsn): void {
  const { regs } = env;
  const { dst } = insn;
  const src = srcRegno(insn);
  checkRegArg(env, dst, 'src');
  let flags = 0;
  if (src >= 0) {
    checkRegArg(env, src, 'src');
    const arePackets = regIsPktPointerAny(regs[dst]!) && regIsPktPointerAny(regs[src]!);
    if (!arePackets && isPointerValue(env, src)) {
      throw env.reject(EACCES, `R${src} pointer comparison prohibited`);
    }
    if (regs[src]!.type === PTR_TO_STACK) flags |= INSN_F_SRC_REG_STACK;
  }
  if (regs[dst]!.type === PTR_TO_STACK) flags |= INSN_F_DST_REG_STACK;
  if (flags !== 0) pushJmpHistory(env, env.cur, flags, 0, 0);
}

/** Only one way is possible: what decides it is precise from here on. */
function takeOne(env: VerifierEnv, insn: JmpInsn, isJump: boolean): Outcome {
  const { insnIdx } = env;
  const { dst, off } = insn;
  const src = srcRegno(insn);
  if (env.regs[dst]!.type === SCALAR_VALUE) markChainPrecision(env, dst);
  if (src >= 0 && env.regs[src]!.type === SCALAR_VALUE) markChainPrecision(env, src);
  if (!env.bypassSpecV1) {
    // The processor may guess that it goes the other way.
    const other = isJump ? insnIdx + 1 : insnIdx + off + 1;
    sanitizeSpeculativePath(env, insn, other, insnIdx);
  }
  printState(env);
  if (isJump) env.insnIdx += off;
  return 'next';
}

function printState(env: VerifierEnv): void {
  if (env.log.isLevel) printInsnState(env, env.cur, env.cur.curframe);
}

function takeBoth(
  env: VerifierEnv,
  insn: JmpInsn,
  branch: Branch,
  linked: readonly LinkedReg[],
): Outcome {
  const { insnIdx, cur } = env;
  const { dst } = insn;
  const src = srcRegno(insn);
  // Both states are to have it in their history.
  if (linked.length > 1) pushJmpHistory(env, cur, 0, 0, 0, linked);
  const other = pushStack(env, insnIdx + insn.off + 1, insnIdx, false);
  setOperands(env, insn, branch, other);
  for (const regno of [src, dst]) {
    const reg = env.regs[regno];
    if (reg?.type !== SCALAR_VALUE || reg.id === 0) continue;
    syncLinkedRegs(env, cur, regno, linked);
    syncLinkedRegs(env, other, regno, linked);
  }
  learnNotNull(env, insn, other);
  if (isNullCheck(env, insn)) {
    // That it is 0 holds on this path only.
    if (src >= 0) markChainPrecision(env, src);
    markPtrOrNullRegs(env, cur, dst, insn.op === 'jne');
    markPtrOrNullRegs(env, other, dst, insn.op === 'jeq');
  } else if (!isPacketCheck(env, insn, other) && isPointerValue(env, dst)) {
    throw env.reject(EACCES, `R${dst} pointer comparison prohibited`);
  }
  printState(env);
  return 'next';
}

/** Both operands on both ways, as they are known now. regs_bounds_sanity_check_branches() */
function setOperands(env: VerifierEnv, insn: JmpInsn, branch: Branch, other: VerifierState): void {
  const { regs } = env;
  const { dst } = insn;
  const src = srcRegno(insn);
  const { jump, fallThrough } = branch;
  const [was1, was2] = [regs[dst]!, srcReg(env, insn)];
  const as = (reg: Reg, s: Scalar, where: string): Reg => {
    const checked = regBoundsSanityCheck(env, s, where);
    return checked === reg.s ? reg : reg.with({ s: checked });
  };
  const true1 = as(was1, jump[0], 'true_reg1');
  const true2 = as(was2, jump[1], 'true_reg2');
  const false1 = as(was1, fallThrough[0], 'false_reg1');
  const false2 = as(was2, fallThrough[1], 'false_reg2');
  regs[dst] = false1;
  other.frame.regs[dst] = true1;
  if (src >= 0) {
    regs[src] = false2;
    other.frame.regs[src] = true2;
  }
}

/**
 * A pointer that may be NULL is equal to one that is not. Not of kernel objects: such pointers may
 * be NULL without saying so.
 */
function learnNotNull(
  env: VerifierEnv,
  { op, wide, dst, src }: JmpInsn,
  jump: VerifierState,
): void {
  if (!wide || 'imm' in src || (op !== 'jeq' && op !== 'jne')) return;
  const [a, b] = [env.regs[dst]!, env.regs[src.reg]!];
  const isCounted = ({ type }: Reg): boolean =>
    type !== SCALAR_VALUE && baseType(type) !== PTR_TO_BTF_ID;
  if (!isCounted(a) || !isCounted(b)) return;
  const regs = op === 'jeq' ? jump.frame.regs : env.regs;
  if (regNotNull(env, a) && mayBeNull(b.type)) regs[src.reg] = markPtrNotNullReg(regs[src.reg]!);
  if (regNotNull(env, b) && mayBeNull(a.type)) regs[dst] = markPtrNotNullReg(regs[dst]!);
}

/** A pointer that may be NULL is compared with 0. */
function isNullCheck({ regs }: VerifierEnv, { op, wide, dst, src }: JmpInsn): boolean {
  if (!wide || (op !== 'jeq' && op !== 'jne') || !mayBeNull(regs[dst]!.type)) return false;
  return 'imm' in src ? src.imm === 0 : isNullReg(regs[src.reg]!);
}

function isPacketCheck(
  env: VerifierEnv,
  { op, wide, dst, src }: JmpInsn,
  jump: VerifierState,
): boolean {
  return wide && 'reg' in src && tryMatchPktPointers(op, dst, src.reg, env.cur, jump);
}
