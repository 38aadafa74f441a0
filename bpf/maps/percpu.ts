import { alignUp } from '../../base/layout.ts';
import type { Memory } from '../../kernel/memory.ts';
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

  /** The value of the present CPU. this_cpu_ptr() */
  here(area: number): number {
    return area + this.stride * this.#world.kernel.cpus.this.id;
  }

  /** pcpu_copy_value(): from bpf(2), all CPUs' values. */
  set(area: number, value: number, isFromUser: boolean): void {
    if (isFromUser) this.#memory.copy(area, value, this.sizeBytes);
    else this.#memory.copy(this.here(area), value, this.#valueSize);
  }

  /** pcpu_init_value(): a program that makes an element leaves the other CPUs' values zero. */
  setNew(area: number, value: number, isFromUser: boolean): void {
    if (!isFromUser) this.#memory.fill(area, this.sizeBytes, 0);
    this.set(area, value, isFromUser);
  }

  copyOut(value: number, area: number): void {
    this.#memory.copy(value, area, this.sizeBytes);
  }
}
