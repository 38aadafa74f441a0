import { alignUp } from '../../base/layout.ts';
import type { Memory } from '../../kernel/memory.ts';
import type { Sim } from '../../sim/request.ts';
import type { BtfRecord } from '../btf/record.ts';
import { holdsThings, objectsOf } from '../objects/objects.ts';
import type { Whose } from './map.ts';
import { allocArea, type MapAttr, type MapWorld } from './base.ts';
import { ValueFields } from './value-fields.ts';

/**
 * Values of which each CPU has one: an area holds them in the order of the CPUs, each at a multiple
 * of 8 bytes. That is also how bpf(2) gives and takes them. Special fields are never copied.
 */
export class PercpuValues {
  readonly stride: number;
  readonly #world: MapWorld;
  readonly #fields: ValueFields;
  readonly #record: BtfRecord | undefined;
  readonly #valueSize: number;

  constructor(world: MapWorld, attr: Pick<MapAttr, 'valueSize' | 'record'>) {
    this.#world = world;
    this.#fields = new ValueFields(attr);
    this.#record = attr.record;
    this.#valueSize = attr.valueSize;
    this.stride = alignUp(attr.valueSize, 8);
  }

  get cpuCount(): number {
    return this.#world.kernel.cpus.all.length;
  }

  get #memory(): Memory {
    return this.#world.kernel.machine.memory;
  }

  /** Of all CPUs. */
  get sizeBytes(): number {
    return this.stride * this.cpuCount;
  }

  /** A zeroed area, or 0. bpf_map_alloc_percpu() */
  alloc(): number {
    return allocArea(this.#world, 'percpu value', this.sizeBytes);
  }

  /** per_cpu_ptr() */
  at(area: number, cpu: number): number {
    return area + this.stride * cpu;
  }

  /** The value of the present CPU. this_cpu_ptr() */
  here(area: number): number {
    return this.at(area, this.#world.kernel.cpus.this.id);
  }

  /** pcpu_copy_value() */
  set(area: number, value: number, whose: Whose): void {
    const memory = this.#memory;
    if (whose === 'each' && this.#fields.isPlain) memory.copy(area, value, this.sizeBytes);
    else if (whose === 'own') this.#fields.copy(memory, this.here(area), value);
    else if (typeof whose === 'number') this.#fields.copy(memory, this.at(area, whose), value);
    else {
      for (let cpu = 0; cpu < this.cpuCount; cpu++) {
        const from = whose === 'all' ? value : this.at(value, cpu);
        this.#fields.copy(memory, this.at(area, cpu), from);
      }
    }
  }

  /** pcpu_init_value(): where one CPU's is given, those of the others are zero. */
  setNew(area: number, value: number, whose: Whose): void {
    if (whose !== 'each' && whose !== 'all') {
      for (let cpu = 0; cpu < this.cpuCount; cpu++) {
        this.#fields.zero(this.#memory, this.at(area, cpu));
      }
    }
    this.set(area, value, whose);
  }

  /** Every CPU's value; or that of one. Special fields as they begin: nobody sees them. */
  copyOut(value: number, area: number, cpu?: number): void {
    if (cpu !== undefined) this.#memory.copy(value, this.at(area, cpu), this.#valueSize);
    else this.#memory.copy(value, area, this.sizeBytes);
    if (this.#fields.isPlain) return;
    const objects = objectsOf(this.#world.kernel);
    for (let i = 0; i < (cpu === undefined ? this.cpuCount : 1); i++) {
      objects.init(this.#record, this.at(value, i));
    }
  }

  /** What the values hold goes, before they do. */
  *freeFields(area: number): Sim<void> {
    if (!holdsThings(this.#record)) return;
    const objects = objectsOf(this.#world.kernel);
    for (let cpu = 0; cpu < this.cpuCount; cpu++) {
      yield* objects.bpf_obj_free_fields(this.#record, this.at(area, cpu));
    }
  }
}
