import { bpf_for_each_map_elem, bpf_map_delete_elem } from './map.ts';
import { bpf_map_lookup_elem, bpf_map_lookup_percpu_elem, bpf_map_update_elem } from './map.ts';
import { bpf_loop, bpf_tail_call } from './loop.ts';
import * as misc from './misc.ts';
import * as dynptr from './dynptr.ts';
import * as kptr from './kptr.ts';
import { bpf_perf_event_output, bpf_perf_prog_read_value } from './perf-event.ts';
import * as print from './print.ts';
import * as probeRead from './probe-read.ts';
import * as probeWrite from './probe-write.ts';
import type { Helper } from './prototype.ts';
import * as ringbuf from './ringbuf.ts';
import { bpf_spin_lock, bpf_spin_unlock } from './spin-lock.ts';
import { bpf_strncmp } from './string.ts';
import { bpf_sys_close } from './syscall.ts';
import * as task from './task.ts';
import * as taskStorage from './task-storage.ts';
import * as time from './time.ts';

/** Every helper that runs. Which programs may call which is said in bpf/prog/funcs. */
export const HELPERS: readonly Helper[] = [
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
  ...Object.values(dynptr),
  ...Object.values(kptr),
  print.bpf_trace_printk,
  print.bpf_trace_vprintk,
  print.bpf_snprintf,
  task.bpf_get_current_task,
  task.bpf_get_current_task_btf,
  probeRead.bpf_probe_read_user,
  probeRead.bpf_probe_read_kernel,
  probeRead.bpf_probe_read_user_str,
  probeRead.bpf_probe_read_kernel_str,
  task.bpf_get_current_pid_tgid,
  task.bpf_get_current_uid_gid,
  task.bpf_get_current_comm,
  task.bpf_send_signal,
  task.bpf_send_signal_thread,
  probeRead.bpf_probe_read,
  probeRead.bpf_probe_read_str,
  probeRead.bpf_copy_from_user,
  bpf_perf_event_output,
  bpf_perf_prog_read_value,
  taskStorage.bpf_task_storage_get,
  taskStorage.bpf_task_storage_delete,
  misc.bpf_get_func_arg,
  misc.bpf_get_func_ret,
  misc.bpf_get_func_arg_cnt,
  bpf_sys_close,
  ...Object.values(probeWrite),
];
