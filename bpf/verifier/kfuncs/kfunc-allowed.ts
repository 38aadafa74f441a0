import type { KfuncFilter, KfuncHook } from '../../kfuncs/declare.ts';
import type { KfuncProto } from '../../kfuncs/proto.ts';
import { resolveProgType, type ProgType } from '../../prog/types.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import type { LoadedProgram } from '../program.ts';

/** bpf_prog_type_to_kfunc_hook() */
const HOOKS: Readonly<Partial<Record<ProgType['name'], KfuncHook>>> = {
  UNSPEC: 'common',
  XDP: 'xdp',
  SCHED_CLS: 'tc',
  STRUCT_OPS: 'struct_ops',
  TRACING: 'tracing',
  TRACEPOINT: 'tracing',
  RAW_TRACEPOINT: 'tracing',
  PERF_EVENT: 'tracing',
  LSM: 'tracing',
  SYSCALL: 'syscall',
  CGROUP_SKB: 'cgroup',
  CGROUP_SOCK: 'cgroup',
  CGROUP_DEVICE: 'cgroup',
  CGROUP_SOCK_ADDR: 'cgroup',
  CGROUP_SOCKOPT: 'cgroup',
  CGROUP_SYSCTL: 'cgroup',
  SOCK_OPS: 'cgroup',
  SCHED_ACT: 'sched_act',
  SK_SKB: 'sk_skb',
  SOCKET_FILTER: 'socket_filter',
  LWT_OUT: 'lwt',
  LWT_IN: 'lwt',
  LWT_XMIT: 'lwt',
  LWT_SEG6LOCAL: 'lwt',
  NETFILTER: 'netfilter',
  KPROBE: 'kprobe',
};

/** Whether programs of this type know the kfunc at all. btf_kfunc_flags() */
export function isKfuncRegistered({ hooks }: KfuncProto, prog: LoadedProgram): boolean {
  const hook = HOOKS[resolveProgType(prog).name];
  return hooks.includes('common') || (hook !== undefined && hooks.includes(hook));
}

/** Whether the program may call it. btf_kfunc_is_allowed() */
export function btfKfuncIsAllowed(kfunc: KfuncProto, prog: LoadedProgram): boolean {
  if (!isKfuncRegistered(kfunc, prog)) return false;
  return kfunc.filter === undefined || FILTERS[kfunc.filter](prog, kfunc.name);
}

const FILTERS: Readonly<Record<KfuncFilter, (prog: LoadedProgram, kfunc: string) => boolean>> = {
  /** fs/bpf_fs_kfuncs.c: bpf_fs_kfuncs_filter() */
  lsm: (prog) => resolveProgType(prog).name === 'LSM',
  /** kernel/trace/bpf_trace.c: bpf_session_filter() */
  session: (prog) => SESSIONS[prog.type.name]?.includes(prog.expectedAttachType) ?? false,
  /** net/core/filter.c: tracing_iter_filter() */
  trace_iter: (prog) => prog.expectedAttachType === ATTACH_TYPE.TRACE_ITER,
  /** net/sched/bpf_qdisc.c: bpf_qdisc_kfunc_filter() */
  qdisc: (prog, kfunc) =>
    resolveProgType(prog).name !== 'STRUCT_OPS' || isQdiscKfuncAllowed(prog, kfunc),
  /** kernel/sched/ext.c: scx_kfunc_context_filter() */
  sched_ext: (prog) =>
    resolveProgType(prog).name !== 'STRUCT_OPS' || structOpsOf(prog) === 'sched_ext_ops',
};

const SESSIONS: Readonly<Partial<Record<ProgType['name'], readonly number[]>>> = {
  KPROBE: [ATTACH_TYPE.TRACE_KPROBE_SESSION, ATTACH_TYPE.TRACE_UPROBE_SESSION],
  TRACING: [ATTACH_TYPE.TRACE_FSESSION, ATTACH_TYPE.TRACE_FSESSION_MULTI],
};

function structOpsOf({ attach }: LoadedProgram): string {
  return attach?.btf.types[attach.btfId]?.name ?? '';
}

const QDISC_ANYWHERE = ['bpf_skb_get_hash', 'bpf_kfree_skb', 'bpf_dynptr_from_skb'];
const QDISC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  enqueue: [...QDISC_ANYWHERE, 'bpf_qdisc_skb_drop', 'bpf_qdisc_watchdog_schedule'],
  dequeue: [...QDISC_ANYWHERE, 'bpf_qdisc_bstats_update', 'bpf_qdisc_watchdog_schedule'],
};

function isQdiscKfuncAllowed(prog: LoadedProgram, kfunc: string): boolean {
  if (structOpsOf(prog) !== 'Qdisc_ops') return false;
  return (QDISC_MEMBERS[prog.attach!.name] ?? QDISC_ANYWHERE).includes(kfunc);
}
