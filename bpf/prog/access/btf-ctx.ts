import { resolve } from '../../btf/resolve.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import type { Btf, BtfOf, BtfType } from '../../btf/types.ts';
import { isModifier } from '../../btf/resolve.ts';
import {
  baseType,
  MEM_PERCPU,
  MEM_USER,
  PTR_MAYBE_NULL,
  PTR_TO_BTF_ID,
  PTR_TO_BUF,
  PTR_TRUSTED,
  SCALAR_VALUE,
} from '../../verifier/types.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../uapi.ts';
import type { AttachPoint } from '../attach-point.ts';
import { btfIsProgCtxType, kernCtxTypeId } from '../ctx-type.ts';
import { UNTRUSTED_LSM_HOOKS } from '../lsm-hooks.ts';
import type { ProgView } from '../view.ts';
import type { CtxAccess } from './info.ts';
import { RAW_TP_NULL_ARGS } from './raw-tp-args.ts';

type Proto = BtfOf<'func_proto'>;

/** Where the prototype of what is attached to is not known, it is five times u64. */
const MAX_BPF_FUNC_REG_ARGS = 5;

/** Bytes of an argument in the context. */
function slotBytes(type: BtfType | undefined): number {
  if (type?.kind === 'ptr') return 8;
  return type && 'sizeBytes' in type ? Math.ceil(type.sizeBytes / 8) * 8 : 0;
}

/** The argument at an offset; one behind the last: what is returned. btf_ctx_arg_idx() */
export function btfCtxArgIdx(btf: Btf, proto: Proto | undefined, off: number): number {
  const at = off >>> 0; // below zero is far beyond
  if (!proto) return Math.trunc(at / 8);
  let end = 0;
  for (const [i, { type }] of proto.params.entries()) {
    end += slotBytes(resolve(btf, type));
    if (at < end) return i;
  }
  end += slotBytes(resolve(btf, proto.type));
  return proto.params.length + (at < end ? 0 : 1);
}

/** Whether pointers that it is called with are good for what the kernel does with them. */
function argsAreTrusted({ type, expectedAttachType, attach }: ProgView): boolean {
  switch (type.number) {
    case PROG_TYPE.TRACING:
      return (
        expectedAttachType === ATTACH_TYPE.TRACE_RAW_TP ||
        expectedAttachType === ATTACH_TYPE.TRACE_ITER
      );
    case PROG_TYPE.LSM:
      return !UNTRUSTED_LSM_HOOKS.has(attach?.name ?? '');
    default:
      return type.number === PROG_TYPE.STRUCT_OPS;
  }
}

/** btf_type_is_small_int(), btf_is_any_enum(), btf_type_is_struct() */
function isScalar(type: BtfType): boolean {
  switch (type.kind) {
    case 'int':
      return type.sizeBytes <= 8;
    case 'enum':
    case 'enum64':
    case 'struct':
    case 'union':
      return true;
    default:
      return false;
  }
}

/** What a program of that attach type gets behind the arguments. */
type Returned = 'value' | 'anything' | 'nothing' | 'refused';

/** One access to a context that is a function's arguments, and what it returned. */
class ArgAccess {
  readonly #prog: ProgView;
  readonly #attach: AttachPoint;
  readonly #info: CtxAccess;
  readonly #off: number;
  readonly #proto: Proto | undefined;

  constructor(prog: ProgView, attach: AttachPoint, info: CtxAccess, off: number) {
    this.#prog = prog;
    this.#attach = attach;
    this.#info = info;
    this.#off = off;
    const proto = attach.btf.types[attach.protoId];
    this.#proto = proto?.kind === 'func_proto' ? proto : undefined;
  }

  isValid(size: number): boolean {
    const { btf, name } = this.#attach;
    if (this.#off % 8 !== 0) {
      return this.#no(`func '${name}' offset ${this.#off} is not multiple of 8`);
    }
    const arg = btfCtxArgIdx(btf, this.#proto, this.#off);
    const isTrace = this.#prog.expectedAttachType === ATTACH_TYPE.TRACE_RAW_TP;
    // The first parameter of a tracepoint's function is its own data, which programs do not get.
    const skipped = isTrace ? 1 : 0;
    const count = (this.#proto?.params.length ?? MAX_BPF_FUNC_REG_ARGS) - skipped;
    if (arg > count) return this.#no(`func '${name}' doesn't have ${arg + 1}-th argument`);
    if (arg === count) {
      const returned = this.#returned(arg);
      if (returned !== 'value') return returned === 'anything';
      return this.#isValidOf(this.#proto!.type, '', arg, size);
    }
    if (!this.#proto) return true;
    const param = this.#proto.params[arg + skipped]!;
    return this.#isValidOf(param.type, param.name, arg, size);
  }

  /** Says why not. */
  #no(message: string): false {
    this.#info.log(`${message}\n`);
    return false;
  }

  #returned(arg: number): Returned {
    const { btf, name } = this.#attach;
    switch (this.#prog.expectedAttachType) {
      case ATTACH_TYPE.LSM_MAC:
        this.#info.isRetval = true;
        return this.#proto ? 'value' : 'anything';
      case ATTACH_TYPE.LSM_CGROUP:
      case ATTACH_TYPE.TRACE_FEXIT:
      case ATTACH_TYPE.TRACE_FSESSION:
        return this.#proto ? 'value' : 'anything';
      case ATTACH_TYPE.MODIFY_RETURN: {
        if (!this.#proto) return 'nothing';
        const type = resolve(btf, this.#proto.type);
        if (type?.kind === 'int' && type.sizeBytes <= 8) return 'value';
        this.#no(`ret type ${btfTypeStr(type)} not allowed for fmod_ret`);
        return 'refused';
      }
      default:
        this.#no(`func '${name}' doesn't have ${arg + 1}-th argument`);
        return 'refused';
    }
  }

  /** An argument, or what is returned, of this type. */
  #isValidOf(typeId: number, param: string, arg: number, size: number): boolean {
    const { btf, name, ctxArgs = [] } = this.#attach;
    const type = resolve(btf, typeId);
    if (type && isScalar(type)) return true;
    if (type?.kind !== 'ptr') {
      return this.#no(
        `func '${name}' arg${arg} '${type?.name || '(anon)'}' has type ${btfTypeStr(type)}. ` +
          `Only pointer access is allowed`,
      );
    }
    if (size !== 8) return this.#no(`func '${name}' size ${size} must be 8`);
    const here = ctxArgs.filter(({ offset }) => offset === this.#off);
    const buffer = here.find(
      ({ regType }) => baseType(regType) === PTR_TO_BUF && (regType & PTR_MAYBE_NULL) !== 0,
    );
    if (buffer) {
      this.#info.regType = buffer.regType;
      return true;
    }
    // Pointers to anything but structs are numbers to it: nothing says how much is behind them.
    const target = resolve(btf, type.type);
    if (target?.kind !== 'struct' && target?.kind !== 'union') return true;
    if (here[0]) return this.#isValidKnown(here[0]);
    return this.#isValidStruct(type, param, arg);
  }

  #isValidKnown({ btfId, regType, btf, refId }: CtxArg): boolean {
    if (btfId === 0) {
      return this.#no(`invalid btf_id for context argument offset ${this.#off}`);
    }
    this.#info.regType = regType;
    this.#info.btf = btf ?? this.#info.kernelBtf;
    this.#info.btfId = btfId;
    this.#info.refId = refId;
    return true;
  }

  #isValidStruct(pointer: BtfOf<'ptr'>, param: string, arg: number): boolean {
    const { btf, name, dstProg, isKernel } = this.#attach;
    const info = this.#info;
    info.regType = PTR_TO_BTF_ID | (argsAreTrusted(this.#prog) ? PTR_TRUSTED : 0);
    if (isSuffixed(param, '__nullable')) info.regType |= PTR_MAYBE_NULL;
    const isTrace = this.#prog.expectedAttachType === ATTACH_TYPE.TRACE_RAW_TP;
    const known = isTrace ? RAW_TP_NULL_ARGS.get(name) : undefined;
    if (known?.null?.includes(arg)) info.regType |= PTR_MAYBE_NULL;
    // Of a module's tracepoints nobody has looked.
    if (isTrace && !known && !isKernel) info.regType |= PTR_MAYBE_NULL;
    if (dstProg) return this.#isValidCtxOf(dstProg, pointer);
    info.btf = btf;
    const { id, flags } = walkTypeTags(btf, pointer.type);
    const target = btf.types[id];
    if (flags === (MEM_USER | MEM_PERCPU)) {
      return this.#no(
        `func '${name}' arg${arg} type ${btfTypeStr(pointer)} has multiple type tags`,
      );
    }
    info.regType |= flags;
    info.btfId = id;
    info.log(
      `func '${name}' arg${arg} has btf_id ${id} type ${btfTypeStr(target)} ` +
        `'${target?.name || '(anon)'}'\n`,
    );
    if (known?.error?.includes(arg)) {
      info.log(`marking pointer arg${arg} as scalar as it may encode error`);
      info.regType = SCALAR_VALUE;
    }
    return true;
  }

  /** The context of the program that is traced, as the kernel has it. btf_translate_to_vmlinux() */
  #isValidCtxOf(
    { type, savedDstType }: NonNullable<AttachPoint['dstProg']>,
    pointer: BtfOf<'ptr'>,
  ): boolean {
    const info = this.#info;
    const progType = type === PROG_TYPE.EXT ? savedDstType : type;
    const { btf } = this.#attach;
    if (!btfIsProgCtxType(btf, pointer, progType)) return false;
    info.btf = info.kernelBtf;
    info.btfId = kernCtxTypeId(info.kernelBtf, progType);
    return info.btfId !== 0;
  }
}

type CtxArg = NonNullable<AttachPoint['ctxArgs']>[number];

/** btf_param_match_suffix() */
function isSuffixed(name: string, suffix: string): boolean {
  return name.length > suffix.length && name.endsWith(suffix);
}

/** The type behind modifiers, and what tags on the way say of memory. btf_type_tag_walk() */
function walkTypeTags(btf: Btf, from: number): { id: number; flags: number } {
  let id = from;
  let flags = 0;
  for (let type = btf.types[id]; type && isModifier(type); type = btf.types[id]) {
    if (type.kind === 'type_tag' && type.name === 'user') flags |= MEM_USER;
    if (type.kind === 'type_tag' && type.name === 'percpu') flags |= MEM_PERCPU;
    id = type.type;
  }
  return { id, flags };
}

/**
 * A load of a context that is a function's arguments: a pointer to a struct becomes one of BTF, all
 * else a number. btf_ctx_access()
 */
export function btfCtxAccess(off: number, size: number, prog: ProgView, info: CtxAccess): boolean {
  const { attach } = prog;
  return attach !== undefined && new ArgAccess(prog, attach, info, off).isValid(size);
}
