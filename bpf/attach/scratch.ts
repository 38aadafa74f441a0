import { assert } from '../../base/assert.ts';
import { KASAN_STACK_LEFT, PAGE_SIZE, type Memory } from '../../kernel/memory.ts';
import type { Slab } from '../../kernel/slab.ts';

const SLOT_BYTES = 256;
/** In front of what is given out: never allowed. In a free slot, the next free one stands here. */
const REDZONE_BYTES = 16;
const ROOM_BYTES = SLOT_BYTES - REDZONE_BYTES;

/**
 * What in Linux stands on the stack of who calls a program: its context. Not of the heap, whose
 * quarantine of freed objects is for others. The list of free slots is in memory, so it is put back
 * with the memory.
 */
export class Scratch {
  readonly #memory: Memory;
  readonly #slab: Slab;
  readonly #head: number;

  constructor(slab: Slab) {
    this.#slab = slab;
    this.#memory = slab.memory;
    this.#head = slab.pages(PAGE_SIZE);
    assert(this.#head !== 0, 'no page for the contexts of programs');
    this.#memory.setRawU32(this.#head, 0);
    this.#addSlots(this.#head + SLOT_BYTES, this.#head + PAGE_SIZE);
  }

  /** So many bytes of zeros, or 0 where memory is exhausted. */
  take(sizeBytes: number): number {
    if (sizeBytes > ROOM_BYTES) return this.#slab.kzalloc(sizeBytes);
    const memory = this.#memory;
    if (memory.rawU32(this.#head) === 0) {
      const page = this.#slab.pages(PAGE_SIZE);
      if (page === 0) return 0;
      this.#addSlots(page, page + PAGE_SIZE);
    }
    const slot = memory.rawU32(this.#head);
    memory.setRawU32(this.#head, memory.rawU32(slot));
    const addr = slot + REDZONE_BYTES;
    memory.unpoison(addr, sizeBytes);
    memory.rawFill(addr, sizeBytes, 0);
    return addr;
  }

  /** With the size with which it was taken. */
  give(addr: number, sizeBytes: number): void {
    if (sizeBytes > ROOM_BYTES) {
      this.#slab.free(addr);
      return;
    }
    const slot = addr - REDZONE_BYTES;
    this.#memory.poison(slot, SLOT_BYTES, KASAN_STACK_LEFT);
    this.#link(slot);
  }

  #addSlots(from: number, to: number): void {
    this.#memory.poison(from, to - from, KASAN_STACK_LEFT);
    for (let slot = to - SLOT_BYTES; slot >= from; slot -= SLOT_BYTES) this.#link(slot);
  }

  #link(slot: number): void {
    this.#memory.setRawU32(slot, this.#memory.rawU32(this.#head));
    this.#memory.setRawU32(this.#head, slot);
  }
}
