/** What the verifier knows of a kfunc, beside its prototype in BTF. */
export interface KfuncProto {
  readonly name: string;
  /** KF_* */
  readonly flags: number;
  /** Id of its function in the kernel's BTF. */
  readonly btfId: number;
  /** Types of programs that may call it, as enum btf_kfunc_hook has them in lower case. */
  readonly hooks: readonly string[];
}
