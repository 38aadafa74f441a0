import {
  MEM_ALIGNED,
  MEM_RDONLY,
  MEM_RINGBUF,
  MEM_UNINIT,
  MEM_WRITE,
  PTR_MAYBE_NULL,
  RET_INTEGER,
  RET_PTR_TO_BTF_ID,
  RET_PTR_TO_MAP_VALUE,
  RET_PTR_TO_MEM,
  RET_PTR_TO_MEM_OR_BTF_ID,
  RET_VOID,
} from '../verifier/types.ts';
import {
  ALLOC_SIZE_OR_ZERO,
  ANY,
  CONST_STR,
  CTX,
  DYNPTR,
  FUNC,
  KEY,
  KPTR_XCHG_DEST,
  MAP,
  PERCPU_BTF_ID,
  RDONLY_MEM,
  RDONLY_MEM_OR_NULL,
  RELEASED_KPTR,
  RELEASED_RINGBUF_DYNPTR,
  RELEASED_RINGBUF_MEM,
  SCALAR,
  SIZE,
  SIZE_OR_ZERO,
  SPIN_LOCK,
  STACK_OR_NULL,
  TIMER,
  UNINIT_LOCAL_DYNPTR,
  UNINIT_MEM,
  UNINIT_RINGBUF_DYNPTR,
  UNINIT_VALUE,
  VALUE,
  VALUE_OR_NULL,
  WRITE_MEM_OR_NULL,
  fixedMem,
  structPtr,
  structPtrOrNull,
} from './arg-protos.ts';
import { proto } from './make-proto.ts';

/* Prototypes of helpers that any program may use: maps, time, rings, dynptrs, timers. */

export const bpf_map_lookup_elem = proto(
  'map_lookup_elem',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, KEY],
  { pktAccess: true },
);
export const bpf_map_update_elem = proto('map_update_elem', RET_INTEGER, [MAP, KEY, VALUE, ANY], {
  pktAccess: true,
});
export const bpf_map_delete_elem = proto('map_delete_elem', RET_INTEGER, [MAP, KEY], {
  pktAccess: true,
});
export const bpf_ktime_get_ns = proto('ktime_get_ns', RET_INTEGER, []);
export const bpf_get_prandom_u32 = proto('get_prandom_u32', RET_INTEGER, []);
export const bpf_get_raw_smp_processor_id = proto('get_smp_processor_id', RET_INTEGER, []);
export const bpf_get_smp_processor_id = proto('get_smp_processor_id', RET_INTEGER, [], {
  allowFastcall: true,
});
export const bpf_tail_call = proto('tail_call', RET_VOID, [CTX, MAP, ANY]);
export const bpf_get_current_pid_tgid = proto('get_current_pid_tgid', RET_INTEGER, []);
export const bpf_get_current_uid_gid = proto('get_current_uid_gid', RET_INTEGER, []);
export const bpf_get_current_comm = proto('get_current_comm', RET_INTEGER, [UNINIT_MEM, SIZE]);
export const bpf_current_task_under_cgroup = proto('current_task_under_cgroup', RET_INTEGER, [
  MAP,
  ANY,
]);
export const bpf_get_numa_node_id = proto('get_numa_node_id', RET_INTEGER, []);
export const bpf_get_current_cgroup_id = proto('get_current_cgroup_id', RET_INTEGER, []);
export const bpf_map_push_elem = proto('map_push_elem', RET_INTEGER, [MAP, VALUE, ANY], {
  pktAccess: true,
});
export const bpf_map_pop_elem = proto('map_pop_elem', RET_INTEGER, [MAP, UNINIT_VALUE]);
export const bpf_map_peek_elem = proto('map_peek_elem', RET_INTEGER, [MAP, UNINIT_VALUE]);
export const bpf_spin_lock = proto('spin_lock', RET_VOID, [SPIN_LOCK]);
export const bpf_spin_unlock = proto('spin_unlock', RET_VOID, [SPIN_LOCK]);
export const bpf_strtol = proto('strtol', RET_INTEGER, [
  RDONLY_MEM,
  SIZE,
  ANY,
  fixedMem(8, MEM_UNINIT | MEM_WRITE | MEM_ALIGNED),
]);
export const bpf_strtoul = proto('strtoul', RET_INTEGER, [
  RDONLY_MEM,
  SIZE,
  ANY,
  fixedMem(8, MEM_UNINIT | MEM_WRITE | MEM_ALIGNED),
]);
export const bpf_jiffies64 = proto('jiffies64', RET_INTEGER, []);
export const bpf_get_ns_current_pid_tgid = proto('get_ns_current_pid_tgid', RET_INTEGER, [
  ANY,
  ANY,
  UNINIT_MEM,
  SIZE,
]);
export const bpf_get_current_ancestor_cgroup_id = proto(
  'get_current_ancestor_cgroup_id',
  RET_INTEGER,
  [ANY],
);
export const bpf_ktime_get_boot_ns = proto('ktime_get_boot_ns', RET_INTEGER, []);
export const bpf_ringbuf_output = proto('ringbuf_output', RET_INTEGER, [
  MAP,
  RDONLY_MEM,
  SIZE_OR_ZERO,
  ANY,
]);
export const bpf_ringbuf_reserve = proto(
  'ringbuf_reserve',
  RET_PTR_TO_MEM | MEM_RINGBUF | PTR_MAYBE_NULL,
  [MAP, ALLOC_SIZE_OR_ZERO, ANY],
);
export const bpf_ringbuf_submit = proto('ringbuf_submit', RET_VOID, [RELEASED_RINGBUF_MEM, ANY]);
export const bpf_ringbuf_discard = proto('ringbuf_discard', RET_VOID, [RELEASED_RINGBUF_MEM, ANY]);
export const bpf_ringbuf_query = proto('ringbuf_query', RET_INTEGER, [MAP, ANY]);
export const bpf_inode_storage_get = proto(
  'inode_storage_get',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, structPtrOrNull('inode'), VALUE_OR_NULL, ANY],
);
export const bpf_inode_storage_delete = proto('inode_storage_delete', RET_INTEGER, [
  MAP,
  structPtrOrNull('inode'),
]);
export const bpf_copy_from_user = proto(
  'copy_from_user',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY],
  { mightSleep: true },
);
export const bpf_per_cpu_ptr = proto(
  'per_cpu_ptr',
  RET_PTR_TO_MEM_OR_BTF_ID | PTR_MAYBE_NULL | MEM_RDONLY,
  [PERCPU_BTF_ID, ANY],
);
export const bpf_this_cpu_ptr = proto('this_cpu_ptr', RET_PTR_TO_MEM_OR_BTF_ID | MEM_RDONLY, [
  PERCPU_BTF_ID,
]);
export const bpf_task_storage_get = proto(
  'task_storage_get',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, structPtrOrNull('task_struct'), VALUE_OR_NULL, ANY],
);
export const bpf_task_storage_delete = proto('task_storage_delete', RET_INTEGER, [
  MAP,
  structPtrOrNull('task_struct'),
]);
export const bpf_ktime_get_coarse_ns = proto('ktime_get_coarse_ns', RET_INTEGER, []);
export const bpf_for_each_map_elem = proto('for_each_map_elem', RET_INTEGER, [
  MAP,
  FUNC,
  STACK_OR_NULL,
  ANY,
]);
export const bpf_snprintf = proto(
  'snprintf',
  RET_INTEGER,
  [WRITE_MEM_OR_NULL, SIZE_OR_ZERO, CONST_STR, RDONLY_MEM_OR_NULL, SIZE_OR_ZERO],
  { gplOnly: true },
);
export const bpf_timer_init = proto('timer_init', RET_INTEGER, [TIMER, MAP, ANY], {
  gplOnly: true,
});
export const bpf_timer_set_callback = proto('timer_set_callback', RET_INTEGER, [TIMER, FUNC], {
  gplOnly: true,
});
export const bpf_timer_start = proto('timer_start', RET_INTEGER, [TIMER, ANY, ANY], {
  gplOnly: true,
});
export const bpf_timer_cancel = proto('timer_cancel', RET_INTEGER, [TIMER], { gplOnly: true });
export const bpf_loop = proto('loop', RET_INTEGER, [SCALAR, FUNC, STACK_OR_NULL, ANY]);
export const bpf_strncmp = proto('strncmp', RET_INTEGER, [RDONLY_MEM, SIZE, CONST_STR]);
export const bpf_copy_from_user_task = proto(
  'copy_from_user_task',
  RET_INTEGER,
  [UNINIT_MEM, SIZE_OR_ZERO, ANY, structPtr('task_struct'), ANY],
  { gplOnly: true, mightSleep: true },
);
export const bpf_kptr_xchg = proto('kptr_xchg', RET_PTR_TO_BTF_ID | PTR_MAYBE_NULL, [
  KPTR_XCHG_DEST,
  RELEASED_KPTR,
]);
export const bpf_map_lookup_percpu_elem = proto(
  'map_lookup_percpu_elem',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, KEY, ANY],
  { pktAccess: true },
);
export const bpf_dynptr_from_mem = proto('dynptr_from_mem', RET_INTEGER, [
  UNINIT_MEM,
  SIZE_OR_ZERO,
  ANY,
  UNINIT_LOCAL_DYNPTR,
]);
export const bpf_ringbuf_reserve_dynptr = proto('ringbuf_reserve_dynptr', RET_INTEGER, [
  MAP,
  ANY,
  ANY,
  UNINIT_RINGBUF_DYNPTR,
]);
export const bpf_ringbuf_submit_dynptr = proto('ringbuf_submit_dynptr', RET_VOID, [
  RELEASED_RINGBUF_DYNPTR,
  ANY,
]);
export const bpf_ringbuf_discard_dynptr = proto('ringbuf_discard_dynptr', RET_VOID, [
  RELEASED_RINGBUF_DYNPTR,
  ANY,
]);
export const bpf_dynptr_read = proto('dynptr_read', RET_INTEGER, [
  UNINIT_MEM,
  SIZE_OR_ZERO,
  DYNPTR,
  ANY,
  ANY,
]);
export const bpf_dynptr_write = proto('dynptr_write', RET_INTEGER, [
  DYNPTR,
  ANY,
  RDONLY_MEM,
  SIZE_OR_ZERO,
  ANY,
]);
export const bpf_dynptr_data = proto('dynptr_data', RET_PTR_TO_MEM | PTR_MAYBE_NULL, [
  DYNPTR,
  ANY,
  ALLOC_SIZE_OR_ZERO,
]);
export const bpf_ktime_get_tai_ns = proto('ktime_get_tai_ns', RET_INTEGER, []);
export const bpf_user_ringbuf_drain = proto('user_ringbuf_drain', RET_INTEGER, [
  MAP,
  FUNC,
  STACK_OR_NULL,
  ANY,
]);
export const bpf_cgrp_storage_get = proto(
  'cgrp_storage_get',
  RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL,
  [MAP, structPtrOrNull('cgroup'), VALUE_OR_NULL, ANY],
);
export const bpf_cgrp_storage_delete = proto('cgrp_storage_delete', RET_INTEGER, [
  MAP,
  structPtrOrNull('cgroup'),
]);
