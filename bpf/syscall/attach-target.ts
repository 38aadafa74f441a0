import { EINVAL, ENOENT } from '../../kernel/errno.ts';
import type { Reject } from '../check/reject.ts';
import type { ProgType } from '../prog/types.ts';
import { ATTACH_TYPE } from '../uapi.ts';
import type { BpfContext } from './context.ts';

/** What a program is loaded for. */
export interface AttachTarget {
  readonly attachType: number;
  /** `fentry/close_fd`, `btf_trace_sched_switch`; '' where it is for nothing in particular. */
  readonly name: string;
  readonly btfId: number;
  /** Where the target is none, in the verifier's words. */
  readonly reject: Reject | undefined;
}

const TRACE_PREFIX = 'btf_trace_';

/** -EINVAL where type and target do not go together. bpf_prog_load_check_attach() */
export function attachTarget(
  bpf: BpfContext,
  type: ProgType,
  attachType: number,
  { btfId }: { readonly btfId: number },
): AttachTarget | number {
  if (type.name !== 'TRACING') {
    if (btfId !== 0) return -EINVAL;
    if (type.name === 'SYSCALL' && attachType !== 0) return -EINVAL;
    return { attachType, name: '', btfId, reject: undefined };
  }
  const target = { attachType, btfId, name: '' };
  if (btfId === 0) {
    const reject = { errno: EINVAL, message: 'Tracing programs must provide btf_id' };
    return { ...target, reject };
  }
  return checkTarget(bpf, target);
}

/** kernel/bpf/verifier.c: bpf_check_attach_target() */
function checkTarget(bpf: BpfContext, target: Omit<AttachTarget, 'reject'>): AttachTarget {
  const { btfId, attachType } = target;
  const reject = (errno: number, message: string): AttachTarget => ({
    ...target,
    reject: { errno, message },
  });
  const found = bpf.vmlinux().btf.types[btfId];
  if (!found || found.name === '')
    return reject(
      EINVAL,
      `FENTRY/FEXIT program can only be attached to another program annotated with BTF`,
    );
  const { name } = found;
  switch (attachType) {
    case ATTACH_TYPE.TRACE_RAW_TP:
      if (found.kind !== 'typedef')
        return reject(EINVAL, `attach_btf_id ${btfId} is not a typedef`);
      if (!name.startsWith(TRACE_PREFIX)) {
        return reject(EINVAL, `attach_btf_id ${btfId} points to wrong type name ${name}`);
      }
      return { ...target, name, reject: undefined };
    case ATTACH_TYPE.TRACE_FENTRY:
    case ATTACH_TYPE.TRACE_FEXIT:
    case ATTACH_TYPE.MODIFY_RETURN:
      if (found.kind !== 'func') return reject(EINVAL, `attach_btf_id ${btfId} is not a function`);
      if (!bpf.hooks.function(name)) {
        return reject(ENOENT, `The address of function ${name} cannot be found`);
      }
      return { ...target, name, reject: undefined };
    default:
      return reject(EINVAL, `attach_btf_id ${btfId} is not a function`);
  }
}
