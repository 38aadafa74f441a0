import type { VerifierEnv } from '../env.ts';
import type { IdMap } from './id-map.ts';
import { NOT_INIT_REG, type Reg, UNKNOWN_REG } from '../values/reg.ts';
import { EXACT, type ExactLevel, regsafe, sameButIds } from './regs-equal.ts';
import { INVALID_SLOT, type StackSlot } from '../values/stack.ts';
import type { FuncState, RefState, VerifierState } from '../state.ts';
import * as t from '../types.ts';

// Whether a state needs no exploring since one that was explored allows all that it does.
// kernel/bpf/states.c

/** states_equal() */
export function statesEqual(
  env: VerifierEnv,
  old: VerifierState,
  cur: VerifierState,
  exact: ExactLevel,
): boolean {
  if (old.frames.length !== cur.frames.length) return false;
  const ids = env.idMap;
  ids.reset(env.idGen);
  if (old.speculative && !cur.speculative) return false;
  if (old.inSleepable !== cur.inSleepable) return false;
  if (!refsafe(old, cur, ids)) return false;
  for (let i = 0; i < old.frames.length; i++) {
    const oldFrame = old.frames[i]!;
    const curFrame = cur.frames[i]!;
    if (oldFrame.callsite !== curFrame.callsite) return false;
    if (!funcStatesEqual(env, oldFrame, curFrame, old.insnIdxOf(i), exact)) return false;
  }
  return true;
}

function funcStatesEqual(
  env: VerifierEnv,
  old: FuncState,
  cur: FuncState,
  insnIdx: number,
  exact: ExactLevel,
): boolean {
  if (old.callbackDepth > cur.callbackDepth) return false;
  if (!old.noStackArgLoad && cur.noStackArgLoad) return false;
  const live = env.aux[insnIdx]!.liveRegsBefore;
  for (let i = 0; i < old.regs.length; i++) {
    if (((live >>> i) & 1) === 0) continue;
    if (!regsafe(env, old.regs[i]!, cur.regs[i]!, env.idMap, exact)) return false;
  }
  return stacksafe(env, old, cur, exact) && stackArgsSafe(env, old, cur, exact);
}

function stacksafe(env: VerifierEnv, old: FuncState, cur: FuncState, exact: ExactLevel): boolean {
  for (let spi = 0; spi < old.stack.length; spi++) {
    const oldSlot = old.stack[spi]!;
    const curSlot = cur.stack[spi];
    if (oldSlot === curSlot && oldSlot.reg.id === 0 && oldSlot.reg.parentId === 0) continue;
    if (!slotSafe(env, oldSlot, curSlot, exact)) return false;
  }
  return true;
}

/** Byte by byte; what is missing in the current stack was not written to. */
function slotSafe(
  env: VerifierEnv,
  old: StackSlot,
  cur: StackSlot | undefined,
  exact: ExactLevel,
): boolean {
  for (let i = 0; i < t.BPF_REG_SIZE; i++) {
    const oldType = unpoisoned(old.typeAt(i));
    if (exact === EXACT && (!cur || unpoisoned(cur.typeAt(i)) !== oldType)) return false;
    if (oldType === t.STACK_INVALID) continue;
    if (oldType === t.STACK_MISC && env.allowUninitStack) continue;
    if (!cur) return false;
    if (i === 0 || i === 4) {
      const oldReg = scalarRegForStack(env, old, i);
      const curReg = oldReg && scalarRegForStack(env, cur, i);
      if (curReg) {
        if (!regsafe(env, oldReg, curReg, env.idMap, exact)) return false;
        i += i === 0 ? 7 : 3;
        continue;
      }
    }
    const curType = cur.typeAt(i);
    if (oldType === t.STACK_MISC && curType === t.STACK_ZERO) continue;
    if (oldType !== curType) return false;
    if (i === 7 && !sameObject(env, oldType, old.reg, cur.reg, exact)) return false;
  }
  return true;
}

const unpoisoned = (type: number): number => (type === t.STACK_POISON ? t.STACK_INVALID : type);

/** What a load of the bytes from `from` on gives, if that is a scalar. scalar_reg_for_stack() */
function scalarRegForStack(env: VerifierEnv, slot: StackSlot, from: number): Reg | undefined {
  if (slot.typeAt(from) === t.STACK_SPILL && slot.reg.type === t.SCALAR_VALUE) return slot.reg;
  for (let i = from; i < t.BPF_REG_SIZE; i++) {
    const type = unpoisoned(slot.typeAt(i));
    if (type === t.STACK_MISC) continue;
    if (type !== t.STACK_INVALID || !env.allowUninitStack) return undefined;
  }
  return UNKNOWN_REG;
}

/** What lies in a slot of that type is the same. */
function sameObject(
  env: VerifierEnv,
  type: number,
  old: Reg,
  cur: Reg,
  exact: ExactLevel,
): boolean {
  const ids = env.idMap;
  switch (type) {
    case t.STACK_SPILL:
      return regsafe(env, old, cur, ids, exact);
    case t.STACK_DYNPTR:
      return (
        old.dynptrType === cur.dynptrType &&
        old.firstSlot === cur.firstSlot &&
        ids.check(old.id, cur.id) &&
        ids.check(old.parentId, cur.parentId)
      );
    case t.STACK_ITER:
      // Not how often it was called: loops would never converge.
      return (
        old.type === cur.type &&
        old.btf === cur.btf &&
        old.btfId === cur.btfId &&
        old.iterState === cur.iterState &&
        ids.check(old.id, cur.id)
      );
    case t.STACK_IRQ_FLAG:
      return ids.check(old.id, cur.id) && old.irqClass === cur.irqClass;
    default:
      return true;
  }
}

/** stack_arg_safe() */
function stackArgsSafe(
  env: VerifierEnv,
  old: FuncState,
  cur: FuncState,
  exact: ExactLevel,
): boolean {
  const count = Math.max(old.stackArgRegs.length, cur.stackArgRegs.length);
  for (let i = 0; i < count; i++) {
    const oldArg = old.stackArgRegs[i] ?? NOT_INIT_REG;
    const curArg = cur.stackArgRegs[i] ?? NOT_INIT_REG;
    if (!regsafe(env, oldArg, curArg, env.idMap, exact)) return false;
  }
  return true;
}

/** refsafe() */
function refsafe(old: VerifierState, cur: VerifierState, ids: IdMap): boolean {
  return (
    old.refs.length === cur.refs.length &&
    old.activeLocks === cur.activeLocks &&
    old.activePreemptLocks === cur.activePreemptLocks &&
    old.activeRcuLocks === cur.activeRcuLocks &&
    ids.check(old.activeIrqId, cur.activeIrqId) &&
    ids.check(old.activeLockId, cur.activeLockId) &&
    old.activeLockPtr === cur.activeLockPtr &&
    old.refs.every((ref, i) => sameRef(ref, cur.refs[i]!, ids))
  );
}

function sameRef(old: RefState, cur: RefState, ids: IdMap): boolean {
  if (!ids.check(old.id, cur.id) || old.type !== cur.type) return false;
  if (old.type === t.REF_TYPE_PTR) return ids.check(old.parentId, cur.parentId);
  return old.type === t.REF_TYPE_IRQ || old.ptr === cur.ptr;
}

/** A cheap first look: all registers of the last frame are the very same. states_maybe_looping() */
export function statesMaybeLooping(old: VerifierState, cur: VerifierState): boolean {
  if (old.frames.length !== cur.frames.length) return false;
  const oldRegs = old.frame.regs;
  const curRegs = cur.frame.regs;
  for (let i = oldRegs.length - 1; i >= 0; i--) {
    const a = oldRegs[i]!;
    const b = curRegs[i]!;
    if (a === b) continue;
    if (a.id !== b.id || a.parentId !== b.parentId || !sameButIds(a, b)) return false;
  }
  return true;
}

/** An iterator has been called for its next in between. iter_active_depths_differ() */
export function iterActiveDepthsDiffer(old: VerifierState, cur: VerifierState): boolean {
  for (const [fr, { stack }] of old.frames.entries()) {
    for (const [i, slot] of stack.entries()) {
      const isActive = slot.typeAt(0) === t.STACK_ITER && slot.reg.iterState === t.ITER_ACTIVE;
      if (!isActive) continue;
      const now = cur.frames[fr]!.stack[i] ?? INVALID_SLOT;
      if (now.reg.iterDepth !== slot.reg.iterDepth) return true;
    }
  }
  return false;
}
