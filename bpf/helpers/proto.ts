import type { ProgView } from '../prog/view.ts';

/** One argument of a helper, as the verifier sees it. */
export interface ArgProto {
  /** ARG_* with flags: bpf/verifier/types.ts. */
  readonly type: number;
  /** ARG_PTR_TO_BTF_ID: the kernel struct. */
  readonly struct?: string;
  /** MEM_FIXED_SIZE: bytes. */
  readonly size?: number;
}

/** What the verifier knows of a helper. include/linux/bpf.h: struct bpf_func_proto */
export interface FuncProto {
  /** BPF_FUNC_* */
  readonly id: number;
  /** With bpf_. */
  readonly name: string;
  readonly args: readonly ArgProto[];
  /** RET_* with flags. */
  readonly ret: number;
  /** RET_PTR_TO_BTF_ID: the kernel struct. */
  readonly retStruct?: string;
  readonly gplOnly: boolean;
  readonly pktAccess: boolean;
  readonly mightSleep: boolean;
  readonly allowFastcall: boolean;
  /** Reads what it writes only to speculate wrong about: get_func_ip and so on. */
  readonly isChangingPkt: boolean;
  /** Absent: no more is asked of the program. */
  readonly allowed?: (prog: ProgView) => boolean;
}
