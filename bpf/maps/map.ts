import {
  array,
  chars,
  cType,
  ptr,
  s32,
  struct,
  u32,
  u64,
  u8,
  unsimulated,
} from '../../base/layout.ts';
import type { BtfRecord } from '../btf/record.ts';
import type { Btf } from '../btf/types.ts';
import type { Insns } from '../isa/insn.ts';
import type { WantedArea } from '../../kernel/hooks.ts';
import type { Sim } from '../../sim/request.ts';
import type { ArenaSpace } from '../vm/arena.ts';

/** include/linux/bpf.h. What a program has in a register for a map is the address of this. */
export const bpf_map = struct('bpf_map', {
  sha: array(u8, 32),
  excl: u32,
  ops: ptr('const struct bpf_map_ops'),
  inner_map_meta: ptr('struct bpf_map'),
  security: ptr('void'),
  map_type: cType('enum bpf_map_type', s32),
  key_size: u32,
  value_size: u32,
  max_entries: u32,
  map_extra: u64,
  map_flags: u32,
  id: u32,
  record: ptr('struct btf_record'),
  numa_node: s32,
  btf_key_type_id: u32,
  btf_value_type_id: u32,
  btf_vmlinux_value_type_id: u32,
  btf: ptr('struct btf'),
  objcg: ptr('struct obj_cgroup'),
  name: chars(16), // BPF_OBJ_NAME_LEN
  refcnt: cType('atomic64_t', u64),
  usercnt: cType('atomic64_t', u64), // descriptors, and what the file system pins
  writecnt: cType('atomic64_t', u64), // mappings through which user space may write
  frozen: cType('bool', u8),
  spin_lock_off: s32, // of a struct bpf_spin_lock in the value, or below zero
  unsimulated: unsimulated(72),
});

/**
 * Whose values an update gives: those of the CPU that a program runs on; one for each, as bpf(2)
 * has it; the same for all, by BPF_F_ALL_CPUS; or one CPU's, by its number, by BPF_F_CPU.
 */
export type Whose = 'own' | 'each' | 'all' | number;

/**
 * A map: what never changes of it, and what can be done with it. Keys and values are given by
 * kernel address. Results are 0 or -errno unless said. Operations yield where other CPUs could
 * see a difference: bucket lock, link, unlink. include/linux/bpf.h: struct bpf_map_ops
 */
export interface BpfMap {
  /** Address of its struct bpf_map, with which every map type's own struct begins. */
  readonly addr: number;
  /** BPF_MAP_TYPE_* */
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** Offset of a struct bpf_spin_lock in the value, or -1. */
  readonly spinLockOff: number;
  /** The types that its keys and values are of, and the special fields of its values. */
  readonly btf: Btf | undefined;
  readonly record: BtfRecord | undefined;
  /** Its maker vouches for what speculation makes of indices: only arrays. bypass_spec_v1 */
  readonly bypassesSpecV1: boolean;
  /** Of a map of maps: what its maps are like. inner_map_meta */
  readonly innerMapMeta?: BpfMap | undefined;
  /** Bytes of a value in bpf(2): of a per-CPU map, one slot of 8-byte multiples for each CPU. */
  readonly userValueSize: number;

  // For programs.

  /** The address of the value, or 0. Plain where nobody could interfere: an array's. */
  map_lookup_elem(key: number): number | Sim<number>;
  map_update_elem(key: number, value: number, flags: number): number | Sim<number>;
  map_delete_elem(key: number): number | Sim<number>;
  /**
   * Calls `each(key, value)` for every element until it gives something but 0: how many it has
   * called. -EOPNOTSUPP where the type cannot. bpf_for_each_map_elem()
   */
  map_for_each_callback(each: (key: number, value: number) => Sim<bigint>): Sim<number>;

  /** Of a per-CPU map: the value of one CPU, or 0. */
  map_lookup_percpu_elem?(key: number, cpu: number): number | Sim<number>;
  /** Of a prog array: the struct bpf_prog at `index`, or 0. kernel/bpf/core.c: JMP_TAIL_CALL */
  tail_call_target?(index: number): number | Sim<number>;

  /** What does the look-up in the place of a call: r0 of r1, the map, and r2. Absent: nothing. */
  map_gen_lookup?(): Insns | undefined;

  /** Of an instruction array: the slots that its entries name, each once, ascending. */
  insnArrayTargets?(first: number, last: number): readonly number[];

  // For bpf(2).

  /**
   * Copies the value out to `value`, of userValueSize bytes; of a per-CPU map with a CPU, that
   * one's, of valueSize bytes. kernel/bpf/syscall.c
   */
  bpf_map_copy_value(key: number, value: number, flags: number, cpu?: number): Sim<number>;
  /**
   * From `value`, of userValueSize bytes: maps of maps and prog arrays find descriptors there.
   * `mapFile` is the file that the map is changed through. `whose`: of a per-CPU map; with anything
   * but `each`, `value` has valueSize bytes.
   */
  bpf_map_update_value(
    key: number,
    value: number,
    flags: number,
    mapFile: number,
    whose?: Whose,
  ): Sim<number>;
  bpf_map_delete_key(key: number): Sim<number>;
  /** Copies the value out and takes the element away. Absent: -ENOTSUPP. */
  map_lookup_and_delete_elem?(key: number, value: number, flags: number): Sim<number>;
  /** `key` 0: the first. -ENOENT behind the last. */
  map_get_next_key(key: number, next: number): Sim<number>;
  /** For BPF_PSEUDO_MAP_VALUE: the address, or -errno. Absent: not supported. */
  map_direct_value_addr?(off: number): number;

  /** mmap(2) of a descriptor: shows its memory there, or says what will. Absent: -ENOTSUPP. */
  map_mmap?(vma: number): Sim<number>;
  /** Where that may be, or -errno. Absent: wherever there is room. */
  map_get_unmapped_area?(wanted: WantedArea): number;

  /** Of an arena: what programs see of it; undefined before user space has said where it stands. */
  arenaSpace?(): ArenaSpace | undefined;

  // Its end.

  /** A file of the map is closed. */
  map_release?(mapFile: number): Sim<void>;
  /** The last descriptor is closed; programs may still hold it. */
  map_release_uref?(): Sim<void>;
  /** The last reference is gone. Runs in a kworker, and may sleep. */
  map_free(): Sim<void>;
}
