import { alignUp, ptr, struct, u32 } from '../../base/layout.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOTSUPP } from '../../kernel/errno.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { vmaPages } from '../../kernel/mm/mmap.ts';
import type { Sim } from '../../sim/request.ts';
import { assemble } from '../isa/asm.ts';
import type { Insns } from '../isa/insn.ts';
import {
  allocArea,
  allocMap,
  behindMap,
  BPF_EXIST,
  BPF_F_LOCK,
  BPF_NOEXIST,
  MapBase,
  type AllocCheck,
  type CheckedAttr,
  type MapAttr,
  type MapWorld,
} from './base.ts';
import * as flag from './flags.ts';
import type { BpfMap } from './map.ts';
import type { Whose } from './map.ts';
import { holdsThings } from '../objects/objects.ts';
import { PercpuValues } from './percpu.ts';

const U32_MAX = 0xffff_ffff;
const INT_MAX = 0x7fff_ffff;
export const PCPU_MIN_UNIT_SIZE = 32 << 10;

/** include/linux/bpf.h, behind the struct bpf_map */
const bpf_array = struct('bpf_array', {
  elem_size: u32,
  index_mask: u32,
  value: ptr('char'), // of a per-CPU array: for each index, a value for each CPU
});

/** kernel/bpf/arraymap.c: array_map_alloc_check(). `also`: flags of the one type of array alone. */
export function checkArray(attr: CheckedAttr, also: number): number {
  const { keySize, valueSize, maxEntries, flags } = attr;
  if (maxEntries === 0 || keySize !== 4 || valueSize === 0) return -EINVAL;
  if ((flags & ~(flag.ARRAY_CREATE | also)) !== 0 || !flag.accessOk(flags)) return -EINVAL;
  return valueSize > INT_MAX ? -E2BIG : 0;
}

export const arrayCheck: AllocCheck = (attr) =>
  checkArray(attr, flag.NUMA_NODE | flag.MMAPABLE | flag.INNER_MAP);

export const percpuArrayCheck: AllocCheck = (attr) => {
  const wrong = checkArray(attr, 0);
  if (wrong < 0) return wrong;
  return alignUp(attr.valueSize, 8) > PCPU_MIN_UNIT_SIZE ? -E2BIG : 0;
};

abstract class AnyArray extends MapBase {
  override readonly bypassesSpecV1 = this.mayBypassSpecV1;
  protected readonly elemSize: number;
  protected readonly values: number;

  constructor(world: MapWorld, addr: number, attr: MapAttr, values: number) {
    super(world, addr, attr);
    this.elemSize = alignUp(attr.valueSize, 8);
    this.values = values;
  }

  /** Below zero where it is beyond the end. */
  protected indexAt(key: number): number {
    const index = this.memory.u32(key);
    return index < this.maxEntries ? index : -1;
  }

  /** The value as the present CPU sees it. */
  abstract valueAt(index: number): number;

  override map_lookup_elem(key: number): number {
    const index = this.indexAt(key);
    return index < 0 ? 0 : this.valueAt(index);
  }

  override map_update_elem(key: number, value: number, flags: number): number | Sim<number> {
    const wrong = this.checkFlags(flags);
    if (wrong < 0) return wrong;
    const index = this.indexAt(key);
    if (index < 0) return -E2BIG;
    if (flags & BPF_NOEXIST) return -EEXIST;
    const to = this.valueAt(index);
    if (flags & BPF_F_LOCK || this.isEager) return this.#update(to, value, flags);
    this.copyValue(to, value);
    return 0;
  }

  *#update(to: number, value: number, flags: number): Sim<number> {
    if (flags & BPF_F_LOCK) yield* this.copyValueLocked(to, value, to);
    else this.copyValue(to, value);
    if (this.isEager) yield* this.freeFields(to);
    return 0;
  }

  override map_delete_elem(): number {
    return -EINVAL;
  }

  /** array_map_get_next_key() */
  override *map_get_next_key(key: number, next: number): Sim<number> {
    const index = key === 0 ? U32_MAX : this.memory.u32(key);
    if (index >= this.maxEntries) {
      this.memory.setU32(next, 0);
      return 0;
    }
    if (index === this.maxEntries - 1) return -ENOENT;
    this.memory.setU32(next, index + 1);
    return 0;
  }

  /** The key is a copy: what the callback does to it is lost. bpf_for_each_array_elem() */
  override *map_for_each_callback(each: (key: number, value: number) => Sim<bigint>): Sim<number> {
    const { slab } = this.kernel.machine;
    const key = slab.kzalloc(8);
    if (key === 0) return 0;
    let count = 0;
    while (count < this.maxEntries) {
      this.memory.setU32(key, count);
      const stop = yield* each(key, this.valueAt(count));
      count++;
      if (stop !== 0n) break;
    }
    slab.free(key);
    return count;
  }

  /** Of all CPUs, where each has a value. */
  protected freeFieldsAt(index: number): Sim<void> {
    return this.freeFields(this.valueAt(index));
  }

  /** array_map_free() */
  override *map_free(): Sim<void> {
    for (let i = 0; holdsThings(this.record) && i < this.maxEntries; i++) {
      yield* this.freeFieldsAt(i);
    }
    this.freeValues();
    this.kernel.kasan.free(this.addr);
  }

  protected freeValues(): void {
    this.kernel.kasan.free(this.values);
  }
}

/** BPF_MAP_TYPE_ARRAY: all elements exist from the start, as zero. */
export class ArrayMap extends AnyArray {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const elem = alignUp(attr.valueSize, 8);
    const made = allocArray(world, attr, elem, elem * attr.maxEntries);
    return made && new ArrayMap(world, made.addr, attr, made.values);
  }

  /** Shows user space the values, from a page of them on: array_map_mmap() */
  *map_mmap(vma: number): Sim<number> {
    const { mm, mmap } = this.kernel;
    if (!isMmapable(this)) return -EINVAL;
    const first = this.memory.unwatched(() => mm.vmas.at(vma).vm_pgoff);
    const count = this.memory.unwatched(() => vmaPages(mm.vmas.at(vma)));
    if (first + count > blockPages(this.elemSize * this.maxEntries)) return -EINVAL;
    for (let i = 0; i < count; i++) {
      mmap.vm_insert_page(vma, i, this.values + (first + i) * PAGE_SIZE);
    }
    return 0;
  }

  override valueAt(index: number): number {
    return this.values + index * this.elemSize;
  }

  /** What a mapping still shows, or somebody has pinned, stays. */
  protected override freeValues(): void {
    if (!isMmapable(this)) return super.freeValues();
    this.kernel.mm.pages.freeBlock(this.values, blockPages(this.elemSize * this.maxEntries));
  }

  /**
   * As in Linux, but that the values are not in the map's own struct: so maps inside others, each
   * of which has its own distance to them, are left to the call. array_map_gen_lookup()
   */
  map_gen_lookup(): Insns | undefined {
    const { addr, values, elemSize, maxEntries, flags, bypassesSpecV1 } = this;
    const distance = values - addr;
    if ((flags & flag.INNER_MAP) !== 0 || addr === 0 || distance !== (distance | 0)) {
      return undefined;
    }
    const isPow2 = (elemSize & (elemSize - 1)) === 0;
    const mask = bypassesSpecV1 ? [] : [`w0 &= ${roundupPow2(maxEntries) - 1}`];
    const code = [
      `r1 += ${distance}`,
      'r0 = *(u32 *)(r2 +0)',
      `if r0 >= ${maxEntries} goto +${3 + mask.length}`,
      ...mask,
      isPow2 ? `r0 <<= ${31 - Math.clz32(elemSize)}` : `r0 *= ${elemSize}`,
      'r0 += r1',
      'goto +1',
      'r0 = 0',
    ];
    return assemble(code.join('\n'));
  }

  override *bpf_map_copy_value(key: number, value: number, flags: number): Sim<number> {
    const wrong = this.checkCopyFlags(flags);
    if (wrong < 0) return wrong;
    const index = this.indexAt(key);
    return index < 0 ? -ENOENT : yield* this.copyOut(value, this.valueAt(index), flags);
  }

  /** array_map_direct_value_addr() */
  map_direct_value_addr(off: number): number {
    if (this.maxEntries !== 1) return -ENOTSUPP;
    return off >= this.valueSize ? -EINVAL : this.values + off;
  }
}

/** BPF_MAP_TYPE_PERCPU_ARRAY: programs see the value of the CPU that they run on. */
export class PercpuArrayMap extends AnyArray {
  readonly #percpu: PercpuValues;

  constructor(world: MapWorld, addr: number, attr: MapAttr, values: number) {
    super(world, addr, attr, values);
    this.#percpu = new PercpuValues(world, attr);
  }

  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const { stride, sizeBytes } = new PercpuValues(world, attr);
    const made = allocArray(world, attr, stride, sizeBytes * attr.maxEntries);
    return made && new PercpuArrayMap(world, made.addr, attr, made.values);
  }

  override get userValueSize(): number {
    return this.#percpu.sizeBytes;
  }

  override valueAt(index: number): number {
    return this.#percpu.here(this.#area(index));
  }

  #area(index: number): number {
    return this.values + index * this.#percpu.sizeBytes;
  }

  protected override freeFieldsAt(index: number): Sim<void> {
    return this.#percpu.freeFields(this.#area(index));
  }

  /** The value of one CPU, or 0. percpu_array_map_lookup_percpu_elem() */
  map_lookup_percpu_elem(key: number, cpu: number): number {
    const index = this.indexAt(key);
    if (index < 0 || cpu >= this.#percpu.cpuCount) return 0;
    return this.#area(index) + cpu * this.#percpu.stride;
  }

  override *bpf_map_copy_value(
    key: number,
    value: number,
    flags: number,
    cpu?: number,
  ): Sim<number> {
    if (flags !== 0) return -EINVAL;
    const index = this.indexAt(key);
    if (index < 0) return -ENOENT;
    this.#percpu.copyOut(value, this.#area(index), cpu);
    return 0;
  }

  /** bpf_percpu_array_update() */
  override *bpf_map_update_value(
    key: number,
    value: number,
    flags: number,
    _mapFile?: number,
    whose: Whose = 'each',
  ): Sim<number> {
    if (flags > BPF_EXIST) return -EINVAL;
    const index = this.indexAt(key);
    if (index < 0) return -E2BIG;
    // Linux compares all flags: with one for CPUs it does not see this one.
    if (flags === BPF_NOEXIST && whose === 'each') return -EEXIST;
    this.#percpu.set(this.#area(index), value, whose);
    if (this.isEager) yield* this.freeFieldsAt(index);
    return 0;
  }
}

/** The map's struct and zeroed room for its values; undefined where memory is exhausted. */
export function allocArray(
  world: MapWorld,
  attr: MapAttr,
  elemSize: number,
  bytes: number,
): { addr: number; values: number } | undefined {
  const { machine, kasan } = world.kernel;
  const addr = allocMap(world, bpf_array, attr);
  if (addr === 0) return undefined;
  const values = isMmapable(attr)
    ? allocBlock(world, bytes)
    : allocArea(world, 'bpf_array values', bytes);
  if (values === 0) {
    kasan.free(addr);
    return undefined;
  }
  machine.memory.unwatched(() => {
    const s = bpf_array.at(machine.memory, behindMap(addr));
    s.elem_size = elemSize;
    s.index_mask = roundupPow2(attr.maxEntries) - 1;
    s.value = values;
  });
  return { addr, values };
}

/** Whole pages. bpf_map_area_mmapable_alloc() */
function allocBlock({ kernel }: MapWorld, bytes: number): number {
  const { machine, mm } = kernel;
  if (bytes >= machine.memory.sizeBytes || !machine.mayAlloc('bpf_array values')) return 0;
  return mm.pages.allocBlock(blockPages(bytes));
}

function isMmapable({ flags }: Pick<MapAttr, 'flags'>): boolean {
  return (flags & flag.MMAPABLE) !== 0;
}

function blockPages(bytes: number): number {
  return Math.ceil(bytes / PAGE_SIZE);
}

/** roundup_pow_of_two() of at least 1. */
export function roundupPow2(value: number): number {
  return 2 ** (32 - Math.clz32(value - 1));
}
