import { assert } from '../base/assert.ts';
import { alignUp } from '../base/layout.ts';
import { cacheKey, PAGES_KEY } from '../sim/keys.ts';
import {
  KASAN_PAGE_FREE,
  KASAN_PAGE_REDZONE,
  KASAN_SLAB_FREE,
  KASAN_SLAB_REDZONE,
  KASAN_SLAB_TYPESAFE_FREE,
  PAGE_SHIFT,
  PAGE_SIZE,
  type Memory,
} from './memory.ts';
import type { AllocNote } from './note.ts';

/** An object of the simulated heap, live or freed. */
export interface HeapObject {
  readonly addr: number;
  /** As asked for; what its cache gives is `cacheBytes`. */
  readonly sizeBytes: number;
  readonly cache: string;
  readonly cacheBytes: number;
  readonly allocated: AllocNote;
  /** Which object this is of its type and allocation site, from 1: its stable identity. */
  readonly ordinal: number;
  readonly freed: AllocNote | undefined;
}

/** A kmem_cache: objects of one size. mm/slub.c */
export interface KmemCache {
  readonly id: number;
  readonly name: string;
  readonly sizeBytes: number;
  /** SLAB_TYPESAFE_BY_RCU: freed memory may be another object of this cache at once. */
  readonly typesafe: boolean;
  /** How a slab is cut: bytes from one object to the next, objects, bytes in all. */
  readonly stride: number;
  readonly count: number;
  readonly slabBytes: number;
}

// Every object has a header in front, inside the redzone. Its words, by distance from the object:
const HEADER = 16;
const ALLOC_ID = 16;
const FREE_ID = 12;
const SIZE = 8; // as asked for
const LINK = 4; // next in the free list or the quarantine

// Global words of the allocator, in page 1: all state is in memory, so rollback() resets it too.
const NEXT_PAGE = PAGE_SIZE;
const QUARANTINE_HEAD = PAGE_SIZE + 4;
const QUARANTINE_TAIL = PAGE_SIZE + 8;
const QUARANTINE_COUNT = PAGE_SIZE + 12;
const LIVE_COUNT = PAGE_SIZE + 16;
const PAGE_LISTS = PAGE_SIZE + 64; // by order
const CACHE_LISTS = PAGE_SIZE + 256; // by cache id
const CACHES_MAX = (PAGE_SIZE - 256) / 4;
const PAGE_INFO = 2 * PAGE_SIZE; // by page: words cache id + 1, first page of its slab

const ORDER_MAX = 13;
const QUARANTINE_OBJECTS = 1_024;
const KMALLOC_SIZES = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192];

/** The heap: pages, slab caches, kmalloc. Freed objects rest in a quarantine before reuse. */
export class Slab {
  readonly memory: Memory;
  /** Told when something is taken from a free list, or put there: by the list's key. */
  onTaken: (key: number) => void = () => {};
  /** What is freed comes back at once, last first, and nobody sees who still uses it. */
  isWithoutKasan = false;
  readonly #note: () => AllocNote;
  readonly #caches: KmemCache[] = [];
  readonly #kmalloc: KmemCache[];
  readonly #large: KmemCache;
  /** By allocId and freeId; `#types` has the cache's name of an allocation, '' of a free. */
  readonly #notes: AllocNote[];
  readonly #types: string[] = [''];
  /** Worked out from the notes when somebody asks, up to there. */
  readonly #ordinals: number[] = [];
  readonly #ordinalOf = new Map<string, number>();
  #savedNotes = 0;

  /** `note` says who is running and where. */
  constructor(memory: Memory, note: () => AllocNote) {
    this.memory = memory;
    this.#note = note;
    this.#notes = [{ task: 'swapper/0', pid: 0, cpu: 0, stack: [], site: 'boot' }];
    const infoPages = Math.ceil(((memory.sizeBytes >> PAGE_SHIFT) * 8) / PAGE_SIZE);
    memory.setRawU32(NEXT_PAGE, 2 + infoPages);
    this.#large = this.cache('kmalloc-large', 0);
    this.#kmalloc = KMALLOC_SIZES.map((size) => this.cache(`kmalloc-${size}`, size));
  }

  cache(name: string, sizeBytes: number, options: { typesafe?: boolean } = {}): KmemCache {
    const id = this.#caches.length;
    assert(id < CACHES_MAX, 'too many caches');
    const typesafe = options.typesafe ?? false;
    const made: KmemCache = { id, name, sizeBytes, typesafe, ...shapeOf(sizeBytes) };
    this.#caches.push(made);
    return made;
  }

  /** The address of an uninitialised object, or 0 where memory is exhausted. */
  alloc(cache: KmemCache): number {
    this.onTaken(cacheKey(cache.id));
    const list = CACHE_LISTS + cache.id * 4;
    let addr = this.memory.rawU32(list);
    if (addr === 0) {
      this.#grow(cache);
      addr = this.memory.rawU32(list);
      if (addr === 0) return 0;
    }
    this.memory.setRawU32(list, this.memory.rawU32(addr - LINK));
    this.#allocated(addr, cache.sizeBytes, cache.name);
    return addr;
  }

  zalloc(cache: KmemCache): number {
    const addr = this.alloc(cache);
    if (addr !== 0) this.memory.rawFill(addr, cache.sizeBytes, 0);
    return addr;
  }

  /** 0 where memory is exhausted. */
  kmalloc(sizeBytes: number): number {
    const cache = this.#kmalloc.find((candidate) => candidate.sizeBytes >= sizeBytes);
    if (!cache) return this.#kmallocLarge(sizeBytes);
    const addr = this.alloc(cache);
    if (addr === 0 || sizeBytes === cache.sizeBytes) return addr;
    this.memory.setRawU32(addr - SIZE, sizeBytes);
    this.memory.poison(addr, cache.sizeBytes, KASAN_SLAB_REDZONE);
    this.memory.unpoison(addr, sizeBytes);
    return addr;
  }

  kzalloc(sizeBytes: number): number {
    const addr = this.kmalloc(sizeBytes);
    if (addr !== 0) this.memory.rawFill(addr, sizeBytes, 0);
    return addr;
  }

  /** False where `addr` is no live object: a double or invalid free, for the caller to report. */
  free(addr: number): boolean {
    const cache = this.#cacheOf(addr);
    if (!cache || this.#objectAt(addr) !== addr || this.memory.rawU32(addr - FREE_ID) !== 0) {
      return false;
    }
    this.memory.setRawU32(addr - FREE_ID, this.#remember(''));
    this.memory.setRawU32(LIVE_COUNT, this.memory.rawU32(LIVE_COUNT) - 1);
    if (cache.typesafe) {
      this.memory.poison(addr, cache.sizeBytes, KASAN_SLAB_TYPESAFE_FREE);
      this.#release(addr, cache);
    } else if (this.isWithoutKasan) {
      this.#release(addr, cache);
    } else {
      const size = cache === this.#large ? this.memory.rawU32(addr - SIZE) : cache.sizeBytes;
      this.memory.poison(addr, size, KASAN_SLAB_FREE);
      this.#quarantine(addr);
    }
    return true;
  }

  /** Objects allocated and not freed. */
  get liveCount(): number {
    return this.memory.rawU32(LIVE_COUNT);
  }

  /** The object whose bytes or redzone hold `addr`, live or freed; or undefined. */
  objectOf(addr: number): HeapObject | undefined {
    const start = this.#objectAt(addr);
    if (start === 0) return undefined;
    const allocId = this.memory.rawU32(start - ALLOC_ID);
    const freeId = this.memory.rawU32(start - FREE_ID);
    const sizeBytes = this.memory.rawU32(start - SIZE);
    const cache = this.#cacheOf(start)!;
    return {
      addr: start,
      sizeBytes,
      cache: cache.name,
      cacheBytes: cache === this.#large ? sizeBytes : cache.sizeBytes,
      allocated: this.#notes[allocId]!,
      ordinal: this.#ordinal(allocId),
      freed: freeId === 0 ? undefined : this.#notes[freeId]!,
    };
  }

  /** Differs for each allocation at this address: tells a recycled object from the old one. */
  generationOf(addr: number): number {
    return this.memory.rawU32(addr - ALLOC_ID);
  }

  /** Every live object, or those of one cache, in address order: for leak checks. */
  *live(name?: string): Generator<HeapObject> {
    const end = this.memory.rawU32(NEXT_PAGE);
    for (let page = 0; page < end; page++) {
      const owner = this.memory.rawU32(PAGE_INFO + page * 8);
      if (owner === 0 || this.memory.rawU32(PAGE_INFO + page * 8 + 4) !== page) continue;
      const cache = this.#caches[owner - 1];
      if (!cache || (name !== undefined && cache.name !== name)) continue;
      const { stride, count } = cache;
      for (let i = 0; i < (cache === this.#large ? 1 : count); i++) {
        const addr = (page << PAGE_SHIFT) + HEADER + i * stride;
        if (this.memory.rawU32(addr - ALLOC_ID) === 0) continue;
        if (this.memory.rawU32(addr - FREE_ID) === 0) yield this.objectOf(addr)!;
      }
    }
  }

  /**
   * Contiguous pages, rounded up to a power of two of them, as they are: poisoned, not cleared. 0
   * where there are none, even without the quarantine.
   */
  pages(sizeBytes: number, owner = CACHES_MAX): number {
    this.onTaken(PAGES_KEY);
    const order = orderOf(sizeBytes);
    if (order > ORDER_MAX) return 0;
    let start = this.#takePages(order);
    if (start === 0 && this.memory.rawU32(QUARANTINE_COUNT) > 0) {
      while (this.memory.rawU32(QUARANTINE_COUNT) > 0) this.#releaseOldest();
      start = this.#takePages(order);
    }
    if (start === 0) return 0;
    for (let i = 0; i < 1 << order; i++) {
      const info = PAGE_INFO + ((start >> PAGE_SHIFT) + i) * 8;
      this.memory.setRawU32(info, owner + 1);
      this.memory.setRawU32(info + 4, start >> PAGE_SHIFT);
    }
    return start;
  }

  freePages(start: number, sizeBytes: number): void {
    this.onTaken(PAGES_KEY);
    const order = orderOf(sizeBytes);
    this.memory.poison(start, PAGE_SIZE << order, KASAN_PAGE_FREE);
    for (let i = 0; i < 1 << order; i++) {
      this.memory.setRawU32(PAGE_INFO + ((start >> PAGE_SHIFT) + i) * 8, 0);
    }
    this.memory.setRawU32(start, this.memory.rawU32(PAGE_LISTS + order * 4));
    this.memory.setRawU32(PAGE_LISTS + order * 4, start);
  }

  checkpoint(): void {
    this.#savedNotes = this.#notes.length;
  }

  rollback(): void {
    this.#notes.length = this.#savedNotes;
    this.#types.length = this.#savedNotes;
    if (this.#ordinals.length <= this.#savedNotes) return;
    this.#ordinals.length = 0;
    this.#ordinalOf.clear();
  }

  /** Freed ones of this order, else new ones; 0. */
  #takePages(order: number): number {
    const { memory } = this;
    const list = PAGE_LISTS + order * 4;
    const start = memory.rawU32(list);
    if (start !== 0) {
      memory.setRawU32(list, memory.rawU32(start));
      return start;
    }
    const page = memory.rawU32(NEXT_PAGE);
    if ((page + (1 << order)) * PAGE_SIZE > memory.sizeBytes) return 0;
    memory.setRawU32(NEXT_PAGE, page + (1 << order));
    return page * PAGE_SIZE;
  }

  #kmallocLarge(sizeBytes: number): number {
    const start = this.pages(sizeBytes + HEADER, this.#large.id);
    if (start === 0) return 0;
    this.memory.poison(start, PAGE_SIZE << orderOf(sizeBytes + HEADER), KASAN_PAGE_REDZONE);
    this.#allocated(start + HEADER, sizeBytes, this.#large.name);
    return start + HEADER;
  }

  #allocated(addr: number, sizeBytes: number, type: string): void {
    this.memory.setRawU32(addr - ALLOC_ID, this.#remember(type));
    this.memory.setRawU32(addr - FREE_ID, 0);
    this.memory.setRawU32(addr - SIZE, sizeBytes);
    this.memory.setRawU32(LIVE_COUNT, this.memory.rawU32(LIVE_COUNT) + 1);
    this.memory.unpoison(addr, sizeBytes);
  }

  #remember(type: string): number {
    this.#types.push(type);
    return this.#notes.push(this.#note()) - 1;
  }

  #ordinal(allocId: number): number {
    for (let id = this.#ordinals.length; id <= allocId; id++) {
      const key = `${this.#types[id]!} ${this.#notes[id]!.site}`;
      const ordinal = (this.#ordinalOf.get(key) ?? 0) + 1;
      this.#ordinalOf.set(key, ordinal);
      this.#ordinals.push(ordinal);
    }
    return this.#ordinals[allocId]!;
  }

  #quarantine(addr: number): void {
    const memory = this.memory;
    const tail = memory.rawU32(QUARANTINE_TAIL);
    memory.setRawU32(tail === 0 ? QUARANTINE_HEAD : tail - LINK, addr);
    memory.setRawU32(addr - LINK, 0);
    memory.setRawU32(QUARANTINE_TAIL, addr);
    const count = memory.rawU32(QUARANTINE_COUNT) + 1;
    memory.setRawU32(QUARANTINE_COUNT, count);
    if (count > QUARANTINE_OBJECTS) this.#releaseOldest();
  }

  #releaseOldest(): void {
    const memory = this.memory;
    const oldest = memory.rawU32(QUARANTINE_HEAD);
    const next = memory.rawU32(oldest - LINK);
    memory.setRawU32(QUARANTINE_HEAD, next);
    if (next === 0) memory.setRawU32(QUARANTINE_TAIL, 0);
    memory.setRawU32(QUARANTINE_COUNT, memory.rawU32(QUARANTINE_COUNT) - 1);
    this.#release(oldest, this.#cacheOf(oldest)!);
  }

  /** Makes freed memory available again. */
  #release(addr: number, cache: KmemCache): void {
    if (cache === this.#large) {
      this.freePages(addr - HEADER, this.memory.rawU32(addr - SIZE) + HEADER);
      return;
    }
    this.onTaken(cacheKey(cache.id));
    const list = CACHE_LISTS + cache.id * 4;
    this.memory.setRawU32(addr - LINK, this.memory.rawU32(list));
    this.memory.setRawU32(list, addr);
  }

  /** A new slab, where there is memory; its objects go on the free list in address order. */
  #grow(cache: KmemCache): void {
    const { stride, count, slabBytes } = cache;
    const start = this.pages(slabBytes, cache.id);
    if (start === 0) return;
    this.memory.poison(start, slabBytes, KASAN_SLAB_REDZONE);
    this.memory.rawFill(start, slabBytes, 0);
    const list = CACHE_LISTS + cache.id * 4;
    for (let i = count - 1; i >= 0; i--) {
      const addr = start + HEADER + i * stride;
      this.memory.setRawU32(addr - LINK, this.memory.rawU32(list));
      this.memory.setRawU32(list, addr);
    }
  }

  /** Whether the page of an address was ever given out. */
  wasUsed(addr: number): boolean {
    return addr >= PAGE_SIZE && addr < this.memory.rawU32(NEXT_PAGE) * PAGE_SIZE;
  }

  #cacheOf(addr: number): KmemCache | undefined {
    if (addr < PAGE_SIZE || addr >= this.memory.sizeBytes) return undefined;
    return this.#caches[this.memory.rawU32(PAGE_INFO + (addr >> PAGE_SHIFT) * 8) - 1];
  }

  /** Start of the object whose stride holds `addr`, or 0 where none was ever there. */
  #objectAt(addr: number): number {
    const cache = this.#cacheOf(addr);
    if (!cache) return 0;
    const slab = this.memory.rawU32(PAGE_INFO + (addr >> PAGE_SHIFT) * 8 + 4) << PAGE_SHIFT;
    if (cache === this.#large) return slab + HEADER;
    const { stride, count } = cache;
    // A redzone between two objects belongs to the one before it: overruns are commoner.
    const index = Math.min(count - 1, Math.max(0, Math.floor((addr - slab - HEADER) / stride)));
    const start = slab + HEADER + index * stride;
    return this.memory.rawU32(start - ALLOC_ID) === 0 ? 0 : start;
  }
}

function orderOf(sizeBytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.ceil(sizeBytes / PAGE_SIZE))));
}

/** At least eight objects where they fit in 32 KiB. */
function shapeOf(sizeBytes: number): Pick<KmemCache, 'stride' | 'count' | 'slabBytes'> {
  const stride = HEADER + alignUp(sizeBytes, 16);
  const wanted = Math.max(stride + HEADER, Math.min(8 * stride + HEADER, 8 * PAGE_SIZE));
  const slabBytes = PAGE_SIZE << orderOf(wanted);
  return { stride, count: Math.max(1, Math.floor((slabBytes - HEADER) / stride)), slabBytes };
}
