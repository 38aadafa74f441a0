import { E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM } from '../../kernel/errno.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { BPF_EXIST, BPF_F_LOCK, BPF_NOEXIST, type MapAttr, type MapWorld } from './base.ts';
import { allocHtab, ELEM_BYTES, htab_elem, type HtabShape } from './htab-alloc.ts';
import { Htab } from './htab.ts';
import { holdsThings } from '../objects/objects.ts';
import type { BpfMap } from './map.ts';
import type { Whose } from './map.ts';
import { PercpuValues } from './percpu.ts';

const PLAIN: HtabShape = { isPercpu: false, isLru: false };
const PERCPU: HtabShape = { isPercpu: true, isLru: false };

/** -EEXIST or -ENOENT where an update must not be. check_flags() */
export function checkExists(old: number, flags: number): number {
  if (old !== 0 && (flags & ~BPF_F_LOCK) === BPF_NOEXIST) return -EEXIST;
  return old === 0 && (flags & ~BPF_F_LOCK) === BPF_EXIST ? -ENOENT : 0;
}

/**
 * Elements that are preallocated, in a list of free ones for each CPU, or come from the heap one by
 * one. Preallocated ones are used again at once: who still reads one finds the next key there.
 */
abstract class ListedHtab extends Htab {
  constructor(world: MapWorld, addr: number, attr: MapAttr, shape: HtabShape) {
    super(world, addr, attr, shape);
    if (this.isPrealloc) this.memory.unwatched(() => this.#deal());
  }

  /** Puts a value into a new element; -ENOMEM. */
  protected abstract fill(elem: number, value: number, whose: Whose): number;

  /** Evenly to all CPUs, the last on top. pcpu_freelist_populate() */
  #deal(): void {
    const cpuCount = this.kernel.cpus.all.length;
    const share = Math.floor(this.preallocCount / cpuCount);
    const more = this.preallocCount % cpuCount;
    let cpu = 0;
    let left = share + (more > 0 ? 1 : 0);
    for (const elem of this.preallocated()) {
      for (; left === 0; left = share + (cpu < more ? 1 : 0)) cpu++;
      this.#push(elem, cpu);
      left--;
    }
  }

  // The lists have locks of their own in Linux, held for no longer than this: atomic regions here.

  /** pcpu_freelist_push() */
  #push(elem: number, cpu = this.kernel.cpus.this.id): void {
    const { memory } = this;
    const head = this.s.freelist + 8 * cpu;
    memory.unwatched(() => {
      memory.setPtr(elem + htab_elem.off.fnode, memory.ptr(head));
      memory.setPtr(head, elem);
    });
    this.kernel.machine.engine.ordering?.release(head);
  }

  /** This CPU's, else another's; 0. pcpu_freelist_pop() */
  protected popFree(): number {
    return this.memory.unwatched(() => this.#pop());
  }

  #pop(): number {
    const { memory } = this;
    const { cpus } = this.kernel;
    const { freelist } = this.s;
    for (let i = 0; i < cpus.all.length; i++) {
      const head = freelist + 8 * ((cpus.this.id + i) % cpus.all.length);
      const elem = memory.ptr(head);
      if (elem === 0) continue;
      memory.setPtr(head, memory.ptr(elem + htab_elem.off.fnode));
      this.kernel.machine.engine.ordering?.acquire(head);
      return elem;
    }
    return 0;
  }

  /** A filled element, in no list yet; or -errno. `old` is the one to be replaced, or 0. */
  protected alloc_htab_elem(update: NewElem, old: number): number {
    const { hash, key, value, whose } = update;
    const made = this.takeElem(old);
    if (made < 0) return made;
    const result = this.fill(made, value, whose);
    if (result < 0) {
      if (this.isPrealloc) this.#push(made);
      else {
        this.#count(-1);
        this.kernel.kasan.free(made);
      }
      return result;
    }
    this.elem(made).hash = hash;
    this.memory.copy(made + ELEM_BYTES, key, this.keySize);
    return made;
  }

  /** A free element; -E2BIG where the map is full, -ENOMEM. */
  protected takeElem(old: number): number {
    if (this.isPrealloc) return this.popFree() || -E2BIG;
    const { machine } = this.kernel;
    if (this.#count(0) >= this.maxEntries && old === 0) return -E2BIG;
    const elem = machine.mayAlloc('htab_elem') ? machine.slab.kzalloc(this.elemSize) : 0;
    if (elem === 0) return -ENOMEM;
    this.#count(1);
    return elem;
  }

  /** How many elements there are after `by` more: atomic_t. inc_elem_count() */
  #count(by: number): number {
    return this.memory.unwatched(() => (this.s.count += by));
  }

  /** free_htab_elem(): used again at once where it is preallocated, else after a grace period. */
  protected override *freeElem(elem: number): Sim<void> {
    const { isEager } = this;
    if (isEager) yield* this.freeFieldsOf(elem);
    if (this.isPrealloc) {
      this.#push(elem); // with all that it owns
      return;
    }
    this.#count(-1);
    const holds = !isEager && holdsThings(this.record);
    this.kernel.rcu.call_rcu('bpf_mem_free_rcu', () => this.#destroy(elem, holds));
  }

  *#destroy(elem: number, holds: boolean): Sim<void> {
    if (holds) yield* this.freeFieldsOf(elem);
    this.drop(elem);
    this.kernel.kasan.free(elem);
  }
}

kernelText(ListedHtab);

interface NewElem {
  readonly hash: number;
  readonly key: number;
  readonly value: number;
  readonly whose: Whose;
}

/** Hash maps with the value inside the element: a new one replaces the old. */
export abstract class ReplacingHtab extends ListedHtab {
  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr, PLAIN);
    if (this.isPrealloc) this.memory.unwatched(() => this.#takeExtras());
  }

  /** One for each CPU, with which it replaces. alloc_extra_elems() */
  #takeExtras(): void {
    const { extra_elems } = this.s;
    for (let cpu = 0; cpu < this.kernel.cpus.all.length; cpu++) {
      this.memory.setPtr(extra_elems + 8 * cpu, this.popFree());
    }
  }

  /** The replaced element comes back as this CPU's next replacement. */
  protected override takeElem(old: number): number {
    if (!this.isPrealloc || old === 0) return super.takeElem(old);
    const { memory } = this;
    const extra = this.s.extra_elems + 8 * this.kernel.cpus.this.id;
    const elem = memory.ptr(extra);
    memory.setPtr(extra, old);
    return elem;
  }

  /** What an element held that has been replaced; this CPU keeps the element itself. */
  protected *putReplaced(_held: number): Sim<void> {}

  override *htab_map_update_elem(
    key: number,
    value: number,
    flags: number,
    whose: Whose,
  ): Sim<number> {
    const wrong = this.checkFlags(flags);
    if (wrong < 0) return wrong;
    const hash = this.hash(key);
    if (flags & BPF_F_LOCK) {
      // In the hope that the element's own lock is enough.
      const found = yield* this.lookup_nulls_elem_raw(hash, key);
      const result = checkExists(found, flags);
      if (result < 0) return result;
      if (found !== 0) return yield* this.#setLocked(found, value);
    }
    const head = this.bucketAt(hash);
    const failed = yield* this.lockBucket(head);
    if (failed !== 0) return failed;
    const old = this.find(head, hash, key);
    const held = old === 0 ? 0 : this.heldBy(old);
    const result = yield* this.#replace(head, { hash, key, value, whose }, old, flags);
    yield* this.unlockBucket(head);
    if (result !== REPLACED) return result;
    if (!this.isPrealloc) yield* this.freeElem(old);
    else {
      if (this.isEager) yield* this.freeFieldsOf(old);
      yield* this.putReplaced(held);
    }
    return 0;
  }

  /** The object whose reference an element holds, or 0. */
  protected heldBy(_elem: number): number {
    return 0;
  }

  *#replace(head: number, update: NewElem, old: number, flags: number): Sim<number> {
    const result = checkExists(old, flags);
    if (result < 0) return result;
    if (old !== 0 && flags & BPF_F_LOCK) return yield* this.#setLocked(old, update.value);
    const made = this.alloc_htab_elem(update, old);
    if (made < 0) return made;
    // From the front, so that a reader who misses the old one has met the new one.
    yield* this.link(head, made);
    if (old === 0) return 0;
    yield* this.unlink(old);
    return REPLACED;
  }

  protected override freeFieldsOf(elem: number): Sim<void> {
    return this.freeFields(this.valueIn(elem));
  }

  *#setLocked(elem: number, value: number): Sim<number> {
    yield* this.copyValueLocked(this.valueIn(elem), value, this.valueIn(elem));
    return 0;
  }
}

kernelText(ReplacingHtab);

/** A result beside 0 and -errno: there is an old element to be freed. */
const REPLACED = 1;

/** BPF_MAP_TYPE_HASH. */
export class HashMap extends ReplacingHtab {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const addr = allocHtab(world, attr, PLAIN);
    return addr === 0 ? undefined : new HashMap(world, addr, attr);
  }

  protected override valueIn(elem: number): number {
    return elem + this.valueOff;
  }

  /** But for its lock: that of a preallocated element stays as it is. */
  protected override fill(elem: number, value: number): number {
    this.copyValue(this.valueIn(elem), value);
    return 0;
  }

  protected override copyElem(value: number, elem: number, flags: number): Sim<number> {
    return this.copyOut(value, this.valueIn(elem), flags);
  }
}

/** BPF_MAP_TYPE_PERCPU_HASH: an element points to a value for each CPU, and is never replaced. */
export class PercpuHashMap extends ListedHtab {
  readonly #values: PercpuValues;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr, PERCPU);
    this.#values = new PercpuValues(world, attr);
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const addr = allocHtab(world, attr, PERCPU);
    return addr === 0 ? undefined : new PercpuHashMap(world, addr, attr);
  }

  override get userValueSize(): number {
    return this.#values.sizeBytes;
  }

  #area(elem: number): number {
    return this.memory.ptr(elem + this.valueOff);
  }

  protected override valueIn(elem: number): number {
    return this.#values.here(this.#area(elem));
  }

  /** __htab_percpu_map_update_elem() */
  override *htab_map_update_elem(
    key: number,
    value: number,
    flags: number,
    whose: Whose,
  ): Sim<number> {
    if (flags > BPF_EXIST) return -EINVAL;
    const hash = this.hash(key);
    const head = this.bucketAt(hash);
    const failed = yield* this.lockBucket(head);
    if (failed !== 0) return failed;
    const old = this.find(head, hash, key);
    let result = checkExists(old, flags);
    if (result === 0 && old !== 0) this.#values.set(this.#area(old), value, whose);
    else if (result === 0) {
      const made = this.alloc_htab_elem({ hash, key, value, whose }, 0);
      if (made < 0) result = made;
      else yield* this.link(head, made);
    }
    yield* this.unlockBucket(head);
    return result;
  }

  /** A preallocated element keeps its area. */
  protected override fill(elem: number, value: number, whose: Whose): number {
    if (!this.isPrealloc) {
      const area = this.#values.alloc();
      if (area === 0) return -ENOMEM;
      this.memory.setPtr(elem + this.valueOff, area);
    }
    this.#values.setNew(this.#area(elem), value, whose);
    return 0;
  }

  protected override drop(elem: number): void {
    this.kernel.kasan.free(this.#area(elem));
  }

  protected override freeFieldsOf(elem: number): Sim<void> {
    return this.#values.freeFields(this.#area(elem));
  }

  protected override *copyElem(
    value: number,
    elem: number,
    _flags: number,
    cpu?: number,
  ): Sim<number> {
    this.#values.copyOut(value, this.#area(elem), cpu);
    return 0;
  }

  protected override checkCopyFlags(flags: number): number {
    return flags === 0 ? 0 : -EINVAL;
  }

  /** The value of one CPU, or 0. htab_percpu_map_lookup_percpu_elem() */
  *map_lookup_percpu_elem(key: number, cpu: number): Sim<number> {
    if (cpu >= this.#values.cpuCount) return 0;
    const elem = yield* this.lookup_nulls_elem_raw(this.hash(key), key);
    return elem === 0 ? 0 : this.#area(elem) + this.#values.stride * cpu;
  }
}

kernelText(PercpuHashMap);
