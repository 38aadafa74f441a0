import { resolve, resolveId, sizeOf } from '../btf/resolve.ts';
import type { Btf, BtfOf } from '../btf/types.ts';
import { PTR_MAYBE_NULL, PTR_TO_BTF_ID, PTR_TRUSTED } from '../verifier/types.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../uapi.ts';
import type { AttachPoint, CtxArg, DstProg } from './attach-point.ts';
import { iterCtxArgs } from './iter-targets.ts';
import { STRUCT_OPS, type ArgNote } from './struct-ops.ts';

export const TRACE_PREFIX = 'btf_trace_';

/** What bpf(2) says of what a program is for: a type of the kernel's, or of a program's. */
export interface AttachRequest {
  /** BPF_PROG_TYPE_* */
  readonly progType: number;
  /** expected_attach_type; of a struct_ops, the number of the member. */
  readonly attachType: number;
  readonly btf: Btf;
  readonly btfId: number;
  readonly isKernel: boolean;
  readonly dstProg?: DstProg | undefined;
}

/** The same with what BTF knows of it; checkAttachBtfId() says later whether it is allowed. */
export function attachPoint(request: AttachRequest): AttachPoint {
  const { progType, attachType, btf, btfId, isKernel, dstProg } = request;
  const type = btf.types[btfId];
  const common = { btf, btfId, isKernel, dstProg };
  if (progType === PROG_TYPE.STRUCT_OPS) return { ...common, ...memberOf(btf, btfId, attachType) };
  if (attachType === ATTACH_TYPE.TRACE_RAW_TP && type?.kind === 'typedef') {
    const name = type.name.startsWith(TRACE_PREFIX)
      ? type.name.slice(TRACE_PREFIX.length)
      : type.name;
    return { ...common, name, protoId: tracepointProto(btf, name, type.type) };
  }
  const name = type?.name ?? '';
  const isFunc = type?.kind === 'func';
  const unreliable = dstProg?.funcs.some((func) => func.typeId === btfId && func.isUnreliable);
  const protoId = isFunc && !unreliable ? type.type : 0;
  const isIter = attachType === ATTACH_TYPE.TRACE_ITER;
  return { ...common, name, protoId, ctxArgs: isIter ? iterCtxArgs(btf, name) : undefined };
}

/** Of the function that the tracepoint calls, which has names of parameters, if there is one. */
function tracepointProto(btf: Btf, name: string, typedefOf: number): number {
  for (const id of btf.idsOf(`__bpf_trace_${name}`)) {
    const func = btf.types[id];
    if (func?.kind === 'func') return func.type;
  }
  const pointer = btf.types[typedefOf];
  return pointer?.kind === 'ptr' ? pointer.type : 0;
}

type Member = Pick<AttachPoint, 'name' | 'protoId' | 'ctxArgs'>;

function memberOf(btf: Btf, structId: number, index: number): Member {
  const struct = btf.types[structId];
  const member = struct?.kind === 'struct' ? struct.members[index] : undefined;
  if (!struct || !member) return { name: '', protoId: 0, ctxArgs: [] };
  const pointer = resolve(btf, member.type);
  const target = pointer?.kind === 'ptr' ? resolve(btf, pointer.type) : undefined;
  if (pointer?.kind !== 'ptr' || target?.kind !== 'func_proto') {
    return { name: member.name, protoId: 0, ctxArgs: [] };
  }
  const notes = STRUCT_OPS.get(struct.name)?.members[member.name] ?? [];
  return {
    name: member.name,
    protoId: resolveId(btf, pointer.type),
    ctxArgs: argsOf(btf, target, notes),
  };
}

/** What the stub's `__nullable` and `__ref` say. prepare_arg_info() */
function argsOf(btf: Btf, proto: BtfOf<'func_proto'>, notes: readonly ArgNote[]): CtxArg[] {
  const args: CtxArg[] = [];
  let offset = 0;
  for (const [i, { type }] of proto.params.entries()) {
    const note = notes[i] ?? '';
    const pointer = resolve(btf, type);
    if (note !== '' && pointer?.kind === 'ptr') {
      const nullable = note === 'nullable' ? PTR_MAYBE_NULL : 0;
      args.push({
        offset,
        regType: PTR_TO_BTF_ID | PTR_TRUSTED | nullable,
        btf,
        btfId: resolveId(btf, pointer.type),
        isRefcounted: note === 'ref',
        refId: 0,
      });
    }
    offset += Math.ceil(sizeOf(btf, type) / 8) * 8;
  }
  return args;
}
