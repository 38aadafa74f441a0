/** The kernel versions whose behaviour can be chosen. Spec 00, R54. */
export const PROFILES = ['v6.1', 'v7.2'] as const;
export type Profile = (typeof PROFILES)[number];
export const DEFAULT_PROFILE: Profile = 'v7.2';

/** What differs between them: one row a fact. */
export const PROFILE_FACTS = {
  'v6.1': {
    /** struct file counts with a plain 64-bit number; a get fails only at zero. fs/file_table.c */
    fileRef: false,
    /** The filp cache is SLAB_TYPESAFE_BY_RCU: freed memory may be another file at once. */
    fileTypesafe: false,
    /** close(2) runs the last put inside the system call. fs/open.c: close() */
    closeIsSynchronous: false,
    /** __fget_files tests the forbidden mode before it takes the reference. */
    modeTestFirst: true,
    /** A program's calls may be 16 frames deep, not 8. include/linux/bpf_verifier.h */
    deepBpfCalls: false,
    /** One CPU's value of a per-CPU map can be asked for by bpf(2). BPF_F_CPU */
    bpfCpuFlags: false,
    /** Spec 02, R2: `kptr` marks what a map owns; in v6.1 that is `kptr_ref`, `kptr` a view. */
    kptrTagOwns: false,
    /** Spec 02, R4: also the values of more types of maps than the first four may have them. */
    kptrsInAllMaps: false,
    /** Spec 02, R9: what is loaded from a map's value in a read section lives as long as that. */
    rcuKptrs: false,
    /** Spec 02, R13: kfuncs may take the place of a kptr, and get the object. KF_KPTR_GET */
    kptrGet: true,
    /** The verifier knows structs of a program's own BTF with special fields. */
    bpfObjects: false,
    /** Spec 01, R3: a syscall program's context is read at any offset, also an unknown one. */
    anySyscallCtxOff: false,
    /** Spec 02, R18: what an element of a map holds goes when it is overwritten or deleted. */
    eagerFields: true,
    /** Locks of maps notice deadlocks and give up waiting. kernel/bpf/rqspinlock.c */
    resLocks: false,
    /** Loops of may_goto are ended by the clock. kernel/bpf/core.c */
    timedMayGoto: false,
  },
  'v7.2': {
    fileRef: true,
    fileTypesafe: true,
    closeIsSynchronous: true,
    modeTestFirst: false,
    deepBpfCalls: true,
    bpfCpuFlags: true,
    kptrTagOwns: true,
    kptrsInAllMaps: true,
    rcuKptrs: true,
    kptrGet: false,
    bpfObjects: true,
    anySyscallCtxOff: true,
    eagerFields: false,
    resLocks: true,
    timedMayGoto: true,
  },
} as const satisfies Record<Profile, Record<string, boolean>>;
export type ProfileFacts = { readonly [K in keyof (typeof PROFILE_FACTS)['v7.2']]: boolean };
