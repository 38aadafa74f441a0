import { EINVAL, EPROTO } from '../../../kernel/errno.ts';
import type { BtfField } from '../../btf/record.ts';
import { idOf } from '../../btf/resolve.ts';
import type { Btf, BtfOf } from '../../btf/types.ts';
import type { Insn } from '../../isa/insn.ts';
import * as kf from '../../kfuncs/flags.ts';
import type { KfuncProto } from '../../kfuncs/proto.ts';
import { noDynptr, noRefObj, type DynptrDesc, type MapDesc } from '../calls/call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import { btfKfuncIsAllowed, isKfuncRegistered } from './kfunc-allowed.ts';
import type { RefObjDesc } from '../objects/refs.ts';

export { KF_FASTCALL, KF_ITER_NEW } from '../../kfuncs/flags.ts';

/** A function of the kernel's that a program calls. struct bpf_kfunc_meta */
interface KfuncMeta {
  readonly btf: Btf;
  readonly id: number;
  readonly name: string;
  /** Of a kfunc with implicit arguments: with those. */
  readonly proto: BtfOf<'func_proto'>;
  /** As it is declared: without them. */
  readonly ownParamCnt: number;
  /** Undefined: programs of this type do not know it. */
  readonly kfunc: KfuncProto | undefined;
}

/**
 * A call of a kfunc: what it is, and what its arguments have said, for what is checked after them.
 * struct bpf_kfunc_call_arg_meta
 */
export class KfuncCallArgMeta {
  readonly btf: Btf;
  readonly funcId: number;
  readonly funcName: string;
  readonly kfuncFlags: number;
  readonly proto: BtfOf<'func_proto'>;
  readonly ownParamCnt: number;
  /** The argument that is given back; 0: none. */
  readonly releaseRegno: number;
  /** What r0 points to is memory that may not be written to, of so many bytes. */
  r0Rdonly = false;
  r0Size = 0n;
  /** The type of what r0 points to, where an argument says so. */
  retBtfId = 0;
  /** Its callback. */
  subprogno = 0;
  /** Unsigned. */
  argConstant: bigint | undefined = undefined;
  /** The program's own type that an object is of. */
  argBtf: Btf | undefined = undefined;
  argBtfId = 0;
  argOwningRef = false;
  argProg = false;
  argListHead: BtfField | undefined = undefined;
  argRbtreeRoot: BtfField | undefined = undefined;
  /** Where the iterator is. */
  iterSpi = 0;
  iterFrameno = 0;
  readonly map: MapDesc = { ptr: undefined, uid: 0 };
  readonly dynptr: DynptrDesc = noDynptr();
  readonly refObj: RefObjDesc = noRefObj();

  constructor({ btf, id, name, proto, ownParamCnt }: KfuncMeta, flags: number) {
    this.btf = btf;
    this.funcId = id;
    this.funcName = name;
    this.kfuncFlags = flags;
    this.proto = proto;
    this.ownParamCnt = ownParamCnt;
    this.releaseRegno = (flags & kf.KF_RELEASE) === 0 ? 0 : 1;
  }

  has(flag: number): boolean {
    return (this.kfuncFlags & flag) !== 0;
  }
}

/** Only the kernel's own functions: modules there are none. find_kfunc_desc_btf() */
function findKfuncDescBtf(env: VerifierEnv, offset: number): Btf {
  if (offset === 0) return env.kernelBtf;
  if (offset < 0) {
    env.verbose('negative offset disallowed for kernel module function call\n');
    throw env.reject(EINVAL, 'failed to find BTF for kernel function');
  }
  env.verbose('kfunc offset > 0 without fd_array is invalid\n');
  throw env.reject(EPROTO, 'failed to find BTF for kernel function');
}

/** fetch_kfunc_meta() */
export function fetchKfuncMeta(env: VerifierEnv, funcId: number, offset: number): KfuncMeta {
  if (funcId <= 0) throw env.reject(EINVAL, `invalid kernel function btf_id ${funcId}`);
  const btf = findKfuncDescBtf(env, offset);
  const func = btf.types[funcId];
  if (func?.kind !== 'func') {
    throw env.reject(EINVAL, `kernel btf_id ${funcId} is not a function`);
  }
  const { name } = func;
  const found = env.world.kfunc(funcId);
  const kfunc = found && isKfuncRegistered(found, env.prog) ? found : undefined;
  const hasImplicitArgs = kfunc !== undefined && (kfunc.flags & kf.KF_IMPLICIT_ARGS) !== 0;
  const own = btf.types[func.type];
  const proto = hasImplicitArgs ? findKfuncImplProto(env, btf, name) : own;
  if (proto?.kind !== 'func_proto' || own?.kind !== 'func_proto') {
    const text = `kernel function btf_id ${funcId} does not have a valid func_proto`;
    throw env.reject(EINVAL, text);
  }
  return { btf, id: funcId, name, proto, ownParamCnt: own.params.length, kfunc };
}

/** find_kfunc_impl_proto() */
function findKfuncImplProto(env: VerifierEnv, btf: Btf, name: string): Btf['types'][number] {
  const func = btf.types[idOf(btf, `${name}_impl`, 'func')];
  if (func?.kind === 'func') return btf.types[func.type];
  env.verbose(`cannot find function ${name}_impl in BTF\n`);
  return undefined;
}

/** Undefined where the program may not call it. bpf_fetch_kfunc_arg_meta() */
export function fetchKfuncArgMeta(
  env: VerifierEnv,
  funcId: number,
  offset: number,
): KfuncCallArgMeta | undefined {
  const meta = fetchKfuncMeta(env, funcId, offset);
  const { kfunc } = meta;
  if (!kfunc || !btfKfuncIsAllowed(kfunc, env.prog)) return undefined;
  return new KfuncCallArgMeta(meta, kfunc.flags);
}

/** Kfuncs that only programs for one device may call. bpf_dev_bound_kfunc_id() */
const DEVICE_BOUND: ReadonlySet<string> = new Set([
  'bpf_xdp_metadata_rx_timestamp',
  'bpf_xdp_metadata_rx_hash',
  'bpf_xdp_metadata_rx_vlan_tag',
]);

/**
 * A call of a kfunc stands in the program, wherever: it must be one. An id of 0 is refused only
 * where it is reached. bpf_add_kfunc_call()
 */
export function addKfuncCall(env: VerifierEnv, funcId: number, offset: number): void {
  if (!env.prog.isGplCompatible) {
    const text = 'cannot call kernel function from non-GPL compatible program';
    throw env.reject(EINVAL, text);
  }
  if (funcId === 0 && offset === 0) return;
  const { name } = fetchKfuncMeta(env, funcId, offset);
  if (DEVICE_BOUND.has(name)) {
    throw env.reject(EINVAL, 'metadata kfuncs require device-bound program');
  }
}

/** The kfunc that an instruction calls, by name; '' where it calls none. */
export function kfuncNameOf(env: VerifierEnv, insn: Insn | null): string {
  if (insn?.kind !== 'call' || insn.target !== 'kfunc' || insn.off !== 0) return '';
  const func = env.kernelBtf.types[insn.imm];
  return func?.kind === 'func' ? func.name : '';
}

/** bpf_is_throw_kfunc() */
export function isThrowKfunc(env: VerifierEnv, insn: Insn | null): boolean {
  return kfuncNameOf(env, insn) === 'bpf_throw';
}

/** bpf_is_iter_next_kfunc() */
export function isIterNextKfunc(meta: KfuncCallArgMeta): boolean {
  return meta.has(kf.KF_ITER_NEXT);
}

/** bpf_is_kfunc_sleepable() */
export function isKfuncSleepable(meta: KfuncCallArgMeta): boolean {
  return meta.has(kf.KF_SLEEPABLE);
}

/** bpf_is_kfunc_pkt_changing() */
export function isKfuncPktChanging(meta: KfuncCallArgMeta): boolean {
  return meta.funcName === 'bpf_xdp_pull_data';
}

/** is_kfunc_rcu_protected() */
export function isKfuncRcuProtected(meta: KfuncCallArgMeta): boolean {
  return meta.has(kf.KF_RCU_PROTECTED);
}
