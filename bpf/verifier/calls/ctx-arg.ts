import { EINVAL } from '../../../kernel/errno.ts';
import { idOf, resolve } from '../../btf/resolve.ts';
import type { BtfOf, BtfType } from '../../btf/types.ts';
import { isUserPtRegs, progCtxTypeName } from '../../prog/ctx-type.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';

/** Types of programs whose contexts are arrays of 64-bit numbers: `u64 *ctx` is right for them. */
const U64_CONTEXTS: readonly number[] = [
  PROG_TYPE.RAW_TRACEPOINT,
  PROG_TYPE.RAW_TRACEPOINT_WRITABLE,
  PROG_TYPE.LSM,
  PROG_TYPE.STRUCT_OPS,
];

/** Whose contexts may be of any type. */
const FREE_CONTEXTS: readonly number[] = [PROG_TYPE.TRACEPOINT, PROG_TYPE.SYSCALL, PROG_TYPE.EXT];

const TRAMPOLINES: readonly number[] = [
  ATTACH_TYPE.TRACE_FENTRY,
  ATTACH_TYPE.TRACE_FEXIT,
  ATTACH_TYPE.MODIFY_RETURN,
  ATTACH_TYPE.TRACE_FSESSION,
];

/**
 * An argument with __arg_ctx must be a pointer to what programs of this type get.
 * btf_validate_prog_ctx_type()
 */
export function validateProgCtxType(
  env: VerifierEnv,
  pointer: BtfOf<'ptr'>,
  arg: number,
  progType: number,
): void {
  const btf = env.prog.btf!;
  const mayBeRegs = progType === PROG_TYPE.KPROBE || progType === PROG_TYPE.PERF_EVENT;
  if (mayBeRegs && isUserPtRegs(btf, pointer.type)) return;
  const target = resolve(btf, pointer.type);
  if (!target) return;
  if (target.name === '') throw env.reject(EINVAL, `arg#${arg} type doesn't have a name`);
  if (isSpecialContext(env, target, progType)) return;
  const name = progCtxTypeName(progType);
  const struct = name === 'bpf_user_pt_regs_t' ? 'pt_regs' : name;
  if (struct === '' || idOf(env.kernelBtf, struct, 'struct') === 0) {
    throw env.reject(EINVAL, `arg#${arg} should be void pointer`);
  }
  if (target.kind !== 'struct' || target.name !== struct) {
    throw env.reject(EINVAL, `arg#${arg} should be \`struct ${struct} *\``);
  }
}

function isSpecialContext(env: VerifierEnv, target: BtfType, progType: number): boolean {
  const isStruct = target.kind === 'struct';
  const isU64 = target.kind === 'int' && target.sizeBytes === 8;
  if (FREE_CONTEXTS.includes(progType)) return true;
  if (U64_CONTEXTS.includes(progType)) return isU64;
  switch (progType) {
    case PROG_TYPE.KPROBE:
    case PROG_TYPE.PERF_EVENT:
      return isStruct && target.name === 'pt_regs';
    case PROG_TYPE.TRACING: {
      const { expectedAttachType } = env.prog;
      if (expectedAttachType === ATTACH_TYPE.TRACE_RAW_TP) {
        return isU64 || (isStruct && target.name === 'bpf_raw_tracepoint_args');
      }
      if (expectedAttachType === ATTACH_TYPE.TRACE_ITER) {
        return isStruct && target.name.startsWith('bpf_iter__');
      }
      return isU64 && TRAMPOLINES.includes(expectedAttachType);
    }
    default:
      return false;
  }
}
