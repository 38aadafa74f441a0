import { E2BIG, EINVAL, ENOENT, ENOTSUPP } from '../../kernel/errno.ts';
import { kernelText, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { MAP_TYPE } from '../uapi.ts';
import { allocArray, arrayCheck } from './array.ts';
import {
  BPF_ANY,
  BPF_EXIST,
  BPF_NOEXIST,
  MapBase,
  type AllocCheck,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import { allocHtab } from './htab-alloc.ts';
import { Htab, htabCheck } from './htab.ts';
import type { BpfMap } from './map.ts';

const READ_SLOT = site('array_of_map_lookup_elem', 'slot');
const XCHG = site('bpf_fd_array_map_update_elem', 'xchg');

const POINTER_BYTES = 8;

/** Whether a map may take the place of another in a map of maps. bpf_map_meta_equal() */
export function metaEqual(meta: BpfMap, map: BpfMap): boolean {
  const isArray = meta.type === MAP_TYPE.ARRAY;
  if (isArray && !(meta.flags & flag.INNER_MAP) && meta.maxEntries !== map.maxEntries) return false;
  return (
    meta.type === map.type &&
    meta.keySize === map.keySize &&
    meta.valueSize === map.valueSize &&
    meta.flags === map.flags
  );
}

/** kernel/bpf/map_in_map.c: what stands inside may not hold maps itself, or programs. */
function innerOk(inner: BpfMap | undefined): boolean {
  if (!inner) return false;
  const banned: readonly number[] = [
    MAP_TYPE.PROG_ARRAY,
    MAP_TYPE.ARRAY_OF_MAPS,
    MAP_TYPE.HASH_OF_MAPS,
  ];
  return !banned.includes(inner.type);
}

/** fd_array_map_alloc_check() */
export const fdArrayCheck: AllocCheck = (attr, kernel) => {
  if (attr.valueSize !== 4) return -EINVAL;
  if ((attr.flags & (flag.RDONLY_PROG | flag.WRONLY_PROG)) !== 0) return -EINVAL;
  return arrayCheck(attr, kernel);
};

export const arrayOfMapsCheck: AllocCheck = (attr, kernel) => {
  const wrong = fdArrayCheck(attr, kernel);
  if (wrong < 0) return wrong;
  return innerOk(attr.inner) ? 0 : attr.inner ? -ENOTSUPP : -EINVAL;
};

export const hashOfMapsCheck: AllocCheck = (attr, kernel) => {
  if (attr.valueSize !== 4) return -EINVAL;
  const wrong = htabCheck({ isPercpu: false, isLru: false })(attr, kernel);
  if (wrong < 0) return wrong;
  return innerOk(attr.inner) ? 0 : attr.inner ? -ENOTSUPP : -EINVAL;
};

/** An array of pointers that user space sees as descriptors, and reads as ids. */
export abstract class FdArray extends MapBase {
  protected readonly slots: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, slots: number) {
    super(world, addr, attr);
    this.slots = slots;
  }

  /** The object behind a descriptor, with a reference; or -errno. map_fd_get_ptr */
  protected abstract get(fd: number): Sim<number>;
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
    if (index >= this.maxEntries) return -E2BIG;
    const old = yield* this.kernel.atomics.xchgPtr(XCHG, this.slot(index), 0);
    if (old === 0) return -ENOENT;
    yield* this.put(old);
    return 0;
  }

  /** bpf_fd_array_map_update_elem() */
  override *bpf_map_update_value(key: number, value: number, flags: number): Sim<number> {
    if (flags !== BPF_ANY) return -EINVAL;
    const index = this.memory.u32(key);
    if (index >= this.maxEntries) return -E2BIG;
    const object = yield* this.get(this.memory.s32(value));
    if (object < 0) return object;
    const old = yield* this.kernel.atomics.xchgPtr(XCHG, this.slot(index), object);
    if (old !== 0) yield* this.put(old);
    return 0;
  }

  override *bpf_map_copy_value(key: number, value: number): Sim<number> {
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
  readonly #meta: BpfMap;

  constructor(world: MapWorld, addr: number, attr: MapAttr, slots: number) {
    super(world, addr, attr, slots);
    this.#meta = attr.inner!;
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
    return innerFromFd(this.world, this.#meta, fd);
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
export class HashOfMaps extends Htab {
  readonly #meta: BpfMap;

  constructor(world: MapWorld, addr: number, attr: MapAttr) {
    super(world, addr, attr, POINTER_BYTES);
    this.#meta = attr.inner!;
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const addr = allocHtab(world, attr, POINTER_BYTES);
    return addr === 0 ? undefined : new HashOfMaps(world, addr, attr);
  }

  override *map_lookup_elem(key: number): Sim<number> {
    const elem = yield* this.__htab_map_lookup_elem(key);
    if (elem === 0) return 0;
    return yield* this.kernel.atomics.readPtr(READ_SLOT, this.valueIn(elem));
  }

  override *map_update_elem(): Sim<number> {
    return -EINVAL;
  }

  /** bpf_fd_htab_map_update_elem() */
  override *bpf_map_update_value(key: number, value: number, flags: number): Sim<number> {
    if (flags !== BPF_ANY && flags !== BPF_NOEXIST && flags !== BPF_EXIST) return -EINVAL;
    const inner = yield* innerFromFd(this.world, this.#meta, this.memory.s32(value));
    if (inner < 0) return inner;
    const { slab } = this.kernel.machine;
    const held = slab.kzalloc(POINTER_BYTES);
    this.memory.setPtr(held, inner);
    const result = yield* this.htab_map_update_elem(key, held, flags, true);
    slab.free(held);
    if (result < 0) yield* this.#put(inner);
    return result;
  }

  override *bpf_map_copy_value(key: number, value: number): Sim<number> {
    const { ports } = this.world;
    const inner = yield* this.map_lookup_elem(key);
    if (inner === 0) return -ENOENT;
    this.memory.setU32(value, ports.mapIdOf(ports.mapAt(inner)));
    return 0;
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

  /** The inner map's reference goes when nobody can have found it here any more. */
  protected override freeElem(elem: number): void {
    const inner = this.memory.ptr(this.valueIn(elem));
    const { kernel } = this;
    if (inner !== 0) kernel.workqueues.schedule_work('bpf_map_put', () => this.#put(inner));
    super.freeElem(elem);
  }

  protected override replaced(old: number): void {
    const inner = this.memory.ptr(this.valueIn(old));
    if (this.isPrealloc && inner !== 0) {
      this.kernel.workqueues.schedule_work('bpf_map_put', () => this.#put(inner));
    }
    super.replaced(old);
  }

  protected override drop(): void {}

  override *map_free(): Sim<void> {
    for (const elem of this.elements()) yield* this.#put(this.memory.ptr(this.valueIn(elem)));
    yield* super.map_free();
  }
}
