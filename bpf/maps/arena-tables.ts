import type { Kernel } from '../../kernel/kernel.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import { ARENA_ENTRIES, ARENA_TABLE_SHIFT, arenaEntry } from '../vm/arena.ts';

const TABLE_BYTES = ARENA_ENTRIES * 4;

/**
 * The page tables of one arena, as engines walk them: vm/arena.ts. A page in there has a count of
 * its own. Whoever changes them holds the arena's lock. Linux: the page tables of its vm_struct.
 */
export class ArenaTables {
  readonly #kernel: Kernel;
  readonly #addr: number;

  constructor(kernel: Kernel, addr: number) {
    this.#kernel = kernel;
    this.#addr = addr;
  }

  /** Those of a new arena, or 0: no memory. get_vm_area() */
  static alloc({ machine }: Kernel): number {
    return machine.mayAlloc('vm_struct') ? machine.slab.kzalloc(TABLE_BYTES) : 0;
  }

  /** The page at an address, or 0. vmalloc_to_page() */
  at(low: number): number {
    const { memory } = this.#kernel.machine;
    const isThere = memory.u32(this.#first(low)) !== 0;
    return isThere ? memory.u32(arenaEntry(memory, this.#addr, low)) : 0;
  }

  /** False: no memory for a table. */
  set(low: number, page: number): boolean {
    const { memory, slab } = this.#kernel.machine;
    if (memory.u32(this.#first(low)) === 0) {
      const table = slab.kzalloc(TABLE_BYTES);
      if (table === 0) return false;
      memory.setU32(this.#first(low), table);
    }
    memory.setU32(arenaEntry(memory, this.#addr, low), page);
    return true;
  }

  /** Takes pages out, whose counts are the caller's then. apply_range_clear_cb() */
  clear(low: number, count: number): number[] {
    const { memory } = this.#kernel.machine;
    const pages: number[] = [];
    for (let i = 0; i < count; i++) {
      const addr = (low + i * PAGE_SIZE) >>> 0;
      const page = this.at(addr);
      if (page === 0) continue;
      memory.setU32(arenaEntry(memory, this.#addr, addr), 0);
      pages.push(page);
    }
    return pages;
  }

  /** With all that is in there. */
  free(): void {
    const { machine, mm, kasan } = this.#kernel;
    const { memory } = machine;
    for (let first = this.#addr; first < this.#addr + TABLE_BYTES; first += 4) {
      const table = memory.u32(first);
      if (table === 0) continue;
      for (let at = table; at < table + TABLE_BYTES; at += 4) {
        if (memory.u32(at) !== 0) mm.pages.put(memory.u32(at));
      }
      kasan.free(table);
    }
    kasan.free(this.#addr);
  }

  #first(low: number): number {
    return this.#addr + (low >>> ARENA_TABLE_SHIFT) * 4;
  }
}
