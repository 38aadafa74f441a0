import { helper, type Call } from './prototype.ts';
import { row } from './row.ts';

const NSEC_PER_JIFFY = 4_000_000; // CONFIG_HZ=250
const nowNs = (call: Call): bigint => BigInt(Math.floor(call.kernel.machine.engine.cpu.nowNs));
/** include/linux/jiffies.h: INITIAL_JIFFIES, five minutes before the low word wraps. */
const INITIAL_JIFFIES = BigInt(2 ** 32 - 300 * 250);

/** kernel/bpf/helpers.c. The clocks are one: the machine was never suspended or set. */
export const bpf_ktime_get_ns = helper({
  ...row('ktime_get_ns'),
  args: [],
  run: nowNs,
});

export const bpf_ktime_get_boot_ns = helper({
  ...row('ktime_get_boot_ns'),
  args: [],
  run: nowNs,
});

export const bpf_ktime_get_tai_ns = helper({
  ...row('ktime_get_tai_ns'),
  args: [],
  run: nowNs,
});

/** As of the last tick. */
export const bpf_ktime_get_coarse_ns = helper({
  ...row('ktime_get_coarse_ns'),
  args: [],
  run: (call) => {
    const { nowNs: now } = call.kernel.machine.engine.cpu;
    return BigInt(Math.floor(now / NSEC_PER_JIFFY) * NSEC_PER_JIFFY);
  },
});

export const bpf_jiffies64 = helper({
  ...row('jiffies64'),
  args: [],
  run: (call) => INITIAL_JIFFIES + nowNs(call) / BigInt(NSEC_PER_JIFFY),
});
