import { bpf_for_each_map_elem, bpf_map_delete_elem } from './map.ts';
import { bpf_map_lookup_elem, bpf_map_lookup_percpu_elem, bpf_map_update_elem } from './map.ts';
import { bpf_loop, bpf_tail_call } from './loop.ts';
import * as misc from './misc.ts';
import { bpf_perf_event_output } from './perf-event.ts';
import * as print from './print.ts';
import * as probeRead from './probe-read.ts';
import type { Helper } from './prototype.ts';
import * as ringbuf from './ringbuf.ts';
import { bpf_spin_lock, bpf_spin_unlock } from './spin-lock.ts';
import { bpf_strncmp } from './string.ts';
import { bpf_sys_close } from './syscall.ts';
import * as task from './task.ts';
import * as taskStorage from './task-storage.ts';
import * as time from './time.ts';

/** For every type of program. kernel/bpf/helpers.c: bpf_base_func_proto() */
const BASE: readonly Helper[] = [
  bpf_map_lookup_elem,
  bpf_map_update_elem,
  bpf_map_delete_elem,
  bpf_map_lookup_percpu_elem,
  bpf_for_each_map_elem,
  bpf_loop,
  bpf_tail_call,
  bpf_strncmp,
  misc.bpf_get_prandom_u32,
  task.bpf_get_smp_processor_id,
  task.bpf_get_numa_node_id,
  time.bpf_ktime_get_ns,
  time.bpf_ktime_get_boot_ns,
  time.bpf_ktime_get_coarse_ns,
  time.bpf_ktime_get_tai_ns,
  time.bpf_jiffies64,
  bpf_spin_lock,
  bpf_spin_unlock,
  ringbuf.bpf_ringbuf_output,
  ringbuf.bpf_ringbuf_reserve,
  ringbuf.bpf_ringbuf_submit,
  ringbuf.bpf_ringbuf_discard,
  ringbuf.bpf_ringbuf_query,
];

/** With CAP_PERFMON, for every type. The same function, its second half. */
const PERFMON: readonly Helper[] = [
  print.bpf_trace_printk,
  print.bpf_trace_vprintk,
  print.bpf_snprintf,
  task.bpf_get_current_task,
  task.bpf_get_current_task_btf,
  probeRead.bpf_probe_read_user,
  probeRead.bpf_probe_read_kernel,
  probeRead.bpf_probe_read_user_str,
  probeRead.bpf_probe_read_kernel_str,
];

/** For tracing programs. kernel/trace/bpf_trace.c: bpf_tracing_func_proto() */
const TRACING: readonly Helper[] = [
  task.bpf_get_current_pid_tgid,
  task.bpf_get_current_uid_gid,
  task.bpf_get_current_comm,
  task.bpf_send_signal,
  task.bpf_send_signal_thread,
  probeRead.bpf_probe_read,
  probeRead.bpf_probe_read_str,
  probeRead.bpf_copy_from_user,
  bpf_perf_event_output,
  taskStorage.bpf_task_storage_get,
  taskStorage.bpf_task_storage_delete,
];

/** For fentry, fexit and fmod_ret alone. */
const TRAMPOLINE: readonly Helper[] = [
  misc.bpf_get_func_arg,
  misc.bpf_get_func_ret,
  misc.bpf_get_func_arg_cnt,
];

/** kernel/bpf/syscall.c: syscall_prog_func_proto() */
const SYSCALL: readonly Helper[] = [bpf_sys_close];

/** Which programs may call what: each helper stands in one group. */
export const HELPER_GROUPS = {
  base: BASE,
  perfmon: PERFMON,
  tracing: TRACING,
  trampoline: TRAMPOLINE,
  syscall: SYSCALL,
} as const;
export type HelperGroup = keyof typeof HELPER_GROUPS;

export const HELPERS: readonly Helper[] = Object.values(HELPER_GROUPS).flat();
