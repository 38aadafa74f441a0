import { EINVAL, ERANGE } from '../../../kernel/errno.ts';
import type { DynptrDesc } from '../calls/call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import { pointerReg, type Reg } from '../values/reg.ts';
import { acquireReference, releaseReference, validateRefObj, type RefObjDesc } from './refs.ts';
import { Rejection } from '../rejection.ts';
import { areAllBytes, existingSpi, objectSlot, stackSlotObjGetSpi } from './stack-objects.ts';
import type { FuncState } from '../state.ts';
import * as t from '../types.ts';

// Dynptrs on the stack: two slots, the first at the higher index.

/** BPF_DYNPTR_NR_SLOTS */
export const DYNPTR_SLOTS = 2;

/** By flag of an argument's type. */
const DYNPTR_TYPES: readonly (readonly [flag: number, type: number])[] = [
  [t.DYNPTR_TYPE_LOCAL, t.BPF_DYNPTR_TYPE_LOCAL],
  [t.DYNPTR_TYPE_RINGBUF, t.BPF_DYNPTR_TYPE_RINGBUF],
  [t.DYNPTR_TYPE_SKB, t.BPF_DYNPTR_TYPE_SKB],
  [t.DYNPTR_TYPE_XDP, t.BPF_DYNPTR_TYPE_XDP],
  [t.DYNPTR_TYPE_SKB_META, t.BPF_DYNPTR_TYPE_SKB_META],
  [t.DYNPTR_TYPE_FILE, t.BPF_DYNPTR_TYPE_FILE],
];

/** arg_to_dynptr_type() */
export function argToDynptrType(argType: number): number {
  const flag = argType & t.DYNPTR_TYPE_FLAG_MASK;
  return DYNPTR_TYPES.find((row) => row[0] === flag)?.[1] ?? t.BPF_DYNPTR_TYPE_INVALID;
}

/** get_dynptr_type_flag() */
export function getDynptrTypeFlag(type: number): number {
  return DYNPTR_TYPES.find((row) => row[1] === type)?.[0] ?? 0;
}

/** It holds something that must be given back. dynptr_type_referenced() */
export function dynptrTypeReferenced(type: number): boolean {
  return type === t.BPF_DYNPTR_TYPE_RINGBUF || type === t.BPF_DYNPTR_TYPE_FILE;
}

/** dynptr_get_spi() */
export function dynptrGetSpi(env: VerifierEnv, reg: Reg): number {
  return stackSlotObjGetSpi(env, reg, 'dynptr', DYNPTR_SLOTS);
}

/** __mark_dynptr_reg(); the base type matters to callbacks' arguments only. */
export function markDynptrReg(type: number, firstSlot: boolean, id: number, parentId: number): Reg {
  return pointerReg(t.CONST_PTR_TO_DYNPTR, { dynptrType: type, firstSlot, id, parentId });
}

/** The dynptr that a callback is given. mark_dynptr_cb_reg() */
export function markDynptrCbReg(env: VerifierEnv, type: number): Reg {
  return markDynptrReg(type, true, env.newId(), 0);
}

/** A dynptr is made where `reg` points. mark_stack_slots_dynptr() */
export function markStackSlotsDynptr(
  env: VerifierEnv,
  reg: Reg,
  argType: number,
  insnIdx: number,
  refObj: RefObjDesc,
  dynptr: DynptrDesc,
): void {
  const frame = env.func(reg);
  const spi = existingSpi(dynptrGetSpi(env, reg));
  // The two slots may be halves of two others.
  destroyIfDynptrStackSlot(env, frame, spi);
  destroyIfDynptrStackSlot(env, frame, spi - 1);
  const type = argToDynptrType(argType);
  if (type === t.BPF_DYNPTR_TYPE_INVALID) throw new Rejection(EINVAL);
  const parentId = dynptrParentId(env, type, insnIdx, refObj, dynptr);
  const id = env.newId();
  frame.stack[spi] = objectSlot(t.STACK_DYNPTR, markDynptrReg(type, true, id, parentId));
  frame.stack[spi - 1] = objectSlot(t.STACK_DYNPTR, markDynptrReg(type, false, id, parentId));
}

/** What a dynptr lives as long as: clones of one share it. */
function dynptrParentId(
  env: VerifierEnv,
  type: number,
  insnIdx: number,
  refObj: RefObjDesc,
  dynptr: DynptrDesc,
): number {
  const isClone = dynptr.type !== t.BPF_DYNPTR_TYPE_INVALID;
  if (isClone) return dynptr.parentId;
  validateRefObj(env, refObj);
  return dynptrTypeReferenced(type) ? acquireReference(env, insnIdx, refObj.id) : refObj.id;
}

/** A dynptr is given back, with its clones if it holds something. unmark_stack_slots_dynptr() */
export function unmarkStackSlotsDynptr(env: VerifierEnv, reg: Reg): void {
  const spi = existingSpi(dynptrGetSpi(env, reg));
  const { dynptrType, parentId, id } = env.func(reg).stack[spi]!.reg;
  releaseReference(env, dynptrTypeReferenced(dynptrType) ? parentId : id);
}

function dynptrRefCnt(env: VerifierEnv, parentId: number): number {
  let count = 0;
  for (const { stack } of env.cur.frames) {
    for (const slot of stack) {
      const isDynptr = slot.typeAt(0) === t.STACK_DYNPTR && slot.reg.firstSlot;
      if (isDynptr && slot.reg.parentId === parentId) count++;
    }
  }
  return count;
}

/** Something is written where a dynptr may be. destroy_if_dynptr_stack_slot() */
export function destroyIfDynptrStackSlot(env: VerifierEnv, frame: FuncState, spi: number): void {
  if (frame.stack[spi]!.typeAt(0) !== t.STACK_DYNPTR) return;
  const first = frame.stack[spi]!.reg.firstSlot ? spi : spi + 1;
  const { dynptrType, parentId, id } = frame.stack[first]!.reg;
  // Another with the same parent can still give it back.
  if (dynptrTypeReferenced(dynptrType) && dynptrRefCnt(env, parentId) <= 1) {
    throw env.reject(EINVAL, 'cannot overwrite referenced dynptr');
  }
  releaseReference(env, id);
  env.markSlotScratched(first);
  env.markSlotScratched(first - 1);
}

/** A dynptr may be made there. is_dynptr_reg_valid_uninit() */
export function isDynptrRegValidUninit(env: VerifierEnv, reg: Reg): boolean {
  if (reg.type === t.CONST_PTR_TO_DYNPTR) return false;
  const spi = dynptrGetSpi(env, reg);
  return spi >= 0 || spi === -ERANGE;
}

/** There is one. is_dynptr_reg_valid_init() */
export function isDynptrRegValidInit(env: VerifierEnv, reg: Reg): boolean {
  if (reg.type === t.CONST_PTR_TO_DYNPTR) return true;
  const spi = dynptrGetSpi(env, reg);
  if (spi < 0) return false;
  const frame = env.func(reg);
  return frame.stack[spi]!.reg.firstSlot && areAllBytes(frame, spi, DYNPTR_SLOTS, t.STACK_DYNPTR);
}

/** is_dynptr_type_expected() */
export function isDynptrTypeExpected(env: VerifierEnv, reg: Reg, argType: number): boolean {
  if (argType === t.ARG_PTR_TO_DYNPTR) return true;
  const expected = argToDynptrType(argType);
  if (reg.type === t.CONST_PTR_TO_DYNPTR) return reg.dynptrType === expected;
  const spi = dynptrGetSpi(env, reg);
  return spi >= 0 && env.func(reg).stack[spi]!.reg.dynptrType === expected;
}
