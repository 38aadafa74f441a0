import { PROG_TYPE } from '../uapi.ts';
import * as packet from './access/packet.ts';
import * as sockets from './access/sockets.ts';
import * as tracing from './access/tracing.ts';
import { conntrack } from './access/writes.ts';
import { base } from './funcs/base.ts';
import * as packetFuncs from './funcs/packet.ts';
import * as sockFuncs from './funcs/sock.ts';
import * as tracingFuncs from './funcs/tracing.ts';
import type { ProgOps } from './ops.ts';
import * as retval from './retval.ts';
import type { RetvalRule } from './retval.ts';
import type { ProgView } from './view.ts';

/** How BPF_PROG_TEST_RUN runs a type. */
export type TestRunKind = 'skb' | 'raw_tp' | 'syscall' | 'none';

/** A type of program. One row each: what may be loaded, and what it may call. */
export interface ProgType extends ProgOps {
  /** BPF_PROG_TYPE_*, without that. */
  readonly name: keyof typeof PROG_TYPE;
  readonly number: number;
  readonly testRun: TestRunKind;
  /** It takes CAP_PERFMON beside CAP_BPF. kernel/bpf/syscall.c: is_perfmon_prog_type() */
  readonly isTracing: boolean;
  /** It takes CAP_NET_ADMIN. is_net_admin_prog_type() */
  readonly isNetAdmin: boolean;
  /** It may be loaded without CAP_BPF, where unprivileged programs are allowed at all. */
  readonly isForEverybody: boolean;
  /** Its context is a packet that ld_abs and ld_ind may read. may_access_skb() */
  readonly hasLdAbs: boolean;
  /** What its main function may return; undefined: anything. return_retval_range() */
  readonly retvalRange: RetvalRule;
}

function ops(
  isValidAccess: ProgOps['isValidAccess'],
  helper: ProgOps['helper'],
  more: Partial<ProgOps> = {},
): ProgOps {
  return { isValidAccess, helper, hasConvertCtxAccess: false, hasGenPrologue: false, ...more };
}

/** Until it is known what it extends or implements. */
const NO_OPS = ops(
  () => false,
  () => undefined,
);
const CONVERTED = { hasConvertCtxAccess: true } as const;
const WRITABLE = { ...CONVERTED, hasGenPrologue: true } as const;
const CONNTRACK = { ...WRITABLE, btfStructAccess: conntrack } as const;

function row(
  name: ProgType['name'],
  ops: ProgOps,
  more: Partial<Omit<ProgType, 'name' | 'number' | keyof ProgOps>> = {},
): ProgType {
  return {
    name,
    number: PROG_TYPE[name],
    testRun: 'none',
    isTracing: false,
    isNetAdmin: false,
    isForEverybody: false,
    hasLdAbs: false,
    retvalRange: retval.ANY,
    ...ops,
    ...more,
  };
}

const NET = { isNetAdmin: true } as const;
const CGROUP = { isNetAdmin: true, retvalRange: retval.ZERO_OR_ONE } as const;
const TRACE = { isTracing: true } as const;

/** include/linux/bpf_types.h: all of them, whether they run here or are only verified. */
export const PROG_TYPES: readonly ProgType[] = [
  row('SOCKET_FILTER', ops(packet.sk_filter, packetFuncs.sk_filter, CONVERTED), {
    testRun: 'skb',
    isForEverybody: true,
    hasLdAbs: true,
  }),
  row('KPROBE', ops(tracing.kprobe, tracingFuncs.kprobe), {
    ...TRACE,
    retvalRange: retval.KPROBE,
  }),
  row('SCHED_CLS', ops(packet.tc_cls_act, packetFuncs.tc_cls_act, CONNTRACK), {
    ...NET,
    hasLdAbs: true,
  }),
  row('SCHED_ACT', ops(packet.tc_cls_act, packetFuncs.tc_cls_act, CONNTRACK), {
    ...NET,
    hasLdAbs: true,
  }),
  row('TRACEPOINT', ops(tracing.tracepoint, tracingFuncs.tracepoint), TRACE),
  row('XDP', ops(packet.xdp, packetFuncs.xdp, CONNTRACK), NET),
  row('PERF_EVENT', ops(tracing.perf_event, tracingFuncs.perf_event, CONVERTED), TRACE),
  row('CGROUP_SKB', ops(packet.cg_skb, packetFuncs.cg_skb, CONVERTED), {
    isForEverybody: true,
    retvalRange: retval.CGROUP_SKB,
  }),
  row('CGROUP_SOCK', ops(sockets.sock_filter, sockFuncs.sock_filter, CONVERTED), CGROUP),
  row('LWT_IN', ops(packet.lwt, packetFuncs.lwt_in, CONVERTED), NET),
  row('LWT_OUT', ops(packet.lwt, packetFuncs.lwt_out, CONVERTED), NET),
  row('LWT_XMIT', ops(packet.lwt, packetFuncs.lwt_xmit, WRITABLE), NET),
  row('SOCK_OPS', ops(sockets.sock_ops, sockFuncs.sock_ops, CONVERTED), CGROUP),
  row('SK_SKB', ops(packet.sk_skb, packetFuncs.sk_skb, WRITABLE), NET),
  row('CGROUP_DEVICE', ops(sockets.cgroup_dev, sockFuncs.cgroup_dev), CGROUP),
  row('SK_MSG', ops(sockets.sk_msg, sockFuncs.sk_msg, WRITABLE), NET),
  row('RAW_TRACEPOINT', ops(tracing.raw_tp, tracingFuncs.raw_tp), {
    ...TRACE,
    testRun: 'raw_tp',
    retvalRange: retval.RAW_TRACEPOINT,
  }),
  row('CGROUP_SOCK_ADDR', ops(sockets.sock_addr, sockFuncs.sock_addr, CONVERTED), {
    ...NET,
    retvalRange: retval.CGROUP_SOCK_ADDR,
  }),
  row('LWT_SEG6LOCAL', ops(packet.lwt, packetFuncs.lwt_seg6local, CONVERTED), NET),
  row('LIRC_MODE2', ops(tracing.lirc_mode2, sockFuncs.lirc_mode2)),
  row('SK_REUSEPORT', ops(sockets.sk_reuseport, sockFuncs.sk_reuseport, CONVERTED)),
  row('FLOW_DISSECTOR', ops(packet.flow_dissector, packetFuncs.flow_dissector, CONVERTED), NET),
  row('CGROUP_SYSCTL', ops(sockets.sysctl, sockFuncs.sysctl, CONVERTED), CGROUP),
  row('RAW_TRACEPOINT_WRITABLE', ops(tracing.raw_tp_writable, tracingFuncs.raw_tp), TRACE),
  row('CGROUP_SOCKOPT', ops(sockets.cg_sockopt, sockFuncs.cg_sockopt, WRITABLE), CGROUP),
  row('TRACING', ops(tracing.tracing, tracingFuncs.tracing), {
    isTracing: true,
    retvalRange: retval.TRACING,
  }),
  row('STRUCT_OPS', NO_OPS, { isTracing: true, retvalRange: retval.ZERO }),
  row('EXT', NO_OPS, { ...NET, isTracing: true }),
  row('LSM', ops(tracing.lsm, tracingFuncs.lsm), {
    ...TRACE,
    retvalRange: retval.LSM,
  }),
  row('SK_LOOKUP', ops(sockets.sk_lookup, sockFuncs.sk_lookup, CONVERTED), {
    retvalRange: retval.ZERO_OR_ONE,
  }),
  row('SYSCALL', ops(tracing.syscall, tracingFuncs.syscall), {
    testRun: 'syscall',
  }),
  row('NETFILTER', ops(tracing.netfilter, base), { ...NET, retvalRange: retval.ZERO_OR_ONE }),
];

const byNumber = new Map(PROG_TYPES.map((type) => [type.number, type]));

export function progType(number: number): ProgType | undefined {
  return byNumber.get(number);
}

/** The type whose rules hold for a program: of an extension, that of what it extends. */
export function resolveProgType(prog: ProgView & { readonly type: ProgType }): ProgType {
  const { type, attach } = prog;
  return type.number === PROG_TYPE.EXT ? (progType(attach?.dstProg?.type ?? 0) ?? type) : type;
}
