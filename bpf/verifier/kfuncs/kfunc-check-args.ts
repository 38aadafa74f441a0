import { checkKptrPlace } from './kptr-get.ts';
import { EACCES, EFAULT, EINVAL } from '../../../kernel/errno.ts';
import * as field from '../../btf/field-types.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import { btfResolveSize, idOf, resolve, resolveId } from '../../btf/resolve.ts';
import * as kf from '../../kfuncs/flags.ts';
import { kernCtxNoStructId, kernCtxTypeId } from '../../prog/ctx-type.ts';
import { resolveProgType } from '../../prog/types.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import { argnoFromArg, regArgName, regFromArgno, type ArgNo } from '../access/access-types.ts';
import { checkArgConstStr } from '../calls/const-str.ts';
import { processDynptrFunc } from '../calls/dynptr-arg.ts';
import type { VerifierEnv } from '../env.ts';
import { checkGraphRootArg, checkListNodeArg, checkRbNodeArg, checkReferenced } from './graph.ts';
import { checkKfuncMemSizeReg, checkMemReg } from '../access/helper-mem.ts';
import { processIrqFlag } from './irq.ts';
import { processIterArg } from './iterators.ts';
import { getKfuncPtrArgType, type KfuncArg, type KfuncArgKind } from './kfunc-arg-kind.ts';
import * as arg from './kfunc-args.ts';
import { checkKfuncBtfIdArg } from './kfunc-btf-id.ts';
import type { KfuncCallArgMeta } from './kfunc-meta.ts';
import { OBJ_DROP_KFUNCS, PERCPU_OBJ_DROP_KFUNCS } from './kfunc-names.ts';
import { checkMapFieldPointer, processTimerFunc } from '../calls/map-field.ts';
import { markChainPrecision } from '../search/precision.ts';
import { inRbtreeLockRequiredCb } from '../objects/rbtree-lock.ts';
import { isNullReg, type Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { checkFuncArgRegOff } from '../calls/reg-offset.ts';
import { regBtfRecord } from '../objects/reg-record.ts';
import { regIsReferenced, updateRefObj } from '../objects/refs.ts';
import { Rejection } from '../rejection.ts';
import { inSleepable } from '../objects/sections.ts';
import {
  PROCESS_LOCK_IRQ,
  PROCESS_RES_LOCK,
  PROCESS_SPIN_LOCK,
  processSpinLock,
} from '../objects/spin-lock.ts';
import {
  checkOutgoingStackArgs,
  getFuncArgReg,
  markStackArgPrecision,
} from '../access/stack-arg.ts';
import { getDynptrTypeFlag } from '../objects/stack-dynptr.ts';
import { isRcuReg, isTrustedReg } from '../access/trust.ts';
import * as t from '../types.ts';

/** All arguments of a kfunc, by its prototype. check_kfunc_args() */
export function checkKfuncArgs(env: VerifierEnv, meta: KfuncCallArgMeta, insnIdx: number): void {
  const { btf, proto, funcName } = meta;
  const count = proto.params.length;
  if (count > t.MAX_BPF_FUNC_ARGS) {
    const text = `Function ${funcName} has ${count} > ${t.MAX_BPF_FUNC_ARGS} args`;
    throw env.reject(EINVAL, text);
  }
  checkOutgoingStackArgs(env, env.frame, count);
  for (let index = 0; index < count; index++) {
    const param = proto.params[index]!;
    if (arg.isKfuncArgProgAux(btf, param)) {
      takeProgAux(env, meta, index);
      continue;
    }
    if (arg.isKfuncArgIgnore(param) || isKfuncArgImplicit(meta, index)) continue;
    const type = resolve(btf, param.type);
    if (arg.isScalarType(type)) {
      checkScalar(env, meta, index);
      continue;
    }
    if (type?.kind !== 'ptr') {
      const text = `Unrecognized ${regArgName(argnoFromArg(index + 1))} type ${btfTypeStr(type)}`;
      throw env.reject(EINVAL, text);
    }
    if (index === 0 && meta.has(kf.KF_KPTR_GET)) {
      checkKptrPlace(env, meta);
      continue;
    }
    const refId = resolveId(btf, type.type);
    const kind = checkPointer(env, {
      meta,
      index,
      param,
      pointer: type,
      refT: btf.types[refId],
      refId,
      reg: getFuncArgReg(env.frame, env.regs, index),
      argno: argnoFromArg(index + 1),
      insnIdx,
    });
    if (kind === 'mem_size') index++; // its size has been looked at with it
  }
}

/** is_kfunc_arg_implicit() */
function isKfuncArgImplicit(meta: KfuncCallArgMeta, index: number): boolean {
  return meta.has(kf.KF_IMPLICIT_ARGS) && index >= meta.ownParamCnt;
}

/** The verifier puts the program's own struct there. */
function takeProgAux(env: VerifierEnv, meta: KfuncCallArgMeta, index: number): void {
  const argno = argnoFromArg(index + 1);
  if (meta.argProg) throw env.bug('Only 1 prog->aux argument supported per-kfunc');
  const regno = regFromArgno(argno);
  if (regno < 0) {
    throw env.reject(EINVAL, `${regArgName(argno)} prog->aux cannot be a stack argument`);
  }
  meta.argProg = true;
  env.curAux.argProg = regno;
}

function checkScalar(env: VerifierEnv, meta: KfuncCallArgMeta, index: number): void {
  const param = meta.proto.params[index]!;
  const argno = argnoFromArg(index + 1);
  const { type, s } = getFuncArgReg(env.frame, env.regs, index);
  if (type !== t.SCALAR_VALUE) {
    throw env.reject(EINVAL, `${regArgName(argno)} is not a scalar`);
  }
  if (arg.isKfuncArgConstant(param)) {
    takeConstant(env, meta, index);
    markArgPrecise(env, argno);
    return;
  }
  const isRdonly = param.name === 'rdonly_buf_size';
  if (!isRdonly && param.name !== 'rdwr_buf_size') return;
  if (isRdonly) meta.r0Rdonly = true;
  if (meta.r0Size !== 0n) {
    env.verbose('2 or more rdonly/rdwr_buf_size parameters for kfunc');
    throw new Rejection(EINVAL);
  }
  if (!s.isConst) throw env.reject(EINVAL, `${regArgName(argno)} is not a const`);
  meta.r0Size = s.value;
  if (s.value > 0xffff_ffffn) {
    throw env.reject(EINVAL, `${regArgName(argno)} rdonly/rdwr_buf_size exceeds u32 max`);
  }
  markArgPrecise(env, argno);
}

function takeConstant(env: VerifierEnv, meta: KfuncCallArgMeta, index: number): void {
  const { s } = getFuncArgReg(env.frame, env.regs, index);
  if (meta.argConstant !== undefined) throw env.bug('only one constant argument permitted');
  if (!s.isConst) {
    const text = `${regArgName(argnoFromArg(index + 1))} must be a known constant`;
    throw env.reject(EINVAL, text);
  }
  meta.argConstant = s.value;
}

function markArgPrecise(env: VerifierEnv, argno: ArgNo): void {
  const regno = regFromArgno(argno);
  if (regno >= 0) markChainPrecision(env, regno);
  else markStackArgPrecision(env, -argno - 1);
}

function checkPointer(env: VerifierEnv, of: KfuncArg): KfuncArgKind {
  const { meta, param, reg, argno } = of;
  const isNull = isNullReg(reg);
  if ((isNull || t.mayBeNull(reg.type)) && !arg.isKfuncArgNullable(param)) {
    const text = `Possibly NULL pointer passed to trusted ${regArgName(argno)}`;
    throw env.reject(EACCES, text);
  }
  const isReleased = regFromArgno(argno) === meta.releaseRegno;
  const isReferenced = regIsReferenced(env, reg);
  if (isReleased && !arg.isKfuncArgDynptr(meta.btf, param) && !isReferenced && !isNull) {
    throw env.reject(
      EINVAL,
      `release kfunc ${meta.funcName} expects referenced PTR_TO_BTF_ID passed to ` +
        regArgName(argno),
    );
  }
  if (isReferenced) updateRefObj(meta.refObj, reg);
  const kind = getKfuncPtrArgType(env, of);
  if (kind === 'null') return kind;
  if (kind === 'map') takeMap(env, of);
  if (kind === 'map' || kind === 'alloc_btf_id' || kind === 'btf_id') checkTrusted(env, of);
  const argType = (OFFSET_TYPES[kind] ?? t.ARG_DONTCARE) | (isReleased ? t.OBJ_RELEASE : 0);
  checkFuncArgRegOff(env, reg, argno, argType, kind !== 'refcounted_kptr');
  CHECKS[kind](env, of);
  return kind;
}

/** What decides how far into an object an argument may point. */
const OFFSET_TYPES: Readonly<Partial<Record<KfuncArgKind, number>>> = {
  dynptr: t.ARG_PTR_TO_DYNPTR,
  ctx: t.ARG_PTR_TO_CTX,
  refcounted_kptr: t.ARG_PTR_TO_BTF_ID,
};

function checkTrusted(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  if (isTrustedReg(env, reg)) return;
  if (!meta.has(kf.KF_RCU)) {
    throw env.reject(EINVAL, `${regArgName(argno)} must be referenced or trusted`);
  }
  if (!isRcuReg(reg)) throw env.reject(EINVAL, `${regArgName(argno)} must be a rcu pointer`);
}

/** The map that a work queue or task work before it must stand in. */
function takeMap(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  const { map, mapUid } = reg;
  // An object of the kernel's may be a map: its type is looked at with those of other objects.
  if (!map && reg.btf) return;
  if (!map) throw env.reject(EINVAL, `pointer in ${regArgName(argno)} isn't map pointer`);
  const isOther = meta.map.ptr !== map || meta.map.uid !== mapUid;
  const hasTaskWork = (map.record?.taskWorkOff ?? -1) >= 0;
  if (meta.map.ptr && isOther && (hasTaskWork || (map.record?.wqOff ?? -1) >= 0)) {
    const uid = `map_uid=${meta.map.uid}`;
    const text = hasTaskWork
      ? `bpf_task_work pointer in R2 ${uid} doesn't match map pointer in R3 map_uid=${mapUid}`
      : `workqueue pointer in R1 ${uid} doesn't match map pointer in R2 map_uid=${mapUid}`;
    throw env.reject(EINVAL, text);
  }
  meta.map.ptr = map;
  meta.map.uid = mapUid;
}

type Check = (env: VerifierEnv, of: KfuncArg) => void;

/** What each kind of pointer must be. */
const CHECKS: Readonly<Record<Exclude<KfuncArgKind, 'null'>, Check>> = {
  ctx: checkCtx,
  alloc_btf_id: checkAllocObj,
  dynptr: checkDynptr,
  iter: checkIter,
  list_head: (env, { reg, argno, meta }) =>
    checkGraphRootArg(env, reg, argno, meta, field.BPF_LIST_HEAD),
  rb_root: (env, { reg, argno, meta }) =>
    checkGraphRootArg(env, reg, argno, meta, field.BPF_RB_ROOT),
  list_node: (env, { reg, argno, meta, param }) => checkListNodeArg(env, reg, argno, meta, param),
  rb_node: (env, { reg, argno, meta }) => checkRbNodeArg(env, reg, argno, meta),
  map: (env, of) => checkKfuncBtfIdArg(env, of, idOf(env.kernelBtf, 'bpf_map', 'struct')),
  btf_id: (env, of) => checkKfuncBtfIdArg(env, of, of.refId),
  mem: checkMem,
  mem_size: checkMemSize,
  callback: checkCallback,
  refcounted_kptr: checkRefcountedKptr,
  const_str: checkConstStr,
  workqueue: (env, of) => checkMapField(env, of, field.BPF_WORKQUEUE),
  task_work: (env, of) => checkMapField(env, of, field.BPF_TASK_WORK),
  timer: checkTimer,
  irq_flag: checkIrqFlag,
  res_spin_lock: checkResSpinLock,
};

function checkCtx(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  if (reg.type !== t.PTR_TO_CTX) {
    const text = `expected pointer to ctx, but got ${regTypeStr(reg.type)}`;
    throw env.reject(EINVAL, `${regArgName(argno)} ${text}`);
  }
  if (meta.funcName !== 'bpf_cast_to_kern_ctx') return;
  const { number: progType } = resolveProgType(env.prog);
  meta.retBtfId = kernCtxTypeId(env.kernelBtf, progType);
  if (meta.retBtfId === 0) {
    const id = kernCtxNoStructId(env.kernelBtf, progType);
    throw env.reject(EINVAL, `kern ctx type id ${id} is not a struct`);
  }
}

const OWNED = t.PTR_TO_BTF_ID | t.MEM_ALLOC;

function checkAllocObj(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  const name = regArgName(argno);
  if (reg.type === OWNED) {
    if (!OBJ_DROP_KFUNCS.has(meta.funcName)) {
      throw env.reject(EINVAL, `${name} expected for bpf_obj_drop()`);
    }
  } else if (reg.type === (OWNED | t.MEM_PERCPU)) {
    if (!PERCPU_OBJ_DROP_KFUNCS.has(meta.funcName)) {
      throw env.reject(EINVAL, `${name} expected for bpf_percpu_obj_drop()`);
    }
  } else {
    throw env.reject(EINVAL, `${name} expected pointer to allocated object`);
  }
  checkReferenced(env, reg);
  meta.argBtf = reg.btf;
  meta.argBtfId = reg.btfId;
}

/** Kfuncs that make a dynptr of one type, or give one back. */
const DYNPTR_KFUNCS: Readonly<Record<string, number>> = {
  bpf_dynptr_from_skb: t.DYNPTR_TYPE_SKB,
  bpf_dynptr_from_xdp: t.DYNPTR_TYPE_XDP,
  bpf_dynptr_from_skb_meta: t.DYNPTR_TYPE_SKB_META,
  bpf_dynptr_from_file: t.DYNPTR_TYPE_FILE,
  bpf_dynptr_file_discard: t.DYNPTR_TYPE_FILE | t.OBJ_RELEASE,
};

function checkDynptr(env: VerifierEnv, { meta, param, reg, argno, insnIdx }: KfuncArg): void {
  const isUninit = arg.isKfuncArgUninit(meta.btf, param);
  let type = t.ARG_PTR_TO_DYNPTR | (isUninit ? t.MEM_UNINIT : 0);
  type |= DYNPTR_KFUNCS[meta.funcName] ?? 0;
  if (meta.funcName === 'bpf_dynptr_clone' && isUninit) {
    if (meta.dynptr.type === t.BPF_DYNPTR_TYPE_INVALID) {
      throw env.bug('no dynptr type for parent of clone');
    }
    type |= getDynptrTypeFlag(meta.dynptr.type);
  }
  processDynptrFunc(env, reg, argno, insnIdx, type, meta.refObj, meta.dynptr);
}

function checkIter(env: VerifierEnv, { meta, reg, argno, insnIdx }: KfuncArg): void {
  if (meta.funcName === 'bpf_iter_css_task_new' && !checkCssTaskIterAllowlist(env)) {
    const text = 'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs';
    throw env.reject(EINVAL, text);
  }
  processIterArg(env, reg, argno, insnIdx, meta);
}

/** Elsewhere its lock could be held already. check_css_task_iter_allowlist() */
function checkCssTaskIterAllowlist(env: VerifierEnv): boolean {
  const { name } = resolveProgType(env.prog);
  if (name === 'LSM') return true;
  if (name === 'TRACING' && env.prog.expectedAttachType === ATTACH_TYPE.TRACE_ITER) return true;
  return inSleepable(env);
}

function checkMem(env: VerifierEnv, { meta, reg, argno, refT, refId }: KfuncArg): void {
  const size = btfResolveSize(meta.btf, refId);
  if (size === undefined) {
    const type = `reference type('${btfTypeStr(refT)} ${refT?.name ?? ''}')`;
    const text = `${type} size cannot be determined: -${EINVAL}`;
    throw env.reject(EINVAL, `${regArgName(argno)} ${text}`);
  }
  checkMemReg(env, reg, argno, size);
}

function checkMemSize(env: VerifierEnv, { meta, index, param, reg, argno }: KfuncArg): void {
  const sizeParam = meta.proto.params[index + 1]!;
  const sizeReg: Reg = getFuncArgReg(env.frame, env.regs, index + 1);
  const sizeArgno = argnoFromArg(index + 2);
  if (!isNullReg(reg) || !arg.isKfuncArgNullable(param)) {
    try {
      checkKfuncMemSizeReg(env, reg, sizeReg, argno, sizeArgno);
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const pair = `${regArgName(argno)} and ${regArgName(sizeArgno)}`;
      env.verbose(`${pair} memory, len pair leads to invalid memory access\n`);
      throw error;
    }
  }
  if (arg.isKfuncArgConstMemSize(meta.btf, sizeParam, sizeReg)) takeConstant(env, meta, index + 1);
}

function checkCallback(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  if (reg.type !== t.PTR_TO_FUNC) {
    throw env.reject(EINVAL, `${regArgName(argno)} expected pointer to func`);
  }
  meta.subprogno = reg.subprogno;
}

function checkRefcountedKptr(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  if (!t.isAllocObj(reg.type)) {
    throw env.reject(EINVAL, `${regArgName(argno)} is neither owning or non-owning ref`);
  }
  if (!t.isNonOwningRef(reg.type) && regIsReferenced(env, reg)) meta.argOwningRef = true;
  const record = regBtfRecord(reg);
  if (!record) throw env.bug("Couldn't find btf_record");
  if (record.refcountOff < 0) {
    const text = "doesn't point to a type with bpf_refcount field";
    throw env.reject(EINVAL, `${regArgName(argno)} ${text}`);
  }
  meta.argBtf = reg.btf;
  meta.argBtfId = reg.btfId;
}

function checkConstStr(env: VerifierEnv, { reg, argno }: KfuncArg): void {
  if (reg.type !== t.PTR_TO_MAP_VALUE) {
    throw env.reject(EINVAL, `${regArgName(argno)} doesn't point to a const string`);
  }
  checkArgConstStr(env, reg, argno);
}

function checkMapField(env: VerifierEnv, { meta, reg, argno }: KfuncArg, type: number): void {
  checkMapValue(env, reg, argno);
  checkMapFieldPointer(env, reg, argno, type, meta.map);
}

function checkTimer(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  checkMapValue(env, reg, argno);
  processTimerFunc(env, reg, argno, meta.map);
}

function checkMapValue(env: VerifierEnv, { type }: Reg, argno: ArgNo): void {
  if (type === t.PTR_TO_MAP_VALUE) return;
  throw env.reject(EINVAL, `${regArgName(argno)} doesn't point to a map value`);
}

function checkIrqFlag(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  if (reg.type !== t.PTR_TO_STACK) {
    throw env.reject(EINVAL, `${regArgName(argno)} doesn't point to an irq flag on stack`);
  }
  processIrqFlag(env, reg, argno, meta);
}

/** Kfuncs on resilient locks: what they do. */
const RES_LOCK_FLAGS: Readonly<Record<string, number>> = {
  bpf_res_spin_lock: PROCESS_SPIN_LOCK,
  bpf_res_spin_lock_irqsave: PROCESS_SPIN_LOCK | PROCESS_LOCK_IRQ,
  bpf_res_spin_unlock: 0,
  bpf_res_spin_unlock_irqrestore: PROCESS_LOCK_IRQ,
};

function checkResSpinLock(env: VerifierEnv, { meta, reg, argno }: KfuncArg): void {
  if (inRbtreeLockRequiredCb(env)) {
    throw env.reject(EACCES, "can't res_spin_{lock,unlock} in rbtree cb");
  }
  if (reg.type !== t.PTR_TO_MAP_VALUE && reg.type !== OWNED) {
    const text = "doesn't point to map value or allocated object";
    throw env.reject(EINVAL, `${regArgName(argno)} ${text}`);
  }
  const flags = RES_LOCK_FLAGS[meta.funcName];
  if (flags === undefined) throw new Rejection(EFAULT);
  processSpinLock(env, reg, argno, PROCESS_RES_LOCK | flags);
}
