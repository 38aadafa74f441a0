import { EINVAL } from '../../../kernel/errno.ts';
import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK } from '../../btf/field-types.ts';
import { btfRecordHasField } from '../../btf/record.ts';
import { type ArgNo, regArgName } from '../access/access-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { regBtfRecord } from './reg-record.ts';
import {
  acquireLockState,
  findLockState,
  invalidateNonOwningRefs,
  invalidateRcuProtectedRefs,
  releaseLockState,
} from './refs.ts';
import { inRcuCs } from './sections.ts';
import * as t from '../types.ts';

/** Flags of what is done with which kind of lock. */
export const PROCESS_SPIN_LOCK = 1 << 0; // taken; without: given back
export const PROCESS_RES_LOCK = 1 << 1; // a struct bpf_res_spin_lock
export const PROCESS_LOCK_IRQ = 1 << 2; // with interrupts off

/** A lock is taken or given back: which, and in what order. process_spin_lock() */
export function processSpinLock(env: VerifierEnv, reg: Reg, argno: ArgNo, flags: number): void {
  const isResLock = (flags & PROCESS_RES_LOCK) !== 0;
  const name = isResLock ? 'bpf_res_spin' : 'bpf_spin';
  checkPlace(env, reg, argno, name, isResLock);
  const holder = reg.type === t.PTR_TO_MAP_VALUE ? reg.map! : reg.btf!;
  const type = lockType(flags);
  if ((flags & PROCESS_SPIN_LOCK) !== 0) {
    checkNotHeld(env, reg, holder, isResLock);
    acquireLockState(env, env.insnIdx, type, reg.id, holder);
  } else {
    unlock(env, reg, holder, type, name);
  }
}

function lockType(flags: number): number {
  if ((flags & PROCESS_RES_LOCK) === 0) return t.REF_TYPE_LOCK;
  return (flags & PROCESS_LOCK_IRQ) !== 0 ? t.REF_TYPE_RES_LOCK_IRQ : t.REF_TYPE_RES_LOCK;
}

/** The register points exactly to the lock of a map value or an object. */
function checkPlace(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  name: string,
  isResLock: boolean,
): void {
  if (!reg.s.isConst) {
    throw env.reject(
      EINVAL,
      `${regArgName(argno)} doesn't have constant offset. ` +
        `${name}_lock has to be at the constant offset`,
    );
  }
  const map = reg.type === t.PTR_TO_MAP_VALUE ? reg.map! : undefined;
  if (map && !map.btf) {
    const text = `map '${map.name}' has to have BTF in order to use ${name}_lock`;
    throw env.reject(EINVAL, text);
  }
  const record = regBtfRecord(reg);
  if (!record || !btfRecordHasField(record, isResLock ? BPF_RES_SPIN_LOCK : BPF_SPIN_LOCK)) {
    const where = map ? `map '${map.name}'` : `local 'kptr'`;
    throw env.reject(EINVAL, `${where} has no valid ${name}_lock`);
  }
  const lockOff = isResLock ? record.resSpinLockOff : record.spinLockOff;
  const off = reg.s.svalue;
  if (BigInt(lockOff) !== off) {
    const text = `off ${off} doesn't point to 'struct ${name}_lock' that is at ${lockOff}`;
    throw env.reject(EINVAL, text);
  }
}

function checkNotHeld(env: VerifierEnv, reg: Reg, holder: object, isResLock: boolean): void {
  const { cur } = env;
  if (cur.activeLocks === 0) return;
  if (!isResLock) {
    if (findLockState(cur, t.REF_TYPE_LOCK, 0, undefined)) {
      throw env.reject(EINVAL, 'Locking two bpf_spin_locks are not allowed');
    }
    return;
  }
  const kinds = t.REF_TYPE_RES_LOCK | t.REF_TYPE_RES_LOCK_IRQ;
  if (findLockState(cur, kinds, reg.id, holder)) {
    throw env.reject(EINVAL, 'Acquiring the same lock again, AA deadlock detected');
  }
}

/** Locks are given back in the opposite order in which they were taken. */
function unlock(env: VerifierEnv, reg: Reg, holder: object, type: number, name: string): void {
  const { cur } = env;
  if (cur.activeLocks === 0) {
    throw env.reject(EINVAL, `${name}_unlock without taking a lock`);
  }
  if (!findLockState(cur, type, reg.id, holder)) {
    throw env.reject(EINVAL, `${name}_unlock of different lock`);
  }
  if (reg.id !== cur.activeLockId || holder !== cur.activeLockPtr) {
    throw env.reject(EINVAL, `${name}_unlock cannot be out of order`);
  }
  const wasInRcuCs = inRcuCs(env);
  releaseLockState(cur, type, reg.id, holder);
  if (wasInRcuCs && !inRcuCs(env)) invalidateRcuProtectedRefs(env);
  invalidateNonOwningRefs(env);
}
