import { alignUp } from '../../base/layout.ts';
import type { Memory } from '../../kernel/memory.ts';
import type { Whose } from './map.ts';
import { allocArea, type MapAttr, type MapWorld } from './base.ts';

/**
 * Values of which each CPU has one: an area holds them in the order of the CPUs, each at a multiple
 * of 8 bytes. That is also how bpf(2) gives and takes them.
 */
export class PercpuValues {
  readonly stride: number;
  readonly #world: MapWorld;
  readonly #valueSize: number;

  constructor(world: MapWorld, { valueSize }: Pick<MapAttr, 'valueSize'>) {
    this.#world = world;
    this.#valueSize = valueSize;
    this.stride = alignUp(valueSize, 8);
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
    if (whose === 'each') memory.copy(area, value, this.sizeBytes);
    else if (whose === 'own') memory.copy(this.here(area), value, this.#valueSize);
    else if (whose !== 'all') memory.copy(this.at(area, whose), value, this.#valueSize);
    else {
      for (let cpu = 0; cpu < this.cpuCount; cpu++) {
        memory.copy(this.at(area, cpu), value, this.#valueSize);
      }
    }
  }

  /** pcpu_init_value(): where one CPU's is given, those of the others are zero. */
  setNew(area: number, value: number, whose: Whose): void {
    if (whose !== 'each' && whose !== 'all') this.#memory.fill(area, this.sizeBytes, 0);
    this.set(area, value, whose);
  }

  /** Every CPU's value; or that of one. */
  copyOut(value: number, area: number, cpu?: number): void {
    if (cpu === undefined) this.#memory.copy(value, area, this.sizeBytes);
    else this.#memory.copy(value, this.at(area, cpu), this.#valueSize);
  }
}
