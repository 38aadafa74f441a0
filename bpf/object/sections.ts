/** What a section name says of the programs in it. */
export interface SectionInfo {
  /** BPF_PROG_TYPE_* */
  readonly type: string;
  /** BPF_* of enum bpf_attach_type, or '' where the type has none. */
  readonly attachType: string;
  readonly sleepable: boolean;
  /** What stands behind the prefix: `sched/sched_switch`, `close_fd`. */
  readonly target: string;
  /** How libbpf would attach it by itself. */
  readonly attach: AttachKind;
  /** XDP on packets of several buffers. */
  readonly hasFrags: boolean;
  /** A `?` in front: it is loaded only if asked for. */
  readonly optional: boolean;
}

export type AttachKind =
  | 'none'
  | 'tracepoint'
  | 'raw_tracepoint'
  | 'trace'
  | 'kprobe'
  | 'iter'
  | 'lsm';

interface Row {
  /** Ends in `+` where a target may follow a slash; else exact. */
  readonly sec: string;
  readonly type: string;
  readonly attachType?: string;
  readonly sleepable?: boolean;
  readonly attach?: AttachKind;
}

/** tools/lib/bpf/libbpf.c: section_defs[] */
const ROWS: readonly Row[] = [
  { sec: 'socket', type: 'SOCKET_FILTER' },
  {
    sec: 'sk_reuseport/migrate',
    type: 'SK_REUSEPORT',
    attachType: 'SK_REUSEPORT_SELECT_OR_MIGRATE',
  },
  { sec: 'sk_reuseport', type: 'SK_REUSEPORT', attachType: 'SK_REUSEPORT_SELECT' },
  { sec: 'kprobe+', type: 'KPROBE', attach: 'kprobe' },
  { sec: 'uprobe+', type: 'KPROBE' },
  { sec: 'uprobe.s+', type: 'KPROBE', sleepable: true },
  { sec: 'kretprobe+', type: 'KPROBE', attach: 'kprobe' },
  { sec: 'uretprobe+', type: 'KPROBE' },
  { sec: 'uretprobe.s+', type: 'KPROBE', sleepable: true },
  { sec: 'kprobe.multi+', type: 'KPROBE', attachType: 'TRACE_KPROBE_MULTI' },
  { sec: 'kretprobe.multi+', type: 'KPROBE', attachType: 'TRACE_KPROBE_MULTI' },
  { sec: 'kprobe.session+', type: 'KPROBE', attachType: 'TRACE_KPROBE_SESSION' },
  { sec: 'uprobe.multi+', type: 'KPROBE', attachType: 'TRACE_UPROBE_MULTI' },
  { sec: 'uretprobe.multi+', type: 'KPROBE', attachType: 'TRACE_UPROBE_MULTI' },
  { sec: 'uprobe.session+', type: 'KPROBE', attachType: 'TRACE_UPROBE_SESSION' },
  {
    sec: 'uprobe.multi.s+',
    type: 'KPROBE',
    attachType: 'TRACE_UPROBE_MULTI',
    sleepable: true,
  },
  {
    sec: 'uretprobe.multi.s+',
    type: 'KPROBE',
    attachType: 'TRACE_UPROBE_MULTI',
    sleepable: true,
  },
  {
    sec: 'uprobe.session.s+',
    type: 'KPROBE',
    attachType: 'TRACE_UPROBE_SESSION',
    sleepable: true,
  },
  { sec: 'ksyscall+', type: 'KPROBE' },
  { sec: 'kretsyscall+', type: 'KPROBE' },
  { sec: 'usdt+', type: 'KPROBE' },
  { sec: 'usdt.s+', type: 'KPROBE', sleepable: true },
  { sec: 'tc/ingress', type: 'SCHED_CLS', attachType: 'TCX_INGRESS' },
  { sec: 'tc/egress', type: 'SCHED_CLS', attachType: 'TCX_EGRESS' },
  { sec: 'tcx/ingress', type: 'SCHED_CLS', attachType: 'TCX_INGRESS' },
  { sec: 'tcx/egress', type: 'SCHED_CLS', attachType: 'TCX_EGRESS' },
  { sec: 'tc', type: 'SCHED_CLS' },
  { sec: 'classifier', type: 'SCHED_CLS' },
  { sec: 'action', type: 'SCHED_ACT' },
  { sec: 'netkit/primary', type: 'SCHED_CLS', attachType: 'NETKIT_PRIMARY' },
  { sec: 'netkit/peer', type: 'SCHED_CLS', attachType: 'NETKIT_PEER' },
  { sec: 'tracepoint+', type: 'TRACEPOINT', attach: 'tracepoint' },
  { sec: 'tp+', type: 'TRACEPOINT', attach: 'tracepoint' },
  { sec: 'tracepoint.s+', type: 'TRACEPOINT', attach: 'tracepoint', sleepable: true },
  { sec: 'tp.s+', type: 'TRACEPOINT', attach: 'tracepoint', sleepable: true },
  { sec: 'raw_tracepoint.s+', type: 'RAW_TRACEPOINT', attach: 'raw_tracepoint', sleepable: true },
  { sec: 'raw_tp.s+', type: 'RAW_TRACEPOINT', attach: 'raw_tracepoint', sleepable: true },
  { sec: 'raw_tracepoint+', type: 'RAW_TRACEPOINT', attach: 'raw_tracepoint' },
  { sec: 'raw_tp+', type: 'RAW_TRACEPOINT', attach: 'raw_tracepoint' },
  { sec: 'raw_tracepoint.w+', type: 'RAW_TRACEPOINT_WRITABLE', attach: 'raw_tracepoint' },
  { sec: 'raw_tp.w+', type: 'RAW_TRACEPOINT_WRITABLE', attach: 'raw_tracepoint' },
  { sec: 'tp_btf+', type: 'TRACING', attachType: 'TRACE_RAW_TP', attach: 'trace' },
  {
    sec: 'tp_btf.s+',
    type: 'TRACING',
    attachType: 'TRACE_RAW_TP',
    attach: 'trace',
    sleepable: true,
  },
  { sec: 'fentry+', type: 'TRACING', attachType: 'TRACE_FENTRY', attach: 'trace' },
  { sec: 'fmod_ret+', type: 'TRACING', attachType: 'MODIFY_RETURN', attach: 'trace' },
  { sec: 'fexit+', type: 'TRACING', attachType: 'TRACE_FEXIT', attach: 'trace' },
  {
    sec: 'fentry.s+',
    type: 'TRACING',
    attachType: 'TRACE_FENTRY',
    attach: 'trace',
    sleepable: true,
  },
  {
    sec: 'fmod_ret.s+',
    type: 'TRACING',
    attachType: 'MODIFY_RETURN',
    attach: 'trace',
    sleepable: true,
  },
  { sec: 'fexit.s+', type: 'TRACING', attachType: 'TRACE_FEXIT', attach: 'trace', sleepable: true },
  { sec: 'fsession+', type: 'TRACING', attachType: 'TRACE_FSESSION', attach: 'trace' },
  {
    sec: 'fsession.s+',
    type: 'TRACING',
    attachType: 'TRACE_FSESSION',
    attach: 'trace',
    sleepable: true,
  },
  ...['', '.s'].flatMap((end): Row[] =>
    ['FENTRY', 'FEXIT', 'FSESSION'].map((kind) => ({
      sec: `${kind.toLowerCase()}.multi${end}+`,
      type: 'TRACING',
      attachType: `TRACE_${kind}_MULTI`,
      sleepable: end !== '',
    })),
  ),
  { sec: 'freplace+', type: 'EXT', attach: 'trace' },
  { sec: 'lsm+', type: 'LSM', attachType: 'LSM_MAC', attach: 'lsm' },
  { sec: 'lsm.s+', type: 'LSM', attachType: 'LSM_MAC', attach: 'lsm', sleepable: true },
  { sec: 'lsm_cgroup+', type: 'LSM', attachType: 'LSM_CGROUP' },
  { sec: 'iter+', type: 'TRACING', attachType: 'TRACE_ITER', attach: 'iter' },
  { sec: 'iter.s+', type: 'TRACING', attachType: 'TRACE_ITER', attach: 'iter', sleepable: true },
  { sec: 'syscall', type: 'SYSCALL', sleepable: true },
  { sec: 'xdp.frags/devmap', type: 'XDP', attachType: 'XDP_DEVMAP' },
  { sec: 'xdp/devmap', type: 'XDP', attachType: 'XDP_DEVMAP' },
  { sec: 'xdp.frags/cpumap', type: 'XDP', attachType: 'XDP_CPUMAP' },
  { sec: 'xdp/cpumap', type: 'XDP', attachType: 'XDP_CPUMAP' },
  { sec: 'xdp.frags', type: 'XDP', attachType: 'XDP' },
  { sec: 'xdp', type: 'XDP', attachType: 'XDP' },
  { sec: 'perf_event', type: 'PERF_EVENT' },
  { sec: 'lwt_in', type: 'LWT_IN' },
  { sec: 'lwt_out', type: 'LWT_OUT' },
  { sec: 'lwt_xmit', type: 'LWT_XMIT' },
  { sec: 'lwt_seg6local', type: 'LWT_SEG6LOCAL' },
  { sec: 'sockops', type: 'SOCK_OPS', attachType: 'CGROUP_SOCK_OPS' },
  { sec: 'sk_skb/stream_parser', type: 'SK_SKB', attachType: 'SK_SKB_STREAM_PARSER' },
  { sec: 'sk_skb/stream_verdict', type: 'SK_SKB', attachType: 'SK_SKB_STREAM_VERDICT' },
  { sec: 'sk_skb/verdict', type: 'SK_SKB', attachType: 'SK_SKB_VERDICT' },
  { sec: 'sk_skb', type: 'SK_SKB' },
  { sec: 'sk_msg', type: 'SK_MSG', attachType: 'SK_MSG_VERDICT' },
  { sec: 'lirc_mode2', type: 'LIRC_MODE2', attachType: 'LIRC_MODE2' },
  { sec: 'flow_dissector', type: 'FLOW_DISSECTOR', attachType: 'FLOW_DISSECTOR' },
  { sec: 'cgroup_skb/ingress', type: 'CGROUP_SKB', attachType: 'CGROUP_INET_INGRESS' },
  { sec: 'cgroup_skb/egress', type: 'CGROUP_SKB', attachType: 'CGROUP_INET_EGRESS' },
  { sec: 'cgroup/skb', type: 'CGROUP_SKB' },
  { sec: 'cgroup/sock_create', type: 'CGROUP_SOCK', attachType: 'CGROUP_INET_SOCK_CREATE' },
  { sec: 'cgroup/sock_release', type: 'CGROUP_SOCK', attachType: 'CGROUP_INET_SOCK_RELEASE' },
  { sec: 'cgroup/sock', type: 'CGROUP_SOCK', attachType: 'CGROUP_INET_SOCK_CREATE' },
  { sec: 'cgroup/post_bind4', type: 'CGROUP_SOCK', attachType: 'CGROUP_INET4_POST_BIND' },
  { sec: 'cgroup/post_bind6', type: 'CGROUP_SOCK', attachType: 'CGROUP_INET6_POST_BIND' },
  { sec: 'cgroup/bind4', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET4_BIND' },
  { sec: 'cgroup/bind6', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET6_BIND' },
  { sec: 'cgroup/connect4', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET4_CONNECT' },
  { sec: 'cgroup/connect6', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET6_CONNECT' },
  { sec: 'cgroup/connect_unix', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UNIX_CONNECT' },
  { sec: 'cgroup/sendmsg4', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UDP4_SENDMSG' },
  { sec: 'cgroup/sendmsg6', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UDP6_SENDMSG' },
  { sec: 'cgroup/sendmsg_unix', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UNIX_SENDMSG' },
  { sec: 'cgroup/recvmsg4', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UDP4_RECVMSG' },
  { sec: 'cgroup/recvmsg6', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UDP6_RECVMSG' },
  { sec: 'cgroup/recvmsg_unix', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_UNIX_RECVMSG' },
  { sec: 'cgroup/getpeername4', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET4_GETPEERNAME' },
  { sec: 'cgroup/getpeername6', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET6_GETPEERNAME' },
  {
    sec: 'cgroup/getpeername_unix',
    type: 'CGROUP_SOCK_ADDR',
    attachType: 'CGROUP_UNIX_GETPEERNAME',
  },
  { sec: 'cgroup/getsockname4', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET4_GETSOCKNAME' },
  { sec: 'cgroup/getsockname6', type: 'CGROUP_SOCK_ADDR', attachType: 'CGROUP_INET6_GETSOCKNAME' },
  {
    sec: 'cgroup/getsockname_unix',
    type: 'CGROUP_SOCK_ADDR',
    attachType: 'CGROUP_UNIX_GETSOCKNAME',
  },
  { sec: 'cgroup/sysctl', type: 'CGROUP_SYSCTL', attachType: 'CGROUP_SYSCTL' },
  { sec: 'cgroup/getsockopt', type: 'CGROUP_SOCKOPT', attachType: 'CGROUP_GETSOCKOPT' },
  { sec: 'cgroup/setsockopt', type: 'CGROUP_SOCKOPT', attachType: 'CGROUP_SETSOCKOPT' },
  { sec: 'cgroup/dev', type: 'CGROUP_DEVICE', attachType: 'CGROUP_DEVICE' },
  { sec: 'struct_ops+', type: 'STRUCT_OPS' },
  { sec: 'struct_ops.s+', type: 'STRUCT_OPS', sleepable: true },
  { sec: 'sk_lookup', type: 'SK_LOOKUP', attachType: 'SK_LOOKUP' },
  { sec: 'netfilter', type: 'NETFILTER', attachType: 'NETFILTER' },
];

/** What a section name means, or undefined where libbpf does not know it. find_sec_def() */
export function sectionInfo(name: string): SectionInfo | undefined {
  const optional = name.startsWith('?');
  const text = optional ? name.slice(1) : name;
  const row = ROWS.find(({ sec }) => matches(sec, text));
  if (!row) return undefined;
  const prefix = row.sec.replace(/\+$/, '');
  return {
    type: row.type,
    attachType: row.attachType ?? '',
    sleepable: row.sleepable ?? false,
    target: text.slice(prefix.length + 1),
    attach: row.attach ?? 'none',
    hasFrags: prefix.startsWith('xdp.frags'),
    optional,
  };
}

function matches(sec: string, name: string): boolean {
  if (!sec.endsWith('+')) return name === sec;
  const prefix = sec.slice(0, -1);
  return name === prefix || name.startsWith(`${prefix}/`);
}
