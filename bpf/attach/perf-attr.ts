import { E2BIG, EFAULT, EINVAL, ENOENT } from '../../kernel/errno.ts';
import { unsignedAt } from '../../kernel/fs/driver.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { SAMPLE_RATE_MAX, type CounterSpec } from '../../kernel/pmu.ts';
import type { Sim } from '../../sim/request.ts';
import * as uapi from '../uapi-perf.ts';

const PAGE_SIZE = 4_096;
const PERIOD_MAX = 1n << 63n;
const DISABLED = 1n;
const FREQ = 1n << 10n;
/** Of a counter that goes by a frequency, and of clocks. */
const SECOND_NS = 1_000_000_000;

/** What of struct perf_event_attr matters here. */
export interface EventAttr {
  readonly type: number;
  readonly config: bigint;
  readonly sampleType: bigint;
  readonly enabled: number;
  /** Units from overflow to overflow, or how often a second; 0: it only counts. */
  readonly sample: bigint;
  readonly isFrequency: boolean;
}

/** What an event counts: a clock or the CPU's own cycles and instructions. */
export type CounterKind = Pick<CounterSpec, 'isClock' | 'perNs'>;

const CLOCK: CounterKind = { isClock: true, perNs: 1 };
/** Of a CPU with 3 GHz, which executes an instruction of a program in a nanosecond. */
const CYCLES: CounterKind = { isClock: false, perNs: 3 };
const INSTRUCTIONS: CounterKind = { isClock: false, perNs: 1 };

const HARDWARE: ReadonlyMap<bigint, CounterKind> = new Map([
  [BigInt(uapi.PERF_COUNT_HW_CPU_CYCLES), CYCLES],
  [BigInt(uapi.PERF_COUNT_HW_INSTRUCTIONS), INSTRUCTIONS],
  [BigInt(uapi.PERF_COUNT_HW_REF_CPU_CYCLES), CYCLES],
]);

/** undefined: it is no counter of this kernel. */
export function counterKind({ type, config }: Pick<EventAttr, 'type' | 'config'>) {
  if (type === uapi.PERF_TYPE_HARDWARE) return HARDWARE.get(config);
  const isClock =
    config === BigInt(uapi.PERF_COUNT_SW_CPU_CLOCK) ||
    config === BigInt(uapi.PERF_COUNT_SW_TASK_CLOCK);
  return type === uapi.PERF_TYPE_SOFTWARE && isClock ? CLOCK : undefined;
}

/** Units from overflow to overflow. A frequency is a fixed period here, not one that adapts. */
export function periodOf({ sample, isFrequency }: EventAttr, { isClock, perNs }: CounterKind) {
  if (sample === 0n) return 0;
  const given = isFrequency ? (SECOND_NS * perNs) / Number(sample) : Number(sample);
  return Math.max(isClock ? 10_000 : 1, Math.floor(given));
}

/** Whether there is such an event: 0 or -errno. perf_init_event() */
export function checkKind(attr: EventAttr, isTraceEvent: (id: number) => boolean): number {
  const { type, config, sampleType } = attr;
  if (type === uapi.PERF_TYPE_TRACEPOINT) return isTraceEvent(Number(config)) ? 0 : -EINVAL;
  if (counterKind(attr)) return 0;
  if (type === uapi.PERF_TYPE_HARDWARE) {
    return config >= BigInt(uapi.PERF_COUNT_HW_MAX) ? -EINVAL : -ENOENT;
  }
  if (type !== uapi.PERF_TYPE_SOFTWARE) return -ENOENT;
  if (config === BigInt(uapi.PERF_COUNT_SW_DUMMY)) return 0;
  // Records of programs have the raw bytes alone.
  if (config !== BigInt(uapi.PERF_COUNT_SW_BPF_OUTPUT)) return -ENOENT;
  return sampleType === uapi.PERF_SAMPLE_RAW ? 0 : -EINVAL;
}

/** The attributes at a user address, or -errno. perf_copy_attr() */
export function* copyAttr({ mm }: Kernel, from: number): Sim<EventAttr | number> {
  const head = yield* mm.copy_from_user(from, 8);
  if (!head) return -EFAULT;
  const size = Number(unsignedAt(head, 4, 4)) || uapi.PERF_ATTR_SIZE_VER0;
  if (size < uapi.PERF_ATTR_SIZE_VER0 || size > PAGE_SIZE) return -E2BIG;
  const bytes = yield* mm.copy_from_user(from, size);
  if (!bytes) return -EFAULT;
  if (bytes.subarray(uapi.PERF_ATTR_SIZE).some((byte) => byte !== 0)) return -E2BIG;
  const [sampleType, readFormat] = [unsignedAt(bytes, 24, 8), unsignedAt(bytes, 32, 8)];
  if (sampleType >= uapi.PERF_SAMPLE_MAX || readFormat >= uapi.PERF_FORMAT_MAX) return -EINVAL;
  const flags = unsignedAt(bytes, 40, 8);
  return {
    type: Number(unsignedAt(bytes, 0, 4)),
    config: unsignedAt(bytes, 8, 8),
    sampleType,
    enabled: (flags & DISABLED) === 0n ? 1 : 0,
    sample: unsignedAt(bytes, 16, 8),
    isFrequency: (flags & FREQ) !== 0n,
  };
}

/** Whether it asks for more than there is: 0 or -EINVAL. */
export function checkSampling({ sample, isFrequency }: EventAttr): number {
  return sample > (isFrequency ? BigInt(SAMPLE_RATE_MAX) : PERIOD_MAX - 1n) ? -EINVAL : 0;
}
