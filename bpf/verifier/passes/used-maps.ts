import { E2BIG, EBUSY, EINVAL, EPERM } from '../../../kernel/errno.ts';
import { BPF_GRAPH_ROOT, BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK } from '../../btf/field-types.ts';
import { btfRecordHasField } from '../../btf/record.ts';
import type { BpfMap } from '../../maps/map.ts';
import { resolveProgType } from '../../prog/types.ts';
import { MAP_TYPE, MAP_TYPE_NAMES, type MapTypeName } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';

const MAX_USED_MAPS = 64;

/** Its index among the program's maps; a new one must go with the program. __add_used_map() */
export function addUsedMap(env: VerifierEnv, map: BpfMap): number {
  const known = env.usedMaps.indexOf(map);
  if (known >= 0) return known;
  if (env.usedMaps.length >= MAX_USED_MAPS) {
    const message = 'The total number of maps per program has reached the limit of';
    throw env.reject(E2BIG, `${message} ${MAX_USED_MAPS}`);
  }
  checkMapProgCompatibility(env, map);
  env.usedMaps.push(map);
  if (map.type === MAP_TYPE.INSN_ARRAY) env.insnArrayMaps.push(map);
  return env.usedMaps.length - 1;
}

/** Those that the loader binds to the program, whether it names them or not. process_fd_array() */
export function addBoundMaps(env: VerifierEnv): void {
  for (const map of env.prog.boundMaps ?? []) addUsedMap(env, map);
}

/** is_tracing_prog_type() */
const TRACING_TYPES: ReadonlySet<string> = new Set([
  'KPROBE',
  'TRACEPOINT',
  'PERF_EVENT',
  'RAW_TRACEPOINT',
  'RAW_TRACEPOINT_WRITABLE',
]);

const SLEEPABLE_MAPS: ReadonlySet<MapTypeName | undefined> = new Set([
  'HASH',
  'RHASH',
  'LRU_HASH',
  'ARRAY',
  'PERCPU_HASH',
  'PERCPU_ARRAY',
  'LRU_PERCPU_HASH',
  'LPM_TRIE',
  'ARRAY_OF_MAPS',
  'HASH_OF_MAPS',
  'RINGBUF',
  'USER_RINGBUF',
  'INODE_STORAGE',
  'SK_STORAGE',
  'TASK_STORAGE',
  'CGRP_STORAGE',
  'QUEUE',
  'STACK',
  'ARENA',
  'INSN_ARRAY',
  'PROG_ARRAY',
]);

/** check_map_prog_compatibility() */
function checkMapProgCompatibility(env: VerifierEnv, map: BpfMap): void {
  checkSpecialFields(env, map);
  if (map.type === MAP_TYPE.STRUCT_OPS) {
    throw env.reject(EINVAL, 'bpf_struct_ops map cannot be used in prog');
  }
  if (env.prog.isSleepable && !SLEEPABLE_MAPS.has(MAP_TYPE_NAMES[map.type])) {
    const message = 'Sleepable programs can only use array, hash, ringbuf and local storage maps';
    throw env.reject(EINVAL, message);
  }
  const isCgroupStorage =
    map.type === MAP_TYPE.CGROUP_STORAGE || map.type === MAP_TYPE.PERCPU_CGROUP_STORAGE;
  if (isCgroupStorage && env.usedMaps.some(({ type }) => type === map.type)) {
    throw env.reject(EBUSY, 'only one cgroup storage of each type is allowed');
  }
  if (map.type === MAP_TYPE.ARENA) useArena(env, map);
}

function checkSpecialFields(env: VerifierEnv, { record }: BpfMap): void {
  const { name } = resolveProgType(env.prog);
  const isTracing = TRACING_TYPES.has(name);
  if (isTracing && btfRecordHasField(record, BPF_GRAPH_ROOT)) {
    throw env.reject(EINVAL, 'tracing progs cannot use bpf_{list_head,rb_root} yet');
  }
  if (!btfRecordHasField(record, BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK)) return;
  if (name === 'SOCKET_FILTER') {
    throw env.reject(EINVAL, 'socket filter progs cannot use bpf_spin_lock yet');
  }
  if (isTracing) throw env.reject(EINVAL, 'tracing progs cannot use bpf_spin_lock yet');
}

function useArena(env: VerifierEnv, map: BpfMap): void {
  if (env.arena) throw env.reject(EBUSY, 'Only one arena per program');
  if (!env.allowPtrLeaks || !env.bpfCapable) {
    throw env.reject(EPERM, 'CAP_BPF and CAP_PERFMON are required to use arena');
  }
  env.arena = map;
  if (map.arenaSpace?.()) return;
  throw env.reject(EINVAL, "arena's user address must be set via map_extra or mmap()");
}
