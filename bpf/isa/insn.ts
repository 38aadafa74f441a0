import type { AluOp, AtomicOp, JmpOp } from './ops.ts';

/**
 * A register, r0 to r10; r10 is the frame pointer and read-only. r11 stands only in loads and
 * stores of arguments on the stack: BPF_REG_PARAMS.
 */
export type Reg = number;
/** Width of a memory access in bytes. */
export type AccessBytes = 1 | 2 | 4 | 8;
/** The second operand: a register, or a 32-bit signed immediate. */
export type Operand = { readonly reg: Reg } | { readonly imm: number };

/**
 * How a load reaches memory. `memsx` sign-extends. The `probe` forms exist only after the checker
 * has rewritten a program: where the access faults, they read zero. include/linux/filter.h:
 * BPF_PROBE_MEM, BPF_PROBE_MEMSX
 */
export type LoadMode = 'mem' | 'memsx' | 'probe_mem' | 'probe_memsx';

/** What the immediate of ld_imm64 is: BPF_PSEUDO_*, include/uapi/linux/bpf.h. */
export type ImmSource =
  | 'value' // 0: a plain number
  | 'map_fd' // 1: BPF_PSEUDO_MAP_FD
  | 'map_value' // 2: BPF_PSEUDO_MAP_VALUE: next is the offset
  | 'btf_id' // 3: BPF_PSEUDO_BTF_ID: next is the descriptor of the BTF object, 0 vmlinux
  | 'func' // 4: BPF_PSEUDO_FUNC: imm is relative, as in a call
  | 'map_idx' // 5: BPF_PSEUDO_MAP_IDX
  | 'map_idx_value'; // 6: BPF_PSEUDO_MAP_IDX_VALUE

/** What a call calls. */
export type CallTarget =
  | 'helper' // imm is the helper's number
  | 'subprog' // imm is relative to the next instruction, in slots
  | 'kfunc'; // imm is the BTF id of the function, off the index of its module's descriptor

/**
 * One decoded instruction. Jump offsets count 8-byte slots from the slot behind the instruction;
 * ld_imm64 takes two slots. RFC 9669, and `may_goto` and `addr_space_cast`, which are Linux's.
 *
 * `arena`, as the `probe` forms, exists only after the checker has rewritten a program: the
 * register holds the low half of an address in the program's arena, where an access may fault.
 * include/linux/filter.h: BPF_PROBE_MEM32, BPF_PROBE_MEM32SX, BPF_PROBE_ATOMIC
 */
export type Insn =
  /** dst = dst op src; `mov` ignores dst. `wide`: 64 bits, else 32 with the upper half zeroed. */
  | {
      readonly kind: 'alu';
      readonly op: AluOp;
      readonly wide: boolean;
      readonly dst: Reg;
      readonly src: Operand;
    }
  /** dst = the low `bits` of src, sign-extended. */
  | {
      readonly kind: 'movsx';
      readonly wide: boolean;
      readonly bits: 8 | 16 | 32;
      readonly dst: Reg;
      readonly src: Reg;
    }
  | { readonly kind: 'neg'; readonly wide: boolean; readonly dst: Reg }
  /** To little endian (le: truncates here), to big endian (be: swaps here), or bswap always. */
  | {
      readonly kind: 'endian';
      readonly to: 'le' | 'be' | 'bswap';
      readonly bits: 16 | 32 | 64;
      readonly dst: Reg;
    }
  /** `as` is dst's address space << 16 | src's. */
  | { readonly kind: 'addr_space_cast'; readonly dst: Reg; readonly src: Reg; readonly as: number }
  /** The low and the high 32 bits, signed. */
  | {
      readonly kind: 'ld_imm64';
      readonly from: ImmSource;
      readonly dst: Reg;
      readonly imm: number;
      readonly next: number;
    }
  | {
      readonly kind: 'ldx';
      readonly arena?: true;
      readonly mode: LoadMode;
      readonly size: AccessBytes;
      readonly dst: Reg;
      readonly src: Reg;
      readonly off: number;
    }
  | {
      readonly kind: 'st';
      readonly arena?: true;
      readonly size: AccessBytes;
      readonly dst: Reg;
      readonly off: number;
      readonly imm: number;
    }
  | {
      readonly kind: 'stx';
      readonly arena?: true;
      readonly size: AccessBytes;
      readonly dst: Reg;
      readonly off: number;
      readonly src: Reg;
    }
  /**
   * *(dst + off) op= src; with `fetch` src becomes what was there. xchg always fetches; cmpxchg
   * always does, compares with r0 and returns in r0.
   */
  | {
      readonly kind: 'atomic';
      readonly arena?: true;
      readonly op: AtomicOp;
      readonly fetch: boolean;
      readonly size: 4 | 8;
      readonly dst: Reg;
      readonly off: number;
      readonly src: Reg;
    }
  /** An atomic that there is none of, by its immediate or its size: refused where it is come to. */
  | {
      readonly kind: 'bad_atomic';
      readonly size: AccessBytes;
      readonly dst: Reg;
      readonly off: number;
      readonly src: Reg;
      readonly imm: number;
    }
  | {
      readonly kind: 'load_acquire';
      readonly arena?: true;
      readonly size: AccessBytes;
      readonly dst: Reg;
      readonly src: Reg;
      readonly off: number;
    }
  | {
      readonly kind: 'store_release';
      readonly arena?: true;
      readonly size: AccessBytes;
      readonly dst: Reg;
      readonly off: number;
      readonly src: Reg;
    }
  /** r0 = the packet's bytes, big-endian, at imm (+ src). Ends the program with 0 beyond it. */
  | { readonly kind: 'ld_abs'; readonly size: 1 | 2 | 4; readonly imm: number }
  | { readonly kind: 'ld_ind'; readonly size: 1 | 2 | 4; readonly src: Reg; readonly imm: number }
  /** `long`: gotol, whose offset is in imm and 32 bits wide. */
  | { readonly kind: 'ja'; readonly long: boolean; readonly off: number }
  | { readonly kind: 'may_goto'; readonly off: number }
  /** To the instruction whose address is in a register: of a jump table. */
  | { readonly kind: 'gotox'; readonly dst: Reg }
  | {
      readonly kind: 'jmp';
      readonly op: JmpOp;
      readonly wide: boolean;
      readonly dst: Reg;
      readonly src: Operand;
      readonly off: number;
    }
  | {
      readonly kind: 'call';
      readonly target: CallTarget;
      readonly imm: number;
      readonly off: number;
    }
  | { readonly kind: 'exit' };

/** By slot; the second slot of an ld_imm64 is null. */
export type Insns = readonly (Insn | null)[];

export const INSN_BYTES = 8;
export const FRAME_POINTER: Reg = 10;
/** BPF_REG_PARAMS: arguments beyond the fifth; incoming above, outgoing below. */
export const PARAMS_POINTER: Reg = 11;
