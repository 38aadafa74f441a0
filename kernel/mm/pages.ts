import { assert } from '../../base/assert.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SHIFT, PAGE_SIZE } from '../memory.ts';

/**
 * Pages of user memory, each with a count of the page table entries that show it. The counts are
 * one array in memory, like mem_map. mm/memory.c, include/linux/mm.h
 */
export class UserPages {
  readonly #machine: Machine;
  /** One u32 for every page of the machine. */
  readonly #counts: number;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { memory, slab } = machine;
    const sizeBytes = (memory.sizeBytes >> PAGE_SHIFT) * 4;
    this.#counts = slab.pages(sizeBytes);
    assert(this.#counts !== 0, 'no memory for mem_map');
    memory.rawFill(this.#counts, sizeBytes, 0);
  }

  /** A page of zeroes with a count of one, or 0 where memory is exhausted. */
  alloc(): number {
    const { memory, slab } = this.#machine;
    const page = slab.pages(PAGE_SIZE);
    if (page === 0) return 0;
    memory.unpoison(page, PAGE_SIZE);
    memory.rawFill(page, PAGE_SIZE, 0);
    memory.setRawU32(this.#slot(page), 1);
    return page;
  }

  /** A copy of `page` with a count of one, or 0. */
  copyOf(page: number): number {
    const { memory, slab } = this.#machine;
    const copy = slab.pages(PAGE_SIZE);
    if (copy === 0) return 0;
    memory.unpoison(copy, PAGE_SIZE);
    memory.rawCopy(copy, page, PAGE_SIZE);
    memory.setRawU32(this.#slot(copy), 1);
    return copy;
  }

  count(page: number): number {
    return this.#machine.memory.rawU32(this.#slot(page));
  }

  get(page: number): void {
    this.#machine.memory.setRawU32(this.#slot(page), this.count(page) + 1);
  }

  /** Frees the page with its last count. */
  put(page: number): void {
    const left = this.count(page) - 1;
    assert(left >= 0, `put of the free page at ${page}`);
    this.#machine.memory.setRawU32(this.#slot(page), left);
    if (left === 0) this.#machine.slab.freePages(page, PAGE_SIZE);
  }

  #slot(page: number): number {
    return this.#counts + (page >> PAGE_SHIFT) * 4;
  }
}
