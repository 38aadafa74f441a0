import { HELPER_GROUPS, type HelperGroup } from '../helpers/table.ts';
import type { Helper } from '../helpers/prototype.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../uapi.ts';

/** How BPF_PROG_TEST_RUN runs a type. */
export type TestRunKind = 'skb' | 'raw_tp' | 'syscall' | 'none';

/** A type of program. One row each: what may be loaded, and what it may call. */
export interface ProgType {
  /** BPF_PROG_TYPE_*, without that. */
  readonly name: keyof typeof PROG_TYPE;
  readonly number: number;
  readonly groups: readonly HelperGroup[];
  readonly testRun: TestRunKind;
  /** Whether BPF_F_SLEEPABLE is allowed: always, with some attach types, must be, or never. */
  readonly sleepable: 'may' | 'must' | 'never';
  /** It takes CAP_PERFMON beside CAP_BPF. kernel/bpf/syscall.c: is_perfmon_prog_type() */
  readonly isTracing: boolean;
  /**
   * Whether pointers in its context are the kernel's own, so that loads through them read zero
   * where they fault. Those of other types are numbers to them.
   */
  readonly hasKernelPointers: boolean;
}

const GENERAL = ['base', 'perfmon'] as const;
const TRACING = [...GENERAL, 'tracing'] as const;

function row(
  name: ProgType['name'],
  groups: readonly HelperGroup[],
  more: Partial<Omit<ProgType, 'name' | 'number' | 'groups'>> = {},
): ProgType {
  return {
    name,
    number: PROG_TYPE[name],
    groups,
    testRun: 'none',
    sleepable: 'never',
    isTracing: true,
    hasKernelPointers: false,
    ...more,
  };
}

/** include/linux/bpf_types.h: those that run here. */
export const PROG_TYPES: readonly ProgType[] = [
  row('SOCKET_FILTER', GENERAL, { testRun: 'skb', isTracing: false }),
  row('KPROBE', TRACING, { sleepable: 'may' }),
  row('TRACEPOINT', TRACING),
  row('PERF_EVENT', TRACING),
  row('RAW_TRACEPOINT', TRACING, { testRun: 'raw_tp' }),
  row('RAW_TRACEPOINT_WRITABLE', TRACING),
  row('TRACING', [...TRACING, 'trampoline'], { sleepable: 'may', hasKernelPointers: true }),
  row('SYSCALL', [...TRACING, 'syscall'], {
    testRun: 'syscall',
    sleepable: 'must',
    isTracing: false,
  }),
];

const byNumber = new Map(PROG_TYPES.map((type) => [type.number, type]));

export function progType(number: number): ProgType | undefined {
  return byNumber.get(number);
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
