import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  KASAN_PAGE_FREE,
  KASAN_PAGE_REDZONE,
  KASAN_SLAB_FREE,
  KASAN_SLAB_REDZONE,
  KASAN_SLAB_TYPESAFE_FREE,
  Memory,
  PAGE_SIZE,
} from '../../kernel/memory.ts';
import { Slab } from '../../kernel/slab.ts';

/** A heap whose notes name the sites given to `at`. */
class Heap {
  readonly memory: Memory;
  readonly slab: Slab;
  at = 'here';
  shadow = 0;

  constructor(sizeBytes = 1 << 20) {
    this.memory = new Memory(sizeBytes);
    this.memory.onFault = (_addr, _size, _write, shadow) => {
      this.shadow = shadow;
      throw new Error('fault');
    };
    this.slab = new Slab(this.memory, () => ({
      task: 'A/101',
      pid: 101,
      cpu: 0,
      stack: [],
      site: this.at,
    }));
  }

  /** The shadow byte that forbids an access, or 0. */
  shadowOf(addr: number, size = 1): number {
    this.shadow = 0;
    try {
      this.memory.check(addr, size, false);
    } catch {
      return this.shadow;
    }
    return 0;
  }
}

describe('kmalloc', () => {
  test.each([1, 7, 8, 9, 33, 64, 100, 4000, 8192, 8193, 70_000])(
    '%i bytes can be touched, and not one more on either side',
    (size) => {
      const heap = new Heap();
      const addr = heap.slab.kmalloc(size);
      expect(addr % 16).toBe(0);
      expect(heap.shadowOf(addr, size)).toBe(0);
      expect(heap.shadowOf(addr - 1)).toBe(size > 8192 ? KASAN_PAGE_REDZONE : KASAN_SLAB_REDZONE);
      const right = heap.shadowOf(addr + size);
      if (size % 8 !== 0) expect(right).toBe(size % 8);
      else expect([KASAN_SLAB_REDZONE, KASAN_PAGE_REDZONE]).toContain(right);
      expect(heap.slab.objectOf(addr + size)).toMatchObject({ addr, sizeBytes: size });
      expect(heap.slab.free(addr)).toBe(true);
      expect(heap.shadowOf(addr)).toBe(KASAN_SLAB_FREE);
      expect(heap.slab.free(addr)).toBe(false);
    },
  );

  test('kzalloc clears what a dead object left', () => {
    const { slab, memory } = new Heap();
    const cache = slab.cache('file', 64, { typesafe: true });
    const first = slab.alloc(cache);
    memory.fill(first, 64, 0xaa);
    slab.free(first);
    expect(slab.alloc(cache)).toBe(first);
    expect(memory.u8(first + 5)).toBe(0xaa);
    slab.free(first);
    expect(slab.zalloc(cache)).toBe(first);
    expect(memory.u8(first + 5)).toBe(0);
  });

  test('an object larger than a slab gets one that holds it', () => {
    const heap = new Heap();
    const cache = heap.slab.cache('big', 40_000);
    const [a, b] = [heap.slab.zalloc(cache), heap.slab.zalloc(cache)];
    expect(heap.shadowOf(a, 40_000)).toBe(0);
    expect(Math.abs(a - b)).toBeGreaterThan(40_000);
  });
});

describe('free', () => {
  test('refuses what is no live object', () => {
    const { slab } = new Heap();
    const addr = slab.kmalloc(40);
    for (const bad of [0, 8, addr + 8, addr - 16, addr + 64, slab.pages(PAGE_SIZE), -1, 1 << 30]) {
      expect(slab.free(bad), `${bad - addr}`).toBe(false);
    }
    expect(slab.free(addr)).toBe(true);
    expect(slab.free(addr)).toBe(false);
  });

  test('00 R11: a type-stable cache gives its latest freed object again at once', () => {
    const heap = new Heap();
    const cache = heap.slab.cache('filp', 100, { typesafe: true });
    const [a, b] = [heap.slab.alloc(cache), heap.slab.alloc(cache)];
    const generation = heap.slab.generationOf(b);
    heap.slab.free(a);
    heap.slab.free(b);
    expect(heap.shadowOf(b)).toBe(KASAN_SLAB_TYPESAFE_FREE);
    expect(heap.slab.alloc(cache)).toBe(b);
    expect(heap.slab.alloc(cache)).toBe(a);
    expect(heap.slab.generationOf(b)).not.toBe(generation);
  });

  test('elsewhere memory rests in quarantine, oldest out first', () => {
    const { slab } = new Heap(4 << 20);
    const freed: number[] = [];
    for (let i = 0; i < 1_024; i++) {
      const addr = slab.kmalloc(64);
      expect(freed).not.toContain(addr);
      slab.free(addr);
      freed.push(addr);
    }
    const used = new Set(freed);
    const next = Array.from({ length: 40 }, () => {
      const addr = slab.kmalloc(64);
      slab.free(addr);
      return addr;
    });
    expect(next.filter((addr) => used.has(addr))).toEqual(
      freed.slice(0, next.length).filter((addr) => next.includes(addr)),
    );
    expect(next.some((addr) => used.has(addr))).toBe(true);
  });
});

describe('exhaustion', () => {
  test('gives 0, and what is freed can be had again, quarantine or not', () => {
    for (const size of [64, 5000, 20_000]) {
      const { slab } = new Heap(1 << 20);
      const all: number[] = [];
      for (let addr = slab.kmalloc(size); addr !== 0; addr = slab.kmalloc(size)) all.push(addr);
      expect(all.length).toBeGreaterThan(10);
      expect(slab.kmalloc(size)).toBe(0);
      slab.free(all[3]!);
      expect(slab.kmalloc(size)).toBe(all[3]);
      expect(slab.liveCount).toBe(all.length);
    }
  });

  test('an absurd size gives 0', () => {
    const { slab } = new Heap();
    expect(slab.kmalloc(1 << 30)).toBe(0);
    expect(slab.pages(1 << 30)).toBe(0);
  });
});

describe('pages', () => {
  test('come poisoned, are of a power of two, and go back', () => {
    const heap = new Heap();
    const start = heap.slab.pages(3 * PAGE_SIZE);
    expect(heap.shadowOf(start)).toBe(KASAN_PAGE_FREE);
    expect(heap.slab.pages(PAGE_SIZE)).toBe(start + 4 * PAGE_SIZE);
    heap.memory.unpoison(start, PAGE_SIZE);
    heap.slab.freePages(start, 3 * PAGE_SIZE);
    expect(heap.shadowOf(start)).toBe(KASAN_PAGE_FREE);
    expect(heap.slab.pages(4 * PAGE_SIZE)).toBe(start);
    expect(heap.slab.wasUsed(start)).toBe(true);
    expect(heap.slab.wasUsed(start + 64 * PAGE_SIZE)).toBe(false);
  });
});

describe('what is known of an object', () => {
  test('who made it, and which one of that type and place it is', () => {
    const heap = new Heap();
    const { slab } = heap;
    const cache = slab.cache('filp', 64);
    heap.at = 'boot';
    slab.alloc(cache);
    heap.at = 'open:I2';
    slab.kmalloc(64);
    const first = slab.alloc(cache);
    const second = slab.alloc(cache);
    expect(slab.objectOf(second + 63)).toMatchObject({
      addr: second,
      cache: 'filp',
      sizeBytes: 64,
      ordinal: 2,
      allocated: { site: 'open:I2' },
      freed: undefined,
    });
    heap.at = 'fput:T10';
    slab.free(first);
    expect(slab.objectOf(first)).toMatchObject({ ordinal: 1, freed: { site: 'fput:T10' } });
    expect(slab.objectOf(8)).toBeUndefined();
    expect([...slab.live('filp')].map(({ addr }) => addr)).toContain(second);
  });

  test('the live ones are those allocated and not freed, in every kind of cache', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            size: fc.constantFrom(1, 64, 500, 8192, 9000),
            typesafe: fc.boolean(),
            free: fc.nat(),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          const { slab } = new Heap(2 << 20);
          const cache = slab.cache('filp', 192, { typesafe: true });
          const live: number[] = [];
          for (const { size, typesafe, free } of steps) {
            const addr = typesafe ? slab.alloc(cache) : slab.kmalloc(size);
            if (addr !== 0) live.push(addr);
            if (free % 2 === 0) slab.free(live.splice(free % live.length, 1)[0]!);
          }
          const sorted = live.toSorted((a, b) => a - b);
          expect([...slab.live()].map(({ addr }) => addr)).toEqual(sorted);
          expect(slab.liveCount).toBe(live.length);
        },
      ),
      { numRuns: 100, seed: 1 },
    );
  });

  test('rollback forgets the run, so that the next one is the same', () => {
    const heap = new Heap();
    const { slab, memory } = heap;
    const kept = slab.kmalloc(64);
    memory.checkpoint();
    slab.checkpoint();
    const runs = [0, 1, 2].map(() => {
      memory.rollback();
      slab.rollback();
      const made = slab.kmalloc(64);
      slab.free(kept);
      const object = slab.objectOf(made)!;
      return [made, object.ordinal, slab.generationOf(made), slab.liveCount];
    });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    expect(runs[0]![1]).toBe(2);
  });
});
