import { EINVAL } from '../../../kernel/errno.ts';
import type { FieldGraphRoot } from '../../btf/record.ts';
import { btfFindStructMeta } from '../../btf/struct-meta.ts';
import type { Btf, BtfOf, BtfType } from '../../btf/types.ts';
import { elementType, objectType } from '../../objects/object-type.ts';
import { mayAccessDirectPktData } from '../access/access-packet.ts';
import { BPF_WRITE } from '../access/access-types.ts';
import type { VerifierEnv } from '../env.ts';
import { markRegGraphNode } from '../objects/graph-refs.ts';
import { isScalarStruct } from './kfunc-arg-kind.ts';
import type { KfuncCallArgMeta } from './kfunc-meta.ts';
import { OBJ_NEW_KFUNCS, PERCPU_OBJ_NEW_KFUNCS, REFCOUNT_ACQUIRE_KFUNCS } from './kfunc-names.ts';
import { pointerReg, type Reg } from '../values/reg.ts';
import { getDynptrTypeFlag } from '../objects/stack-dynptr.ts';
import * as t from '../types.ts';

/** BPF_GLOBAL_PERCPU_MA_MAX_SIZE */
const PERCPU_OBJECT_BYTES_MAX = 512;
const OBJ = t.PTR_TO_BTF_ID | t.MEM_ALLOC;

/**
 * What kfuncs return whose prototype does not say it; undefined where it does. `target` is what the
 * prototype says that r0 points to. check_special_kfunc()
 */
export function checkSpecialKfunc(
  env: VerifierEnv,
  meta: KfuncCallArgMeta,
  target: BtfType | undefined,
): Reg | undefined {
  const { funcName } = meta;
  if (OBJ_NEW_KFUNCS.has(funcName) || PERCPU_OBJ_NEW_KFUNCS.has(funcName)) {
    return newObject(env, meta);
  }
  if (REFCOUNT_ACQUIRE_KFUNCS.has(funcName)) {
    const { argBtf: btf, argBtfId: btfId } = meta;
    env.curAux.objectType = objectType(btf, btfId);
    return pointerReg(OBJ, { btf, btfId });
  }
  if (isListNodeType(target)) return graphNode(env, meta.argListHead!.graphRoot!);
  if (isRbtreeNodeType(target)) return graphNode(env, meta.argRbtreeRoot!.graphRoot!);
  switch (funcName) {
    case 'bpf_cast_to_kern_ctx':
      return pointerReg(t.PTR_TO_BTF_ID | t.PTR_TRUSTED, {
        btf: meta.btf,
        btfId: meta.retBtfId,
      });
    case 'bpf_rdonly_cast':
      return rdonlyCast(env, meta);
    case 'bpf_dynptr_slice':
    case 'bpf_dynptr_slice_rdwr':
      return dynptrSlice(env, meta);
    default:
      return undefined;
  }
}

function graphNode(env: VerifierEnv, root: FieldGraphRoot): Reg {
  env.curAux.objectType = elementType(root);
  return markRegGraphNode(root);
}

/** is_list_node_type() */
export function isListNodeType(type: BtfType | undefined): boolean {
  return type?.kind === 'struct' && type.name === 'bpf_list_node';
}

/** is_rbtree_node_type() */
export function isRbtreeNodeType(type: BtfType | undefined): boolean {
  return type?.kind === 'struct' && type.name === 'bpf_rb_node';
}

/** An object of a type of the program's own, which a constant names. */
function newObject(env: VerifierEnv, { funcName, argConstant }: KfuncCallArgMeta): Reg {
  const isPercpu = PERCPU_OBJ_NEW_KFUNCS.has(funcName);
  const constant = argConstant ?? 0n;
  if (constant > 0xffff_ffffn) {
    throw env.reject(EINVAL, 'local type ID argument must be in range [0, U32_MAX]');
  }
  const { btf } = env.prog;
  if (!btf) throw env.reject(EINVAL, 'bpf_obj_new/bpf_percpu_obj_new requires prog BTF');
  const btfId = Number(constant);
  const type = btf.types[btfId];
  if (type?.kind !== 'struct') {
    const text = 'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct';
    throw env.reject(EINVAL, text);
  }
  if (isPercpu) checkPercpuObject(env, btf, btfId, type);
  env.curAux.objectType = objectType(btf, btfId, { isPercpu });
  return pointerReg(isPercpu ? OBJ | t.MEM_PERCPU : OBJ, { btf, btfId });
}

function checkPercpuObject(
  env: VerifierEnv,
  btf: Btf,
  btfId: number,
  type: BtfOf<'struct' | 'union'>,
): void {
  if (type.sizeBytes > PERCPU_OBJECT_BYTES_MAX) {
    const sizes = `(${type.sizeBytes}) is greater than ${PERCPU_OBJECT_BYTES_MAX}`;
    throw env.reject(EINVAL, `bpf_percpu_obj_new type size ${sizes}`);
  }
  if (!isScalarStruct(env, btf, type, 0)) {
    const text = 'bpf_percpu_obj_new type ID argument must be of a struct of scalars';
    throw env.reject(EINVAL, text);
  }
  if (btfFindStructMeta(btf, btfId)) {
    const text = 'bpf_percpu_obj_new type ID argument must not contain special fields';
    throw env.reject(EINVAL, text);
  }
}

/** A pointer to what may be an object of that type: reads are checked when they happen. */
function rdonlyCast(env: VerifierEnv, { btf, argConstant }: KfuncCallArgMeta): Reg {
  const id = argConstant ?? 0n;
  if (id === 0n) return pointerReg(t.PTR_TO_MEM | t.MEM_RDONLY | t.PTR_UNTRUSTED);
  const btfId = Number(BigInt.asUintN(32, id));
  const type = btf.types[btfId];
  if (!type) {
    const text = `Unknown type ID ${BigInt.asIntN(64, id)} passed to kfunc bpf_rdonly_cast`;
    throw env.reject(EINVAL, text);
  }
  if (type.kind !== 'struct' && type.kind !== 'union') {
    const text = 'kfunc bpf_rdonly_cast type ID argument must be of a struct or void';
    throw env.reject(EINVAL, text);
  }
  return pointerReg(t.PTR_TO_BTF_ID | t.PTR_UNTRUSTED, { btf, btfId });
}

/** A piece of what a dynptr is about: gone with the dynptr. */
function dynptrSlice(env: VerifierEnv, { funcName, argConstant, dynptr }: KfuncCallArgMeta): Reg {
  if (argConstant === undefined) throw env.bug('bpf_dynptr_slice(_rdwr) no constant size');
  const isRdonly = funcName === 'bpf_dynptr_slice';
  if (!isRdonly && !mayAccessDirectPktData(env, undefined, BPF_WRITE)) {
    throw env.reject(EINVAL, 'the prog does not allow writes to packet data');
  }
  if (dynptr.id === 0) throw env.bug('no dynptr id');
  const flags = getDynptrTypeFlag(dynptr.type) | (isRdonly ? t.MEM_RDONLY : 0);
  const memSize = Number(BigInt.asUintN(32, argConstant));
  return pointerReg(t.PTR_TO_MEM | flags, { memSize, parentId: dynptr.id });
}
