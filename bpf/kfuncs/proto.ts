import type { KfuncFilter, KfuncHook } from './declare.ts';

/** What the verifier knows of a kfunc, beside its prototype in BTF. */
export interface KfuncProto {
  readonly name: string;
  /** KF_* */
  readonly flags: number;
  /** Id of its function in the kernel's BTF. */
  readonly btfId: number;
  /** Where it may be called. */
  readonly hooks: readonly KfuncHook[];
  /** What else must hold of a program for that. */
  readonly filter: KfuncFilter | undefined;
}
