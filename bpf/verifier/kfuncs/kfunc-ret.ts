import { EINVAL } from '../../../kernel/errno.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import { btfResolveSize, resolve, resolveId } from '../../btf/resolve.ts';
import type { BtfType } from '../../btf/types.ts';
import * as kf from '../../kfuncs/flags.ts';
import type { VerifierEnv } from '../env.ts';
import { refSetNonOwning } from '../objects/graph-refs.ts';
import { getIterFromState } from './iterators.ts';
import { isScalarType } from './kfunc-args.ts';
import { isIterNextKfunc, isKfuncRcuProtected, type KfuncCallArgMeta } from './kfunc-meta.ts';
import { OBJ_NEW_KFUNCS, PERCPU_OBJ_NEW_KFUNCS, REFCOUNT_ACQUIRE_KFUNCS } from './kfunc-names.ts';
import { checkSpecialKfunc, isListNodeType, isRbtreeNodeType } from './kfunc-special.ts';
import { pointerReg, type Reg } from '../values/reg.ts';
import { regMayPointToSpinLock } from '../objects/reg-record.ts';
import { acquireReference, validateRefObj } from '../objects/refs.ts';
import { knownReg, unknownReg } from '../values/regs.ts';
import * as t from '../types.ts';

/** What r0 holds after a kfunc, by its prototype. A part of check_kfunc_call() */
export function setKfuncReturn(env: VerifierEnv, meta: KfuncCallArgMeta, insnIdx: number): void {
  const { btf, proto } = meta;
  const type = resolve(btf, proto.type);
  const target = type?.kind === 'ptr' ? resolve(btf, type.type) : undefined;
  checkAcquire(env, meta, target);
  if (isScalarType(type)) {
    // The path on which a lock could not be had is another one.
    const isLocked = LOCKS.has(meta.funcName);
    env.regs[0] = isLocked ? knownReg(env, 0n) : unknownReg(env);
    return;
  }
  if (type?.kind !== 'ptr') return;
  let r0 =
    checkSpecialKfunc(env, meta, target) ?? pointed(env, meta, target, resolveId(btf, type.type));
  if (isKfuncRetNull(meta)) r0 = r0.with({ type: r0.type | t.PTR_MAYBE_NULL, id: env.newId() });
  if (meta.has(kf.KF_ACQUIRE)) {
    r0 = r0.with({ id: acquireReference(env, insnIdx, 0) });
  } else if (isRbtreeNodeType(target) || isListNodeType(target)) {
    r0 = refSetNonOwning(env, r0);
  }
  if (r0.id === 0 && regMayPointToSpinLock(r0)) r0 = r0.with({ id: env.newId() });
  env.regs[0] = r0;
}

const LOCKS: ReadonlySet<string> = new Set(['bpf_res_spin_lock', 'bpf_res_spin_lock_irqsave']);

/** Kfuncs that make objects of the program's own types. */
const MAKES_OBJECTS: ReadonlySet<string> = new Set([
  ...OBJ_NEW_KFUNCS,
  ...PERCPU_OBJ_NEW_KFUNCS,
  ...REFCOUNT_ACQUIRE_KFUNCS,
]);

function checkAcquire(env: VerifierEnv, meta: KfuncCallArgMeta, target: BtfType | undefined): void {
  if (!meta.has(kf.KF_ACQUIRE) || isObject(target) || MAKES_OBJECTS.has(meta.funcName)) return;
  throw env.reject(EINVAL, 'acquire kernel function does not return PTR_TO_BTF_ID');
}

/** A struct, known or only declared. */
function isObject(type: BtfType | undefined): boolean {
  return type?.kind === 'struct' || type?.kind === 'union' || type?.kind === 'fwd';
}

/** is_kfunc_ret_null() */
function isKfuncRetNull(meta: KfuncCallArgMeta): boolean {
  if (REFCOUNT_ACQUIRE_KFUNCS.has(meta.funcName) && meta.argOwningRef) return false;
  return meta.has(kf.KF_RET_NULL);
}

/** A pointer to what the prototype says. */
function pointed(
  env: VerifierEnv,
  meta: KfuncCallArgMeta,
  target: BtfType | undefined,
  targetId: number,
): Reg {
  if (target === undefined) return unknownReg(env); // `void *` is a number to programs
  if (!isObject(target)) return memory(env, meta, target, targetId);
  return pointerReg(t.PTR_TO_BTF_ID | trust(env, meta), { btf: meta.btf, btfId: targetId });
}

function memory(env: VerifierEnv, meta: KfuncCallArgMeta, target: BtfType, targetId: number): Reg {
  if (meta.funcName === 'bpf_session_cookie') meta.r0Size = 8n; // it may be written to
  if (meta.r0Size === 0n) {
    meta.r0Size = BigInt(btfResolveSize(meta.btf, targetId) ?? 0);
    meta.r0Rdonly = true;
  }
  if (meta.r0Size === 0n) {
    const type = `${btfTypeStr(target)} ${target.name}`;
    const text = `returns pointer type ${type} is not supported`;
    throw env.reject(EINVAL, `kernel function ${meta.funcName} ${text}`);
  }
  if (meta.refObj.id !== 0) validateRefObj(env, meta.refObj);
  const rdonly = meta.r0Rdonly ? t.MEM_RDONLY : 0;
  const rcu = isKfuncRcuProtected(meta) ? t.MEM_RCU : 0;
  return pointerReg(t.PTR_TO_MEM | rdonly | rcu, {
    memSize: Number(meta.r0Size),
    parentId: meta.refObj.id,
  });
}

/** What a kfunc gives is trusted, unless it lives by RCU, or nobody holds it. */
function trust(env: VerifierEnv, meta: KfuncCallArgMeta): number {
  if (meta.funcName === 'bpf_get_kmem_cache') return t.PTR_UNTRUSTED;
  const isRcu =
    isKfuncRcuProtected(meta) ||
    (isIterNextKfunc(meta) && (getIterFromState(env.cur, meta).type & t.MEM_RCU) !== 0);
  return isRcu ? t.MEM_RCU : t.PTR_TRUSTED;
}
