import type { AttachPoint } from './attach-point.ts';

/** What the loader may do. */
export interface Capabilities {
  /** CAP_BPF */
  readonly bpf: boolean;
  /** CAP_PERFMON: allow_ptr_leaks, allow_uninit_stack, bypass_spec_v1 and _v4. */
  readonly perfmon: boolean;
  /** CAP_SYS_BOOT */
  readonly sysBoot?: boolean;
  /** CAP_SYS_ADMIN, in a kernel that has bpf_probe_write_user_registered(). */
  readonly registeredWrites?: boolean;
}

/** What the rules of a program's type ask of the program. A part of LoadedProgram. */
export interface ProgView {
  /** BPF_PROG_TYPE_* */
  readonly type: { readonly number: number };
  /** BPF_* of enum bpf_attach_type; an extension takes over that of the program it extends. */
  expectedAttachType: number;
  readonly isSleepable: boolean;
  readonly attach: AttachPoint | undefined;
  readonly caps: Capabilities;
}
