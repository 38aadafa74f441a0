import { EINVAL } from '../../../kernel/errno.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import { resolve } from '../../btf/resolve.ts';
import type { Btf, BtfOf, BtfType } from '../../btf/types.ts';
import * as kf from '../../kfuncs/flags.ts';
import { btfIsProgCtxType } from '../../prog/ctx-type.ts';
import { resolveProgType } from '../../prog/types.ts';
import { regArgName, type ArgNo } from '../access/access-types.ts';
import type { VerifierEnv } from '../env.ts';
import * as arg from './kfunc-args.ts';
import type { KfuncCallArgMeta } from './kfunc-meta.ts';
import { isNullReg, type Reg } from '../values/reg.ts';
import { getFuncArgReg } from '../access/stack-arg.ts';
import * as t from '../types.ts';

/** What a pointer that a kfunc takes is to be. enum kfunc_ptr_arg_type */
export type KfuncArgKind =
  | 'ctx'
  | 'alloc_btf_id'
  | 'refcounted_kptr'
  | 'dynptr'
  | 'iter'
  | 'list_head'
  | 'list_node'
  | 'btf_id'
  | 'mem'
  | 'mem_size'
  | 'callback'
  | 'rb_root'
  | 'rb_node'
  | 'null'
  | 'const_str'
  | 'map'
  | 'timer'
  | 'workqueue'
  | 'irq_flag'
  | 'res_spin_lock'
  | 'task_work';

/** One argument of a kfunc that is a pointer, as it is looked at. */
export interface KfuncArg {
  readonly meta: KfuncCallArgMeta;
  /** From 0. */
  readonly index: number;
  readonly param: arg.KfuncParam;
  readonly pointer: BtfOf<'ptr'>;
  /** What it points to, without modifiers. */
  readonly refT: BtfType | undefined;
  readonly refId: number;
  readonly reg: Reg;
  readonly argno: ArgNo;
  readonly insnIdx: number;
}

/** Kfuncs that take any context. */
const TAKES_CTX: ReadonlySet<string> = new Set([
  'bpf_cast_to_kern_ctx',
  'bpf_session_is_return',
  'bpf_session_cookie',
]);

/** Kinds known by the end of the parameter's name, or by the struct, in order. */
const KINDS: readonly (readonly [
  KfuncArgKind,
  (btf: Btf, param: arg.KfuncParam, meta: KfuncCallArgMeta, index: number) => boolean,
])[] = [
  ['alloc_btf_id', (_, param) => arg.isKfuncArgAllocObj(param)],
  ['refcounted_kptr', (_, param) => arg.isKfuncArgRefcountedKptr(param)],
  ['dynptr', arg.isKfuncArgDynptr],
  ['iter', (_, param, meta, index) => isKfuncArgIter(meta, index, param)],
  ['list_head', pointsTo('bpf_list_head')],
  ['list_node', pointsTo('bpf_list_node')],
  ['rb_root', pointsTo('bpf_rb_root')],
  ['rb_node', pointsTo('bpf_rb_node')],
  ['const_str', (_, param) => arg.isKfuncArgConstStr(param)],
  ['map', (_, param) => arg.isKfuncArgMap(param)],
  ['workqueue', pointsTo('bpf_wq')],
  ['timer', pointsTo('bpf_timer')],
  ['task_work', pointsTo('bpf_task_work')],
  ['irq_flag', (_, param) => arg.isKfuncArgIrqFlag(param)],
  ['res_spin_lock', pointsTo('bpf_res_spin_lock')],
];

function pointsTo(struct: string): (btf: Btf, param: arg.KfuncParam) => boolean {
  return (btf, param) => arg.isKfuncPtrArgType(btf, param, struct);
}

const ITER_KFUNC = kf.KF_ITER_NEW | kf.KF_ITER_NEXT | kf.KF_ITER_DESTROY;

/** is_kfunc_arg_iter() */
function isKfuncArgIter(meta: KfuncCallArgMeta, index: number, param: arg.KfuncParam): boolean {
  return meta.has(ITER_KFUNC) ? index === 0 : arg.hasIterSuffix(param);
}

/** Registers of these types are pointers to such structs of the kernel's. reg2btf_ids[] */
export const REG_STRUCTS: ReadonlyMap<number, string> = new Map([
  [t.PTR_TO_SOCKET, 'sock'],
  [t.PTR_TO_SOCK_COMMON, 'sock_common'],
  [t.PTR_TO_TCP_SOCK, 'tcp_sock'],
  [t.CONST_PTR_TO_MAP, 'bpf_map'],
]);

/** get_kfunc_ptr_arg_type() */
export function getKfuncPtrArgType(env: VerifierEnv, of: KfuncArg): KfuncArgKind {
  const { meta, index, param, reg, argno } = of;
  const { btf } = meta;
  if (TAKES_CTX.has(meta.funcName)) return 'ctx';
  const hasSize = isFollowedBySize(env, of);
  const { number: progType } = resolveProgType(env.prog);
  if (btfIsProgCtxType(btf, of.pointer, progType)) return 'ctx';
  if (arg.isKfuncArgNullable(param) && isNullReg(reg) && !hasSize) return 'null';
  const known = KINDS.find(([, isKind]) => isKind(btf, param, meta, index));
  if (known) return known[0];
  const base = t.baseType(reg.type);
  if (base === t.PTR_TO_BTF_ID || REG_STRUCTS.has(base)) {
    if (isStructOrUnion(of.refT)) return 'btf_id';
    const type = `${btfTypeStr(of.refT)} ${of.refT?.name ?? ''}`;
    const text = `${meta.funcName} ${regArgName(argno)} pointer type ${type} is not supported`;
    throw env.reject(EINVAL, `kernel function ${text}`);
  }
  if (arg.isKfuncArgCallback(btf, param)) return 'callback';
  const isMemory =
    arg.isScalarType(of.refT) ||
    isScalarStruct(env, btf, of.refT, 0) ||
    (hasSize && of.refT === undefined);
  if (!isMemory) {
    const type = `${btfTypeStr(of.refT)} ${of.refT?.name ?? ''}`;
    const orVoid = hasSize ? 'void, ' : '';
    const text = `pointer type ${type} must point to ${orVoid}scalar, or struct with scalar`;
    throw env.reject(EINVAL, `${regArgName(argno)} ${text}`);
  }
  return hasSize ? 'mem_size' : 'mem';
}

/** Whether the argument behind it says how many bytes it points to. */
function isFollowedBySize(env: VerifierEnv, { meta, index }: KfuncArg): boolean {
  const next = meta.proto.params[index + 1];
  if (!next) return false;
  const reg = getFuncArgReg(env.frame, env.regs, index + 1);
  return (
    arg.isKfuncArgMemSize(meta.btf, next, reg) || arg.isKfuncArgConstMemSize(meta.btf, next, reg)
  );
}

function isStructOrUnion(type: BtfType | undefined): boolean {
  return type?.kind === 'struct' || type?.kind === 'union' || type?.kind === 'fwd';
}

const SCALAR_STRUCT_NESTING_MAX = 3;

/** A struct of numbers, and of structs of numbers. __btf_type_is_scalar_struct() */
export function isScalarStruct(
  env: VerifierEnv,
  btf: Btf,
  type: BtfType | undefined,
  nesting: number,
): boolean {
  if (type?.kind !== 'struct' && type?.kind !== 'union') return false;
  return type.members.every((member) => {
    const inner = resolve(btf, member.type);
    if (inner?.kind === 'struct' || inner?.kind === 'union') {
      if (nesting >= SCALAR_STRUCT_NESTING_MAX) {
        env.verbose('max struct nesting depth exceeded\n');
        return false;
      }
      return isScalarStruct(env, btf, inner, nesting + 1);
    }
    if (inner?.kind !== 'array') return arg.isScalarType(inner);
    return inner.count > 0 && arg.isScalarType(resolve(btf, inner.type));
  });
}
