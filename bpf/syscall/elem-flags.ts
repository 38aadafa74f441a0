import { EINVAL, ERANGE } from '../../kernel/errno.ts';
import type { BpfMap, Whose } from '../maps/map.ts';
import type { BpfContext } from './context.ts';

/** include/uapi/linux/bpf.h; the CPU stands in the upper half. */
export const BPF_F_CPU = 1 << 3;
const BPF_F_ALL_CPUS = 1 << 4;

/** What the flags of a command on one element say. */
export interface ElemFlags {
  /** Those that are the map's. */
  readonly flags: number;
  readonly whose: Whose;
  /** Of a per-CPU map, the one CPU that is looked at. */
  readonly cpu: number | undefined;
  /** Bytes of the value that the caller gives or takes. */
  readonly valueBytes: number;
}

/** The flags of `allowed`, taken apart; -EINVAL, -ERANGE. bpf_map_check_op_flags() */
export function elemFlags(
  { kernel }: BpfContext,
  map: BpfMap,
  given: bigint,
  allowed: number,
): ElemFlags | number {
  const low = Number(given & 0xffff_ffffn);
  const cpu = Number(given >> 32n);
  if ((low & ~allowed) !== 0) return -EINVAL;
  const isOne = (low & BPF_F_CPU) !== 0;
  const isAll = (low & BPF_F_ALL_CPUS) !== 0;
  if (!isOne && cpu !== 0) return -EINVAL;
  if (!isOne && !isAll) {
    return { flags: low, whose: 'each', cpu: undefined, valueBytes: map.userValueSize };
  }
  if (!kernel.machine.facts.bpfCpuFlags || !map.map_lookup_percpu_elem) return -EINVAL;
  if (isOne && isAll) return -EINVAL;
  if (isOne && cpu >= kernel.cpus.all.length) return -ERANGE;
  const flags = low & ~(BPF_F_CPU | BPF_F_ALL_CPUS);
  const valueBytes = map.valueSize;
  return isOne
    ? { flags, whose: cpu, cpu, valueBytes }
    : { flags, whose: 'all', cpu: undefined, valueBytes };
}
