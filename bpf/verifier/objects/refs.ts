import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { NOT_INIT_REG, type Reg, UNKNOWN_PRECISE_REG, UNKNOWN_REG } from '../values/reg.ts';
import { INVALID_SLOT, isSpilled } from '../values/stack.ts';
import type { RefState, VerifierState } from '../state.ts';
import {
  isNonOwningRef,
  MEM_ALLOC,
  MEM_PERCPU,
  MEM_RCU,
  PTR_MAYBE_NULL,
  PTR_UNTRUSTED,
  REF_TYPE_IRQ,
  REF_TYPE_LOCK_MASK,
  REF_TYPE_PTR,
  STACK_DYNPTR,
  STACK_ITER,
} from '../types.ts';

// What a path has acquired and must give back: objects, locks, saved interrupt flags.

/** The referenced objects that a call is given. struct ref_obj_desc */
export interface RefObjDesc {
  id: number;
  parentId: number;
  cnt: number;
}

/** update_ref_obj() */
export function updateRefObj(refObj: RefObjDesc, reg: Reg): void {
  refObj.id = reg.id;
  refObj.parentId = reg.parentId;
  refObj.cnt++;
}

/** validate_ref_obj() */
export function validateRefObj(env: VerifierEnv, refObj: RefObjDesc): void {
  if (refObj.cnt <= 1) return;
  throw env.bug(`function expects only one referenced object but got ${refObj.cnt}\n`);
}

function addRef(env: VerifierEnv, ref: RefState): void {
  env.cur.refs = [...env.cur.refs, ref];
  noteHeld(env);
}

/** How much is held here: what records of it must have room for. */
export function noteHeld(env: VerifierEnv): void {
  const { refs, activeRcuLocks, activePreemptLocks } = env.cur;
  env.heldMax = Math.max(env.heldMax, refs.length + activeRcuLocks + activePreemptLocks);
}

function removeRef(state: VerifierState, index: number): void {
  state.refs = state.refs.toSpliced(index, 1);
}

/** A new object, by its id. acquire_reference() */
export function acquireReference(env: VerifierEnv, insnIdx: number, parentId: number): number {
  const id = env.newId();
  addRef(env, { type: REF_TYPE_PTR, id, insnIdx, parentId, ptr: undefined });
  return id;
}

/** acquire_lock_state() */
export function acquireLockState(
  env: VerifierEnv,
  insnIdx: number,
  type: number,
  id: number,
  ptr: object | undefined,
): void {
  addRef(env, { type, id, insnIdx, parentId: 0, ptr });
  env.cur.activeLocks++;
  env.cur.activeLockId = id;
  env.cur.activeLockPtr = ptr;
}

/** The id of the saved flag. acquire_irq_state() */
export function acquireIrqState(env: VerifierEnv, insnIdx: number): number {
  const id = env.newId();
  addRef(env, { type: REF_TYPE_IRQ, id, insnIdx, parentId: 0, ptr: undefined });
  env.cur.activeIrqId = id;
  return id;
}

/** find_reference_state() */
export function findReferenceState(state: VerifierState, id: number): boolean {
  return state.refs.some((ref) => ref.type === REF_TYPE_PTR && ref.id === id);
}

/** reg_is_referenced() */
export function regIsReferenced(env: VerifierEnv, reg: Reg): boolean {
  return findReferenceState(env.cur, reg.id);
}

/** Whether there was such a lock. release_lock_state() */
export function releaseLockState(
  state: VerifierState,
  type: number,
  id: number,
  ptr: object | undefined,
): boolean {
  let before: RefState | undefined;
  for (const [i, ref] of state.refs.entries()) {
    if (ref.type === type && ref.id === id && ref.ptr === ptr) {
      removeRef(state, i);
      state.activeLocks--;
      state.activeLockId = before?.id ?? 0;
      state.activeLockPtr = before?.ptr;
      return true;
    }
    if ((ref.type & REF_TYPE_LOCK_MASK) !== 0) before = ref;
  }
  return false;
}

/** 0, or EACCES (out of order), or EINVAL. release_irq_state() */
export function releaseIrqState(state: VerifierState, id: number): number {
  if (id !== state.activeIrqId) return EACCES;
  let before = 0;
  for (const [i, ref] of state.refs.entries()) {
    if (ref.type !== REF_TYPE_IRQ) continue;
    if (ref.id === id) {
      removeRef(state, i);
      state.activeIrqId = before;
      return 0;
    }
    before = ref.id;
  }
  return EINVAL;
}

/** A lock of any of the types (bits). find_lock_state() */
export function findLockState(
  state: VerifierState,
  type: number,
  id: number,
  ptr: object | undefined,
): RefState | undefined {
  return state.refs.find((ref) => (ref.type & type) !== 0 && ref.id === id && ref.ptr === ptr);
}

/** Whether there was such an object; registers stay. release_reference_nomark() */
export function releaseReferenceNomark(state: VerifierState, id: number): boolean {
  const index = state.refs.findIndex((ref) => ref.type === REF_TYPE_PTR && ref.id === id);
  if (index < 0) return false;
  removeRef(state, index);
  return true;
}

/** What is left of a register whose object has gone. mark_reg_invalid() */
export function markRegInvalid(env: VerifierEnv): Reg {
  if (!env.allowPtrLeaks) return NOT_INIT_REG;
  return env.bpfCapable ? UNKNOWN_REG : UNKNOWN_PRECISE_REG;
}

/** Gives back an object: it, and all that is derived from it, is no more. release_reference() */
export function releaseReference(env: VerifierEnv, id: number): void {
  if (id === 0) return;
  releaseReferenceNomark(env.cur, id);
  const pending = [id];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    checkNoChildRefs(env, next);
    invalidateDerived(env, next, pending);
  }
}

function checkNoChildRefs(env: VerifierEnv, id: number): void {
  for (const ref of env.cur.refs) {
    if (ref.type !== REF_TYPE_PTR || ref.parentId !== id) continue;
    throw env.reject(
      EINVAL,
      `Leaking reference id=${ref.id} alloc_insn=${ref.insnIdx}. Release it first.`,
    );
  }
}

/** Forgets the object of that id and its direct children, whose ids go to `pending`. */
function invalidateDerived(env: VerifierEnv, id: number, pending: number[]): void {
  const invalid = markRegInvalid(env);
  const isGone = (reg: Reg): boolean => {
    if (reg.id !== id && reg.parentId !== id) return false;
    const isNew = reg.parentId === id && reg.id !== 0 && !pending.includes(reg.id);
    if (isNew) pending.push(reg.id);
    return true;
  };
  for (const { regs, stack, stackArgRegs } of env.cur.frames) {
    for (let i = 0; i < regs.length; i++) if (isGone(regs[i]!)) regs[i] = invalid;
    for (let i = 0; i < stack.length; i++) {
      const slot = stack[i]!;
      if (slot.typeAt(7) === STACK_DYNPTR) {
        if (!isGone(slot.reg)) continue;
        // Its two slots lie side by side: the one that is met first is the second half.
        stack[i] = INVALID_SLOT;
        stack[i + 1] = INVALID_SLOT;
      } else if (isSpilled(slot) && isGone(slot.reg)) {
        stack[i] = slot.withReg(invalid);
      }
    }
    for (let i = 0; i < stackArgRegs.length; i++) {
      if (isGone(stackArgRegs[i]!)) stackArgRegs[i] = invalid;
    }
  }
}

/** At the end of a critical section. invalidate_non_owning_refs() */
export function invalidateNonOwningRefs(env: VerifierEnv): void {
  const invalid = markRegInvalid(env);
  env.cur.mapRegs((reg) => (isNonOwningRef(reg.type) ? invalid : reg), isSpilled);
}

/** At the end of a read section. invalidate_rcu_protected_refs() */
export function invalidateRcuProtectedRefs(env: VerifierEnv): void {
  env.cur.mapRegs(
    (reg) =>
      (reg.type & MEM_RCU) === 0
        ? reg
        : reg.with({ type: (reg.type & ~(MEM_RCU | PTR_MAYBE_NULL)) | PTR_UNTRUSTED }),
    (slot) => isSpilled(slot) || slot.typeAt(7) === STACK_ITER,
  );
}

/** Per-CPU objects stay readable until the end of the read section. */
export function refConvertAllocRcuProtected(env: VerifierEnv, id: number): boolean {
  const isReleased = releaseReferenceNomark(env.cur, id);
  const both = MEM_ALLOC | MEM_PERCPU;
  env.cur.mapRegs(
    (reg) =>
      reg.id !== id || (reg.type & both) !== both
        ? reg
        : reg.with({ id: 0, type: (reg.type & ~MEM_ALLOC) | MEM_RCU }),
    isSpilled,
  );
  return isReleased;
}
