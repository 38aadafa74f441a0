import { helper, type Call } from './prototype.ts';

const NSEC_PER_JIFFY = 4_000_000; // CONFIG_HZ=250
const nowNs = (call: Call): bigint => BigInt(Math.floor(call.kernel.machine.engine.cpu.nowNs));
/** include/linux/jiffies.h: INITIAL_JIFFIES, five minutes before the low word wraps. */
const INITIAL_JIFFIES = BigInt(2 ** 32 - 300 * 250);

/** kernel/bpf/helpers.c. The clocks are one: the machine was never suspended or set. */
export const bpf_ktime_get_ns = helper({
  id: 5,
  name: 'bpf_ktime_get_ns',
  args: [],
  ret: 'integer',
  run: nowNs,
});

export const bpf_ktime_get_boot_ns = helper({
  id: 125,
  name: 'bpf_ktime_get_boot_ns',
  args: [],
  ret: 'integer',
  run: nowNs,
});

export const bpf_ktime_get_tai_ns = helper({
  id: 208,
  name: 'bpf_ktime_get_tai_ns',
  args: [],
  ret: 'integer',
  run: nowNs,
});

/** As of the last tick. */
export const bpf_ktime_get_coarse_ns = helper({
  id: 160,
  name: 'bpf_ktime_get_coarse_ns',
  args: [],
  ret: 'integer',
  run: (call) => {
    const { nowNs: now } = call.kernel.machine.engine.cpu;
    return BigInt(Math.floor(now / NSEC_PER_JIFFY) * NSEC_PER_JIFFY);
  },
});

export const bpf_jiffies64 = helper({
  id: 118,
  name: 'bpf_jiffies64',
  args: [],
  ret: 'integer',
  run: (call) => INITIAL_JIFFIES + nowNs(call) / BigInt(NSEC_PER_JIFFY),
});
