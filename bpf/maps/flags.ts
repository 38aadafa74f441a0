/** BPF_F_* of BPF_MAP_CREATE, without that. include/uapi/linux/bpf.h */
export const NO_PREALLOC = 1 << 0;
export const NO_COMMON_LRU = 1 << 1;
export const NUMA_NODE = 1 << 2;
export const RDONLY = 1 << 3;
export const WRONLY = 1 << 4;
export const STACK_BUILD_ID = 1 << 5;
export const ZERO_SEED = 1 << 6;
export const RDONLY_PROG = 1 << 7;
export const WRONLY_PROG = 1 << 8;
export const CLONE = 1 << 9;
export const MMAPABLE = 1 << 10;
export const PRESERVE_ELEMS = 1 << 11;
export const INNER_MAP = 1 << 12;
export const LINK = 1 << 13;
export const SEGV_ON_FAULT = 1 << 17;
export const NO_USER_CONV = 1 << 18;
export const RB_OVERWRITE = 1 << 19;

/** Who may do what: BPF_F_ACCESS_MASK */
export const ACCESS = RDONLY | WRONLY | RDONLY_PROG | WRONLY_PROG;
/** Of ARRAY_CREATE_FLAG_MASK, what all types of arrays take. */
export const ARRAY_CREATE = ACCESS;
/** HTAB_CREATE_FLAG_MASK */
export const HASH_CREATE = NO_PREALLOC | NO_COMMON_LRU | NUMA_NODE | ACCESS | ZERO_SEED;

/** bpf_map_flags_access_ok() */
export function accessOk(flags: number): boolean {
  return (flags & (RDONLY_PROG | WRONLY_PROG)) !== (RDONLY_PROG | WRONLY_PROG);
}
