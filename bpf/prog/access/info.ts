import type { Btf } from '../../btf/types.ts';

/**
 * What an access to a context is found to be: filled in by the rule that allows it. `log` takes
 * what is to be said on the way, line ends included. struct bpf_insn_access_aux
 */
export interface CtxAccess {
  /** SCALAR_VALUE unless the rule says otherwise. */
  regType: number;
  /** Loads narrower than this are made of a load of so many bytes; 0: as they are. */
  ctxFieldSize: number;
  /** PTR_TO_BTF_ID: of what. */
  btf: Btf | undefined;
  btfId: number;
  /** The reference that an argument came with, or 0. */
  refId: number;
  readonly isLdsx: boolean;
  /** vmlinux */
  readonly kernelBtf: Btf;
  /** It is the value that the attached function returned. */
  isRetval: boolean;
  log(text: string): void;
}
