import { EINVAL } from '../../../kernel/errno.ts';
import { BPF_KPTR_PERCPU, BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK } from '../../btf/field-types.ts';
import { btfRecordHasField } from '../../btf/record.ts';
import { idOf, resolve, sizeOf } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import type { FuncProto } from '../../helpers/proto.ts';
import type { BpfMap } from '../../maps/map.ts';
import { kptrType } from '../../objects/object-type.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { regBoundsSanityCheck } from '../values/bounds-check.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { MAX_ERRNO } from '../../prog/retval.ts';
import { getRetvalRange, type HelperCall } from './helper-rules.ts';
import { canElideValueNullness } from './map-key.ts';
import { constReg, NOT_INIT_REG, pointerReg, type Reg } from '../values/reg.ts';
import { acquireReference, findReferenceState, validateRefObj } from '../objects/refs.ts';
import { unknownReg } from '../values/regs.ts';
import type { Scalar } from '../values/scalar.ts';
import * as t from '../types.ts';

// What a helper leaves in r0.

type Rule = (env: VerifierEnv, fn: FuncProto, call: HelperCall) => Reg;

function pointer(base: number): Rule {
  return (_env, { ret }) => pointerReg(base | t.typeFlags(ret));
}

/** The value of the key, which is always there in an array. */
const mapValue: Rule = (env, fn, { meta }) => {
  const { ptr: map, uid: mapUid } = meta.map;
  if (!map) throw env.bug('unexpected null map_ptr');
  const isThere =
    fn.id === FUNC.map_lookup_elem &&
    canElideValueNullness(map) &&
    meta.constMapKey >= 0n &&
    meta.constMapKey < BigInt(map.maxEntries);
  const flags = t.typeFlags(fn.ret) & (isThere ? ~t.PTR_MAYBE_NULL : ~0);
  const locks = BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK;
  const isLockable = !t.mayBeNull(flags) && btfRecordHasField(map.record, locks);
  const id = isLockable ? env.newId() : 0;
  return pointerReg(t.PTR_TO_MAP_VALUE | flags, { map, mapUid, id });
};

const mem: Rule = (_env, { ret }, { meta }) =>
  pointerReg(t.PTR_TO_MEM | t.typeFlags(ret), { memSize: meta.memSize });

/** A per-CPU variable, or a per-CPU object of the program's. */
const memOrBtfId: Rule = (env, { ret }, { meta, returnsCpuSpecificAllocPtr }) => {
  const btf = meta.retBtf!;
  const btfId = meta.retBtfId;
  const type = resolve(btf, btfId);
  const flags = t.typeFlags(ret);
  if (type?.kind === 'struct' || type?.kind === 'union') {
    const kind = returnsCpuSpecificAllocPtr ? t.MEM_ALLOC | t.MEM_RCU : flags & ~t.MEM_RDONLY;
    return pointerReg(t.PTR_TO_BTF_ID | kind, { btf, btfId });
  }
  const memSize = sizeOf(btf, btfId);
  if (memSize === 0) {
    const name = type?.name ?? '';
    throw env.reject(EINVAL, `unable to resolve the size of type '${name}': -${EINVAL}`);
  }
  return pointerReg(t.PTR_TO_MEM | flags, { memSize });
};

const btfId: Rule = (env, fn, { meta }) => {
  const flags = t.typeFlags(fn.ret);
  if (fn.id === FUNC.kptr_xchg) {
    const { type, kptr } = meta.kptrField!;
    const { btf, btfId: id, isKernel } = kptr!;
    env.curAux.objectType = kptrType(meta.kptrField!);
    const percpu = type === BPF_KPTR_PERCPU ? t.MEM_PERCPU : 0;
    const ours = isKernel ? 0 : t.MEM_ALLOC | percpu;
    noteXchg(env, isKernel ? btf.types[id]!.name : percpu === 0 ? 'object' : 'percpu object');
    return pointerReg(t.PTR_TO_BTF_ID | flags | ours, { btf, btfId: id });
  }
  const btf: Btf = env.kernelBtf;
  const id = idOf(btf, fn.retStruct ?? '', 'struct');
  if (id === 0) {
    const base = t.baseType(fn.ret);
    throw env.reject(EINVAL, `invalid return type ${base} of func ${fn.name}#${fn.id}`);
  }
  return pointerReg(t.PTR_TO_BTF_ID | flags, { btf, btfId: id });
};

/** For records of what programs hold. */
function noteXchg({ curAux }: VerifierEnv, type: string): void {
  curAux.xchgType = curAux.xchgType === '' || curAux.xchgType === type ? type : 'mixed';
}

/** By RET_*. */
const RULES: Readonly<Record<number, Rule>> = {
  [t.RET_INTEGER]: unknownReg,
  [t.RET_VOID]: () => NOT_INIT_REG,
  [t.RET_PTR_TO_MAP_VALUE]: mapValue,
  [t.RET_PTR_TO_SOCKET]: pointer(t.PTR_TO_SOCKET),
  [t.RET_PTR_TO_SOCK_COMMON]: pointer(t.PTR_TO_SOCK_COMMON),
  [t.RET_PTR_TO_TCP_SOCK]: pointer(t.PTR_TO_TCP_SOCK),
  [t.RET_PTR_TO_MEM]: mem,
  [t.RET_PTR_TO_MEM_OR_BTF_ID]: memOrBtfId,
  [t.RET_PTR_TO_BTF_ID]: btfId,
};

/** They give the same object, seen as another type. is_ptr_cast_function() */
const CASTS: ReadonlySet<number> = new Set([
  FUNC.tcp_sock,
  FUNC.sk_fullsock,
  FUNC.skc_to_tcp_sock,
  FUNC.skc_to_tcp6_sock,
  FUNC.skc_to_udp6_sock,
  FUNC.skc_to_mptcp_sock,
  FUNC.skc_to_tcp_timewait_sock,
  FUNC.skc_to_tcp_request_sock,
]);

const ACQUIRES: ReadonlySet<number> = new Set([
  FUNC.sk_lookup_tcp,
  FUNC.sk_lookup_udp,
  FUNC.skc_lookup_tcp,
  FUNC.ringbuf_reserve,
  FUNC.kptr_xchg,
]);

/** What it gives must be given back. is_acquire_function() */
function isAcquireFunction(funcId: number, map: BpfMap | undefined): boolean {
  if (ACQUIRES.has(funcId)) return true;
  if (funcId !== FUNC.map_lookup_elem) return false;
  return map?.type === MAP_TYPE.SOCKMAP || map?.type === MAP_TYPE.SOCKHASH;
}

/** Fills r0, which holds nothing yet. A part of check_helper_call() */
export function setHelperReturn(env: VerifierEnv, fn: FuncProto, call: HelperCall): void {
  const { regs } = env;
  const { meta, insnIdx } = call;
  const rule = RULES[t.baseType(fn.ret)];
  if (!rule) {
    const base = t.baseType(fn.ret);
    throw env.reject(EINVAL, `unknown return type ${base} of func ${fn.name}#${fn.id}`);
  }
  let r0 = rule(env, fn, call);
  if (t.mayBeNull(r0.type)) r0 = r0.with({ id: env.newId() });
  regs[0] = r0;
  if (CASTS.has(fn.id) && findReferenceState(env.cur, meta.refObj.id)) {
    validateRefObj(env, meta.refObj);
    // The id is that of what was cast, so it cannot say too whether there is a result: that there
    // is none is a path of its own.
    const branch = pushStack(env, env.insnIdx + 1, env.insnIdx, false);
    branch.frame.regs[0] = constReg(0n);
    regs[0] = r0.with({ type: r0.type & ~t.PTR_MAYBE_NULL, id: meta.refObj.id });
  } else if (isAcquireFunction(fn.id, meta.map.ptr)) {
    regs[0] = r0.with({ id: acquireReference(env, insnIdx, 0) });
  }
  if (fn.id === FUNC.dynptr_data) regs[0] = regs[0]!.with({ parentId: meta.dynptr.id });
  if (fn.ret === t.RET_INTEGER) refineRetval(env, fn.id, meta.msizeMaxValue);
}

/** do_refine_retval_range() */
function refineRetval(env: VerifierEnv, funcId: number, msizeMaxValue: bigint): void {
  const reg = env.regs[0]!;
  const refined = retvalScalar(env, reg.s, funcId, msizeMaxValue);
  const s = regBoundsSanityCheck(env, refined, 'retval');
  if (s !== reg.s) env.regs[0] = reg.with({ s });
}

function retvalScalar(env: VerifierEnv, s: Scalar, funcId: number, sizeMax: bigint): Scalar {
  switch (funcId) {
    case FUNC.get_stack:
    case FUNC.get_task_stack:
    case FUNC.probe_read_str:
    case FUNC.probe_read_kernel_str:
    case FUNC.probe_read_user_str:
      return signed(s, -MAX_ERRNO, Number(BigInt.asIntN(32, sizeMax)));
    case FUNC.get_smp_processor_id: {
      const last = env.world.cpuCount - 1;
      return s.withUrange64(0n, BigInt(last)).withUrange32(0, last).sync();
    }
    case FUNC.get_retval: {
      const range = getRetvalRange(env);
      return range ? signed(s, range.min, range.max) : s;
    }
    default:
      return s;
  }
}

function signed(s: Scalar, min: number, max: number): Scalar {
  return s.withSrange64(BigInt(min), BigInt(max)).withSrange32(min, max).sync();
}
