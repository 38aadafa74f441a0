import {
  alignUp,
  array,
  embed,
  ptr,
  s32,
  struct,
  u32,
  type Fields,
  type StructType,
} from '../../base/layout.ts';
import { allocMap, type MapAttr, type MapWorld } from './base.ts';
import * as flag from './flags.ts';
import { bpf_map } from './map.ts';

export const BUCKET_BYTES = 16;
const CPUS_MAX = 64;

/** kernel/bpf/hashtab.c */
export const bpf_htab = struct('bpf_htab', {
  map: embed(bpf_map as unknown as StructType<Fields>),
  buckets: ptr('struct bucket'),
  elems: ptr('void'), // preallocated elements
  n_buckets: u32,
  elem_size: u32,
  hashrnd: u32,
  count: s32, // of elements in use, where they are not preallocated
  /** pcpu_freelist: each CPU's free elements, the last freed first. */
  freelist: array(ptr('struct htab_elem'), CPUS_MAX),
  /** An element each CPU keeps for replacing one. */
  extra_elems: array(ptr('struct htab_elem'), CPUS_MAX),
});

/** A bucket: its first element, and its lock. */
export const bucket = struct('bucket', { head: ptr('struct htab_elem'), raw_lock: u32, pad: u32 });

/** The key stands behind it, then the value at the next multiple of 8. */
export const htab_elem = struct('htab_elem', {
  next: ptr('struct htab_elem'), // in its bucket, or in the list of free ones
  hash: u32,
  lru_flags: u32, // bpf_lru_node: ref, type
  lru_prev: ptr('struct htab_elem'),
  lru_next: ptr('struct htab_elem'),
});

export const ELEM_BYTES = htab_elem.sizeBytes;

/**
 * The struct, the buckets, and where elements are preallocated those too, dealt out to the CPUs'
 * free lists; 0 where memory is exhausted. htab_map_alloc(), prealloc_init()
 */
export function allocHtab(world: MapWorld, attr: MapAttr, inlineBytes: number): number {
  const { machine, kasan, cpus } = world.kernel;
  const { slab, memory } = machine;
  const addr = allocMap(world, bpf_htab as unknown as StructType<Fields>, attr);
  if (addr === 0) return 0;
  const n_buckets = 2 ** Math.ceil(Math.log2(attr.maxEntries));
  const elem_size = ELEM_BYTES + alignUp(attr.keySize, 8) + alignUp(inlineBytes, 8);
  const isPrealloc = (attr.flags & flag.NO_PREALLOC) === 0;
  const cpuCount = cpus.all.length;
  const elemCount = isPrealloc ? attr.maxEntries + cpuCount : 0;
  const isPossible = n_buckets * BUCKET_BYTES + elemCount * elem_size < memory.sizeBytes;
  const may = isPossible && machine.mayAlloc('bpf_htab buckets');
  const buckets = may ? slab.kzalloc(n_buckets * BUCKET_BYTES) : 0;
  const elems = buckets !== 0 && isPrealloc ? slab.kzalloc(elemCount * elem_size) : 0;
  if (buckets === 0 || (isPrealloc && elems === 0)) {
    if (buckets !== 0) kasan.free(buckets);
    kasan.free(addr);
    return 0;
  }
  memory.unwatched(() => {
    const s = bpf_htab.at(memory, addr);
    Object.assign(s, { buckets, elems, n_buckets, elem_size });
    s.hashrnd = attr.flags & flag.ZERO_SEED ? 0 : HASHRND;
    if (isPrealloc) deal(world, addr, attr.maxEntries);
  });
  return addr;
}

/** Where Linux draws a number: every run must draw the same. */
const HASHRND = 0x5bd1e995;

/** Evenly to all CPUs, each CPU's first on top. pcpu_freelist_populate(), alloc_extra_elems() */
function deal({ kernel }: MapWorld, addr: number, count: number): void {
  const { memory } = kernel.machine;
  const { elems, elem_size, freelist, extra_elems } = bpf_htab.at(memory, addr);
  const cpuCount = kernel.cpus.all.length;
  const share = Math.ceil(count / cpuCount);
  for (let i = count - 1; i >= 0; i--) {
    const slot = freelist + 8 * Math.min(cpuCount - 1, Math.floor(i / share));
    const elem = elems + i * elem_size;
    memory.setPtr(elem + htab_elem.off.next, memory.ptr(slot));
    memory.setPtr(slot, elem);
  }
  for (let cpu = 0; cpu < cpuCount; cpu++) {
    memory.setPtr(extra_elems + 8 * cpu, elems + (count + cpu) * elem_size);
  }
}
