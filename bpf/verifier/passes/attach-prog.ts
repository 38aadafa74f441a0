import { EINVAL } from '../../../kernel/errno.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import { resolve } from '../../btf/resolve.ts';
import type { Btf, BtfOf, BtfType } from '../../btf/types.ts';
import type { AttachPoint, DstProg } from '../../prog/attach-point.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';

const A = ATTACH_TYPE;
/** What they trace is short by rule, and is not extended to be longer. */
const TRACES_PROGRAMS: ReadonlySet<number> = new Set([
  A.TRACE_FENTRY,
  A.TRACE_FEXIT,
  A.TRACE_FENTRY_MULTI,
  A.TRACE_FEXIT_MULTI,
  A.TRACE_FSESSION,
  A.TRACE_FSESSION_MULTI,
]);

/** Of what is attached to another program: the part of bpf_check_attach_target() about that. */
export function checkAttachProg(env: VerifierEnv, attach: AttachPoint, name: string): void {
  const { dstProg, btfId } = attach;
  if (!dstProg) return;
  const isExtension = env.prog.type.name === 'EXT';
  const func = dstProg.funcs.find(({ typeId }) => typeId === btfId);
  if (!func) throw env.reject(EINVAL, `Subprog ${name} doesn't exist`);
  if (func.isExceptionCallback) {
    const what = isExtension ? 'Extension' : 'Tracing';
    throw env.reject(EINVAL, `${what} programs cannot attach to exception callback`);
  }
  if (isExtension) checkReplaced(env, func);
  if (env.prog.type.name === 'TRACING') {
    if (dstProg.isAttachedToTracing) {
      throw env.reject(EINVAL, 'Cannot nest tracing program attach more than once');
    }
  } else if (dstProg.type === env.prog.type.number) {
    throw env.reject(EINVAL, 'Cannot recursively attach');
  }
  const isTracer =
    dstProg.type === PROG_TYPE.TRACING && TRACES_PROGRAMS.has(dstProg.expectedAttachType);
  if (isTracer && isExtension) {
    throw env.reject(EINVAL, 'Cannot extend fentry/fexit/fsession');
  }
  if (isExtension) btfCheckTypeMatch(env, attach.btf, btfId);
}

/** What replaces a function does no more than that did. */
function checkReplaced(env: VerifierEnv, func: DstProg['funcs'][number]): void {
  if (func.isUnreliable) throw env.reject(EINVAL, 'Cannot replace static functions');
  const main = env.subprogs[0];
  if (main?.changesPktData && !func.changesPktData) {
    throw env.reject(EINVAL, 'Extension program changes packet data, while original does not');
  }
  if (main?.mightSleep && !func.mightSleep) {
    throw env.reject(EINVAL, 'Extension program may sleep, while original does not');
  }
}

interface Func {
  readonly btf: Btf;
  readonly name: string;
  readonly proto: BtfOf<'func_proto'>;
}

/** btf_check_type_match() */
function btfCheckTypeMatch(env: VerifierEnv, btf: Btf, btfId: number): void {
  const { prog } = env;
  const info = prog.funcInfo[0];
  if (!info || !prog.btf) throw env.reject(EINVAL, 'Program extension requires BTF');
  btfCheckFuncTypeMatch(env, globalFunc(env, prog.btf, info.typeId), globalFunc(env, btf, btfId));
}

function globalFunc(env: VerifierEnv, btf: Btf, id: number): Func {
  const func = btf.types[id];
  const proto = func?.kind === 'func' ? btf.types[func.type] : undefined;
  if (func?.kind !== 'func' || proto?.kind !== 'func_proto') throw env.reject(EINVAL, '');
  if (func.linkage !== 'global') {
    throw env.reject(EINVAL, `${func.name}() is not a global function`);
  }
  return { btf, name: func.name, proto };
}

/** Both have the same prototype, as far as BTF tells. btf_check_func_type_match() */
function btfCheckFuncTypeMatch(env: VerifierEnv, one: Func, other: Func): void {
  const count = one.proto.params.length;
  const otherCount = other.proto.params.length;
  if (count !== otherCount) {
    throw env.reject(
      EINVAL,
      `${one.name}() has ${count} args while ${other.name}() has ${otherCount} args`,
    );
  }
  const returns = resolve(one.btf, one.proto.type);
  const otherReturns = resolve(other.btf, other.proto.type);
  if (!isAlike(returns, otherReturns)) {
    throw env.reject(
      EINVAL,
      `Return type ${btfTypeStr(returns)} of ${one.name}() ` +
        `doesn't match type ${btfTypeStr(otherReturns)} of ${other.name}()`,
    );
  }
  for (let i = 0; i < count; i++) checkParam(env, one, other, i);
}

/** The word `info` of both is the same: kind, and members. */
function isAlike(one: BtfType | undefined, other: BtfType | undefined): boolean {
  return one?.kind === other?.kind && memberCount(one) === memberCount(other);
}

function memberCount(type: BtfType | undefined): number {
  if (type?.kind === 'struct' || type?.kind === 'union') return type.members.length;
  return type?.kind === 'enum' || type?.kind === 'enum64' ? type.values.length : 0;
}

function checkParam(env: VerifierEnv, one: Func, other: Func, i: number): void {
  const type = resolve(one.btf, one.proto.params[i]!.type);
  const otherType = resolve(other.btf, other.proto.params[i]!.type);
  if (!isAlike(type, otherType)) {
    throw env.reject(
      EINVAL,
      `arg${i} in ${one.name}() is ${btfTypeStr(type)} ` +
        `while ${other.name}() has ${btfTypeStr(otherType)}`,
    );
  }
  const bytes = type && 'sizeBytes' in type ? type.sizeBytes : 0;
  const otherBytes = otherType && 'sizeBytes' in otherType ? otherType.sizeBytes : 0;
  if (bytes !== otherBytes) {
    throw env.reject(
      EINVAL,
      `arg${i} in ${one.name}() has size ${bytes} while ${other.name}() has ${otherBytes}`,
    );
  }
  if (type?.kind === 'int' || type?.kind === 'enum' || type?.kind === 'enum64') return;
  if (type?.kind !== 'ptr' || otherType?.kind !== 'ptr') {
    throw env.reject(EINVAL, `arg${i} in ${one.name}() has unrecognized type`);
  }
  const name = structName(env, one, i, type.type);
  const otherName = structName(env, other, i, otherType.type);
  if (name === otherName) return;
  throw env.reject(
    EINVAL,
    `arg${i} ${one.name}(struct ${name} *) doesn't match ${other.name}(struct ${otherName} *)`,
  );
}

function structName(env: VerifierEnv, func: Func, i: number, id: number): string {
  const target = resolve(func.btf, id);
  if (target?.kind === 'struct' || target?.kind === 'union') return target.name;
  throw env.reject(EINVAL, `arg${i} in ${func.name}() is not a pointer to context`);
}
