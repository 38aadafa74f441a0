import { alignUp } from '../../base/layout.ts';
import { EINVAL, ENOMEM } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import type { MapAttr, MapWorld } from './base.ts';
import { allocHtab } from './htab-alloc.ts';
import { Htab } from './htab.ts';
import type { BpfMap } from './map.ts';

/** BPF_MAP_TYPE_HASH. */
export class HashMap extends Htab {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const addr = allocHtab(world, attr, attr.valueSize);
    return addr === 0 ? undefined : new HashMap(world, addr, attr, attr.valueSize);
  }

  protected override valueIn(elem: number): number {
    return elem + this.valueOff;
  }

  protected override fill(elem: number, value: number): number {
    this.copyValue(this.valueIn(elem), value);
    if (this.spinLockOff >= 0) this.memory.setU32(this.valueIn(elem) + this.spinLockOff, 0);
    return 0;
  }

  protected override drop(): void {}
}

const POINTER_BYTES = 8;

/** BPF_MAP_TYPE_PERCPU_HASH: an element points to a value for each CPU. */
export class PercpuHashMap extends Htab {
  static create(world: MapWorld, attr: MapAttr): BpfMap | undefined {
    const addr = allocHtab(world, attr, POINTER_BYTES);
    return addr === 0 ? undefined : new PercpuHashMap(world, addr, attr, POINTER_BYTES);
  }

  get #stride(): number {
    return alignUp(this.valueSize, 8);
  }

  get #cpuCount(): number {
    return this.kernel.cpus.all.length;
  }

  override get userValueSize(): number {
    return this.#stride * this.#cpuCount;
  }

  protected override valueIn(elem: number): number {
    return this.#area(elem) + this.#stride * this.kernel.cpus.this.id;
  }

  #area(elem: number): number {
    return this.memory.ptr(elem + this.valueOff);
  }

  /** A program that makes an element sets the value of its own CPU: the others' are zero. */
  protected override fill(elem: number, value: number, onAllCpus: boolean): number {
    const { machine } = this.kernel;
    const size = this.#stride * this.#cpuCount;
    const before = this.#area(elem);
    if (before !== 0) this.memory.fill(before, size, 0);
    else {
      const area = machine.mayAlloc('htab percpu value') ? machine.slab.kzalloc(size) : 0;
      if (area === 0) return -ENOMEM;
      this.memory.setPtr(elem + this.valueOff, area);
    }
    this.#set(elem, value, onAllCpus);
    return 0;
  }

  /** pcpu_copy_value() */
  #set(elem: number, value: number, onAllCpus: boolean): void {
    if (onAllCpus) this.memory.copy(this.#area(elem), value, this.userValueSize);
    else this.memory.copy(this.valueIn(elem), value, this.valueSize);
  }

  protected override replaceInPlace(elem: number, value: number, onAllCpus: boolean): number {
    this.#set(elem, value, onAllCpus);
    return 0;
  }

  protected override drop(elem: number): void {
    const area = this.#area(elem);
    this.memory.setPtr(elem + this.valueOff, 0);
    if (area !== 0) this.kernel.kasan.free(area);
  }

  protected override *copyElem(value: number, elem: number, flags: number): Sim<number> {
    if (flags !== 0) return -EINVAL;
    this.memory.copy(value, this.#area(elem), this.userValueSize);
    return 0;
  }
}
