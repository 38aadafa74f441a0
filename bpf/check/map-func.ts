import { EACCES, EINVAL, ENOTSUPP } from '../../kernel/errno.ts';
import type { Helper } from '../helpers/prototype.ts';
import type { BpfMap } from '../maps/map.ts';
import { MAP_TYPE, type MapTypeName } from '../uapi.ts';
import type { Reject } from './reject.ts';

/** Types of maps that only these helpers take. */
const HELPERS_OF: Partial<Record<MapTypeName, readonly string[]>> = {
  PROG_ARRAY: ['bpf_tail_call'],
  PERF_EVENT_ARRAY: ['bpf_perf_event_output'],
  RINGBUF: ['bpf_ringbuf_output', 'bpf_ringbuf_reserve', 'bpf_ringbuf_query'],
  ARRAY_OF_MAPS: ['bpf_map_lookup_elem'],
  HASH_OF_MAPS: ['bpf_map_lookup_elem'],
  TASK_STORAGE: ['bpf_task_storage_get', 'bpf_task_storage_delete'],
};
/** Helpers that take only maps of these types. */
const MAPS_OF: Readonly<Record<string, readonly MapTypeName[]>> = {
  bpf_perf_event_output: ['PERF_EVENT_ARRAY'],
  bpf_ringbuf_output: ['RINGBUF'],
  bpf_ringbuf_reserve: ['RINGBUF'],
  bpf_ringbuf_query: ['RINGBUF'],
  bpf_map_lookup_percpu_elem: ['PERCPU_ARRAY', 'PERCPU_HASH', 'LRU_PERCPU_HASH'],
  bpf_task_storage_get: ['TASK_STORAGE'],
  bpf_task_storage_delete: ['TASK_STORAGE'],
};
/** Types with a walk over their elements. struct bpf_map_ops: map_for_each_callback */
const WALKED: readonly MapTypeName[] = [
  'ARRAY',
  'PERCPU_ARRAY',
  'HASH',
  'PERCPU_HASH',
  'LRU_HASH',
  'LRU_PERCPU_HASH',
];
const HELPERS_BY_TYPE = new Map(
  Object.entries(HELPERS_OF).map(([name, helpers]) => [MAP_TYPE[name as MapTypeName], helpers]),
);

/** Whether a helper takes such a map. kernel/bpf/verifier.c: check_map_func_compatibility() */
export function checkMapCall({ name, id, args }: Helper, map: BpfMap): Reject | undefined {
  const takesKey = args.some(({ kind }) => kind === 'ptr_to_map_key');
  if (takesKey && map.keySize === 0) {
    return { errno: EACCES, message: 'invalid zero-sized read' };
  }
  if (name === 'bpf_tail_call' && map.type !== MAP_TYPE.PROG_ARRAY) {
    return { errno: EINVAL, message: 'expected prog array map for tail call' };
  }
  const helpers = HELPERS_BY_TYPE.get(map.type);
  const isTaken = MAPS_OF[name]?.some((type) => MAP_TYPE[type] === map.type) ?? true;
  if ((helpers && !helpers.includes(name)) || !isTaken) {
    const message = `cannot pass map_type ${map.type} into func ${name}#${id}`;
    return { errno: EINVAL, message };
  }
  if (name === 'bpf_for_each_map_elem' && !WALKED.some((type) => MAP_TYPE[type] === map.type)) {
    return { errno: ENOTSUPP, message: 'callback function not allowed for map' };
  }
  return undefined;
}
