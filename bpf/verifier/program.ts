import type { Btf } from '../btf/types.ts';
import type { Insns } from '../isa/insn.ts';
import type { BpfMap } from '../maps/map.ts';
import type { AttachPoint } from '../prog/attach-point.ts';
import type { ProgType } from '../prog/types.ts';
import type { Capabilities } from '../prog/view.ts';

export type { AttachPoint } from '../prog/attach-point.ts';
export type { Capabilities } from '../prog/view.ts';

/** struct bpf_func_info */
export interface FuncInfo {
  readonly insnOff: number;
  readonly typeId: number;
}

/** struct bpf_line_info, with its strings. */
export interface LineInfo {
  readonly insnOff: number;
  readonly fileName: string;
  readonly line: string;
  readonly lineNumber: number;
  readonly column: number;
  /** Its strings are not in BTF. */
  readonly isUnnamed?: boolean;
}

/** Why records of functions or lines cannot be taken, as the log has it. */
export interface WrongInfo {
  readonly errno: number;
  readonly message: string;
}

/** A constant that names a map, or a place in its value, by the slot of its ld_imm64. */
export interface MapConst {
  readonly map: BpfMap;
  /** Offset into the value: of map_value and map_idx_value. */
  readonly off: number;
}

/** A descriptor that is no map's: EBADF, EINVAL; EPROTO, EFAULT: there is no fd_array. */
export interface WrongMap {
  readonly fd: number;
  readonly errno: number;
}

/** BPF_F_*: flags of BPF_PROG_LOAD. include/uapi/linux/bpf.h */
export const BPF_F_STRICT_ALIGNMENT = 1 << 0;
export const BPF_F_ANY_ALIGNMENT = 1 << 1;
export const BPF_F_TEST_STATE_FREQ = 1 << 3;
export const BPF_F_SLEEPABLE = 1 << 4;
export const BPF_F_TEST_REG_INVARIANTS = 1 << 7;

/** A program as it comes to the verifier: decoded, its names resolved. */
export interface LoadedProgram {
  readonly name: string;
  readonly type: ProgType;
  /** BPF_* of enum bpf_attach_type; an extension takes over that of the program it extends. */
  expectedAttachType: number;
  /** BPF_F_* */
  readonly flags: number;
  readonly isSleepable: boolean;
  readonly isGplCompatible: boolean;
  /** As loaded. */
  readonly code: Uint8Array;
  /** Decoded, null also where nothing can be: that refuses the program soon. */
  readonly insns: Insns;
  readonly btf: Btf | undefined;
  readonly funcInfo: readonly FuncInfo[];
  readonly lineInfo: readonly LineInfo[];
  readonly wrongLines?: WrongInfo | undefined;
  readonly attach: AttachPoint | undefined;
  readonly caps: Capabilities;
  /** By slot. */
  readonly maps: ReadonlyMap<number, MapConst>;
  /** By slot of a constant that names no map: its descriptor, and why. Only the first counts. */
  readonly wrongMaps?: ReadonlyMap<number, WrongMap>;
  /** Those that fd_array names, with fd_array_cnt. */
  readonly boundMaps?: readonly BpfMap[];
}
