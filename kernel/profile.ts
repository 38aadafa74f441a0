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
  },
  'v7.2': {
    fileRef: true,
    fileTypesafe: true,
    closeIsSynchronous: true,
    modeTestFirst: false,
    deepBpfCalls: true,
    bpfCpuFlags: true,
  },
} as const satisfies Record<Profile, Record<string, boolean>>;
export type ProfileFacts = { readonly [K in keyof (typeof PROFILE_FACTS)['v7.2']]: boolean };
