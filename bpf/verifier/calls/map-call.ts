import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import { FUNC, type FuncName } from '../../helpers/func-ids.ts';
import { RDONLY_PROG } from '../../maps/flags.ts';
import type { BpfMap } from '../../maps/map.ts';
import { resolveProgType } from '../../prog/types.ts';
import { ATTACH_TYPE, MAP_TYPE, type MapTypeName } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';
import type { InsnAux } from '../insn-aux.ts';

type Funcs = readonly FuncName[];

const PERF: Funcs = [
  'perf_event_read',
  'perf_event_output',
  'skb_output',
  'perf_event_read_value',
  'xdp_output',
];
const RINGBUF: Funcs = [
  'ringbuf_output',
  'ringbuf_reserve',
  'ringbuf_query',
  'ringbuf_reserve_dynptr',
  'ringbuf_submit_dynptr',
  'ringbuf_discard_dynptr',
];
const UNDER_CGROUP: Funcs = ['skb_under_cgroup', 'current_task_under_cgroup'];
const QUEUE: Funcs = ['map_peek_elem', 'map_pop_elem', 'map_push_elem'];
const REDIRECT_MAP = 'redirect_map';
const LOOKUP = 'map_lookup_elem';
const REUSEPORT = 'sk_select_reuseport';
const XCHG = 'kptr_xchg';

/** The helpers that take a map of a type; those types that any may take are not here. */
const FUNCS_OF_MAP: Partial<Readonly<Record<MapTypeName, Funcs>>> = {
  PROG_ARRAY: ['tail_call'],
  PERF_EVENT_ARRAY: PERF,
  RINGBUF,
  USER_RINGBUF: ['user_ringbuf_drain'],
  STACK_TRACE: ['get_stackid'],
  CGROUP_ARRAY: UNDER_CGROUP,
  CGROUP_STORAGE: ['get_local_storage'],
  PERCPU_CGROUP_STORAGE: ['get_local_storage'],
  DEVMAP: [REDIRECT_MAP, LOOKUP],
  DEVMAP_HASH: [REDIRECT_MAP, LOOKUP],
  CPUMAP: [REDIRECT_MAP],
  XSKMAP: [REDIRECT_MAP, LOOKUP],
  ARRAY_OF_MAPS: [LOOKUP],
  HASH_OF_MAPS: [LOOKUP],
  SOCKMAP: ['sk_redirect_map', 'sock_map_update', 'msg_redirect_map', REUSEPORT, LOOKUP],
  SOCKHASH: ['sk_redirect_hash', 'sock_hash_update', 'msg_redirect_hash', REUSEPORT, LOOKUP],
  REUSEPORT_SOCKARRAY: [REUSEPORT],
  QUEUE,
  STACK: QUEUE,
  SK_STORAGE: ['sk_storage_get', 'sk_storage_delete', XCHG],
  INODE_STORAGE: ['inode_storage_get', 'inode_storage_delete', XCHG],
  TASK_STORAGE: ['task_storage_get', 'task_storage_delete', XCHG],
  CGRP_STORAGE: ['cgrp_storage_get', 'cgrp_storage_delete', XCHG],
  BLOOM_FILTER: ['map_peek_elem', 'map_push_elem'],
  INSN_ARRAY: [],
};

type MapTypes = readonly MapTypeName[];

/** Helpers that take maps of these types and no others. */
const MAPS_OF_FUNC: Partial<Readonly<Record<FuncName, MapTypes>>> = {
  tail_call: ['PROG_ARRAY'],
  ...everyOf(PERF, ['PERF_EVENT_ARRAY']),
  ...everyOf(RINGBUF, ['RINGBUF']),
  user_ringbuf_drain: ['USER_RINGBUF'],
  get_stackid: ['STACK_TRACE'],
  ...everyOf(UNDER_CGROUP, ['CGROUP_ARRAY']),
  redirect_map: ['DEVMAP', 'DEVMAP_HASH', 'CPUMAP', 'XSKMAP'],
  ...everyOf(['sk_redirect_map', 'msg_redirect_map', 'sock_map_update'], ['SOCKMAP']),
  ...everyOf(['sk_redirect_hash', 'msg_redirect_hash', 'sock_hash_update'], ['SOCKHASH']),
  get_local_storage: ['CGROUP_STORAGE', 'PERCPU_CGROUP_STORAGE'],
  sk_select_reuseport: ['REUSEPORT_SOCKARRAY', 'SOCKMAP', 'SOCKHASH'],
  map_pop_elem: ['QUEUE', 'STACK'],
  ...everyOf(['map_peek_elem', 'map_push_elem'], ['QUEUE', 'STACK', 'BLOOM_FILTER']),
  map_lookup_percpu_elem: ['PERCPU_ARRAY', 'PERCPU_HASH', 'LRU_PERCPU_HASH'],
  ...everyOf(['sk_storage_get', 'sk_storage_delete'], ['SK_STORAGE']),
  ...everyOf(['inode_storage_get', 'inode_storage_delete'], ['INODE_STORAGE']),
  ...everyOf(['task_storage_get', 'task_storage_delete'], ['TASK_STORAGE']),
  ...everyOf(['cgrp_storage_get', 'cgrp_storage_delete'], ['CGRP_STORAGE']),
};

function everyOf(funcs: Funcs, types: MapTypes): Partial<Record<FuncName, MapTypes>> {
  return Object.fromEntries(funcs.map((func) => [func, types]));
}

const funcsOfMap = new Map(
  Object.entries(FUNCS_OF_MAP).map(([type, funcs]) => [
    MAP_TYPE[type as MapTypeName],
    new Set(funcs.map((func) => FUNC[func])),
  ]),
);
const mapsOfFunc = new Map(
  Object.entries(MAPS_OF_FUNC).map(([func, types]) => [
    FUNC[func as FuncName],
    new Set(types.map((type) => MAP_TYPE[type])),
  ]),
);

/** Types of programs that never hold a socket's lock, so that they may change maps of sockets. */
const MAY_UPDATE_SOCKMAP: ReadonlySet<string> = new Set([
  'SOCKET_FILTER',
  'SCHED_CLS',
  'SCHED_ACT',
  'XDP',
  'SK_REUSEPORT',
  'FLOW_DISSECTOR',
  'SK_LOOKUP',
]);

/** may_update_sockmap() */
function mayUpdateSockmap(env: VerifierEnv, funcId: number): boolean {
  if (funcId !== FUNC.map_update_elem && funcId !== FUNC.map_delete_elem) return false;
  const { name } = resolveProgType(env.prog);
  const isIter = name === 'TRACING' && env.prog.expectedAttachType === ATTACH_TYPE.TRACE_ITER;
  const isSockOps = name === 'SOCK_OPS' && funcId === FUNC.map_delete_elem;
  if (isIter || isSockOps || MAY_UPDATE_SOCKMAP.has(name)) return true;
  env.verbose('cannot update sockmap in this context\n');
  return false;
}

/** check_map_func_compatibility() */
export function checkMapFuncCompatibility(
  env: VerifierEnv,
  map: BpfMap | undefined,
  funcId: number,
  funcName: string,
): void {
  if (!map) return;
  const isSockmap = map.type === MAP_TYPE.SOCKMAP || map.type === MAP_TYPE.SOCKHASH;
  const isForMap =
    (funcsOfMap.get(map.type)?.has(funcId) ?? true) || (isSockmap && mayUpdateSockmap(env, funcId));
  if (isForMap && (mapsOfFunc.get(funcId)?.has(map.type) ?? true)) return;
  throw env.reject(EINVAL, `cannot pass map_type ${map.type} into func ${funcName}#${funcId}`);
}

const RECORDED: ReadonlySet<number> = new Set([
  FUNC.tail_call,
  FUNC.map_lookup_elem,
  FUNC.map_update_elem,
  FUNC.map_delete_elem,
  FUNC.map_push_elem,
  FUNC.map_pop_elem,
  FUNC.map_peek_elem,
  FUNC.for_each_map_elem,
  FUNC.redirect_map,
  FUNC.map_lookup_percpu_elem,
]);

const WRITING: ReadonlySet<number> = new Set([
  FUNC.map_delete_elem,
  FUNC.map_update_elem,
  FUNC.map_push_elem,
  FUNC.map_pop_elem,
]);

/** Which map a call is about, if always the same. record_func_map() */
export function recordFuncMap(
  env: VerifierEnv,
  map: BpfMap | undefined,
  funcId: number,
  insnIdx: number,
): void {
  if (!RECORDED.has(funcId)) return;
  if (!map) throw env.bug('expected map for helper call');
  if ((map.flags & RDONLY_PROG) !== 0 && WRITING.has(funcId)) {
    throw env.reject(EACCES, 'write into map forbidden');
  }
  const aux = env.aux[insnIdx]!;
  if (!aux.mapPtr) storeMap(aux, map, false);
  else if (aux.mapPtr !== map) storeMap(aux, map, true);
}

/** bpf_map_ptr_store() */
function storeMap(aux: InsnAux, map: BpfMap, isPoison: boolean): void {
  aux.mapPtrUnpriv ||= !map.bypassesSpecV1;
  aux.mapPtrPoison = isPoison;
  aux.mapPtr = map;
}
