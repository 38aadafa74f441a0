import { idOf } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import { MAP_TYPE_NAMES, type MapTypeName } from '../../uapi.ts';

/** What the kernel's struct of a map is called. struct bpf_map_ops: map_btf_id */
const MAP_STRUCTS: Readonly<Record<MapTypeName, string>> = {
  UNSPEC: '',
  HASH: 'bpf_htab',
  ARRAY: 'bpf_array',
  PROG_ARRAY: 'bpf_array',
  PERF_EVENT_ARRAY: 'bpf_array',
  PERCPU_HASH: 'bpf_htab',
  PERCPU_ARRAY: 'bpf_array',
  STACK_TRACE: 'bpf_stack_map',
  CGROUP_ARRAY: 'bpf_array',
  LRU_HASH: 'bpf_htab',
  LRU_PERCPU_HASH: 'bpf_htab',
  LPM_TRIE: 'lpm_trie',
  ARRAY_OF_MAPS: 'bpf_array',
  HASH_OF_MAPS: 'bpf_htab',
  DEVMAP: 'bpf_dtab',
  SOCKMAP: 'bpf_stab',
  CPUMAP: 'bpf_cpu_map',
  XSKMAP: 'xsk_map',
  SOCKHASH: 'bpf_shtab',
  CGROUP_STORAGE: 'bpf_cgroup_storage_map',
  REUSEPORT_SOCKARRAY: 'reuseport_array',
  PERCPU_CGROUP_STORAGE: 'bpf_cgroup_storage_map',
  QUEUE: 'bpf_queue_stack',
  STACK: 'bpf_queue_stack',
  SK_STORAGE: 'bpf_local_storage_map',
  DEVMAP_HASH: 'bpf_dtab',
  STRUCT_OPS: 'bpf_struct_ops_map',
  RINGBUF: 'bpf_ringbuf_map',
  INODE_STORAGE: 'bpf_local_storage_map',
  TASK_STORAGE: 'bpf_local_storage_map',
  BLOOM_FILTER: 'bpf_bloom_filter',
  USER_RINGBUF: 'bpf_ringbuf_map',
  CGRP_STORAGE: 'bpf_local_storage_map',
  ARENA: 'bpf_arena',
  INSN_ARRAY: 'bpf_insn_array',
  RHASH: 'bpf_rhtab',
};

/** The kernel's struct of maps of a type: its name and its id; 0: the kernel's types have none. */
export function mapStruct(kernelBtf: Btf, mapType: number): { name: string; btfId: number } {
  const type = MAP_TYPE_NAMES[mapType];
  const name = type ? MAP_STRUCTS[type] : '';
  return { name, btfId: idOf(kernelBtf, name, 'struct') };
}
