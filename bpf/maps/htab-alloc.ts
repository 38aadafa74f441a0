import { alignUp, array, embed, ptr, s32, struct, u32, u64 } from '../../base/layout.ts';
import { NR_CPUS } from '../../kernel/cpu.ts';
import { roundupPow2 } from './array.ts';
import { allocArea, allocMap, behindMap, type MapAttr, type MapWorld } from './base.ts';
import * as flag from './flags.ts';
import { BpfLru, bpf_lru_node } from './lru.ts';
import { PercpuValues } from './percpu.ts';

const POINTER_BYTES = 8;

/** kernel/bpf/hashtab.c, behind the struct bpf_map */
export const bpf_htab = struct('bpf_htab', {
  buckets: ptr('struct bucket'),
  elems: ptr('void'), // preallocated elements
  n_buckets: u32,
  elem_size: u32,
  hashrnd: u32,
  count: s32, // of elements in use, where they are not preallocated
  /** pcpu_freelist: each CPU's free elements, the last freed first. */
  freelist: array(ptr('struct htab_elem'), NR_CPUS),
  /** An element each CPU keeps for replacing one. */
  extra_elems: array(ptr('struct htab_elem'), NR_CPUS),
  lru: ptr('struct bpf_lru'),
  map_locked: ptr('int'), // of old kernels
});

/** HASHTAB_MAP_LOCK_COUNT */
export const MAP_LOCKED_COUNT = 8;

/** Its first element, or the end of its list: nullsOf(). */
export const bucket = struct('bucket', { head: ptr('struct htab_elem'), raw_lock: u32, pad: u32 });
export const BUCKET_BYTES = bucket.sizeBytes;

/**
 * The key stands behind it, then the value at the next multiple of 8. A free element hangs in its
 * list by `fnode`, where pprev was: whoever still stands on it goes on by `next` as it was.
 */
export const htab_elem = struct('htab_elem', {
  next: ptr('struct htab_elem'), // hash_node.next
  fnode: u64, // hash_node.pprev: the slot that points here; or the next free element
  lru_node: embed(bpf_lru_node), // or ptr_to_pptr
  hash: u32,
  pad: u32,
});
export const ELEM_BYTES = htab_elem.sizeBytes;

/** What ends the list of a bucket: tells a reader that was led astray. hlist_nulls */
export function nullsOf(bucketAddr: number): number {
  return bucketAddr + 1;
}

export function isNulls(next: number): boolean {
  return (next & 1) !== 0;
}

/** What types of hash maps differ in, as to memory. */
export interface HtabShape {
  readonly isPercpu: boolean;
  readonly isLru: boolean;
}

/** From the start of an element. */
export function valueOffset(keySize: number): number {
  return ELEM_BYTES + alignUp(keySize, 8);
}

/** Bytes of an element, the value's or those of a pointer to it included. */
function elemBytes(attr: MapAttr, { isPercpu }: HtabShape): number {
  const value = isPercpu ? POINTER_BYTES : alignUp(attr.valueSize, 8);
  return valueOffset(attr.keySize) + value;
}

/**
 * The struct, the buckets, and where elements are preallocated those too, in no list yet; 0 where
 * memory is exhausted. htab_map_alloc(), prealloc_init()
 */
export function allocHtab(world: MapWorld, attr: MapAttr, shape: HtabShape): number {
  const { machine, kasan } = world.kernel;
  const { memory } = machine;
  const cpuCount = world.kernel.cpus.all.length;
  const n_buckets = roundupPow2(attr.maxEntries);
  const isPrealloc = (attr.flags & flag.NO_PREALLOC) === 0;
  const lruBytes = BpfLru.bytesFor((attr.flags & flag.NO_COMMON_LRU) !== 0, cpuCount);
  const addr = allocMap(world, bpf_htab, attr);
  if (addr === 0) return 0;
  const buckets = allocArea(world, 'bpf_htab buckets', n_buckets * BUCKET_BYTES);
  const lru = shape.isLru && buckets !== 0 ? allocArea(world, 'bpf_lru', lruBytes) : 0;
  const counts = !machine.facts.resLocks;
  const countBytes = 4 * MAP_LOCKED_COUNT * cpuCount;
  const map_locked = counts && buckets !== 0 ? allocArea(world, 'map_locked', countBytes) : 0;
  const mayGoOn = buckets !== 0 && (lru !== 0 || !shape.isLru) && (map_locked !== 0 || !counts);
  const elems = isPrealloc && mayGoOn ? allocElems(world, attr, shape) : 0;
  if (!mayGoOn || (isPrealloc && elems === 0)) {
    for (const area of [buckets, lru, map_locked, addr]) if (area !== 0) kasan.free(area);
    return 0;
  }
  memory.unwatched(() => {
    const s = bpf_htab.at(memory, behindMap(addr));
    Object.assign(s, {
      buckets,
      elems,
      lru,
      map_locked,
      n_buckets,
      elem_size: elemBytes(attr, shape),
    });
    s.hashrnd = attr.flags & flag.ZERO_SEED ? 0 : HASHRND;
    for (let at = buckets; at < buckets + n_buckets * BUCKET_BYTES; at += BUCKET_BYTES) {
      memory.setPtr(at, nullsOf(at));
    }
  });
  return addr;
}

/** With an area of values for each, where values are per CPU; or 0. */
function allocElems(world: MapWorld, attr: MapAttr, shape: HtabShape): number {
  const { kasan, machine } = world.kernel;
  const count = preallocCount(world, attr.maxEntries, shape);
  const size = elemBytes(attr, shape);
  const elems = allocArea(world, 'bpf_htab elems', count * size);
  if (elems === 0 || !shape.isPercpu) return elems;
  const values = new PercpuValues(world, attr);
  const slot = (i: number): number => elems + i * size + valueOffset(attr.keySize);
  for (let i = 0; i < count; i++) {
    const area = values.alloc();
    if (area === 0) {
      while (--i >= 0) kasan.free(machine.memory.rawPtr(slot(i)));
      kasan.free(elems);
      return 0;
    }
    machine.memory.unwatched(() => machine.memory.setPtr(slot(i), area));
  }
  return elems;
}

/** Where Linux draws a number: every run must draw the same. */
const HASHRND = 0x5bd1e995;

/** Those that replace need one more a CPU. htab_has_extra_elems() */
export function preallocCount(
  { kernel }: MapWorld,
  maxEntries: number,
  { isPercpu, isLru }: HtabShape,
): number {
  return maxEntries + (isPercpu || isLru ? 0 : kernel.cpus.all.length);
}
