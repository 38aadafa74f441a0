import type { Btf } from '../btf/types.ts';
import type { FuncProto } from '../helpers/proto.ts';
import type { CtxAccess } from './access/info.ts';
import type { ProgView } from './view.ts';

/** How a type of program is verified. struct bpf_verifier_ops */
export interface ProgOps {
  /** Whether so many bytes of the context may be read or written; `info` gets to say what. */
  isValidAccess(
    off: number,
    size: number,
    isWrite: boolean,
    prog: ProgView,
    info: CtxAccess,
  ): boolean;
  /** A helper as this type may call it; undefined where it may not. get_func_proto */
  helper(id: number, prog: ProgView): FuncProto | undefined;
  /** Accesses are rewritten, so that offsets must be known. convert_ctx_access */
  readonly hasConvertCtxAccess: boolean;
  /** It may write to the packet. gen_prologue */
  readonly hasGenPrologue: boolean;
  /**
   * Writes to structs of the kernel's that it may do: 0, or a positive errno, the reason in the
   * log. Absent: only the program's own objects are written to.
   */
  readonly btfStructAccess?: (
    struct: string,
    off: number,
    size: number,
    log: (text: string) => void,
    btf: Btf,
  ) => number;
}
