import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import { idOf } from '../../btf/resolve.ts';
import type { ArgProto, FuncProto } from '../../helpers/proto.ts';
import { objectType } from '../../objects/object-type.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { mayAccessDirectPktData } from '../access/access-packet.ts';
import { BPF_READ, BPF_WRITE, type AccessType } from '../access/access-types.ts';
import { checkPtrAlignment } from '../access/alignment.ts';
import { argTypeIsDynptr, argTypeIsRelease } from './arg-types.ts';
import type { CallArgMeta } from './call-meta.ts';
import { checkArgConstStr } from './const-str.ts';
import { processDynptrFunc } from './dynptr-arg.ts';
import type { VerifierEnv } from '../env.ts';
import { checkHelperMemAccess, checkMemSizeReg } from '../access/helper-mem.ts';
import { processKptrFunc, processTimerFunc } from './map-field.ts';
import { canElideValueNullness, getConstantMapKey } from './map-key.ts';
import { markChainPrecision } from '../search/precision.ts';
import { inRbtreeLockRequiredCb } from '../objects/rbtree-lock.ts';
import { isNullReg, type Reg } from '../values/reg.ts';
import { regIsReferenced, updateRefObj } from '../objects/refs.ts';
import { checkRegArg, isPointerValue } from '../values/regs.ts';
import { checkFuncArgRegOff } from './reg-offset.ts';
import { checkRegType } from './reg-type.ts';
import { PROCESS_SPIN_LOCK, processSpinLock } from '../objects/spin-lock.ts';
import * as t from '../types.ts';

/** One argument that is looked at. */
interface Arg {
  readonly regno: number;
  readonly type: number;
  readonly proto: ArgProto;
  /** The argument before it, which a size is about. */
  readonly before: ArgProto | undefined;
  readonly insnIdx: number;
}

/** One argument of a helper, from 0: what is in the register will do. check_func_arg() */
export function checkFuncArg(
  env: VerifierEnv,
  index: number,
  meta: CallArgMeta,
  fn: FuncProto,
  insnIdx: number,
): void {
  const proto = fn.args[index];
  if (!proto || proto.type === t.ARG_DONTCARE) return;
  const regno = 1 + index;
  checkRegArg(env, regno, 'src');
  if (proto.type === t.ARG_ANYTHING) {
    if (!isPointerValue(env, regno)) return;
    throw env.reject(EACCES, `R${regno} leaks addr into helper function`);
  }
  const reg = env.regs[regno]!;
  if (t.isPktPointer(reg.type) && !mayAccessDirectPktData(env, meta, BPF_READ)) {
    throw env.reject(EACCES, 'helper access to the packet is not allowed');
  }
  const type =
    t.baseType(proto.type) === t.ARG_PTR_TO_MAP_VALUE
      ? resolveMapArgType(env, meta, proto.type)
      : proto.type;
  if (isNullReg(reg) && t.mayBeNull(type)) {
    markChainPrecision(env, regno);
  } else {
    const struct = proto.struct && idOf(env.kernelBtf, proto.struct, 'struct');
    checkRegType(env, reg, regno, type, struct || undefined, meta);
    checkFuncArgRegOff(env, reg, regno, type);
  }
  checkReleased(env, reg, regno, type, meta);
  if (regIsReferenced(env, reg)) updateRefObj(meta.refObj, reg);
  const before = fn.args[index - 1];
  RULES[t.baseType(type)]?.(env, { regno, type, proto, before, insnIdx }, meta);
}

/** In maps of sockets, a value is a socket. resolve_map_arg_type() */
function resolveMapArgType(env: VerifierEnv, meta: CallArgMeta, argType: number): number {
  const map = meta.map.ptr;
  if (!map) throw env.bug('invalid map_ptr to access map->type');
  switch (map.type) {
    case MAP_TYPE.SOCKMAP:
    case MAP_TYPE.SOCKHASH:
      if (argType === t.ARG_PTR_TO_MAP_VALUE) return t.ARG_PTR_TO_BTF_ID_SOCK_COMMON;
      throw env.reject(EINVAL, 'invalid arg_type for sockmap/sockhash');
    case MAP_TYPE.BLOOM_FILTER:
      return meta.funcName === 'bpf_map_peek_elem' ? t.ARG_PTR_TO_MAP_VALUE : argType;
    default:
      return argType;
  }
}

/** What is given back must have been acquired. */
function checkReleased(
  env: VerifierEnv,
  reg: Reg,
  regno: number,
  type: number,
  meta: CallArgMeta,
): void {
  if (!argTypeIsRelease(type) || argTypeIsDynptr(type)) return;
  if (regIsReferenced(env, reg) || isNullReg(reg)) return;
  throw env.reject(
    EINVAL,
    `release helper ${meta.funcName} expects referenced PTR_TO_BTF_ID passed to R${regno}`,
  );
}

type Rule = (env: VerifierEnv, arg: Arg, meta: CallArgMeta) => void;

function accessOf(type: number): AccessType {
  return (type & t.MEM_WRITE) !== 0 ? BPF_WRITE : BPF_READ;
}

/** A map, by its pointer. With a timer before it, that must be in the same map. */
const constMapPtr: Rule = (env, { regno }, { map }) => {
  const reg = env.regs[regno]!;
  if (map.ptr && (map.ptr !== reg.map || map.uid !== reg.mapUid)) {
    throw env.reject(
      EINVAL,
      `timer pointer in R1 map_uid=${map.uid} doesn't match map pointer in R2 ` +
        `map_uid=${reg.mapUid}`,
    );
  }
  map.ptr = reg.map;
  map.uid = reg.mapUid;
};

const mapKey: Rule = (env, { regno }, meta) => {
  const map = meta.map.ptr;
  if (!map) throw env.bug('invalid map_ptr to access map->key');
  const reg = env.regs[regno]!;
  checkHelperMemAccess(env, reg, regno, map.keySize, BPF_READ, false, undefined);
  // Where the call becomes code, that is what accesses it.
  env.curAux.accessTypes |= 1 << t.baseType(reg.type);
  if (!canElideValueNullness(map)) return;
  meta.constMapKey = getConstantMapKey(env, env.regs[regno]!, map.keySize) ?? -1n;
};

const mapValue: Rule = (env, { regno, type }, meta) => {
  const reg = env.regs[regno]!;
  if (t.mayBeNull(type) && isNullReg(reg)) return;
  const map = meta.map.ptr;
  if (!map) throw env.bug('invalid map_ptr to access map->value');
  meta.rawMode = (type & t.MEM_UNINIT) !== 0;
  checkHelperMemAccess(env, reg, regno, map.valueSize, accessOf(type), false, meta);
};

const percpuBtfId: Rule = (env, { regno }, meta) => {
  const reg = env.regs[regno]!;
  if (reg.btfId === 0) {
    throw env.reject(EACCES, `Helper has invalid btf_id in R${regno}`);
  }
  meta.retBtf = reg.btf;
  meta.retBtfId = reg.btfId;
  if (reg.btf !== env.kernelBtf) {
    env.curAux.objectType = objectType(reg.btf, reg.btfId, { isPercpu: true });
  }
};

const spinLock: Rule = (env, { regno }, meta) => {
  if (inRbtreeLockRequiredCb(env)) {
    throw env.reject(EACCES, "can't spin_{lock,unlock} in rbtree cb");
  }
  const flags = meta.funcName === 'bpf_spin_lock' ? PROCESS_SPIN_LOCK : 0;
  processSpinLock(env, env.regs[regno]!, regno, flags);
};

/** Memory of a fixed size; of any other it is looked at with the size, which comes next. */
const mem: Rule = (env, { regno, type, proto }, meta) => {
  meta.rawMode = (type & t.MEM_UNINIT) !== 0;
  if ((type & t.MEM_FIXED_SIZE) === 0) return;
  const reg = env.regs[regno]!;
  const size = proto.size ?? 0;
  checkHelperMemAccess(env, reg, regno, size, accessOf(type), false, meta);
  if ((type & t.MEM_ALIGNED) !== 0) checkPtrAlignment(env, reg, 0, size, true);
};

function memSize(zeroSizeAllowed: boolean): Rule {
  return (env, { regno, before }, meta) => {
    const { regs } = env;
    const access = accessOf(before!.type);
    const memReg = regs[regno - 1]!;
    checkMemSizeReg(env, memReg, regs[regno]!, regno - 1, regno, access, zeroSizeAllowed, meta);
  };
}

const constAllocSize: Rule = (env, { regno }, meta) => {
  const { s } = env.regs[regno]!;
  if (!s.isConst) throw env.reject(EACCES, `R${regno} is not a known constant'`);
  meta.memSize = Number(BigInt.asIntN(32, s.value));
  markChainPrecision(env, regno);
};

/** By ARG_*, after the register is of a type that will do. */
const RULES: Readonly<Record<number, Rule>> = {
  [t.ARG_CONST_MAP_PTR]: constMapPtr,
  [t.ARG_PTR_TO_MAP_KEY]: mapKey,
  [t.ARG_PTR_TO_MAP_VALUE]: mapValue,
  [t.ARG_PTR_TO_PERCPU_BTF_ID]: percpuBtfId,
  [t.ARG_PTR_TO_SPIN_LOCK]: spinLock,
  [t.ARG_PTR_TO_TIMER]: (env, { regno }, meta) =>
    processTimerFunc(env, env.regs[regno]!, regno, meta.map),
  [t.ARG_PTR_TO_FUNC]: (env, { regno }, meta) => {
    meta.subprogno = env.regs[regno]!.subprogno;
  },
  [t.ARG_PTR_TO_MEM]: mem,
  [t.ARG_CONST_SIZE]: memSize(false),
  [t.ARG_CONST_SIZE_OR_ZERO]: memSize(true),
  [t.ARG_PTR_TO_DYNPTR]: (env, { regno, type, insnIdx }, meta) =>
    processDynptrFunc(env, env.regs[regno]!, regno, insnIdx, type, meta.refObj, meta.dynptr),
  [t.ARG_CONST_ALLOC_SIZE_OR_ZERO]: constAllocSize,
  [t.ARG_PTR_TO_CONST_STR]: (env, { regno }) => checkArgConstStr(env, env.regs[regno]!, regno),
  [t.ARG_KPTR_XCHG_DEST]: (env, { regno }, meta) => processKptrFunc(env, regno, meta),
};
