import { E2BIG, EINVAL, ENOENT, ENOMEM, ENOTSUPP } from '../../kernel/errno.ts';
import { btfRecordEqual } from '../btf/record.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { MAP_TYPE } from '../uapi.ts';
import { allocArray, checkArray } from './array.ts';
import {
  BPF_ANY,
  BPF_EXIST,
  BPF_NOEXIST,
  MapBase,
  type AllocCheck,
  type CheckedAttr,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import { ReplacingHtab } from './hash.ts';
import { allocHtab, type HtabShape } from './htab-alloc.ts';
import { htabCheck } from './htab.ts';
import type { BpfMap } from './map.ts';

const READ_SLOT = site('array_of_map_lookup_elem', 'slot');
const XCHG = site('bpf_fd_array_map_update_elem', 'xchg');

const POINTER_BYTES = 8;
/** Its elements hold pointers, whatever bpf(2) calls the size of a value. */
const HASH: HtabShape = { isPercpu: false, isLru: false };

/** Whether a map may take the place of another in a map of maps. bpf_map_meta_equal() */
export function metaEqual(meta: BpfMap, map: BpfMap): boolean {
  const isArray = meta.type === MAP_TYPE.ARRAY;
  if (isArray && !(meta.flags & flag.INNER_MAP) && meta.maxEntries !== map.maxEntries) return false;
  return (
    meta.type === map.type &&
    meta.keySize === map.keySize &&
    meta.valueSize === map.valueSize &&
    meta.flags === map.flags &&
    btfRecordEqual(meta.record, map.record)
  );
}

/**
 * What the maps inside are like, which none of them is: without a name, and nowhere in memory.
 * bpf_map_meta_alloc()
 */
function metaOf(inner: BpfMap): BpfMap {
  return Object.create(inner, { name: { value: '' }, addr: { value: 0 } }) as BpfMap;
}

/** What stands inside may not hold maps itself, or programs. bpf_map_meta_alloc() */
export function checkInner({ type }: BpfMap): number {
  if (type === MAP_TYPE.ARRAY_OF_MAPS || type === MAP_TYPE.HASH_OF_MAPS) return -EINVAL;
  return type === MAP_TYPE.PROG_ARRAY ? -ENOTSUPP : 0;
}

/** fd_array_map_alloc_check(). `also`: flags of the one type of array alone. */
export function checkFdArray(attr: CheckedAttr, also = 0): number {
  if (attr.valueSize !== 4) return -EINVAL;
  if ((attr.flags & (flag.RDONLY_PROG | flag.WRONLY_PROG)) !== 0) return -EINVAL;
  return checkArray(attr, flag.NUMA_NODE | also);
}

export const fdArrayCheck: AllocCheck = (attr) => checkFdArray(attr);

export const hashOfMapsCheck: AllocCheck = (attr, kernel) => {
  if (attr.valueSize !== 4) return -EINVAL;
  return htabCheck(HASH)(attr, kernel);
};

/** An array of pointers that user space sees as descriptors, and reads as ids. */
export abstract class FdArray extends MapBase {
  override readonly bypassesSpecV1 = this.mayBypassSpecV1;
  protected readonly slots: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, slots: number) {
    super(world, addr, attr);
    this.slots = slots;
  }

  /** The object behind a descriptor, with a reference; or -errno. map_fd_get_ptr */
  protected abstract get(fd: number, mapFile: number): Sim<number>;
  protected abstract put(object: number): Sim<void>;
  protected abstract idOf(object: number): number;

  protected slot(index: number): number {
    return this.slots + index * POINTER_BYTES;
  }

  override map_lookup_elem(_key: number): number | Sim<number> {
    return 0;
  }

  /** Programs cannot. */
  override map_update_elem(): number {
    return -EINVAL;
  }

  override map_delete_elem(key: number): Sim<number> {
    return this.fd_array_map_delete_elem(key);
  }

  override *bpf_map_delete_key(key: number): Sim<number> {
    return yield* this.fd_array_map_delete_elem(key);
  }

  *fd_array_map_delete_elem(key: number): Sim<number> {
    const index = this.memory.u32(key);
    return index >= this.maxEntries ? -E2BIG : yield* this.remove(index);
  }

  /** __fd_array_map_delete_elem() */
  protected *remove(index: number): Sim<number> {
    const old = yield* this.kernel.atomics.xchgPtr(XCHG, this.slot(index), 0);
    if (old === 0) return -ENOENT;
    yield* this.put(old);
    return 0;
  }

  /** bpf_fd_array_map_update_elem() */
  override *bpf_map_update_value(
    key: number,
    value: number,
    flags: number,
    mapFile: number,
  ): Sim<number> {
    if (flags !== BPF_ANY) return -EINVAL;
    const index = this.memory.u32(key);
    if (index >= this.maxEntries) return -E2BIG;
    const object = yield* this.get(this.memory.s32(value), mapFile);
    if (object < 0) return object;
    const old = yield* this.kernel.atomics.xchgPtr(XCHG, this.slot(index), object);
    if (old !== 0) yield* this.put(old);
    return 0;
  }

  override *bpf_map_copy_value(key: number, value: number, flags: number): Sim<number> {
    const wrong = this.checkCopyFlags(flags);
    if (wrong < 0) return wrong;
    const index = this.memory.u32(key);
    if (index >= this.maxEntries) return -ENOENT;
    const object = yield* this.kernel.atomics.readPtr(READ_SLOT, this.slot(index));
    if (object === 0) return -ENOENT;
    this.memory.setU32(value, this.idOf(object));
    return 0;
  }

  override *map_get_next_key(key: number, next: number): Sim<number> {
    const index = key === 0 ? 0xffff_ffff : this.memory.u32(key);
    if (index < this.maxEntries && index === this.maxEntries - 1) return -ENOENT;
    this.memory.setU32(next, index >= this.maxEntries ? 0 : index + 1);
    return 0;
  }

  /** bpf_fd_array_map_clear() */
  protected *clear(): Sim<void> {
    for (let index = 0; index < this.maxEntries; index++) {
      const old = yield* this.kernel.atomics.xchgPtr(XCHG, this.slot(index), 0);
      if (old !== 0) yield* this.put(old);
    }
  }

  override *map_free(): Sim<void> {
    yield* this.clear();
    this.kernel.kasan.free(this.slots);
    this.kernel.kasan.free(this.addr);
  }
}

kernelText(FdArray);

/** BPF_MAP_TYPE_ARRAY_OF_MAPS. kernel/bpf/arraymap.c */
export class ArrayOfMaps extends FdArray {
  readonly innerMapMeta: BpfMap;

  constructor(world: MapWorld, addr: number, attr: MapAttr, slots: number) {
    super(world, addr, attr, slots);
    this.innerMapMeta = metaOf(attr.inner!);
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const made = allocArray(world, attr, POINTER_BYTES, POINTER_BYTES * attr.maxEntries);
    return made && new ArrayOfMaps(world, made.addr, attr, made.values);
  }

  /** The inner map's address: what a program may look up in next. */
  override *map_lookup_elem(key: number): Sim<number> {
    const index = this.memory.u32(key);
    if (index >= this.maxEntries) return 0;
    return yield* this.kernel.atomics.readPtr(READ_SLOT, this.slot(index));
  }

  protected override get(fd: number): Sim<number> {
    return innerFromFd(this.world, this.innerMapMeta, fd);
  }

  protected override put(object: number): Sim<void> {
    return this.world.ports.bpf_map_put(this.world.ports.mapAt(object));
  }

  protected override idOf(object: number): number {
    return this.world.ports.mapIdOf(this.world.ports.mapAt(object));
  }
}

/** bpf_map_fd_get_ptr(): -EINVAL where it is not like the others. */
function* innerFromFd({ ports }: MapWorld, meta: BpfMap, fd: number): Sim<number> {
  const map = yield* ports.mapFromFd(fd);
  if (typeof map === 'number') return map;
  if (metaEqual(meta, map)) return map.addr;
  yield* ports.bpf_map_put(map);
  return -EINVAL;
}

/** BPF_MAP_TYPE_HASH_OF_MAPS. kernel/bpf/hashtab.c */
export class HashOfMaps extends ReplacingHtab {
  readonly innerMapMeta: BpfMap;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr);
    this.innerMapMeta = metaOf(attr.inner!);
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const addr = allocHtab(world, attr, HASH);
    return addr === 0 ? undefined : new HashOfMaps(world, addr, attr);
  }

  override *map_lookup_elem(key: number): Sim<number> {
    const elem = yield* this.lookup_nulls_elem_raw(this.hash(key), key);
    if (elem === 0) return 0;
    return yield* this.kernel.atomics.readPtr(READ_SLOT, this.valueIn(elem));
  }

  override *map_update_elem(): Sim<number> {
    return -EINVAL;
  }

  /** bpf_fd_htab_map_update_elem() */
  override *bpf_map_update_value(key: number, value: number, flags: number): Sim<number> {
    if (flags !== BPF_ANY && flags !== BPF_NOEXIST && flags !== BPF_EXIST) return -EINVAL;
    const inner = yield* innerFromFd(this.world, this.innerMapMeta, this.memory.s32(value));
    if (inner < 0) return inner;
    const { slab } = this.kernel.machine;
    const held = slab.kzalloc(POINTER_BYTES);
    let result = -ENOMEM;
    if (held !== 0) {
      this.memory.setPtr(held, inner);
      result = yield* this.htab_map_update_elem(key, held, flags, 'each');
      slab.free(held);
    }
    if (result < 0) yield* this.#put(inner);
    return result;
  }

  /** bpf_fd_htab_map_lookup_elem(): the inner map's id. */
  protected override *copyElem(value: number, elem: number): Sim<number> {
    const { ports } = this.world;
    const inner = yield* this.kernel.atomics.readPtr(READ_SLOT, this.valueIn(elem));
    this.memory.setU32(value, ports.mapIdOf(ports.mapAt(inner)));
    return 0;
  }

  override *map_lookup_and_delete_elem(): Sim<number> {
    return -ENOTSUPP;
  }

  #put(inner: number): Sim<void> {
    const { ports } = this.world;
    return ports.bpf_map_put(ports.mapAt(inner));
  }

  protected override valueIn(elem: number): number {
    return elem + this.valueOff;
  }

  protected override fill(elem: number, value: number): number {
    this.memory.setPtr(this.valueIn(elem), this.memory.ptr(value));
    return 0;
  }

  protected override heldBy(elem: number): number {
    return this.memory.ptr(this.valueIn(elem));
  }

  protected override putReplaced(held: number): Sim<void> {
    return this.#put(held);
  }

  /** The inner map's own grace period keeps it for those who have found it here. */
  protected override *freeElem(elem: number): Sim<void> {
    yield* this.#put(this.heldBy(elem));
    yield* super.freeElem(elem);
  }

  override *map_free(): Sim<void> {
    for (const elem of this.elements()) yield* this.#put(this.memory.ptr(this.valueIn(elem)));
    yield* super.map_free();
  }
}
