import { EINVAL } from '../../../kernel/errno.ts';
import * as field from '../../btf/field-types.ts';
import { btfFieldTypeName } from '../../btf/field-types.ts';
import { btfRecordFind, type BtfField, type BtfRecord } from '../../btf/record.ts';
import { regArgName, type ArgNo } from '../access/access-types.ts';
import { btfStructIdsMatch } from '../access/btf-walk.ts';
import type { VerifierEnv } from '../env.ts';
import { isKfuncArgNonownAllowed, type KfuncParam } from './kfunc-args.ts';
import type { KfuncCallArgMeta } from './kfunc-meta.ts';
import { RBTREE_ADD_KFUNCS } from './kfunc-names.ts';
import { inRbtreeLockRequiredCb } from '../objects/rbtree-lock.ts';
import type { Reg } from '../values/reg.ts';
import { btfTypeName } from '../values/reg-names.ts';
import { regBtfRecord, regFindFieldOffset } from '../objects/reg-record.ts';
import { findLockState, regIsReferenced } from '../objects/refs.ts';
import * as t from '../types.ts';

// Lists and trees of the program's own objects, as arguments: their roots and their nodes.

/** An object of the program's own that it owns. */
const OWNED = t.PTR_TO_BTF_ID | t.MEM_ALLOC;

/** A root, in a map's value or an object that is owned. */
export function checkGraphRootArg(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  meta: KfuncCallArgMeta,
  rootType: number,
): void {
  if (reg.type !== t.PTR_TO_MAP_VALUE && reg.type !== OWNED) {
    const text = `${regArgName(argno)} expected pointer to map value or allocated object`;
    throw env.reject(EINVAL, text);
  }
  if (reg.type === OWNED) checkReferenced(env, reg);
  const root = processGraphRoot(env, reg, argno, rootType);
  if (rootType === field.BPF_LIST_HEAD) meta.argListHead = root;
  else meta.argRbtreeRoot = root;
}

export function checkReferenced(env: VerifierEnv, reg: Reg): void {
  if (!regIsReferenced(env, reg)) throw env.reject(EINVAL, 'allocated object must be referenced');
}

/** __process_kf_arg_ptr_to_graph_root() */
function processGraphRoot(env: VerifierEnv, reg: Reg, argno: ArgNo, rootType: number): BtfField {
  const name = btfFieldTypeName(rootType);
  const off = constantOffset(env, reg, argno, name);
  const record = regBtfRecord(reg);
  const root = btfRecordFind(record, off, rootType);
  if (!root) throw env.reject(EINVAL, `${name} not found at offset=${off}`);
  checkRegAllocationLocked(env, reg, record!, name);
  return root;
}

function constantOffset(env: VerifierEnv, reg: Reg, argno: ArgNo, name: string): number {
  if (!reg.s.isConst) {
    throw env.reject(
      EINVAL,
      `${regArgName(argno)} doesn't have constant offset. ${name} has to be at the constant offset`,
    );
  }
  return reg.s.value32;
}

/** The lock that stands beside the root is held. check_reg_allocation_locked() */
function checkRegAllocationLocked(
  env: VerifierEnv,
  reg: Reg,
  { spinLockOff }: BtfRecord,
  name: string,
): void {
  const { cur } = env;
  const holder = reg.type === t.PTR_TO_MAP_VALUE ? reg.map : reg.btf;
  const isLocked = cur.activeLocks > 0;
  if (isLocked && findLockState(cur, t.REF_TYPE_LOCK_MASK, reg.id, holder)) return;
  if (isLocked) env.verbose('held lock and object are not in the same allocation\n');
  const text = `bpf_spin_lock at off=${spinLockOff} must be held for ${name}`;
  throw env.reject(EINVAL, text);
}

/** A node of a list: owned, or where the parameter allows that, looked at under the lock. */
export function checkListNodeArg(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  meta: KfuncCallArgMeta,
  param: KfuncParam,
): void {
  const isLookedAt = t.isNonOwningRef(reg.type) && !regIsReferenced(env, reg);
  if (!isLookedAt || !isKfuncArgNonownAllowed(param)) checkOwned(env, reg, argno);
  processGraphNode(env, reg, argno, meta, meta.argListHead!);
}

function checkOwned(env: VerifierEnv, reg: Reg, argno: ArgNo): void {
  if (reg.type !== OWNED) {
    throw env.reject(EINVAL, `${regArgName(argno)} expected pointer to allocated object`);
  }
  checkReferenced(env, reg);
}

/** A node of a tree. */
export function checkRbNodeArg(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  meta: KfuncCallArgMeta,
): void {
  const { funcName } = meta;
  if (RBTREE_ADD_KFUNCS.has(funcName)) {
    checkOwned(env, reg, argno);
  } else {
    if (!t.isNonOwningRef(reg.type) && !regIsReferenced(env, reg)) {
      const text = `${funcName} can only take non-owning or refcounted bpf_rb_node pointer`;
      throw env.reject(EINVAL, text);
    }
    if (inRbtreeLockRequiredCb(env)) {
      throw env.reject(EINVAL, `${funcName} not allowed in rbtree cb`);
    }
  }
  processGraphNode(env, reg, argno, meta, meta.argRbtreeRoot!);
}

/** The node is one of those that the root links. __process_kf_arg_ptr_to_graph_node() */
function processGraphNode(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  meta: KfuncCallArgMeta,
  root: BtfField,
): void {
  const rootName = btfFieldTypeName(root.type);
  const nodeType = root.type === field.BPF_LIST_HEAD ? field.BPF_LIST_NODE : field.BPF_RB_NODE;
  const nodeName = btfFieldTypeName(nodeType);
  const off = constantOffset(env, reg, argno, nodeName);
  if (!regFindFieldOffset(reg, off, nodeType)) {
    throw env.reject(EINVAL, `${nodeName} not found at offset=${off}`);
  }
  const { btf, valueBtfId, nodeOffset } = root.graphRoot!;
  const isMatch = btfStructIdsMatch(env, {
    btf: reg.btf!,
    btfId: reg.btfId,
    off: 0,
    needBtf: btf,
    needId: valueBtfId,
    strict: true,
    walkFlexArrays: (reg.type & t.MEM_ALLOC) === 0,
  });
  const expected = `${nodeName} at offset=${nodeOffset} in struct ${btfTypeName(btf, valueBtfId)}`;
  if (!isMatch) {
    const found = `at offset=${off} in struct ${btfTypeName(reg.btf!, reg.btfId)}`;
    const text = `operation on ${rootName} expects arg#1 ${expected}, but arg is ${found}`;
    throw env.reject(EINVAL, text);
  }
  meta.argBtf = reg.btf;
  meta.argBtfId = reg.btfId;
  if (off !== nodeOffset) {
    throw env.reject(EINVAL, `arg#1 offset=${off}, but expected ${expected}`);
  }
}
