import { EINVAL, ENOTSUPP, EOPNOTSUPP } from '../../../kernel/errno.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import { resolve } from '../../btf/resolve.ts';
import type { Btf, BtfOf, BtfType } from '../../btf/types.ts';
import type { AttachPoint } from '../../prog/attach-point.ts';
import { TRACE_PREFIX } from '../../prog/attach-points.ts';
import * as rules from '../../prog/attach-rules.ts';
import { BPF_ITER_FUNC_PREFIX } from '../../prog/iter-targets.ts';
import { DISABLED_LSM_HOOKS, SLEEPABLE_LSM_HOOKS } from '../../prog/lsm-hooks.ts';
import { STRUCT_OPS } from '../../prog/struct-ops.ts';
import { progType } from '../../prog/types.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../uapi.ts';
import { checkAttachProg } from './attach-prog.ts';
import type { VerifierEnv } from '../env.ts';
import type { LoadedProgram } from '../program.ts';

const A = ATTACH_TYPE;
const MAX_BPF_FUNC_ARGS = 12;

/** Tracing programs of these attach types may sleep. */
const SLEEPABLE_TRACING: ReadonlySet<number> = new Set([
  A.TRACE_FENTRY,
  A.TRACE_FEXIT,
  A.MODIFY_RETURN,
  A.TRACE_ITER,
  A.TRACE_FSESSION,
  A.TRACE_RAW_TP,
  A.TRACE_FENTRY_MULTI,
  A.TRACE_FEXIT_MULTI,
  A.TRACE_FSESSION_MULTI,
]);
/** They get what the function returned. attach_uses_trampoline_retval() */
const USES_RETVAL: ReadonlySet<number> = new Set([
  A.MODIFY_RETURN,
  A.TRACE_FEXIT,
  A.TRACE_FEXIT_MULTI,
  A.TRACE_FSESSION,
  A.TRACE_FSESSION_MULTI,
]);
/** They are attached to a function. */
const ON_FUNCTION: ReadonlySet<number> = new Set([
  ...USES_RETVAL,
  A.LSM_MAC,
  A.LSM_CGROUP,
  A.TRACE_FENTRY,
  A.TRACE_FENTRY_MULTI,
]);
/** What never returns cannot be followed to its end. */
const WAITS_FOR_RETURN: ReadonlySet<number> = new Set([
  A.TRACE_FEXIT,
  A.TRACE_FSESSION,
  A.TRACE_FSESSION_MULTI,
  A.MODIFY_RETURN,
]);

/** can_be_sleepable() */
function canBeSleepable({ type, expectedAttachType }: LoadedProgram): boolean {
  switch (type.name) {
    case 'TRACING':
      return SLEEPABLE_TRACING.has(expectedAttachType);
    case 'LSM':
      return expectedAttachType !== A.LSM_CGROUP;
    case 'KPROBE': // uprobes alone
    case 'STRUCT_OPS':
    case 'RAW_TRACEPOINT':
    case 'TRACEPOINT':
      return true;
    default:
      return false;
  }
}

/**
 * Whether a program of this type may be attached to what it is loaded for; an extension takes over
 * the rules of what it extends. check_attach_btf_id()
 */
export function checkAttachBtfId(env: VerifierEnv): void {
  const { prog } = env;
  const { type, isSleepable } = prog;
  if (type.name === 'SYSCALL') {
    if (isSleepable) return;
    throw env.reject(EINVAL, 'Syscall programs can only be sleepable');
  }
  if (isSleepable && !canBeSleepable(prog)) {
    throw env.reject(EINVAL, 'Program of this type cannot be sleepable');
  }
  if (type.name === 'STRUCT_OPS') return checkStructOpsBtfId(env);
  if (type.name !== 'TRACING' && type.name !== 'LSM' && type.name !== 'EXT') return;
  const attach = checkAttachTarget(env);
  if (type.name === 'EXT' && attach.dstProg) {
    env.ops = progType(attach.dstProg.type) ?? env.ops;
    prog.expectedAttachType = attach.dstProg.expectedAttachType;
  }
  checkTargetName(env, attach);
}

/** Which functions a program of its type may not be attached to, by name. */
function checkTargetName(env: VerifierEnv, { name, ctxArgs }: AttachPoint): void {
  const { type, expectedAttachType } = env.prog;
  if (expectedAttachType === A.TRACE_RAW_TP) return;
  if (expectedAttachType === A.TRACE_ITER) {
    if (!name.startsWith(BPF_ITER_FUNC_PREFIX) || !ctxArgs) throw env.reject(EINVAL, '');
    return;
  }
  if (type.name === 'LSM') return bpfLsmVerifyProg(env, name);
  if (type.name === 'TRACING' && rules.TRACING_DENIED.has(name)) {
    throw env.reject(EINVAL, `Attaching tracing programs to function '${name}' is rejected.`);
  }
  if (WAITS_FOR_RETURN.has(expectedAttachType) && rules.NEVER_RETURNS.has(name)) {
    throw env.reject(
      EINVAL,
      `Attaching fexit/fsession/fmod_ret to __noreturn function '${name}' is rejected.`,
    );
  }
}

/** bpf_lsm_verify_prog() */
function bpfLsmVerifyProg(env: VerifierEnv, name: string): void {
  const { isGplCompatible, attach } = env.prog;
  if (!isGplCompatible) {
    throw env.reject(EINVAL, 'LSM programs must have a GPL compatible license');
  }
  const id = attach?.btfId;
  if (DISABLED_LSM_HOOKS.has(name)) {
    throw env.reject(EINVAL, `attach_btf_id ${id} points to disabled hook ${name}`);
  }
  if (!name.startsWith('bpf_lsm_') || rules.NO_LSM_HOOKS.has(name)) {
    throw env.reject(EINVAL, `attach_btf_id ${id} points to wrong type name ${name}`);
  }
}

/** bpf_check_attach_target() */
function checkAttachTarget(env: VerifierEnv): AttachPoint {
  const { prog } = env;
  const { attach } = prog;
  if (!attach) throw env.reject(EINVAL, 'Tracing programs must provide btf_id');
  const { btf, btfId, dstProg } = attach;
  if (dstProg && !dstProg.btf) {
    throw env.reject(
      EINVAL,
      'Tracing program can only be attached to another program annotated with BTF',
    );
  }
  const type = btf.types[btfId];
  if (!type) throw env.reject(EINVAL, `attach_btf_id ${btfId} is invalid`);
  if (type.name === '') {
    throw env.reject(EINVAL, `attach_btf_id ${btfId} doesn't have a name`);
  }
  if (dstProg) checkAttachProg(env, attach, type.name);
  else if (prog.type.name === 'EXT') {
    throw env.reject(EINVAL, 'Cannot replace kernel functions');
  }
  if (prog.expectedAttachType === A.TRACE_RAW_TP) checkTracepoint(env, attach, type);
  else checkFunction(env, attach, type);
  return attach;
}

/** Of `tp_btf/…`. */
function checkTracepoint(env: VerifierEnv, attach: AttachPoint, type: BtfType): void {
  const { btf, btfId, protoId, dstProg, name } = attach;
  if (dstProg) {
    throw env.reject(EINVAL, 'Only FENTRY/FEXIT/FSESSION progs are attachable to another BPF prog');
  }
  if (type.kind !== 'typedef') {
    throw env.reject(EINVAL, `attach_btf_id ${btfId} is not a typedef`);
  }
  if (!type.name.startsWith(TRACE_PREFIX)) {
    throw env.reject(EINVAL, `attach_btf_id ${btfId} points to wrong type name ${type.name}`);
  }
  if (env.prog.isSleepable && !rules.FAULTABLE_TRACEPOINTS.has(name)) {
    throw env.reject(EINVAL, `Sleepable program cannot attach to non-faultable tracepoint ${name}`);
  }
  if (btf.types[protoId]?.kind !== 'func_proto') throw env.reject(EINVAL, '');
}

/** Of iterators, and of functions that are traced, hooked or replaced. */
function checkFunction(env: VerifierEnv, attach: AttachPoint, type: BtfType): void {
  const { type: progOf, expectedAttachType } = env.prog;
  const isIter = expectedAttachType === A.TRACE_ITER;
  if (!isIter && !ON_FUNCTION.has(expectedAttachType) && progOf.name !== 'EXT') {
    throw env.reject(EINVAL, '');
  }
  const { btf, btfId } = attach;
  if (type.kind !== 'func') {
    throw env.reject(EINVAL, `attach_btf_id ${btfId} is not a function`);
  }
  const proto = btf.types[type.type];
  if (proto?.kind !== 'func_proto') throw env.reject(EINVAL, '');
  const isKnown = attach.protoId !== 0;
  const retBytes = isKnown ? checkFuncProto(env, btf, proto, type.name) : 8;
  if (isIter) return;
  if (retBytes > 8 && USES_RETVAL.has(expectedAttachType)) {
    throw env.reject(
      EOPNOTSUPP,
      `Attach to function ${type.name} with a >8 byte return value ` +
        `is not supported for this attach type`,
    );
  }
  checkSleepOrModify(env, attach, type.name);
}

function checkSleepOrModify(
  env: VerifierEnv,
  { isKernel, dstProg }: AttachPoint,
  name: string,
): void {
  const { prog } = env;
  if (prog.isSleepable) {
    const isLsm = prog.type.number === PROG_TYPE.LSM;
    const maySleep = isLsm ? SLEEPABLE_LSM_HOOKS.has(name) : rules.mayTracerSleep(name);
    if (isKernel && !dstProg && maySleep) return;
    throw env.reject(EINVAL, `${name} is not sleepable`);
  }
  if (prog.expectedAttachType !== A.MODIFY_RETURN) return;
  if (dstProg) throw env.reject(EINVAL, `can't modify return codes of BPF programs`);
  if (!rules.isModifiable(name)) throw env.reject(EINVAL, `${name}() is not modifiable`);
}

/** Bytes of a value as a trampoline passes it; -1: it does not. __get_type_size() */
function typeSize(btf: Btf, id: number): number {
  if (id === 0) return 0;
  const type = resolve(btf, id);
  switch (type?.kind) {
    case 'ptr':
      return 8;
    case 'int':
    case 'enum':
    case 'enum64':
    case 'struct':
    case 'union':
      return type.sizeBytes;
    default:
      return -1;
  }
}

/** Bytes of what it returns, where trampolines can call it. btf_distill_func_proto() */
function checkFuncProto(
  env: VerifierEnv,
  btf: Btf,
  proto: BtfOf<'func_proto'>,
  name: string,
): number {
  const { params } = proto;
  if (params.length > MAX_BPF_FUNC_ARGS) {
    throw env.reject(EINVAL, `The function ${name} has ${params.length} arguments. Too many.`);
  }
  const retBytes = typeSize(btf, proto.type);
  const returned = resolve(btf, proto.type);
  if (retBytes < 0 || returned?.kind === 'struct' || returned?.kind === 'union') {
    throw env.reject(
      EINVAL,
      `The function ${name} return type ${btfTypeStr(returned)} is unsupported.`,
    );
  }
  for (const [i, { type }] of params.entries()) {
    if (i === params.length - 1 && type === 0) {
      throw env.reject(EINVAL, `The function ${name} with variable args is unsupported.`);
    }
    const bytes = typeSize(btf, type);
    if (bytes < 0 || bytes > 16) {
      throw env.reject(
        EINVAL,
        `The function ${name} arg${i} type ${btfTypeStr(resolve(btf, type))} is unsupported.`,
      );
    }
    if (bytes === 0) {
      throw env.reject(EINVAL, `The function ${name} has malformed void argument.`);
    }
  }
  return retBytes;
}

/** check_struct_ops_btf_id() */
function checkStructOpsBtfId(env: VerifierEnv): void {
  const { prog } = env;
  const { attach, expectedAttachType: index } = prog;
  if (!prog.isGplCompatible) {
    throw env.reject(EINVAL, 'struct ops programs must have a GPL compatible license');
  }
  if (!attach) throw env.reject(ENOTSUPP, '');
  const { btf, btfId, name, protoId, ctxArgs = [] } = attach;
  const struct = btf.types[btfId];
  const structOps = struct?.kind === 'struct' ? STRUCT_OPS.get(struct.name) : undefined;
  if (struct?.kind !== 'struct' || !structOps) {
    throw env.reject(ENOTSUPP, `attach_btf_id ${btfId} is not a supported struct`);
  }
  if (index >= struct.members.length) {
    throw env.reject(EINVAL, `attach to invalid member idx ${index} of struct ${struct.name}`);
  }
  if (protoId === 0) {
    throw env.reject(
      EINVAL,
      `attach to invalid member ${name}(@idx ${index}) of struct ${struct.name}`,
    );
  }
  const isKnown = Object.hasOwn(structOps.members, name);
  const errno = isKnown ? (structOps.checkMember?.(name, prog) ?? 0) : ENOTSUPP;
  if (errno !== 0) {
    throw env.reject(errno, `attach to unsupported member ${name} of struct ${struct.name}`);
  }
  const hasTailCall = env.subprogs.some((subprog) => subprog.hasTailCall);
  if (hasTailCall && ctxArgs.some(({ isRefcounted }) => isRefcounted)) {
    throw env.reject(EINVAL, 'program with __ref argument cannot tail call');
  }
  env.ops = structOps.ops;
}
