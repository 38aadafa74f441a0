import { EFAULT, EINVAL, ENOENT, EOPNOTSUPP, ESRCH } from '../../../kernel/errno.ts';
import { essentialName } from '../../btf/match.ts';
import { resolve, resolveId, sizeOf } from '../../btf/resolve.ts';
import type { Btf, BtfOf, BtfType } from '../../btf/types.ts';
import { btfIsProgCtxType } from '../../prog/ctx-type.ts';
import { resolveProgType } from '../../prog/types.ts';
import * as tag from './arg-tags.ts';
import { validateProgCtxType } from './ctx-arg.ts';
import type { VerifierEnv } from '../env.ts';
import { Rejection } from '../rejection.ts';
import type { SubprogArg } from '../subprog-info.ts';
import { subprogIsGlobal } from '../subprog-query.ts';
import * as t from '../types.ts';

// What BTF says of the arguments of a function, as the verifier expects them of its callers, and
// takes them as given where it looks at a global function on its own.

/** Once a function; what cannot be converted refuses. btf_prepare_func_args() */
export function btfPrepareFuncArgs(env: VerifierEnv, subprog: number): void {
  const info = env.subprogs[subprog]!;
  if (info.argsCached) return;
  const isGlobal = subprogIsGlobal(env, subprog);
  const btf = env.prog.btf!;
  const funcId = funcIdOf(env, subprog, isGlobal);
  const func = btf.types[funcId];
  if (func?.kind !== 'func') {
    throw env.reject(EFAULT, `BTF of func#${subprog} doesn't point to KIND_FUNC`);
  }
  if (info.isUnreliable) throw env.bug(`unreliable BTF for function ${func.name}()`);
  const proto = btf.types[func.type];
  if (proto?.kind !== 'func_proto') {
    throw env.reject(EFAULT, `Invalid type of function ${func.name}()`);
  }
  const count = proto.params.length;
  info.argCnt = count;
  checkArgCount(env, func.name, count, isGlobal);
  if (count > t.MAX_BPF_FUNC_REG_ARGS) info.stackArgCnt = count - t.MAX_BPF_FUNC_REG_ARGS;
  validateReturnType(env, proto, func.name, subprog, isGlobal);
  info.args = [];
  for (const [i, { type }] of proto.params.entries()) {
    info.args.push(argOf(env, { func: func.name, funcId, isGlobal, type, index: i }));
  }
  info.argsCached = true;
}

function funcIdOf(env: VerifierEnv, subprog: number, isGlobal: boolean): number {
  const { funcInfo } = env.prog;
  if (funcInfo.length === 0) throw env.bug('func_info undefined');
  const { typeId } = funcInfo[subprog]!;
  if (typeId !== 0) return typeId;
  if (!isGlobal) throw new Rejection(EINVAL);
  throw env.reject(EFAULT, 'Global functions need valid BTF');
}

function checkArgCount(env: VerifierEnv, name: string, count: number, isGlobal: boolean): void {
  if (count > t.MAX_BPF_FUNC_ARGS) {
    const most = `kernel supports at most ${t.MAX_BPF_FUNC_ARGS} parameters`;
    throw env.reject(EFAULT, `${most}, function ${name} has ${count}`);
  }
  if (!isGlobal || count <= t.MAX_BPF_FUNC_REG_ARGS) return;
  const over = `${count} > ${t.MAX_BPF_FUNC_REG_ARGS} args, stack args not supported`;
  throw env.reject(EINVAL, `global function ${name} has ${over}`);
}

/** Nothing, a number, or, of other functions than the first, an arena pointer. */
function validateReturnType(
  env: VerifierEnv,
  proto: BtfOf<'func_proto'>,
  name: string,
  subprog: number,
  isGlobal: boolean,
): void {
  const btf = env.prog.btf!;
  const type = resolve(btf, proto.type);
  if (!type || isNumber(type)) return;
  const isArena = tag.scanTypeTags(btf, proto.type) === tag.ARG_TAG_ARENA;
  if (subprog !== 0 && isArena) return;
  if (isGlobal) {
    env.verbose(`Global function ${name}() return value not void or scalar. `);
    env.verbose('Only those are supported.\n');
  }
  throw new Rejection(EOPNOTSUPP);
}

function isNumber({ kind }: BtfType): boolean {
  return kind === 'int' || kind === 'enum' || kind === 'enum64';
}

/** One parameter of a function. */
interface Param {
  readonly func: string;
  readonly funcId: number;
  readonly isGlobal: boolean;
  readonly type: number;
  readonly index: number;
}

function arg(argType: number, more: Partial<SubprogArg> = {}): SubprogArg {
  return { argType, memSize: 0, btfId: 0, ...more };
}

function argOf(env: VerifierEnv, param: Param): SubprogArg {
  const btf = env.prog.btf!;
  const { funcId, isGlobal, index } = param;
  const tags =
    tag.scanDeclTags(env, btf, funcId, index, isGlobal) | tag.scanTypeTags(btf, param.type);
  const type = resolve(btf, param.type);
  const pointer = type?.kind === 'ptr' ? pointerArg(env, type, tags, param) : undefined;
  if (pointer) return pointer;
  if (tags !== 0) {
    throw env.reject(EINVAL, `arg#${index} has pointer tag, but is not a pointer type`);
  }
  if (type && isNumber(type)) return arg(t.ARG_ANYTHING);
  if (!isGlobal) throw new Rejection(EINVAL);
  const what = `Arg#${index} type ${kindName(type)} in ${param.func}()`;
  throw env.reject(EINVAL, `${what} is not supported yet.`);
}

/** undefined: nothing is said of such a pointer. */
function pointerArg(
  env: VerifierEnv,
  pointer: BtfOf<'ptr'>,
  tags: number,
  { isGlobal, index }: Param,
): SubprogArg | undefined {
  const btf = env.prog.btf!;
  const progType = resolveProgType(env.prog).number;
  const isCtx = (tags & tag.ARG_TAG_CTX) !== 0;
  if (isCtx || btfIsProgCtxType(btf, pointer, progType)) {
    tag.checkTagsAlone(env, index, tags & ~tag.ARG_TAG_CTX);
    if (isCtx) validateProgCtxType(env, pointer, index, progType);
    return arg(t.ARG_PTR_TO_CTX);
  }
  if (isDynptrPtr(btf, pointer)) {
    tag.checkTagsAlone(env, index, tags);
    return arg(t.ARG_PTR_TO_DYNPTR);
  }
  if ((tags & tag.ARG_TAG_TRUSTED) !== 0) {
    tag.checkTagsAlone(env, index, tags & tag.ARG_TAG_NONNULL);
    const nullable = (tags & tag.ARG_TAG_NULLABLE) === 0 ? 0 : t.PTR_MAYBE_NULL;
    const btfId = getPtrToBtfId(env, index, pointer);
    return arg(t.ARG_PTR_TO_BTF_ID | t.PTR_TRUSTED | nullable, { btfId });
  }
  if ((tags & tag.ARG_TAG_UNTRUSTED) !== 0) return untrustedArg(env, index, pointer, tags);
  if ((tags & tag.ARG_TAG_ARENA) !== 0) {
    if ((tags & ~tag.ARG_TAG_ARENA) === 0) return arg(t.ARG_PTR_TO_ARENA);
    throw env.reject(EINVAL, `arg#${index} arena cannot be combined with any other tags`);
  }
  return isGlobal ? memArg(env, index, pointer, tags) : undefined;
}

function isDynptrPtr(btf: Btf, pointer: BtfOf<'ptr'>): boolean {
  const target = resolve(btf, pointer.type);
  const isStruct =
    target?.kind === 'struct' ||
    target?.kind === 'union' ||
    (target?.kind === 'fwd' && target.of === 'struct');
  return isStruct && target.name === 'bpf_dynptr';
}

function untrustedArg(
  env: VerifierEnv,
  index: number,
  pointer: BtfOf<'ptr'>,
  tags: number,
): SubprogArg {
  if ((tags & ~tag.ARG_TAG_UNTRUSTED) !== 0) {
    throw env.reject(EINVAL, `arg#${index} untrusted cannot be combined with any other tags`);
  }
  const target = resolve(env.prog.btf!, pointer.type);
  if (!target || isPrimitive(target)) {
    return arg(t.ARG_PTR_TO_MEM | t.MEM_RDONLY | t.PTR_UNTRUSTED);
  }
  const btfId = getPtrToBtfId(env, index, pointer);
  const found = env.kernelBtf.types[btfId]!;
  if (found.kind !== 'struct' && found.kind !== 'union') {
    const only = 'but only struct or primitive types are allowed';
    throw env.reject(EINVAL, `arg#${index} has type ${kindName(found)} '', ${only}`);
  }
  return arg(t.ARG_PTR_TO_BTF_ID | t.PTR_UNTRUSTED, { btfId });
}

/** A whole number of 1, 2, 4, 8 or 16 bytes, or an enum. btf_type_is_primitive() */
function isPrimitive(type: BtfType): boolean {
  if (type.kind !== 'int') return isNumber(type);
  const { bits, bitOffset, sizeBytes } = type;
  return bitOffset === 0 && bits === sizeBytes * 8 && [1, 2, 4, 8, 16].includes(sizeBytes);
}

/** Memory of the size of what it points to. */
function memArg(env: VerifierEnv, index: number, pointer: BtfOf<'ptr'>, tags: number): SubprogArg {
  tag.checkTagsAlone(env, index, tags & tag.ARG_TAG_NULLABLE);
  const btf = env.prog.btf!;
  const target = resolve(btf, pointer.type);
  if (!target || !hasSize(btf, resolveId(btf, pointer.type))) {
    const what = `arg#${index} reference type('${kindName(target)} ${target?.name ?? ''}')`;
    throw env.reject(EINVAL, `${what} size cannot be determined: -${EINVAL}`);
  }
  const nullable = (tags & tag.ARG_TAG_NONNULL) === 0 ? t.PTR_MAYBE_NULL : 0;
  return arg(t.ARG_PTR_TO_MEM | nullable, { memSize: sizeOf(btf, pointer.type) });
}

/** btf_resolve_size() gives one. */
function hasSize(btf: Btf, id: number): boolean {
  const type = resolve(btf, id);
  if (type?.kind === 'array') return hasSize(btf, type.type);
  if (type?.kind === 'ptr') return true;
  return type !== undefined && 'sizeBytes' in type && type.kind !== 'datasec';
}

/** The struct of the same name in the kernel. btf_get_ptr_to_btf_id() */
function getPtrToBtfId(env: VerifierEnv, index: number, pointer: BtfOf<'ptr'>): number {
  const target = resolve(env.prog.btf!, pointer.type);
  const name = target?.name ?? '';
  const what = `arg#${index} reference type('${kindName(target)} ${name}')`;
  if (!target || name === '') {
    throw env.reject(EINVAL, `${what} candidate matching error: -${EINVAL}`);
  }
  const wanted = essentialName(name);
  const { kernelBtf } = env;
  const ids = kernelBtf.idsOf(wanted).filter((id) => kernelBtf.types[id]!.kind === target.kind);
  if (ids.length === 1) return ids[0]!;
  if (ids.length === 0) throw env.reject(ENOENT, `${what} has no matches`);
  throw env.reject(ESRCH, `${what} is ambiguous`);
}

/** btf_type_str() */
function kindName(type: BtfType | undefined): string {
  return type?.kind.toUpperCase() ?? 'UNKNOWN';
}
