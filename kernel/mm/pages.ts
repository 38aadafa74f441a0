import { assert } from '../../base/assert.ts';
import type { Machine } from '../machine.ts';
import { KASAN_PAGE_REDZONE, PAGE_SHIFT, PAGE_SIZE } from '../memory.ts';

/**
 * Pages of user memory, each with a count of the page table entries that show it. The counts are
 * one array in memory, like mem_map. mm/memory.c, include/linux/mm.h
 */
export class UserPages {
  readonly #machine: Machine;
  /** One u32 for every page of the machine. */
  readonly #counts: number;
  /** The same: how often it is pinned. pincount of struct folio */
  readonly #pins: number;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { memory, slab } = machine;
    const sizeBytes = (memory.sizeBytes >> PAGE_SHIFT) * 4;
    this.#counts = slab.pages(2 * sizeBytes);
    this.#pins = this.#counts + sizeBytes;
    assert(this.#counts !== 0, 'no memory for mem_map');
    memory.rawFill(this.#counts, 2 * sizeBytes, 0);
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

  /** Frees the page with its last count, unless it is pinned. */
  put(page: number): void {
    const left = this.count(page) - 1;
    assert(left >= 0, `put of the free page at ${page}`);
    this.#machine.memory.setRawU32(this.#slot(page), left);
    if (left === 0 && !this.isPinned(page)) this.#machine.slab.freePages(page, PAGE_SIZE);
  }

  /**
   * Contiguous pages of zeroes for an object of the kernel's that mappings may show, each with a
   * count of one, which is the object's; 0. `front`: so many bytes right before them are the
   * object's as well, in a page that is never shown. vmalloc_user()
   */
  allocBlock(pageCount: number, front = 0): number {
    const { memory, slab } = this.#machine;
    const frontPages = front > 0 ? 1 : 0;
    const wanted = frontPages + pageCount;
    const start = slab.pages(wanted * PAGE_SIZE);
    if (start === 0) return 0;
    const end = start + PAGE_SIZE * 2 ** Math.ceil(Math.log2(wanted));
    for (let at = start + wanted * PAGE_SIZE; at < end; at += PAGE_SIZE) {
      slab.freePages(at, PAGE_SIZE);
    }
    const block = start + frontPages * PAGE_SIZE;
    if (front > 0) memory.poison(start, PAGE_SIZE, KASAN_PAGE_REDZONE);
    memory.unpoison(block - front, front + pageCount * PAGE_SIZE);
    memory.rawFill(block - front, front + pageCount * PAGE_SIZE, 0);
    for (let i = 0; i < pageCount; i++) memory.setRawU32(this.#slot(block + i * PAGE_SIZE), 1);
    return block;
  }

  /** The object's counts go: what is mapped or pinned still stays as long as that. */
  freeBlock(block: number, pageCount: number, front = 0): void {
    if (front > 0) this.#machine.slab.freePages(block - PAGE_SIZE, PAGE_SIZE);
    for (let i = 0; i < pageCount; i++) this.put(block + i * PAGE_SIZE);
  }

  /** It stays where it is, whatever becomes of its mappings. mm/gup.c */
  pin(page: number): void {
    this.#addPins(1);
    this.#machine.memory.setRawU32(this.#pinSlot(page), this.pinCount(page) + 1);
  }

  /** unpin_user_page() */
  unpin(page: number): void {
    const left = this.pinCount(page) - 1;
    this.#addPins(-1);
    assert(left >= 0, `unpin of the page at ${page}, which is not pinned`);
    this.#machine.memory.setRawU32(this.#pinSlot(page), left);
    if (left === 0 && this.count(page) === 0) this.#machine.slab.freePages(page, PAGE_SIZE);
  }

  pinCount(page: number): number {
    return this.#machine.memory.rawU32(this.#pinSlot(page));
  }

  isPinned(page: number): boolean {
    return this.pinCount(page) > 0;
  }

  /** Every page that is pinned: for checkers. */
  *pinned(): Generator<{ readonly page: number; readonly pins: number }> {
    const { memory } = this.#machine;
    const count = memory.rawU32(this.#pins) === 0 ? 0 : memory.sizeBytes >>> PAGE_SHIFT;
    for (let i = 1; i < count; i++) {
      const page = i * PAGE_SIZE;
      const pins = this.pinCount(page);
      if (pins > 0) yield { page, pins };
    }
  }

  /** The sum stands where page 0 would have its own. */
  #addPins(delta: number): void {
    const { memory } = this.#machine;
    memory.setRawU32(this.#pins, memory.rawU32(this.#pins) + delta);
  }

  #pinSlot(page: number): number {
    return this.#pins + (page >>> PAGE_SHIFT) * 4;
  }

  #slot(page: number): number {
    return this.#counts + (page >>> PAGE_SHIFT) * 4;
  }
}
