import { MAP_TYPE } from '../uapi.ts';
import { arenaCheck, ArenaMap } from './arena.ts';
import { arrayCheck, ArrayMap, percpuArrayCheck, PercpuArrayMap } from './array.ts';
import type { AllocCheck, MapAttr, MapWorld } from './base.ts';
import { HashMap, PercpuHashMap } from './hash.ts';
import { htabCheck } from './htab.ts';
import { LruHashMap, LruPercpuHashMap } from './lru-hash.ts';
import { insnArrayCheck, InsnArrayMap } from './insn-array.ts';
import type { BpfMap } from './map.ts';
import { ArrayOfMaps, checkInner, fdArrayCheck, HashOfMaps, hashOfMapsCheck } from './of-maps.ts';
import { PerfEventArray, perfEventArrayCheck } from './perf-event-array.ts';
import { ProgArray } from './prog-array.ts';
import { Ringbuf, ringbufCheck } from './ringbuf.ts';
import { TaskStorageMap, taskStorageCheck } from './task-storage.ts';
import { UNSIMULATED_CHECKS, UnsimulatedMap } from './unsimulated.ts';

/** A type of map: what may be asked of it, and how it is made. undefined: memory is exhausted. */
export interface MapType {
  readonly check: AllocCheck;
  /** Of a map of maps: what its elements are to be like. 0 or -errno. */
  readonly checkInner?: (inner: BpfMap) => number;
  create(world: MapWorld, attr: MapAttr): BpfMap | undefined;
}

const hash = htabCheck({ isPercpu: false, isLru: false });
const percpuHash = htabCheck({ isPercpu: true, isLru: false });
const lru = htabCheck({ isPercpu: false, isLru: true });
const lruPercpu = htabCheck({ isPercpu: true, isLru: true });

/** By number. include/linux/bpf_types.h */
export const MAP_TYPES: ReadonlyMap<number, MapType> = new Map<number, MapType>([
  [MAP_TYPE.HASH, { check: hash, create: HashMap.create }],
  [MAP_TYPE.ARRAY, { check: arrayCheck, create: ArrayMap.create }],
  [MAP_TYPE.PROG_ARRAY, { check: fdArrayCheck, create: ProgArray.create }],
  [MAP_TYPE.PERF_EVENT_ARRAY, { check: perfEventArrayCheck, create: PerfEventArray.create }],
  [MAP_TYPE.PERCPU_HASH, { check: percpuHash, create: PercpuHashMap.create }],
  [MAP_TYPE.PERCPU_ARRAY, { check: percpuArrayCheck, create: PercpuArrayMap.create }],
  [MAP_TYPE.LRU_HASH, { check: lru, create: LruHashMap.create }],
  [MAP_TYPE.LRU_PERCPU_HASH, { check: lruPercpu, create: LruPercpuHashMap.create }],
  [MAP_TYPE.ARRAY_OF_MAPS, { check: fdArrayCheck, checkInner, create: ArrayOfMaps.create }],
  [MAP_TYPE.HASH_OF_MAPS, { check: hashOfMapsCheck, checkInner, create: HashOfMaps.create }],
  [MAP_TYPE.TASK_STORAGE, { check: taskStorageCheck, create: TaskStorageMap.create }],
  [MAP_TYPE.RINGBUF, { check: ringbufCheck, create: Ringbuf.create }],
  [MAP_TYPE.INSN_ARRAY, { check: insnArrayCheck, create: InsnArrayMap.create }],
  [MAP_TYPE.ARENA, { check: arenaCheck, create: ArenaMap.create }],
  [MAP_TYPE.SK_STORAGE, { check: taskStorageCheck, create: UnsimulatedMap.create }],
  [MAP_TYPE.INODE_STORAGE, { check: taskStorageCheck, create: UnsimulatedMap.create }],
  [MAP_TYPE.CGRP_STORAGE, { check: taskStorageCheck, create: UnsimulatedMap.create }],
  ...UNSIMULATED_CHECKS.map(([type, check]): [number, MapType] => [
    type,
    { check, create: UnsimulatedMap.create },
  ]),
]);
