import { alignUp } from '../../base/layout.ts';
import { E2BIG, EBUSY, EINVAL, ENOENT, ENOTSUPP, EPERM } from '../../kernel/errno.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { RELEASE, kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { PCPU_MIN_UNIT_SIZE } from './array.ts';
import { behindMap, MapBase, type AllocCheck, type MapAttr, type MapWorld } from './base.ts';
import * as flag from './flags.ts';
import {
  bpf_htab,
  bucket,
  BUCKET_BYTES,
  ELEM_BYTES,
  htab_elem,
  isNulls,
  MAP_LOCKED_COUNT,
  preallocCount,
  valueOffset,
  type HtabShape,
} from './htab-alloc.ts';
import { holdsThings } from '../objects/objects.ts';
import { jhash } from './jhash.ts';
import type { Whose } from './map.ts';
import { lockMap, unlockMap } from './raw-lock.ts';

const HEAD = site('lookup_nulls_elem_raw', 'head');
const NEXT = site('lookup_nulls_elem_raw', 'next');
const LOCK = site('htab_lock_bucket', 'lock');
const UNLOCK = site('htab_unlock_bucket', 'unlock');
const LINK = site('hlist_nulls_add_head_rcu', 'link');
const UNLINK = site('hlist_nulls_del_rcu', 'unlink');

const bucketLock = lockClass('&htab->lockdep_key', 'spin');

const CAP_SYS_ADMIN = 21;
const KMALLOC_MAX_SIZE = 1 << 22;
const BUCKETS_MAX = 1 << 27;

/** htab_map_alloc_check(), for all types of hash maps. */
export function htabCheck({ isPercpu, isLru }: HtabShape): AllocCheck {
  return ({ keySize, valueSize, maxEntries, flags }, kernel) => {
    if (flags & flag.ZERO_SEED && !kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
    if ((flags & ~flag.HASH_CREATE) !== 0 || !flag.accessOk(flags)) return -EINVAL;
    if (!isLru && flags & flag.NO_COMMON_LRU) return -EINVAL;
    if (isLru && flags & flag.NO_PREALLOC) return -ENOTSUPP;
    if (isPercpu && flags & flag.NUMA_NODE) return -EINVAL;
    if (maxEntries === 0 || keySize === 0 || valueSize === 0) return -EINVAL;
    if (keySize + valueSize >= KMALLOC_MAX_SIZE - ELEM_BYTES) return -E2BIG;
    if (isPercpu && alignUp(valueSize, 8) > PCPU_MIN_UNIT_SIZE) return -E2BIG;
    return maxEntries > BUCKETS_MAX ? -E2BIG : 0;
  };
}

/**
 * Elements of a hash table in bucket and list order; readers need no lock. Types differ in where
 * elements come from and go to, and in how a value is changed. kernel/bpf/hashtab.c
 */
export abstract class Htab extends MapBase {
  protected readonly valueOff: number;
  protected readonly elemSize: number;
  protected readonly isPrealloc: boolean;
  /** Of elements that are preallocated. */
  protected readonly preallocCount: number;
  readonly #buckets: number;
  readonly #bucketMask: number;
  readonly #hashrnd: number;
  /** By CPU and bucket: which of its locks a CPU is about to take, or has. 0: nobody counts. */
  readonly #mapLocked: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, shape: HtabShape) {
    super(world, addr, attr);
    this.valueOff = valueOffset(attr.keySize);
    this.isPrealloc = (attr.flags & flag.NO_PREALLOC) === 0;
    this.preallocCount = preallocCount(world, attr.maxEntries, shape);
    const fixed = this.memory.unwatched(() => {
      const { buckets, n_buckets, elem_size, hashrnd, map_locked } = this.s;
      return { buckets, n_buckets, elem_size, hashrnd, map_locked };
    });
    this.elemSize = fixed.elem_size;
    this.#buckets = fixed.buckets;
    this.#bucketMask = fixed.n_buckets - 1;
    this.#hashrnd = fixed.hashrnd;
    this.#mapLocked = fixed.map_locked;
  }

  // What types of hash maps differ in.

  /** Where a program finds the value. */
  protected abstract valueIn(elem: number): number;
  /** The value as bpf(2) gives it. */
  /** `cpu`: of a per-CPU map, whose value; default: all. */
  protected abstract copyElem(
    value: number,
    elem: number,
    flags: number,
    cpu?: number,
  ): Sim<number>;
  /** `whose`: only of a per-CPU map. */
  abstract htab_map_update_elem(
    key: number,
    value: number,
    flags: number,
    whose: Whose,
  ): Sim<number>;
  /** Of one that is in no list any more. */
  protected abstract freeElem(elem: number): Sim<void>;
  /** Frees what an element owns beside its own bytes. */
  protected drop(_elem: number): void {}
  /** What its values hold goes: of all CPUs, where each has one. */
  protected abstract freeFieldsOf(elem: number): Sim<void>;
  /** A program has looked it up: for the order of eviction. */
  protected touched(_elem: number): void {}

  protected get s(): ReturnType<typeof bpf_htab.at> {
    return bpf_htab.at(this.memory, behindMap(this.addr));
  }

  protected hash(key: number): number {
    return jhash(this.memory, key, this.keySize, this.#hashrnd);
  }

  protected bucketAt(hash: number): number {
    return this.#buckets + (hash & this.#bucketMask) * BUCKET_BYTES;
  }

  protected elem(addr: number): ReturnType<typeof htab_elem.at> {
    return htab_elem.at(this.memory, addr);
  }

  // Readers.

  override *map_lookup_elem(key: number): Sim<number> {
    const elem = yield* this.lookup_nulls_elem_raw(this.hash(key), key);
    if (elem === 0) return 0;
    this.touched(elem);
    return this.valueIn(elem);
  }

  /**
   * The element, or 0. Under RCU alone: an element may be freed, used again and linked into another
   * bucket while somebody reads it. Whoever then comes to the end of that list begins again.
   */
  protected *lookup_nulls_elem_raw(hash: number, key: number): Sim<number> {
    const { atomics } = this.kernel;
    const head = this.bucketAt(hash);
    for (;;) {
      let at = yield* atomics.readPtr(HEAD, head);
      while (!isNulls(at)) {
        if (this.#is(at, hash, key)) return at;
        at = yield* atomics.readPtr(NEXT, at + htab_elem.off.next);
      }
      if (at - 1 === head) return 0;
    }
  }

  #is(elem: number, hash: number, key: number): boolean {
    const { memory, keySize } = this;
    if (memory.u32(elem + htab_elem.off.hash) !== hash) return false;
    for (let i = 0; i < keySize; i++) {
      if (memory.u8(elem + ELEM_BYTES + i) !== memory.u8(key + i)) return false;
    }
    return true;
  }

  /** lookup_elem_raw(): under the bucket's lock. */
  protected find(head: number, hash: number, key: number): number {
    for (let at = this.memory.ptr(head); !isNulls(at);) {
      if (this.#is(at, hash, key)) return at;
      at = this.memory.ptr(at + htab_elem.off.next);
    }
    return 0;
  }

  /** Under the bucket's lock. */
  protected isIn(head: number, elem: number): boolean {
    let at = this.memory.ptr(head);
    while (!isNulls(at) && at !== elem) at = this.memory.ptr(at + htab_elem.off.next);
    return at === elem;
  }

  /** The first of the table where the key is not there any more. htab_map_get_next_key() */
  override *map_get_next_key(key: number, next: number): Sim<number> {
    const { rcu, atomics } = this.kernel;
    rcu.rcu_read_lock();
    const hash = key === 0 ? 0 : this.hash(key);
    const elem = key === 0 ? 0 : yield* this.lookup_nulls_elem_raw(hash, key);
    let found = elem === 0 ? 1 : yield* atomics.readPtr(NEXT, elem + htab_elem.off.next);
    let index = elem === 0 ? 0 : (hash & this.#bucketMask) + 1;
    for (; isNulls(found) && index <= this.#bucketMask; index++) {
      found = yield* atomics.readPtr(HEAD, this.#buckets + index * BUCKET_BYTES);
    }
    if (!isNulls(found)) this.memory.copy(next, found + ELEM_BYTES, this.keySize);
    rcu.rcu_read_unlock();
    return isNulls(found) ? -ENOENT : 0;
  }

  /** Where to go on is read before each call. bpf_for_each_hash_elem() */
  override *map_for_each_callback(each: (key: number, value: number) => Sim<bigint>): Sim<number> {
    const { atomics } = this.kernel;
    let count = 0;
    for (let index = 0; index <= this.#bucketMask; index++) {
      let at = yield* atomics.readPtr(HEAD, this.#buckets + index * BUCKET_BYTES);
      while (!isNulls(at)) {
        const next: number = yield* atomics.readPtr(NEXT, at + htab_elem.off.next);
        count++;
        if ((yield* each(at + ELEM_BYTES, this.valueIn(at))) !== 0n) return count;
        at = next;
      }
    }
    return count;
  }

  override *bpf_map_copy_value(
    key: number,
    value: number,
    flags: number,
    cpu?: number,
  ): Sim<number> {
    const { rcu } = this.kernel;
    const wrong = this.checkCopyFlags(flags);
    if (wrong < 0) return wrong;
    rcu.rcu_read_lock();
    const elem = yield* this.lookup_nulls_elem_raw(this.hash(key), key);
    const result = elem === 0 ? -ENOENT : yield* this.copyElem(value, elem, flags, cpu);
    rcu.rcu_read_unlock();
    return result;
  }

  // Writers.

  override map_update_elem(key: number, value: number, flags: number): Sim<number> {
    return this.htab_map_update_elem(key, value, flags, 'own');
  }

  override bpf_map_update_value(
    key: number,
    value: number,
    flags: number,
    _mapFile?: number,
    whose: Whose = 'each',
  ): Sim<number> {
    return this.htab_map_update_elem(key, value, flags, whose);
  }

  override map_delete_elem(key: number): Sim<number> {
    return this.htab_map_delete_elem(key);
  }

  *htab_map_delete_elem(key: number): Sim<number> {
    const hash = this.hash(key);
    const head = this.bucketAt(hash);
    const failed = yield* this.lockBucket(head);
    if (failed !== 0) return failed;
    const old = this.find(head, hash, key);
    if (old !== 0) yield* this.unlink(old);
    yield* this.unlockBucket(head);
    if (old === 0) return -ENOENT;
    yield* this.freeElem(old);
    return 0;
  }

  /** __htab_map_lookup_and_delete_elem() */
  *map_lookup_and_delete_elem(key: number, value: number, flags: number): Sim<number> {
    const wrong = this.checkCopyFlags(flags);
    if (wrong < 0) return wrong;
    const hash = this.hash(key);
    const head = this.bucketAt(hash);
    const failed = yield* this.lockBucket(head);
    if (failed !== 0) return failed;
    const old = this.find(head, hash, key);
    if (old !== 0) {
      yield* this.copyElem(value, old, flags);
      yield* this.unlink(old);
    }
    yield* this.unlockBucket(head);
    if (old === 0) return -ENOENT;
    yield* this.freeElem(old);
    return 0;
  }

  // Steps.

  /**
   * 0; or -EDEADLK, -ETIMEDOUT; in old kernels -EBUSY where this CPU is about to take the lock, or
   * one that counts with it. htab_lock_bucket()
   */
  protected lockBucket(head: number): Sim<number> {
    if (this.#mapLocked !== 0) return this.#lockOnce(head);
    return lockMap(this.kernel, bucketLock, head + bucket.off.raw_lock, LOCK);
  }

  *#lockOnce(head: number): Sim<number> {
    const { sched } = this.kernel;
    sched.preemptDisable();
    if (this.#countLocked(head, 1) !== 1) {
      this.#countLocked(head, -1);
      sched.preemptEnable();
      return -EBUSY;
    }
    return yield* lockMap(this.kernel, bucketLock, head + bucket.off.raw_lock, LOCK);
  }

  *#unlockOnce(head: number): Sim<void> {
    yield* unlockMap(this.kernel, bucketLock, head + bucket.off.raw_lock, UNLOCK);
    this.#countLocked(head, -1);
    this.kernel.sched.preemptEnable();
  }

  /** Up to eight counters for each CPU. */
  #countLocked(head: number, by: 1 | -1): number {
    const { memory } = this;
    const index = ((head - this.#buckets) / BUCKET_BYTES) & (MAP_LOCKED_COUNT - 1);
    const at = this.#mapLocked + 4 * (MAP_LOCKED_COUNT * this.kernel.cpus.this.id + index);
    return memory.marked(() => {
      const count = memory.s32(at) + by;
      memory.setS32(at, count);
      return count;
    });
  }

  protected unlockBucket(head: number): Sim<void> {
    if (this.#mapLocked !== 0) return this.#unlockOnce(head);
    return unlockMap(this.kernel, bucketLock, head + bucket.off.raw_lock, UNLOCK);
  }

  protected *link(head: number, elem: number): Sim<void> {
    const { memory } = this;
    const first = memory.ptr(head);
    memory.setPtr(elem + htab_elem.off.next, first);
    memory.setPtr(elem + htab_elem.off.fnode, head);
    yield* this.kernel.atomics.writePtr(LINK, head, elem, RELEASE);
    if (!isNulls(first)) memory.setPtr(first + htab_elem.off.fnode, elem + htab_elem.off.next);
  }

  /** Its own `next` stays: a reader there goes on from it. */
  protected *unlink(elem: number): Sim<void> {
    const { memory } = this;
    const next = memory.ptr(elem + htab_elem.off.next);
    const slot = memory.ptr(elem + htab_elem.off.fnode);
    yield* this.kernel.atomics.writePtr(UNLINK, slot, next);
    if (!isNulls(next)) memory.setPtr(next + htab_elem.off.fnode, slot);
  }

  /** All elements in their lists, in the order of iteration. Nobody changes the map meanwhile. */
  protected elements(): number[] {
    const { memory } = this;
    const found: number[] = [];
    for (let index = 0; index <= this.#bucketMask; index++) {
      let at = memory.ptr(this.#buckets + index * BUCKET_BYTES);
      for (; !isNulls(at); at = memory.ptr(at + htab_elem.off.next)) found.push(at);
    }
    return found;
  }

  /** htab_map_free(), after the last reader. Elements that were freed singly must be gone first. */
  override *map_free(): Sim<void> {
    const { kasan, rcu } = this.kernel;
    if (!this.isPrealloc) yield* rcu.rcu_barrier();
    const { elems, lru, map_locked } = this.s;
    for (const elem of this.isPrealloc ? this.preallocated() : this.elements()) {
      if (holdsThings(this.record)) yield* this.freeFieldsOf(elem);
      this.drop(elem);
      if (!this.isPrealloc) kasan.free(elem);
    }
    for (const area of [elems, lru, map_locked, this.#buckets, this.addr]) {
      if (area !== 0) kasan.free(area);
    }
  }

  /** All of them, in the order of their addresses. */
  protected preallocated(): number[] {
    const { elems } = this.s;
    return Array.from({ length: this.preallocCount }, (_, i) => elems + i * this.elemSize);
  }
}

kernelText(Htab);
