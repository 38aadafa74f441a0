import {
  array,
  chars,
  long,
  ptr,
  s32,
  struct,
  u32,
  u64,
  u8,
  unsimulated,
} from '../../base/layout.ts';
import type { Btf } from '../btf/types.ts';
import type { BpfMap } from '../maps/map.ts';
import type { ArenaSpace } from '../vm/arena.ts';
import type { Executable } from '../vm/engine.ts';
import type { LineInfo } from '../verifier/program.ts';
import type { DstProg } from './attach-point.ts';

/** include/linux/bpf.h: as much of it as programs, reports and other CPUs may see. */
export const bpf_prog_aux = struct('bpf_prog_aux', {
  refcnt: u64, // atomic64_t
  id: u32,
  used_map_cnt: u32,
  max_ctx_offset: u32,
  stack_depth: u32,
  attach_btf_id: u32,
  sleepable: u8,
  name: chars(16), // BPF_OBJ_NAME_LEN
  load_time: u64, // ns since boot
  verified_insns: u32,
  prog: ptr('struct bpf_prog'),
  // Of the policy record-kill: bpf/protect/kill-notes.ts
  kill_cnt: u32,
  kill_insn: u32,
  kill_run_ns: long,
  kill_detected_ns: long,
  kill_deferred: u32,
  kill_held_cnt: u32,
  record_ops: long,
  kill_held: array(u64, 16),
  unsimulated: unsimulated(224),
});

export const bpf_prog = struct('bpf_prog', {
  pages: u32,
  gpl_compatible: u8,
  jited: u8,
  type: s32, // enum bpf_prog_type
  expected_attach_type: s32, // enum bpf_attach_type
  len: u32, // instructions, after the checker's rewriting
  jited_len: u32,
  tag: array(u8, 8), // BPF_TAG_SIZE
  /** struct bpf_prog_stats. */
  run_cnt: u64,
  run_time_ns: u64,
  recursion_misses: u64,
  /** Of bpf_get_prandom_u32(). Linux: one for each CPU. */
  rnd_state: u32,
  /** By CPU: whether the program runs there. Linux: int __percpu *active. */
  active: array(s32, 64),
  aux: ptr('struct bpf_prog_aux'),
  unsimulated: unsimulated(32),
});

/** What of a loaded program never changes, beside its struct bpf_prog at `addr`. */
export interface Program extends Executable {
  readonly addr: number;
  readonly name: string;
  /** Of the arena that it uses: what its accesses go by. */
  readonly arena?: ArenaSpace | undefined;
  /** 16 hex digits: tells programs of the same instructions. */
  readonly tag: string;
  /** BPF_PROG_TYPE_* */
  readonly type: number;
  /** BPF_TRACE_FENTRY, … or 0. */
  readonly expectedAttachType: number;
  readonly sleepable: boolean;
  readonly gplCompatible: boolean;
  readonly usedMaps: readonly BpfMap[];
  /** The instructions as rewritten, 8 bytes each. */
  readonly xlated: Uint8Array;
  readonly btf: Btf | undefined;
  /** Address of the struct btf that it holds, or 0. */
  readonly btfObject: number;
  /** struct bpf_func_info and bpf_line_info, as they were loaded; absent: none were. */
  readonly funcInfo?: Uint8Array;
  readonly lineInfo?: Uint8Array;
  /** Names of the subprograms, by index, for call traces: from func_info, else `bpf_prog_<tag>`. */
  readonly subprogNames: readonly string[];
  /** Their tags; absent: all have the program's. */
  readonly subprogTags?: readonly string[];
  /** `fentry/close_fd`: the kernel function, trace event or struct member it is loaded for. */
  readonly attachTo: string;
  /** Where its output is kept: bpf/prog/streams.ts. */
  readonly streams?: number;
  /** Lines of its source, by instruction. */
  readonly sourceLines?: readonly LineInfo[];
  /** What is asked of it where another program is loaded to be attached to it. */
  readonly asTarget: DstProg;
  /** Instructions that the verifier looked at, on all paths. */
  readonly verifiedInsns: number;
  /** The most that it holds at once, on any path: references, locks, sections. Spec 03 R8. */
  readonly heldMax?: number;
  /** By the slot of a bpf_kptr_xchg(): the type of what it exchanges. */
  readonly xchgTypes?: ReadonlyMap<number, string>;
  /** Where the function begins that is called with what bpf_throw() throws; -1: there is none. */
  readonly exceptionCallback?: number;
  /** Slots where the code that stands for a bpf_loop() calls its callback. */
  readonly loopCalls?: readonly number[];
}
