import { HELPER_GROUPS, type HelperGroup } from '../helpers/table.ts';
import type { Helper } from '../helpers/prototype.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../uapi.ts';
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
  readonly groups: readonly HelperGroup[];
  readonly testRun: TestRunKind;
  /** Whether BPF_F_SLEEPABLE is allowed: always, with some attach types, must be, or never. */
  readonly sleepable: 'may' | 'must' | 'never';
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
  /**
   * Whether pointers in its context are the kernel's own, so that loads through them read zero
   * where they fault. Those of other types are numbers to them.
   */
  readonly hasKernelPointers: boolean;
}

const GENERAL = ['base', 'perfmon'] as const;
const TRACING = [...GENERAL, 'tracing'] as const;

const NO_OPS: ProgOps = {
  isValidAccess: () => false,
  helper: () => undefined,
  hasConvertCtxAccess: false,
  hasGenPrologue: false,
};

function row(
  name: ProgType['name'],
  ops: ProgOps,
  more: Partial<Omit<ProgType, 'name' | 'number' | keyof ProgOps>> = {},
): ProgType {
  return {
    name,
    number: PROG_TYPE[name],
    groups: GENERAL,
    testRun: 'none',
    sleepable: 'never',
    isTracing: false,
    isNetAdmin: false,
    isForEverybody: false,
    hasLdAbs: false,
    retvalRange: retval.ANY,
    hasKernelPointers: false,
    ...ops,
    ...more,
  };
}

const NET = { isNetAdmin: true } as const;
const CGROUP = { isNetAdmin: true, retvalRange: retval.ZERO_OR_ONE } as const;
const TRACE = { isTracing: true, groups: TRACING } as const;

/** include/linux/bpf_types.h: all of them, whether they run here or are only verified. */
export const PROG_TYPES: readonly ProgType[] = [
  row('SOCKET_FILTER', NO_OPS, { testRun: 'skb', isForEverybody: true, hasLdAbs: true }),
  row('KPROBE', NO_OPS, { ...TRACE, sleepable: 'may', retvalRange: retval.KPROBE }),
  row('SCHED_CLS', NO_OPS, { ...NET, hasLdAbs: true }),
  row('SCHED_ACT', NO_OPS, { ...NET, hasLdAbs: true }),
  row('TRACEPOINT', NO_OPS, { ...TRACE, sleepable: 'may' }),
  row('XDP', NO_OPS, NET),
  row('PERF_EVENT', NO_OPS, TRACE),
  row('CGROUP_SKB', NO_OPS, { isForEverybody: true, retvalRange: retval.CGROUP_SKB }),
  row('CGROUP_SOCK', NO_OPS, CGROUP),
  row('LWT_IN', NO_OPS, NET),
  row('LWT_OUT', NO_OPS, NET),
  row('LWT_XMIT', NO_OPS, NET),
  row('SOCK_OPS', NO_OPS, CGROUP),
  row('SK_SKB', NO_OPS, NET),
  row('CGROUP_DEVICE', NO_OPS, CGROUP),
  row('SK_MSG', NO_OPS, NET),
  row('RAW_TRACEPOINT', NO_OPS, {
    ...TRACE,
    testRun: 'raw_tp',
    sleepable: 'may',
    retvalRange: retval.RAW_TRACEPOINT,
  }),
  row('CGROUP_SOCK_ADDR', NO_OPS, { ...NET, retvalRange: retval.CGROUP_SOCK_ADDR }),
  row('LWT_SEG6LOCAL', NO_OPS, NET),
  row('LIRC_MODE2', NO_OPS),
  row('SK_REUSEPORT', NO_OPS),
  row('FLOW_DISSECTOR', NO_OPS, NET),
  row('CGROUP_SYSCTL', NO_OPS, CGROUP),
  row('RAW_TRACEPOINT_WRITABLE', NO_OPS, TRACE),
  row('CGROUP_SOCKOPT', NO_OPS, CGROUP),
  row('TRACING', NO_OPS, {
    isTracing: true,
    groups: [...TRACING, 'trampoline'],
    sleepable: 'may',
    retvalRange: retval.TRACING,
    hasKernelPointers: true,
  }),
  row('STRUCT_OPS', NO_OPS, { isTracing: true, sleepable: 'may', retvalRange: retval.ZERO }),
  row('EXT', NO_OPS, { ...NET, isTracing: true }),
  row('LSM', NO_OPS, { ...TRACE, sleepable: 'may', hasKernelPointers: true }),
  row('SK_LOOKUP', NO_OPS, { retvalRange: retval.ZERO_OR_ONE }),
  row('SYSCALL', NO_OPS, {
    groups: [...TRACING, 'syscall'],
    testRun: 'syscall',
    sleepable: 'must',
  }),
  row('NETFILTER', NO_OPS, { ...NET, retvalRange: retval.ZERO_OR_ONE }),
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

/** The helper of a number where this type may call it; undefined where it may not. */
export function helperFor(type: ProgType, id: number): Helper | undefined {
  for (const group of type.groups) {
    const found = HELPER_GROUPS[group].find((helper) => helper.id === id);
    if (found) return found;
  }
  return undefined;
}

/** Attach types with which a tracing program may sleep. verifier.c: can_be_sleepable() */
export function canBeSleepable(type: ProgType, attachType: number): boolean {
  if (type.sleepable === 'must') return true;
  if (type.sleepable === 'never') return false;
  if (type.name !== 'TRACING') return true;
  return (
    attachType === ATTACH_TYPE.TRACE_FENTRY ||
    attachType === ATTACH_TYPE.TRACE_FEXIT ||
    attachType === ATTACH_TYPE.MODIFY_RETURN ||
    attachType === ATTACH_TYPE.TRACE_ITER
  );
}
