import { array, cType, struct, u32, u64, type Fields, type StructType } from '../base/layout.ts';
import { bpf_spin_lock_struct } from './maps/lock.ts';

/** What programs are given, or keep, that is no struct of the kernel's own: uapi/linux/bpf.h. */
const bpf_raw_tracepoint_args = struct('bpf_raw_tracepoint_args', {
  args: array(cType('__u64', u64), 0),
});

const bpf_iter_num = struct('bpf_iter_num', { __opaque: array(cType('__u64', u64), 1) });

const bpf_timer = struct('bpf_timer', { __opaque: array(cType('__u64', u64), 2) });

const bpf_pidns_info = struct('bpf_pidns_info', {
  pid: cType('__u32', u32),
  tgid: cType('__u32', u32),
});

const bpf_perf_event_value = struct('bpf_perf_event_value', {
  counter: cType('__u64', u64),
  enabled: cType('__u64', u64),
  running: cType('__u64', u64),
});

export const UAPI_STRUCTS: readonly StructType<Fields>[] = [
  bpf_raw_tracepoint_args,
  bpf_iter_num,
  bpf_timer,
  bpf_spin_lock_struct,
  bpf_pidns_info,
  bpf_perf_event_value,
] as unknown as readonly StructType<Fields>[];
