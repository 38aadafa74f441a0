import * as b from '../../helpers/protos-base.ts';
import { bpf_get_cgroup_classid_curr } from '../../helpers/protos-packet.ts';
import * as t from '../../helpers/protos-tracing.ts';
import { firstOf, funcs, onlyIf } from './rule.ts';

const ALWAYS = funcs(
  [
    b.bpf_map_lookup_elem,
    b.bpf_map_update_elem,
    b.bpf_map_delete_elem,
    b.bpf_map_push_elem,
    b.bpf_map_pop_elem,
    b.bpf_map_peek_elem,
    b.bpf_map_lookup_percpu_elem,
    b.bpf_get_prandom_u32,
    b.bpf_get_raw_smp_processor_id,
    b.bpf_get_numa_node_id,
    b.bpf_tail_call,
    b.bpf_ktime_get_ns,
    b.bpf_ktime_get_boot_ns,
    b.bpf_ktime_get_tai_ns,
    b.bpf_ringbuf_output,
    b.bpf_ringbuf_reserve,
    b.bpf_ringbuf_submit,
    b.bpf_ringbuf_discard,
    b.bpf_ringbuf_query,
    b.bpf_strncmp,
    b.bpf_strtol,
    b.bpf_strtoul,
    b.bpf_get_current_pid_tgid,
    b.bpf_get_ns_current_pid_tgid,
    b.bpf_get_current_uid_gid,
  ],
  {},
);

const WITH_CAP_BPF = funcs(
  [
    b.bpf_spin_lock,
    b.bpf_spin_unlock,
    b.bpf_jiffies64,
    b.bpf_per_cpu_ptr,
    b.bpf_this_cpu_ptr,
    b.bpf_timer_init,
    b.bpf_timer_set_callback,
    b.bpf_timer_start,
    b.bpf_timer_cancel,
    b.bpf_kptr_xchg,
    b.bpf_for_each_map_elem,
    b.bpf_loop,
    b.bpf_user_ringbuf_drain,
    b.bpf_ringbuf_reserve_dynptr,
    b.bpf_ringbuf_submit_dynptr,
    b.bpf_ringbuf_discard_dynptr,
    b.bpf_dynptr_from_mem,
    b.bpf_dynptr_read,
    b.bpf_dynptr_write,
    b.bpf_dynptr_data,
    b.bpf_cgrp_storage_get,
    b.bpf_cgrp_storage_delete,
    b.bpf_get_current_cgroup_id,
    b.bpf_get_current_ancestor_cgroup_id,
    b.bpf_current_task_under_cgroup,
    bpf_get_cgroup_classid_curr,
    b.bpf_task_storage_get,
    b.bpf_task_storage_delete,
  ],
  {},
);

const WITH_CAP_PERFMON = funcs(
  [
    t.bpf_trace_printk,
    t.bpf_get_current_task,
    t.bpf_get_current_task_btf,
    b.bpf_get_current_comm,
    t.bpf_probe_read_user,
    t.bpf_probe_read_kernel,
    t.bpf_probe_read_user_str,
    t.bpf_probe_read_kernel_str,
    b.bpf_copy_from_user,
    b.bpf_copy_from_user_task,
    t.bpf_snprintf_btf,
    b.bpf_snprintf,
    t.bpf_task_pt_regs,
    t.bpf_trace_vprintk,
    t.bpf_perf_event_read_value,
    t.bpf_perf_event_read,
    t.bpf_send_signal,
    t.bpf_send_signal_thread,
    t.bpf_get_branch_snapshot,
    t.bpf_find_vma,
  ],
  {
    get_task_stack: ({ isSleepable }) =>
      isSleepable ? t.bpf_get_task_stack_sleepable : t.bpf_get_task_stack,
  },
);

/** For every type of program. bpf_base_func_proto() */
export const base = firstOf(
  ALWAYS,
  onlyIf(
    ({ caps }) => caps.bpf,
    firstOf(
      WITH_CAP_BPF,
      onlyIf(({ caps }) => caps.perfmon, WITH_CAP_PERFMON),
    ),
  ),
);
