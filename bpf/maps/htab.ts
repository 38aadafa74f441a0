import { alignUp } from '../../base/layout.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM, ENOTSUPP, EPERM } from '../../kernel/errno.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { RELEASE, kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import {
  BPF_EXIST,
  BPF_F_LOCK,
  BPF_NOEXIST,
  MapBase,
  type AllocCheck,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import { bpf_htab, bucket, BUCKET_BYTES, ELEM_BYTES, htab_elem } from './htab-alloc.ts';
import { jhash } from './jhash.ts';

const HEAD = site('__htab_map_lookup_elem', 'head');
const NEXT = site('__htab_map_lookup_elem', 'next');
const LOCK = site('htab_lock_bucket', 'lock');
const UNLOCK = site('htab_unlock_bucket', 'unlock');
const LINK = site('hlist_nulls_add_head_rcu', 'link');
const UNLINK = site('hlist_nulls_del_rcu', 'unlink');

const bucketLock = lockClass('&htab->lockdep_key', 'spin');

const CAP_SYS_ADMIN = 21;
const KMALLOC_MAX_SIZE = 1 << 22;
const BUCKETS_MAX = 1 << 22;

/** htab_map_alloc_check(), for all types of hash maps. */
export function htabCheck({ isPercpu, isLru }: { isPercpu: boolean; isLru: boolean }): AllocCheck {
  return ({ keySize, valueSize, maxEntries, flags }, kernel) => {
    if (flags & flag.ZERO_SEED && !kernel.creds.capable(CAP_SYS_ADMIN)) return -EPERM;
    if ((flags & ~flag.HASH_CREATE) !== 0 || !flag.accessOk(flags)) return -EINVAL;
    if (!isLru && flags & flag.NO_COMMON_LRU) return -EINVAL;
    if (isLru && flags & flag.NO_PREALLOC) return -ENOTSUPP;
    if (isPercpu && flags & flag.NUMA_NODE) return -EINVAL;
    if (maxEntries === 0 || keySize === 0 || valueSize === 0) return -EINVAL;
    if (keySize + valueSize >= KMALLOC_MAX_SIZE - ELEM_BYTES) return -E2BIG;
    if (isPercpu && alignUp(valueSize, 8) > 32 << 10) return -E2BIG;
    return maxEntries > BUCKETS_MAX ? -E2BIG : 0;
  };
}

/** Elements of a hash table in bucket and list order; readers need no lock. kernel/bpf/hashtab.c */
export abstract class Htab extends MapBase {
  protected readonly valueOff: number;
  protected readonly elemSize: number;
  protected readonly isPrealloc: boolean;
  readonly #buckets: number;
  readonly #bucketMask: number;
  readonly #hashrnd: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, inlineBytes: number) {
    super(world, addr, attr);
    this.valueOff = ELEM_BYTES + alignUp(attr.keySize, 8);
    this.elemSize = this.valueOff + alignUp(inlineBytes, 8);
    this.isPrealloc = (attr.flags & flag.NO_PREALLOC) === 0;
    const s = this.memory.unwatched(() => {
      const { buckets, n_buckets, hashrnd } = bpf_htab.at(this.memory, addr);
      return { buckets, n_buckets, hashrnd };
    });
    this.#buckets = s.buckets;
    this.#bucketMask = s.n_buckets - 1;
    this.#hashrnd = s.hashrnd;
  }

  // What types of hash maps differ in.

  /** Where a program finds the value. */
  protected abstract valueIn(elem: number): number;
  /** Puts a value into a new element; -ENOMEM. */
  protected abstract fill(elem: number, value: number, onAllCpus: boolean): number;
  /** What an element owns beside its own bytes. */
  protected abstract drop(elem: number): void;
  /** In place, where that is how the type changes a value; undefined where it is not. */
  protected replaceInPlace(_elem: number, _value: number, _onAllCpus: boolean): number | undefined {
    return undefined;
  }
  /** A reader has come by: for the order of eviction. */
  protected touched(_elem: number): void {}

  protected get s(): ReturnType<typeof bpf_htab.at> {
    return bpf_htab.at(this.memory, this.addr);
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
    const elem = yield* this.__htab_map_lookup_elem(key);
    if (elem === 0) return 0;
    this.touched(elem);
    return this.valueIn(elem);
  }

  /** Under RCU: the element, or 0. */
  *__htab_map_lookup_elem(key: number): Sim<number> {
    const { atomics } = this.kernel;
    const hash = this.hash(key);
    let at = yield* atomics.readPtr(HEAD, this.bucketAt(hash));
    while (at !== 0 && !this.#is(at, hash, key)) {
      at = yield* atomics.readPtr(NEXT, at + htab_elem.off.next);
    }
    return at;
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
  protected find(bucketAddr: number, hash: number, key: number): number {
    let at = this.memory.ptr(bucketAddr);
    while (at !== 0 && !this.#is(at, hash, key)) at = this.memory.ptr(at + htab_elem.off.next);
    return at;
  }

  /** The first of the table where the key is not there any more. htab_map_get_next_key() */
  override *map_get_next_key(key: number, next: number): Sim<number> {
    const { rcu, atomics } = this.kernel;
    rcu.rcu_read_lock();
    let index = 0;
    let found = 0;
    const elem = key === 0 ? 0 : yield* this.__htab_map_lookup_elem(key);
    if (elem !== 0) {
      found = yield* atomics.readPtr(NEXT, elem + htab_elem.off.next);
      index = (this.memory.u32(elem + htab_elem.off.hash) & this.#bucketMask) + 1;
    }
    for (; found === 0 && index <= this.#bucketMask; index++) {
      found = yield* atomics.readPtr(HEAD, this.#buckets + index * BUCKET_BYTES);
    }
    if (found !== 0) this.memory.copy(next, found + ELEM_BYTES, this.keySize);
    rcu.rcu_read_unlock();
    return found === 0 ? -ENOENT : 0;
  }

  /** bpf_for_each_hash_elem() */
  override *map_for_each_callback(each: (key: number, value: number) => Sim<bigint>): Sim<number> {
    const { atomics } = this.kernel;
    let count = 0;
    for (let index = 0; index <= this.#bucketMask; index++) {
      let at = yield* atomics.readPtr(HEAD, this.#buckets + index * BUCKET_BYTES);
      while (at !== 0) {
        count++;
        if ((yield* each(at + ELEM_BYTES, this.valueIn(at))) !== 0n) return count;
        at = yield* atomics.readPtr(NEXT, at + htab_elem.off.next);
      }
    }
    return count;
  }

  // Writers.

  override map_update_elem(key: number, value: number, flags: number): Sim<number> {
    return this.htab_map_update_elem(key, value, flags, false);
  }

  override bpf_map_update_value(key: number, value: number, flags: number): Sim<number> {
    return this.htab_map_update_elem(key, value, flags, true);
  }

  /** `onAllCpus`: the value is one for each CPU, from bpf(2). */
  *htab_map_update_elem(
    key: number,
    value: number,
    flags: number,
    onAllCpus: boolean,
  ): Sim<number> {
    const wrong = this.checkFlags(flags);
    if (wrong < 0) return wrong;
    const hash = this.hash(key);
    const bucketAddr = this.bucketAt(hash);
    yield* this.lockBucket(bucketAddr);
    const old = this.find(bucketAddr, hash, key);
    const result = yield* this.#replace({ bucketAddr, hash, key, value, flags, old, onAllCpus });
    yield* this.unlockBucket(bucketAddr);
    return result;
  }

  *#replace(update: Update): Sim<number> {
    const { bucketAddr, value, flags, old, onAllCpus } = update;
    if (old !== 0 && (flags & ~BPF_F_LOCK) === BPF_NOEXIST) return -EEXIST;
    if (old === 0 && (flags & ~BPF_F_LOCK) === BPF_EXIST) return -ENOENT;
    if (old !== 0 && flags & BPF_F_LOCK) {
      yield* this.copyValueLocked(this.valueIn(old), value, this.valueIn(old));
      return 0;
    }
    if (old !== 0) {
      const result = this.replaceInPlace(old, value, onAllCpus);
      if (result !== undefined) return result;
    }
    const made = yield* this.alloc_htab_elem(update);
    if (made < 0) return made;
    yield* this.link(bucketAddr, made);
    if (old !== 0) {
      yield* this.unlink(bucketAddr, old);
      this.replaced(old);
    }
    return 0;
  }

  /** A filled element, in no list yet; or -errno. */
  *alloc_htab_elem({ hash, key, value, old, onAllCpus }: Update): Sim<number> {
    const made = this.takeElem(old);
    if (made < 0) return made;
    const view = this.elem(made);
    view.hash = hash;
    this.memory.copy(made + ELEM_BYTES, key, this.keySize);
    const result = this.fill(made, value, onAllCpus);
    if (result < 0) {
      this.putBack(made);
      return result;
    }
    return made;
  }

  override map_delete_elem(key: number): Sim<number> {
    return this.htab_map_delete_elem(key);
  }

  *htab_map_delete_elem(key: number): Sim<number> {
    const hash = this.hash(key);
    const bucketAddr = this.bucketAt(hash);
    yield* this.lockBucket(bucketAddr);
    const old = this.find(bucketAddr, hash, key);
    if (old !== 0) yield* this.unlink(bucketAddr, old);
    yield* this.unlockBucket(bucketAddr);
    if (old === 0) return -ENOENT;
    this.freeElem(old);
    return 0;
  }

  /** __htab_map_lookup_and_delete_elem() */
  *map_lookup_and_delete_elem(key: number, value: number, flags: number): Sim<number> {
    const hash = this.hash(key);
    const bucketAddr = this.bucketAt(hash);
    yield* this.lockBucket(bucketAddr);
    const old = this.find(bucketAddr, hash, key);
    let result = old === 0 ? -ENOENT : 0;
    if (old !== 0) {
      result = yield* this.copyElem(value, old, flags);
      yield* this.unlink(bucketAddr, old);
    }
    yield* this.unlockBucket(bucketAddr);
    if (old !== 0) this.freeElem(old);
    return result;
  }

  override *bpf_map_copy_value(key: number, value: number, flags: number): Sim<number> {
    const { rcu } = this.kernel;
    rcu.rcu_read_lock();
    const elem = yield* this.__htab_map_lookup_elem(key);
    const result = elem === 0 ? -ENOENT : yield* this.copyElem(value, elem, flags);
    rcu.rcu_read_unlock();
    return result;
  }

  /** The value as bpf(2) gives it. */
  protected *copyElem(value: number, elem: number, flags: number): Sim<number> {
    return yield* this.copyOut(value, this.valueIn(elem), flags);
  }

  // Steps.

  protected lockBucket(addr: number): Sim<void> {
    return this.kernel.spinlocks.spin_lock_irq(bucketLock, addr + bucket.off.raw_lock, LOCK);
  }

  protected unlockBucket(addr: number): Sim<void> {
    return this.kernel.spinlocks.spin_unlock_irq(bucketLock, addr + bucket.off.raw_lock, UNLOCK);
  }

  protected *link(bucketAddr: number, elem: number): Sim<void> {
    this.elem(elem).next = this.memory.ptr(bucketAddr);
    yield* this.kernel.atomics.writePtr(LINK, bucketAddr, elem, RELEASE);
  }

  /** The element's own pointer stays: a reader there goes on from it. */
  protected *unlink(bucketAddr: number, elem: number): Sim<void> {
    const { memory } = this;
    let slot = bucketAddr;
    for (let at = memory.ptr(slot); at !== elem; at = memory.ptr(slot)) {
      slot = at + htab_elem.off.next;
    }
    const next = memory.ptr(elem + htab_elem.off.next);
    yield* this.kernel.atomics.writePtr(UNLINK, slot, next);
  }

  // Elements.

  /** A free element; -E2BIG where the map is full, -ENOMEM. `old` is the one to be replaced. */
  protected takeElem(old: number): number {
    return this.isPrealloc ? this.#takePrealloc(old) : this.#allocElem(old);
  }

  #takePrealloc(old: number): number {
    const { memory } = this;
    const cpu = this.kernel.cpus.this.id;
    if (old !== 0) {
      const slot = this.s.extra_elems + 8 * cpu;
      const extra = memory.ptr(slot);
      memory.setPtr(slot, old); // comes back as the next replacement
      return extra;
    }
    const cpuCount = this.kernel.cpus.all.length;
    for (let i = 0; i < cpuCount; i++) {
      const slot = this.s.freelist + 8 * ((cpu + i) % cpuCount);
      const elem = memory.ptr(slot);
      if (elem === 0) continue;
      memory.setPtr(slot, memory.ptr(elem + htab_elem.off.next));
      return elem;
    }
    return -E2BIG;
  }

  #allocElem(old: number): number {
    const { machine } = this.kernel;
    const s = this.s;
    if (s.count >= this.maxEntries && old === 0) return -E2BIG;
    const elem = machine.mayAlloc('htab_elem') ? machine.slab.kzalloc(this.elemSize) : 0;
    if (elem === 0) return -ENOMEM;
    s.count++;
    return elem;
  }

  /** Taken, and then not used. */
  protected putBack(elem: number): void {
    if (this.isPrealloc) this.#push(elem);
    else {
      this.s.count--;
      this.kernel.kasan.free(elem);
    }
  }

  /** An element that another has replaced. */
  protected replaced(old: number): void {
    if (!this.isPrealloc) this.freeElem(old); // else it is this CPU's extra element now
  }

  /** free_htab_elem(): used again at once where it is preallocated, else after a grace period. */
  protected freeElem(elem: number): void {
    if (this.isPrealloc) {
      this.#push(elem); // with all that it owns
      return;
    }
    const s = this.s;
    s.count--;
    this.kernel.rcu.call_rcu('bpf_mem_free_rcu', () => {
      this.drop(elem);
      this.kernel.kasan.free(elem);
    });
  }

  #push(elem: number): void {
    const slot = this.s.freelist + 8 * this.kernel.cpus.this.id;
    this.memory.setPtr(elem + htab_elem.off.next, this.memory.ptr(slot));
    this.memory.setPtr(slot, elem);
  }

  /** In use, in the order of iteration. Nobody changes the map meanwhile. */
  protected elements(): number[] {
    const found: number[] = [];
    for (let index = 0; index <= this.#bucketMask; index++) {
      let at = this.memory.ptr(this.#buckets + index * BUCKET_BYTES);
      while (at !== 0) {
        found.push(at);
        at = this.memory.ptr(at + htab_elem.off.next);
      }
    }
    return found;
  }

  /** htab_map_free(), after the last reader: those that were freed singly must be gone too. */
  override *map_free(): Sim<void> {
    const { kasan, rcu } = this.kernel;
    if (!this.isPrealloc) yield* rcu.rcu_barrier();
    const { elems, buckets } = this.s;
    if (elems === 0) {
      for (const elem of this.elements()) {
        this.drop(elem);
        kasan.free(elem);
      }
    } else {
      for (let i = 0; i < this.maxEntries + this.kernel.cpus.all.length; i++) {
        this.drop(elems + i * this.elemSize);
      }
      kasan.free(elems);
    }
    kasan.free(buckets);
    kasan.free(this.addr);
  }
}

kernelText(Htab);

interface Update {
  readonly bucketAddr: number;
  readonly hash: number;
  readonly key: number;
  readonly value: number;
  readonly flags: number;
  readonly old: number;
  readonly onAllCpus: boolean;
}
