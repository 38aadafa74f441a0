import { EAGAIN, ENOMEM } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { DIRECT_MAP_HIGH } from '../../kernel/memory.ts';
import { bpf_local_storage } from '../../kernel/process/storage.ts';
import { kernelText, RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { BPF_F_LOCK, BPF_NOEXIST } from './base.ts';
import { checkExists } from './hash.ts';
import { Hlist } from './hlist.ts';
import {
  bpf_local_storage_elem,
  bpf_local_storage_map,
  ELEM_BYTES,
  map_bucket,
} from './local-storage-structs.ts';
import { lockMap, unlockMap } from './raw-lock.ts';

const OWNER = site('bpf_local_storage_lookup', 'owner');
const CACHE = site('bpf_local_storage_lookup', 'cache');
const INSERT = site('__bpf_local_storage_insert_cache', 'cache');
const PUBLISH = site('bpf_local_storage_alloc', 'publish');
const LOCK = site('bpf_local_storage', 'lock');
const UNLOCK = site('bpf_local_storage', 'unlock');
const BUCKET_LOCK = site('bpf_local_storage_map_bucket', 'lock');
const BUCKET_UNLOCK = site('bpf_local_storage_map_bucket', 'unlock');

const storageLock = lockClass('&storage->lock', 'spin');
const bucketLock = lockClass('&smap->buckets[i].lock', 'spin');

/** From an element to the value. */
const DATA = ELEM_BYTES;
const { off: elem } = bpf_local_storage_elem;

/** Who has seen an element go, where its map and its owner die at once. */
const SELEM_MAP_UNLINKED = 1;
const SELEM_STORAGE_UNLINKED = 2;
const SELEM_UNLINKED = SELEM_MAP_UNLINKED | SELEM_STORAGE_UNLINKED;

/** hash_64(): include/linux/hash.h */
const GOLDEN_RATIO_64 = 0x61c8_8646_80b5_83ebn;

/** A map as its elements know it. */
export interface StorageMap {
  /** Address of its struct bpf_local_storage_map. */
  readonly smap: number;
  readonly cacheIdx: number;
  /** Where processes may map values: pages of each. Else 0. */
  readonly valuePages: number;
  /** What the special fields of a value hold goes. */
  freeFields(value: number): Sim<void>;
  copyValue(to: number, from: number): void;
  copyValueLocked(to: number, from: number, locked: number): Sim<void>;
  /** Gives a new value what bpf(2) has pinned for it. bpf_obj_swap_uptrs() */
  swapUptrs(value: number, from: number): void;
}

/**
 * Values of maps that hang off kernel objects and die with them. An owner is known by the address
 * of the pointer it has to its struct bpf_local_storage. kernel/bpf/bpf_local_storage.c
 */
export class LocalStorage {
  readonly #kernel: Kernel;
  readonly #mapAt: (smap: number) => StorageMap;
  readonly #hlist: Hlist;

  /** `mapAt` finds a map by its struct bpf_local_storage_map. */
  constructor(kernel: Kernel, mapAt: (smap: number) => StorageMap) {
    this.#kernel = kernel;
    this.#mapAt = mapAt;
    this.#hlist = new Hlist(kernel);
  }

  get #memory() {
    return this.#kernel.machine.memory;
  }

  #map(smap: number): ReturnType<typeof bpf_local_storage_map.at> {
    return bpf_local_storage_map.at(this.#memory, smap);
  }

  #storage(addr: number): ReturnType<typeof bpf_local_storage.at> {
    return bpf_local_storage.at(this.#memory, addr);
  }

  #elem(addr: number): ReturnType<typeof bpf_local_storage_elem.at> {
    return bpf_local_storage_elem.at(this.#memory, addr);
  }

  // Finding.

  /** The address of the owner's value in the map, or 0. Under RCU. */
  *lookup(ownerPtr: number, map: StorageMap, cacheIt: boolean): Sim<number> {
    const storage = yield* this.#kernel.atomics.readPtr(OWNER, ownerPtr);
    if (storage === 0) return 0;
    const selem = yield* this.bpf_local_storage_lookup(storage, map, cacheIt);
    return selem === 0 ? 0 : selem + DATA;
  }

  *bpf_local_storage_lookup(storage: number, map: StorageMap, cacheIt: boolean): Sim<number> {
    const slot = storage + bpf_local_storage.off.cache + 8 * map.cacheIdx;
    const cached = yield* this.#kernel.atomics.readPtr(CACHE, slot);
    if (cached !== 0 && this.#smapOf(cached - elem.smap) === map.smap) return cached - elem.smap;
    let at = yield* this.#hlist.first(storage + bpf_local_storage.off.list);
    while (at !== 0 && this.#smapOf(at) !== map.smap) at = yield* this.#hlist.next(at);
    if (at !== 0 && cacheIt) yield* this.#insertCache(storage, slot, at);
    return at;
  }

  #smapOf(selem: number): number {
    return this.#memory.unwatched(() => this.#memory.ptr(selem + elem.smap));
  }

  /** Under the lock, lest one that has been deleted comes into the cache. */
  *#insertCache(storage: number, slot: number, selem: number): Sim<void> {
    if ((yield* this.#lock(storage)) !== 0) return;
    if (this.#hlist.isLinked(selem)) {
      yield* this.#kernel.atomics.writePtr(INSERT, slot, selem + elem.smap, RELEASE);
    }
    yield* this.#unlock(storage);
  }

  // Changing.

  /**
   * The address of the value as it is now, or -errno. `isUser`: `value` comes from bpf(2), which
   * pins the user pages that it names. bpf_local_storage_update()
   */
  *update(
    ownerPtr: number,
    map: StorageMap,
    value: number,
    flags: number,
    isUser = false,
  ): Sim<number> {
    const storage = yield* this.#kernel.atomics.readPtr(OWNER, ownerPtr);
    if (storage === 0 || this.#isLeaving(storage)) {
      return yield* this.#updateFirst(ownerPtr, map, value, flags, isUser);
    }
    if (flags & BPF_F_LOCK && !(flags & BPF_NOEXIST)) {
      const old = yield* this.bpf_local_storage_lookup(storage, map, false);
      const wrong = checkExists(old, flags);
      if (wrong < 0) return wrong;
      if (old !== 0 && this.#hlist.isLinked(old)) {
        yield* map.copyValueLocked(old + DATA, value, old + DATA);
        return old + DATA;
      }
    }
    const selem = this.#alloc(map, value, isUser);
    if (selem === 0) return -ENOMEM;
    const gone: number[] = [];
    let result = yield* this.#lock(storage);
    if (result === 0) {
      result = yield* this.#replace(storage, map, selem, value, flags, gone);
      yield* this.#unlock(storage);
    }
    for (const old of gone) yield* this.#free(old, false);
    if (result !== selem) yield* this.#free(selem, true);
    return result < 0 ? result : result + DATA;
  }

  /** Under the owner's lock: the element that has the value now, or -errno. */
  *#replace(
    storage: number,
    map: StorageMap,
    selem: number,
    value: number,
    flags: number,
    gone: number[],
  ): Sim<number> {
    if (this.#isLeaving(storage)) return -EAGAIN;
    const old = yield* this.bpf_local_storage_lookup(storage, map, false);
    const wrong = checkExists(old, flags);
    if (wrong < 0) return wrong;
    if (old !== 0 && flags & BPF_F_LOCK) {
      yield* map.copyValueLocked(old + DATA, value, old + DATA);
      return old;
    }
    const bucket = this.#bucketOf(map.smap, storage);
    const failed = yield* this.#lockBucket(bucket);
    if (failed !== 0) return failed;
    yield* this.#hlist.add(selem + elem.map_node, bucket);
    yield* this.#link(storage, selem);
    if (old !== 0) {
      yield* this.#hlist.del(old + elem.map_node);
      yield* this.#unlinkStorage(storage, old);
      gone.push(old);
    }
    yield* this.#unlockBucket(bucket);
    return selem;
  }

  /** Empty, unless the kernel's own value is in it: about to be freed. */
  #isLeaving(storage: number): boolean {
    return this.#memory.unwatched(() => {
      const { list, is_kept } = this.#storage(storage);
      return list === 0 && is_kept === 0;
    });
  }

  /** The owner's first value: its storage is made with it. */
  *#updateFirst(
    ownerPtr: number,
    map: StorageMap,
    value: number,
    flags: number,
    isUser: boolean,
  ): Sim<number> {
    const wrong = checkExists(0, flags);
    if (wrong < 0) return wrong;
    const selem = this.#alloc(map, value, isUser);
    if (selem === 0) return -ENOMEM;
    const result = yield* this.bpf_local_storage_alloc(ownerPtr, map, selem);
    if (result < 0) yield* this.#free(selem, true);
    return result < 0 ? result : selem + DATA;
  }

  /** -EAGAIN where somebody else was faster, or the storage there is on its way out. */
  *bpf_local_storage_alloc(ownerPtr: number, map: StorageMap, selem: number): Sim<number> {
    const made = this.#kernel.processes.storage.alloc();
    if (made === 0) return -ENOMEM;
    this.#storage(made).owner = ownerPtr;
    yield* this.#link(made, selem);
    const bucket = this.#bucketOf(map.smap, made);
    const failed = yield* this.#lockBucket(bucket);
    if (failed !== 0) {
      this.#freeStorage(made, true);
      return failed;
    }
    yield* this.#hlist.add(selem + elem.map_node, bucket);
    const before = yield* this.#kernel.atomics.cmpxchgPtr(PUBLISH, ownerPtr, 0, made);
    if (before !== 0) yield* this.#hlist.del(selem + elem.map_node);
    yield* this.#unlockBucket(bucket);
    if (before === 0) return 0;
    this.#freeStorage(made, true);
    return -EAGAIN;
  }

  /**
   * From its map and then from its owner, as programs and bpf(2) do: 0, or why a lock cannot be
   * had. `value` is lookup()'s.
   */
  *bpf_selem_unlink(value: number): Sim<number> {
    const selem = value - DATA;
    if (!this.#hlist.isLinked(selem)) return 0;
    const storage = this.#memory.unwatched(() => this.#elem(selem).local_storage);
    let isLast = false;
    let failed = yield* this.#lock(storage);
    if (failed !== 0) return failed;
    const isLinked = this.#hlist.isLinked(selem);
    if (isLinked) {
      const bucket = this.#bucketOf(this.#smapOf(selem), storage);
      failed = yield* this.#lockBucket(bucket);
      if (failed === 0) {
        yield* this.#hlist.del(selem + elem.map_node);
        yield* this.#unlockBucket(bucket);
        isLast = yield* this.#unlinkStorage(storage, selem);
      }
    }
    yield* this.#unlock(storage);
    if (isLinked && failed === 0) yield* this.#free(selem, false);
    if (isLast) this.#freeStorage(storage, false);
    return failed;
  }

  /** Whether it was the owner's last, so that the owner has no storage any more. */
  *#unlinkStorage(storage: number, selem: number): Sim<boolean> {
    const isLast = this.#forget(storage, selem);
    yield* this.#hlist.del(selem);
    return isLast;
  }

  /** bpf_selem_unlink_storage_nolock_misc() */
  #forget(storage: number, selem: number): boolean {
    const memory = this.#memory;
    return memory.unwatched(() => {
      const s = this.#storage(storage);
      const { cache_idx } = this.#map(this.#smapOf(selem));
      const slot = s.cache + 8 * cache_idx;
      if (memory.ptr(slot) === selem + elem.smap) memory.setPtr(slot, 0);
      const isLast = this.#hlist.isOnly(selem, storage + bpf_local_storage.off.list);
      if (!isLast || s.is_kept !== 0) return false;
      if (s.owner !== 0) memory.setPtr(s.owner, 0);
      s.owner = 0;
      return true;
    });
  }

  // The end of an owner, and of a map, which may come at once.

  /** bpf_local_storage_destroy(): nobody can find the owner any more. */
  *destroy(ownerPtr: number): Sim<void> {
    const { rcu } = this.#kernel;
    rcu.rcu_read_lock();
    const storage = this.#memory.unwatched(() => this.#memory.ptr(ownerPtr));
    let at = storage && (yield* this.#hlist.first(storage + bpf_local_storage.off.list));
    while (at !== 0) {
      const next: number = yield* this.#hlist.next(at);
      yield* this.#unlinkNofail(at, 0);
      at = next;
    }
    rcu.rcu_read_unlock();
    this.#memory.unwatched(() => this.#memory.setPtr(ownerPtr, 0));
  }

  /** Of all owners; nobody can find the map any more. */
  *map_free(smap: number): Sim<void> {
    const { rcu, rcuTasksTrace, kasan } = this.#kernel;
    yield* rcu.synchronize_rcu();
    const { buckets, bucket_log } = this.#memory.unwatched(() => {
      const s = this.#map(smap);
      return { buckets: s.buckets, bucket_log: s.bucket_log };
    });
    for (let i = 0; i < 1 << bucket_log; i++) {
      const bucket = buckets + i * map_bucket.sizeBytes;
      rcu.rcu_read_lock();
      let at = yield* this.#hlist.first(bucket);
      while (at !== 0) {
        const next: number = yield* this.#hlist.next(at);
        yield* this.#unlinkNofail(at - elem.map_node, bucket);
        at = next;
      }
      rcu.rcu_read_unlock();
    }
    // Whoever destroys an owner may still look at the map.
    yield* rcu.synchronize_rcu();
    yield* rcuTasksTrace.synchronize_rcu_tasks_trace();
    yield* rcu.rcu_barrier();
    kasan.free(buckets);
  }

  /** `ofMap`: the bucket that is emptied at the end of a map; 0 at the end of an owner. */
  *#unlinkNofail(selem: number, ofMap: number): Sim<void> {
    const { storage, smap } = this.#memory.unwatched(() => {
      const s = this.#elem(selem);
      return { storage: s.local_storage, smap: s.smap };
    });
    let unlinked = 0;
    let isLast = false;
    // Who cannot have the other end's lock leaves that half to it.
    const done = { smap: ofMap !== 0, storage: ofMap === 0 };
    const bucket = ofMap === 0 && smap !== 0 ? this.#bucketOf(smap, storage) : ofMap;
    if (smap !== 0 && (yield* this.#lockBucket(bucket)) === 0) {
      done.smap = true;
      if (this.#hlist.isLinked(selem + elem.map_node)) {
        yield* this.#hlist.del(selem + elem.map_node);
        yield* this.#mapAt(smap).freeFields(selem + DATA);
        unlinked++;
      }
      yield* this.#unlockBucket(bucket);
    }
    if (storage !== 0 && (yield* this.#lock(storage)) === 0) {
      done.storage = true;
      if (this.#hlist.isLinked(selem)) {
        isLast = this.#hlist.isOnly(selem, storage + bpf_local_storage.off.list);
        if (smap !== 0 && ofMap !== 0) isLast = this.#forget(storage, selem);
        yield* this.#hlist.del(selem);
        unlinked++;
      }
      yield* this.#unlock(storage);
    }
    this.#memory.unwatched(() => {
      if (done.smap) this.#elem(selem).smap = 0;
      if (done.storage) this.#elem(selem).local_storage = 0;
    });
    if (this.#isForMe(selem, unlinked, ofMap !== 0)) yield* this.#free(selem, true);
    if (isLast) this.#freeStorage(storage, true);
  }

  /** Where both ends have unlinked one half each, whoever comes second frees it. */
  #isForMe(selem: number, unlinked: number, isOfMap: boolean): boolean {
    return this.#memory.unwatched(() => {
      const s = this.#elem(selem);
      if (unlinked === 2) return true;
      s.state |= isOfMap ? SELEM_MAP_UNLINKED : SELEM_STORAGE_UNLINKED;
      return s.state === SELEM_UNLINKED;
    });
  }

  // Memory and locks.

  /** In no list yet; 0. bpf_selem_alloc() */
  #alloc(map: StorageMap, value: number, isUser: boolean): number {
    const { machine } = this.#kernel;
    const { elem_size } = this.#map(map.smap);
    const may = machine.mayAlloc('bpf_local_storage_elem');
    const selem = may ? this.#memoryFor(map.valuePages, elem_size) : 0;
    if (selem === 0) return 0;
    this.#elem(selem).smap = map.smap;
    if (value !== 0) map.copyValue(selem + DATA, value);
    if (isUser) map.swapUptrs(selem + DATA, value);
    return selem;
  }

  #memoryFor(pages: number, sizeBytes: number): number {
    const { machine, mm } = this.#kernel;
    if (pages === 0) return machine.slab.kzalloc(sizeBytes);
    const value = mm.pages.allocBlock(pages, ELEM_BYTES);
    if (value === 0) return 0;
    this.#elem(value - DATA).pages = pages;
    return value - DATA;
  }

  /** Pages of the value that a process has mapped stay until it lets go of them. */
  #freeMemory(selem: number): void {
    const { kasan, mm } = this.#kernel;
    const { pages } = this.#elem(selem);
    if (pages === 0) kasan.free(selem);
    else mm.pages.freeBlock(selem + DATA, pages, ELEM_BYTES);
  }

  *#link(storage: number, selem: number): Sim<void> {
    this.#elem(selem).local_storage = storage;
    yield* this.#hlist.add(selem, storage + bpf_local_storage.off.list);
  }

  /**
   * `isUnseen`: no sleepable program can have it. What it holds goes with it, unless its map is
   * gone, and with it what it held. bpf_selem_free()
   */
  *#free(selem: number, isUnseen: boolean): Sim<void> {
    const { rcu, rcuTasksTrace } = this.#kernel;
    if (isUnseen) {
      yield* this.#freeFields(selem);
      rcu.call_rcu('bpf_selem_free_rcu', () => this.#freeMemory(selem));
    } else {
      rcuTasksTrace.call_rcu_tasks_trace('bpf_selem_free_trace_rcu', () =>
        rcu.call_rcu('bpf_selem_free_rcu', () => this.#freeSeen(selem)),
      );
    }
  }

  *#freeSeen(selem: number): Sim<void> {
    yield* this.#freeFields(selem);
    this.#freeMemory(selem);
  }

  *#freeFields(selem: number): Sim<void> {
    const smap = this.#smapOf(selem);
    if (smap !== 0) yield* this.#mapAt(smap).freeFields(selem + DATA);
  }

  #freeStorage(storage: number, isUnseen: boolean): void {
    this.#afterReaders('bpf_local_storage_free_rcu', storage, isUnseen);
  }

  #afterReaders(name: string, addr: number, isUnseen: boolean): void {
    const { rcu, rcuTasksTrace, kasan } = this.#kernel;
    const free = (): void => rcu.call_rcu(name, () => kasan.free(addr));
    if (isUnseen) free();
    else rcuTasksTrace.call_rcu_tasks_trace(name, free);
  }

  /** select_bucket() */
  #bucketOf(smap: number, storage: number): number {
    const { buckets, bucket_log } = this.#map(smap);
    const hash = BigInt.asUintN(64, pointerOf(storage) * GOLDEN_RATIO_64);
    return buckets + Number(hash >> BigInt(64 - bucket_log)) * map_bucket.sizeBytes;
  }

  #lock(storage: number): Sim<number> {
    const addr = storage + bpf_local_storage.off.lock;
    return lockMap(this.#kernel, storageLock, addr, LOCK);
  }

  #unlock(storage: number): Sim<void> {
    const addr = storage + bpf_local_storage.off.lock;
    return unlockMap(this.#kernel, storageLock, addr, UNLOCK);
  }

  #lockBucket(bucket: number): Sim<number> {
    const addr = bucket + map_bucket.off.lock;
    return lockMap(this.#kernel, bucketLock, addr, BUCKET_LOCK);
  }

  #unlockBucket(bucket: number): Sim<void> {
    const addr = bucket + map_bucket.off.lock;
    return unlockMap(this.#kernel, bucketLock, addr, BUCKET_UNLOCK);
  }
}

kernelText(LocalStorage);

/** As programs see it. */
function pointerOf(addr: number): bigint {
  return (BigInt(DIRECT_MAP_HIGH) << 32n) | BigInt(addr);
}
