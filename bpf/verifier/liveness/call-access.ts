import { resolve, resolveId, sizeOf } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import type { FuncProto } from '../../helpers/proto.ts';
import type { Insn } from '../../isa/insn.ts';
import type { BpfMap } from '../../maps/map.ts';
import { MAX_BPF_STACK } from '../../vm/frame.ts';
import { argTypeIsMemSize } from '../calls/arg-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { InsnAux } from '../insn-aux.ts';
import { isKfuncArgDynptr, isKfuncArgUninit } from '../kfuncs/kfunc-args.ts';
import { kfuncMetaIfAny } from '../passes/call-summary.ts';
import { KF_ITER_NEW } from '../kfuncs/kfunc-meta.ts';
import {
  ARG_CONST_MAP_PTR,
  ARG_PTR_TO_DYNPTR,
  ARG_PTR_TO_MAP_KEY,
  ARG_PTR_TO_MAP_VALUE,
  ARG_PTR_TO_MEM,
  ARG_PTR_TO_STACK,
  baseType,
  MEM_FIXED_SIZE,
  MEM_UNINIT,
} from '../types.ts';

type Call = Extract<Insn, { kind: 'call' }>;

/** Nobody knows how much is accessed. S64_MIN */
export const UNKNOWN_BYTES = -Infinity;
const BPF_DYNPTR_SIZE = 16;
const R1 = 1;

/**
 * How many bytes a helper reads through a pointer to stack in its argument `arg`, counted from 0;
 * below zero: writes, and reads none. bpf_helper_stack_access_bytes()
 */
export function helperStackAccessBytes(
  env: VerifierEnv,
  insn: Call,
  arg: number,
  insnIdx: number,
): number {
  const fn = env.ops.helper(insn.imm, env.prog);
  if (!fn) return UNKNOWN_BYTES;
  const type = fn.args[arg]?.type ?? 0;
  const size = helperBytes(env, fn, arg, env.aux[insnIdx]!);
  return (type & MEM_UNINIT) !== 0 && size !== UNKNOWN_BYTES ? -size : size;
}

function helperBytes(env: VerifierEnv, fn: FuncProto, arg: number, aux: InsnAux): number {
  const proto = fn.args[arg];
  switch (baseType(proto?.type ?? 0)) {
    case ARG_PTR_TO_MAP_KEY:
      return bytesInMap(env, fn, arg, aux, (map) => map.keySize);
    case ARG_PTR_TO_MAP_VALUE:
      return bytesInMap(env, fn, arg, aux, (map) => map.valueSize);
    case ARG_PTR_TO_MEM:
      if ((proto!.type & MEM_FIXED_SIZE) !== 0) return proto!.size ?? 0;
      if (!argTypeIsMemSize(fn.args[arg + 1]?.type ?? 0)) return UNKNOWN_BYTES;
      return constReg(aux, R1 + arg + 1) ?? ((proto!.type & MEM_UNINIT) !== 0 ? 0 : MAX_BPF_STACK);
    case ARG_PTR_TO_DYNPTR:
      return BPF_DYNPTR_SIZE;
    case ARG_PTR_TO_STACK:
      return 0; // what its callback does is looked at where that is
    default:
      return UNKNOWN_BYTES;
  }
}

function constReg(aux: InsnAux, regno: number): number | undefined {
  return (aux.constRegMask & (1 << regno)) === 0 ? undefined : aux.constRegVals![regno];
}

/** A key or value; where the map is not known, the largest that the program has. */
function bytesInMap(
  env: VerifierEnv,
  fn: FuncProto,
  arg: number,
  aux: InsnAux,
  sizeIn: (map: BpfMap) => number,
): number {
  const at = fn.args.findIndex(({ type }) => baseType(type) === ARG_CONST_MAP_PTR);
  const isKnown = at >= 0 && at < arg && (aux.constRegMapMask & (1 << (R1 + at))) !== 0;
  const known = isKnown ? env.usedMaps[aux.constRegVals![R1 + at]!] : undefined;
  if (known) return sizeIn(known);
  const sizes = env.usedMaps.flatMap((map) => [map, map.innerMapMeta ?? map].map(sizeIn));
  return Math.max(0, ...sizes) || UNKNOWN_BYTES;
}

/** The same of a kfunc, by its prototype. bpf_kfunc_stack_access_bytes() */
export function kfuncStackAccessBytes(
  env: VerifierEnv,
  insn: Call,
  arg: number,
  insnIdx: number,
): number {
  const meta = kfuncMetaIfAny(env, insn);
  if (!meta) return UNKNOWN_BYTES;
  const { btf, proto } = meta;
  const param = proto.params[arg];
  if (!param || resolve(btf, param.type)?.kind !== 'ptr') return 0;
  const size = kfuncBytes(meta, arg, env.aux[insnIdx]!);
  if (size === undefined) return MAX_BPF_STACK;
  if (size === UNKNOWN_BYTES) return UNKNOWN_BYTES;
  const isWritten = arg === 0 && (meta.kfuncFlags & KF_ITER_NEW) !== 0;
  return isWritten || isKfuncArgUninit(btf, param) ? -size : size;
}

/** Undefined: as large as a register says that is not known. */
function kfuncBytes(
  { btf, proto }: { readonly btf: Btf; readonly proto: { readonly params: readonly KfuncParam[] } },
  arg: number,
  aux: InsnAux,
): number | undefined {
  const param = proto.params[arg]!;
  if (isKfuncArgDynptr(btf, param)) return BPF_DYNPTR_SIZE;
  const next = proto.params[arg + 1];
  if (next && (next.name.endsWith('__sz') || next.name.endsWith('__szk'))) {
    return constReg(aux, R1 + arg + 1);
  }
  const pointer = resolve(btf, param.type);
  const target = pointer?.kind === 'ptr' ? resolveId(btf, pointer.type) : 0;
  return resolvedSize(btf, target) ?? UNKNOWN_BYTES;
}

interface KfuncParam {
  readonly name: string;
  readonly type: number;
}

/** Types without a size have none; arrays of nothing do. btf_resolve_size() */
function resolvedSize(btf: Btf, id: number): number | undefined {
  const type = btf.types[id];
  switch (type?.kind) {
    case 'int':
    case 'struct':
    case 'union':
    case 'enum':
    case 'enum64':
    case 'float':
    case 'ptr':
    case 'array':
      return sizeOf(btf, id);
    default:
      return undefined;
  }
}
