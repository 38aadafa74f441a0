/** The public names of the simulated kernel: `bohrbug/kernel`. */
export * as errno from './errno.ts';
export { errnoText } from './errno.ts';
export type { FileOps, InodeKind, SyscallRow } from './hooks.ts';
export { Kernel, type KernelOptions } from './kernel.ts';
export { MUTATIONS, type Mutation } from './mutations.ts';
export { DEFAULT_PROFILE, PROFILES, type Profile } from './profile.ts';
/** O_RDWR, CLONE_FILES, CLOSE_RANGE_UNSHARE and the like. */
export * as uapi from './fs/uapi.ts';
