import type { Btf } from '../btf/types.ts';

/** What is known of one argument of a context beyond its type. struct bpf_ctx_arg_aux */
export interface CtxArg {
  /** Bytes into the context. */
  readonly offset: number;
  /** Type of register with flags: bpf/verifier/types.ts. */
  readonly regType: number;
  readonly btf: Btf | undefined;
  readonly btfId: number;
  /** It comes with a reference, which the program must give back. */
  readonly isRefcounted: boolean;
  /** Of that reference, given when the program is entered; else 0. */
  refId: number;
}

/** One function of a program that another is attached to. */
export interface DstFunc {
  /** Its type in the program's BTF. */
  readonly typeId: number;
  /** Its arguments could not be checked against BTF: func_info_aux.unreliable */
  readonly isUnreliable: boolean;
  readonly isExceptionCallback: boolean;
  readonly changesPktData: boolean;
  readonly mightSleep: boolean;
}

/** A loaded program that another is attached to. prog->aux->dst_prog */
export interface DstProg {
  /** BPF_PROG_TYPE_* */
  readonly type: number;
  /** Of an extension: the type of what it replaces. */
  readonly savedDstType: number;
  readonly expectedAttachType: number;
  readonly btf: Btf | undefined;
  readonly funcs: readonly DstFunc[];
  /** It is itself attached to a tracing program. */
  readonly isAttachedToTracing: boolean;
}

/** What a program is loaded for, if that is a function or type of the kernel's or a program's. */
export interface AttachPoint {
  readonly btf: Btf;
  readonly btfId: number;
  /** `close_fd`, `sched_switch`, `bpf_iter_task`, the member of a struct_ops, … */
  readonly name: string;
  /** Id of its prototype, or 0. attach_func_proto */
  readonly protoId: number;
  /** The object is the kernel's own, not a module's or another program's. */
  readonly isKernel: boolean;
  /** The program that it is attached to, if it is one. */
  readonly dstProg?: DstProg | undefined;
  /** Iterators and struct_ops. prog->aux->ctx_arg_info */
  readonly ctxArgs?: readonly CtxArg[] | undefined;
}
