import { SLEEPABLE_LSM_HOOKS } from '../prog/lsm-hooks.ts';
import type { ProgView } from '../prog/view.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../uapi.ts';

/** Functions in which the paths of their arguments may be printed: btf_allowlist_d_path */
const D_PATH: ReadonlySet<string> = new Set([
  'security_file_permission',
  'security_inode_getattr',
  'security_file_open',
  'security_path_truncate',
  'vfs_truncate',
  'vfs_fallocate',
  'dentry_open',
  'vfs_getattr',
  'filp_close',
]);

/** bpf_ima_inode_hash_allowed() */
export function inSleepableLsmHook({ attach }: ProgView): boolean {
  return SLEEPABLE_LSM_HOOKS.has(attach?.name ?? '');
}

/** bpf_d_path_allowed() */
export function dPathAllowed(prog: ProgView): boolean {
  const { type, expectedAttachType, attach } = prog;
  if (type.number === PROG_TYPE.TRACING && expectedAttachType === ATTACH_TYPE.TRACE_ITER) {
    return true;
  }
  if (type.number === PROG_TYPE.LSM) return inSleepableLsmHook(prog);
  return attach !== undefined && attach.isKernel && D_PATH.has(attach.name);
}

/** Not where they are themselves traced. bpf_sk_storage_tracing_allowed() */
export function skStorageTracingAllowed({ expectedAttachType, attach }: ProgView): boolean {
  if (attach?.dstProg) return false;
  switch (expectedAttachType) {
    case ATTACH_TYPE.TRACE_ITER:
    case ATTACH_TYPE.TRACE_RAW_TP:
      return true;
    case ATTACH_TYPE.TRACE_FENTRY:
    case ATTACH_TYPE.TRACE_FEXIT:
    case ATTACH_TYPE.TRACE_FSESSION:
      return attach !== undefined && !attach.name.startsWith('bpf_sk_storage');
    default:
      return false;
  }
}
