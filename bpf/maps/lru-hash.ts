import { EINVAL, ENOMEM } from '../../kernel/errno.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { BPF_EXIST, type MapAttr, type MapWorld } from './base.ts';
import * as flag from './flags.ts';
import { checkExists } from './hash.ts';
import { allocHtab, ELEM_BYTES, htab_elem, type HtabShape } from './htab-alloc.ts';
import { Htab } from './htab.ts';
import { BpfLru } from './lru.ts';
import type { BpfMap } from './map.ts';
import type { Whose } from './map.ts';
import { PercpuValues } from './percpu.ts';

const PLAIN: HtabShape = { isPercpu: false, isLru: true };
const PERCPU: HtabShape = { isPercpu: true, isLru: true };
const NODE = htab_elem.off.lru_node;

/** Hash maps that are never full: they give up elements. All are preallocated. */
abstract class LruHtab extends Htab {
  protected readonly lru: BpfLru;

  constructor(world: MapWorld, addr: number, attr: MapAttr, shape: HtabShape) {
    super(world, addr, attr, shape);
    const { memory } = this;
    const base = memory.unwatched(() => this.s.lru);
    this.lru = new BpfLru(base, {
      kernel: this.kernel,
      isPercpu: (attr.flags & flag.NO_COMMON_LRU) !== 0,
      elemCount: attr.maxEntries,
      del_from_htab: (node) => this.htab_lru_map_delete_node(node - NODE),
      setHash: (node, hash) => memory.setU32(node - NODE + htab_elem.off.hash, hash),
    });
    memory.unwatched(() => {
      this.lru.init();
      this.lru.populate(this.preallocated().map((elem) => elem + NODE));
    });
  }

  protected override touched(elem: number): void {
    this.lru.set_ref(elem + NODE);
  }

  /** Out of its bucket, to be used again: false where somebody was faster. */
  *htab_lru_map_delete_node(elem: number): Sim<boolean> {
    const hash = this.memory.u32(elem + htab_elem.off.hash);
    const head = this.bucketAt(hash);
    if ((yield* this.lockBucket(head)) !== 0) return false;
    const isThere = this.isIn(head, elem);
    if (isThere) yield* this.unlink(elem);
    yield* this.unlockBucket(head);
    if (isThere && this.isEager) yield* this.freeFieldsOf(elem);
    return isThere;
  }

  /** Before the bucket's lock, since it may have to take others' elements from their buckets. */
  protected *prealloc_lru_pop(key: number, hash: number): Sim<number> {
    const node = yield* this.lru.bpf_lru_pop_free(hash);
    if (node === 0) return 0;
    this.memory.copy(node - NODE + ELEM_BYTES, key, this.keySize);
    return node - NODE;
  }

  /** htab_lru_push_free() */
  protected override *freeElem(elem: number): Sim<void> {
    if (this.isEager) yield* this.freeFieldsOf(elem);
    yield* this.lru.bpf_lru_push_free(elem + NODE);
  }
}

kernelText(LruHtab);

/** BPF_MAP_TYPE_LRU_HASH. */
export class LruHashMap extends LruHtab {
  static create(world: MapWorld, given: MapAttr): BpfMap | undefined {
    const attr = rounded(world, given);
    const addr = allocHtab(world, attr, PLAIN);
    return addr === 0 ? undefined : new LruHashMap(world, addr, attr, PLAIN);
  }

  protected override valueIn(elem: number): number {
    return elem + this.valueOff;
  }

  protected override freeFieldsOf(elem: number): Sim<void> {
    return this.freeFields(this.valueIn(elem));
  }

  /** htab_lru_map_update_elem() */
  override *htab_map_update_elem(key: number, value: number, flags: number): Sim<number> {
    if (flags > BPF_EXIST) return -EINVAL;
    const hash = this.hash(key);
    const made = yield* this.prealloc_lru_pop(key, hash);
    if (made === 0) return -ENOMEM;
    this.copyValue(this.valueIn(made), value);
    const head = this.bucketAt(hash);
    const failed = yield* this.lockBucket(head);
    if (failed !== 0) {
      yield* this.freeElem(made);
      return failed;
    }
    const old = this.find(head, hash, key);
    const result = checkExists(old, flags);
    if (result === 0) {
      yield* this.link(head, made);
      if (old !== 0) {
        this.touched(made);
        yield* this.unlink(old);
      }
    }
    yield* this.unlockBucket(head);
    if (result < 0) yield* this.freeElem(made);
    else if (old !== 0) yield* this.freeElem(old);
    return result;
  }

  protected override copyElem(value: number, elem: number, flags: number): Sim<number> {
    return this.copyOut(value, this.valueIn(elem), flags);
  }
}

kernelText(LruHashMap);

/** BPF_MAP_TYPE_LRU_PERCPU_HASH. */
export class LruPercpuHashMap extends LruHtab {
  readonly #values: PercpuValues;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr, PERCPU);
    this.#values = new PercpuValues(world, attr);
  }

  static create(world: MapWorld, given: MapAttr): BpfMap | undefined {
    const attr = rounded(world, given);
    const addr = allocHtab(world, attr, PERCPU);
    return addr === 0 ? undefined : new LruPercpuHashMap(world, addr, attr);
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

  /** __htab_lru_percpu_map_update_elem() */
  override *htab_map_update_elem(
    key: number,
    value: number,
    flags: number,
    whose: Whose,
  ): Sim<number> {
    if (flags > BPF_EXIST) return -EINVAL;
    const hash = this.hash(key);
    let made = 0;
    if (flags !== BPF_EXIST) {
      made = yield* this.prealloc_lru_pop(key, hash);
      if (made === 0) return -ENOMEM;
    }
    const head = this.bucketAt(hash);
    const failed = yield* this.lockBucket(head);
    if (failed !== 0) {
      if (made !== 0) yield* this.freeElem(made);
      return failed;
    }
    const old = this.find(head, hash, key);
    const result = checkExists(old, flags);
    if (result === 0 && old !== 0) {
      this.touched(old);
      this.#values.set(this.#area(old), value, whose);
    } else if (result === 0) {
      this.#values.setNew(this.#area(made), value, whose);
      yield* this.link(head, made);
      made = 0;
    }
    yield* this.unlockBucket(head);
    if (made !== 0) yield* this.freeElem(made);
    return result;
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

  /** The value of one CPU, or 0. htab_lru_percpu_map_lookup_percpu_elem() */
  *map_lookup_percpu_elem(key: number, cpu: number): Sim<number> {
    if (cpu >= this.#values.cpuCount) return 0;
    const elem = yield* this.lookup_nulls_elem_raw(this.hash(key), key);
    if (elem === 0) return 0;
    this.touched(elem);
    return this.#area(elem) + this.#values.stride * cpu;
  }
}

kernelText(LruPercpuHashMap);

/** Where each CPU evicts elements of its own only, each has equally many. htab_map_alloc() */
function rounded({ kernel }: MapWorld, attr: MapAttr): MapAttr {
  const cpuCount = kernel.cpus.all.length;
  if ((attr.flags & flag.NO_COMMON_LRU) === 0) return attr;
  return { ...attr, maxEntries: Math.ceil(attr.maxEntries / cpuCount) * cpuCount };
}
