import { E2BIG, EINVAL, EOPNOTSUPP } from '../../kernel/errno.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { allocMap, MapBase, type AllocCheck, type MapAttr, type MapWorld } from './base.ts';
import * as flag from './flags.ts';
import type { BpfMap } from './map.ts';
import { MAP_TYPE } from '../uapi.ts';

/** KMALLOC_MAX_SIZE */
const VALUE_MAX = 1 << 22;
/** PCPU_MIN_UNIT_SIZE */
const PERCPU_VALUE_MAX = 32 << 10;
/** BPF_LOCAL_STORAGE_MAX_VALUE_SIZE, about. */
const STORAGE_VALUE_MAX = 0xff80;
/** sysctl kernel.perf_event_max_stack */
const STACK_FRAMES_MAX = 127;
const BUILD_ID_BYTES = 32;
/** MAX_BPF_STACK */
const KEY_MAX = 512;
const NR_CPUS = 64;
/** struct bpf_lpm_trie_key: a length, and 1 to 256 bytes of key. */
const LPM_KEY_MIN = 5;
const LPM_KEY_MAX = 260;

const DEVICE_FLAGS = flag.NUMA_NODE | flag.RDONLY | flag.WRONLY;

function has(flags: number, only: number): boolean {
  return (flags & ~only) === 0 && flag.accessOk(flags);
}

/** queue_stack_map_alloc_check() */
const queue: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  if (maxEntries === 0 || keySize !== 0 || valueSize === 0) return -EINVAL;
  if (!has(flags, flag.NUMA_NODE | flag.ACCESS)) return -EINVAL;
  return valueSize > VALUE_MAX ? -E2BIG : 0;
};

/** trie_alloc() */
const lpmTrie: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  const isFit = maxEntries > 0 && keySize >= LPM_KEY_MIN && keySize <= LPM_KEY_MAX;
  const hasValue = valueSize > 0 && valueSize <= VALUE_MAX - LPM_KEY_MAX;
  if (!isFit || !hasValue || (flags & flag.NO_PREALLOC) === 0) return -EINVAL;
  return has(flags, flag.NO_PREALLOC | flag.NUMA_NODE | flag.ACCESS) ? 0 : -EINVAL;
};

/** stack_map_alloc() */
const stackTrace: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  const isFit = maxEntries > 0 && keySize === 4 && valueSize >= 8 && valueSize % 8 === 0;
  if (!isFit || (flags & ~(DEVICE_FLAGS | flag.STACK_BUILD_ID)) !== 0) return -EINVAL;
  const frameBytes = (flags & flag.STACK_BUILD_ID) === 0 ? 8 : BUILD_ID_BYTES;
  if (valueSize % frameBytes !== 0 || valueSize / frameBytes > STACK_FRAMES_MAX) return -EINVAL;
  return maxEntries > 2 ** 31 ? -E2BIG : 0;
};

/** fd_array_map_alloc_check(): arrays of what bpf(2) names by descriptors. */
const descriptors: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) =>
  maxEntries > 0 && keySize === 4 && valueSize === 4 && (flags & ~DEVICE_FLAGS) === 0 ? 0 : -EINVAL;

/** Values are a number, or that and a program's descriptor. */
function numbers(only: number, entriesMax = Infinity): AllocCheck {
  return ({ keySize, valueSize, maxEntries, flags }) => {
    const isFit = maxEntries > 0 && keySize === 4 && (valueSize === 4 || valueSize === 8);
    if (!isFit || (flags & ~only) !== 0) return -EINVAL;
    return maxEntries > entriesMax ? -E2BIG : 0;
  };
}

/** sock_hash_alloc() */
const sockhash: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  const isFit = maxEntries > 0 && keySize > 0 && (valueSize === 4 || valueSize === 8);
  if (!isFit || (flags & ~DEVICE_FLAGS) !== 0) return -EINVAL;
  return keySize > KEY_MAX ? -E2BIG : 0;
};

/** reuseport_array_alloc_check() */
const reuseport: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  const isFit = maxEntries > 0 && keySize === 4 && (valueSize === 4 || valueSize === 8);
  return isFit && has(flags, flag.NUMA_NODE | flag.ACCESS) ? 0 : -EINVAL;
};

/** cgroup_storage_map_alloc() */
function cgroupStorage(valueMax: number): AllocCheck {
  return ({ keySize, valueSize, maxEntries, flags }) => {
    if ((keySize !== 8 && keySize !== 16) || valueSize === 0) return -EINVAL;
    if (valueSize > valueMax) return -E2BIG;
    return maxEntries === 0 && has(flags, flag.NUMA_NODE | flag.ACCESS) ? 0 : -EINVAL;
  };
}

/** bloom_map_alloc() */
const bloom: AllocCheck = ({ keySize, valueSize, maxEntries, flags, extra }) => {
  if (valueSize > VALUE_MAX) return -E2BIG;
  if (keySize !== 0 || valueSize === 0 || maxEntries === 0 || extra > 15n) return -EINVAL;
  return has(flags, flag.NUMA_NODE | flag.ZERO_SEED | flag.ACCESS) ? 0 : -EINVAL;
};

/** ringbuf_map_alloc() */
const userRingbuf: AllocCheck = ({ keySize, valueSize, maxEntries, flags }) => {
  if ((flags & ~flag.NUMA_NODE) !== 0 || keySize !== 0 || valueSize !== 0) return -EINVAL;
  const isPowerOf2 = maxEntries > 0 && (maxEntries & (maxEntries - 1)) === 0;
  return isPowerOf2 && maxEntries % PAGE_SIZE === 0 ? 0 : -EINVAL;
};

/** bpf_struct_ops_map_alloc_check() */
const structOps: AllocCheck = ({ keySize, maxEntries, flags, btfVmlinuxValueTypeId }) => {
  const isFit = keySize === 4 && maxEntries === 1 && (flags & ~flag.LINK) === 0;
  return isFit && btfVmlinuxValueTypeId !== 0 ? 0 : -EINVAL;
};

/** rhtab_map_alloc_check() */
const rhash: AllocCheck = ({ keySize, valueSize, maxEntries, flags, extra }) => {
  if ((flags & flag.NO_PREALLOC) === 0 || (flags & flag.ZERO_SEED) !== 0) return -EINVAL;
  if (keySize > 0xffff) return -E2BIG;
  if (extra >> 32n !== 0n) return -EINVAL;
  if (extra > 0xffffn) return -E2BIG;
  if (extra > BigInt(maxEntries) || maxEntries === 0 || keySize === 0) return -EINVAL;
  if (valueSize === 0 || !has(flags, flag.HASH_CREATE)) return -EINVAL;
  return keySize > KEY_MAX || valueSize > VALUE_MAX ? -E2BIG : 0;
};

/**
 * Types of maps that programs can be verified with, and no more: nothing can be put into them.
 * What may be asked of each is Linux's.
 */
export const UNSIMULATED_CHECKS: readonly (readonly [type: number, check: AllocCheck])[] = [
  [MAP_TYPE.STACK_TRACE, stackTrace],
  [MAP_TYPE.CGROUP_ARRAY, descriptors],
  [MAP_TYPE.LPM_TRIE, lpmTrie],
  [MAP_TYPE.DEVMAP, numbers(DEVICE_FLAGS)],
  [MAP_TYPE.DEVMAP_HASH, numbers(DEVICE_FLAGS)],
  [MAP_TYPE.SOCKMAP, numbers(DEVICE_FLAGS)],
  [MAP_TYPE.SOCKHASH, sockhash],
  [MAP_TYPE.CPUMAP, numbers(flag.NUMA_NODE, NR_CPUS)],
  [MAP_TYPE.XSKMAP, descriptors],
  [MAP_TYPE.REUSEPORT_SOCKARRAY, reuseport],
  [MAP_TYPE.CGROUP_STORAGE, cgroupStorage(STORAGE_VALUE_MAX)],
  [MAP_TYPE.PERCPU_CGROUP_STORAGE, cgroupStorage(PERCPU_VALUE_MAX)],
  [MAP_TYPE.QUEUE, queue],
  [MAP_TYPE.STACK, queue],
  [MAP_TYPE.BLOOM_FILTER, bloom],
  [MAP_TYPE.USER_RINGBUF, userRingbuf],
  [MAP_TYPE.STRUCT_OPS, structOps],
  [MAP_TYPE.RHASH, rhash],
];

/** A map of such a type. */
export class UnsimulatedMap extends MapBase {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    // Look-ups give a place in the kernel's own list, which programs may not write to.
    const isDevices = attr.type === MAP_TYPE.DEVMAP || attr.type === MAP_TYPE.DEVMAP_HASH;
    const flags = isDevices ? attr.flags | flag.RDONLY_PROG : attr.flags;
    const made = { ...attr, flags };
    const addr = allocMap(world, { name: 'bpf_map', sizeBytes: 0 }, made);
    return addr === 0 ? undefined : new UnsimulatedMap(world, addr, made);
  }

  map_lookup_elem(): number {
    return 0;
  }

  map_update_elem(): number {
    return -EOPNOTSUPP;
  }

  map_delete_elem(): number {
    return -EOPNOTSUPP;
  }

  *map_get_next_key(): Sim<number> {
    return -EOPNOTSUPP;
  }

  *bpf_map_copy_value(): Sim<number> {
    return -EOPNOTSUPP;
  }

  *map_free(): Sim<void> {
    this.kernel.kasan.free(this.addr);
  }
}

kernelText(UnsimulatedMap);
