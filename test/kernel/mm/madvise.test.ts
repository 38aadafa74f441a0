/** madvise(2) and mprotect(2), as Linux has answered the same calls. */
import { describe, expect, test } from 'vitest';
import { EACCES, EINVAL, ENOMEM } from '../../../kernel/errno.ts';
import { Madvise } from '../../../kernel/mm/madvise.ts';
import { Mprotect } from '../../../kernel/mm/mprotect.ts';
import * as mm from '../../../kernel/mm/structs.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../../kernel/mm/structs.ts';
import { UserMm } from '../../../kernel/mm/user-mm.ts';
import { PAGE_SIZE } from '../../../kernel/memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { BareKernel } from '../../kit/bare-kernel.ts';

const RW = PROT_READ | PROT_WRITE;
const RWX = RW | PROT_EXEC;
const PROT_SEM = 0x8;
const GROWSDOWN = 0x0100_0000;
const GROWSUP = 0x0200_0000;
const WHOLE = 2 ** 64 - 1;

/** Pages of an address space from `base` on, by number. */
class World extends BareKernel {
  readonly mm = new UserMm(this.machine, this.sched, this.kasan);
  readonly home = this.mm.create();
  readonly base: number;
  readonly #madvise = new Madvise(this.machine, this);
  readonly #mprotect = new Mprotect(this.machine, this);

  constructor(pages: number, options: { readonly shared?: boolean; readonly fill?: boolean } = {}) {
    super();
    const { shared = false, fill = true } = options;
    this.base = this.mm.mmap(this.home, pages * PAGE_SIZE, { shared, resident: fill && !shared });
    for (let i = 0; fill && i < pages; i++) this.write(i, 7);
  }

  at(page: number): number {
    return this.base + page * PAGE_SIZE;
  }

  do<T>(entry: () => Sim<T>, space = this.home): T {
    let result: T | undefined;
    const { machine } = this;
    this.spawn(
      'A',
      function* () {
        result = yield* entry();
      },
      space,
    );
    expect(this.run()).toEqual([]);
    expect(machine.engine.failures).toEqual([]);
    return result!;
  }

  madvise(start: number, len: number, advice: number): number {
    return this.do(() => this.#madvise.do_madvise(start, len, advice));
  }

  mprotect(start: number, len: number, prot: number): number {
    return this.do(() => this.#mprotect.do_mprotect_pkey(start, len, prot));
  }

  /** What a program would get, without a fault: a byte of each page; null where it is not there. */
  found(pages: number, space = this.home): (number | null)[] {
    return this.#each(pages, space, (at) => this.mm.copy_from_user_nofault(at, 1)?.[0] ?? null);
  }

  /** Whether a store that takes no fault goes through; each stores what is there. */
  writable(pages: number, space = this.home): boolean[] {
    return this.#each(pages, space, (at) => {
      const bytes = this.mm.copy_from_user_nofault(at, 1);
      return bytes !== null && this.mm.copy_to_user_nofault(at, bytes) === 0;
    });
  }

  /** The byte at the start of a page, with faults; null where it may not be read. */
  read(page: number, space = this.home): number | null {
    return this.do(() => this.mm.copy_from_user(this.at(page), 1), space)?.[0] ?? null;
  }

  write(page: number, value: number, space = this.home): boolean {
    const bytes = Uint8Array.of(value);
    return this.do(() => this.mm.copy_to_user(this.at(page), bytes), space) === 0;
  }

  fork(): number {
    return this.do(() => this.mm.dup_mm(this.home));
  }

  unmap(page: number): void {
    expect(this.do(() => this.mm.munmap(this.home, this.at(page), PAGE_SIZE))).toBe(0);
  }

  #each<T>(pages: number, space: number, look: (at: number) => T): T[] {
    const base = this.base;
    return this.do(function* () {
      return Array.from({ length: pages }, (_, i) => look(base + i * PAGE_SIZE));
    }, space);
  }
}

describe('mprotect()', () => {
  test('what it refuses', () => {
    const w = new World(8);
    expect(w.mprotect(w.base + 1, PAGE_SIZE, PROT_READ)).toBe(-EINVAL);
    expect(w.mprotect(w.base, 0, PROT_READ)).toBe(0);
    expect(w.mprotect(w.base, 0, 0x40)).toBe(0);
    expect(w.mprotect(w.base, PAGE_SIZE, 0x40)).toBe(-EINVAL);
    expect(w.mprotect(w.base, PAGE_SIZE, GROWSDOWN | GROWSUP | PROT_READ)).toBe(-EINVAL);
    expect(w.mprotect(w.base, PAGE_SIZE, GROWSDOWN | PROT_READ)).toBe(-EINVAL);
    expect(w.mprotect(w.base, WHOLE, PROT_READ)).toBe(-ENOMEM);
    expect(w.mprotect(0x1_0000, PAGE_SIZE, PROT_READ)).toBe(-ENOMEM);
    expect(w.writable(8)).not.toContain(false);
    expect(w.mprotect(w.base, PAGE_SIZE, PROT_SEM)).toBe(0);
    expect(w.found(1)).toEqual([null]);
  });

  test('pages in the middle of a mapping: read-only, not there at all, and as they were', () => {
    const w = new World(4);
    expect(w.mprotect(w.at(1), PAGE_SIZE, PROT_READ)).toBe(0);
    expect(w.writable(4)).toEqual([true, false, true, true]);
    expect(w.write(1, 8)).toBe(false);
    expect(w.mprotect(w.at(1), 2 * PAGE_SIZE, 0)).toBe(0);
    expect(w.found(4)).toEqual([7, null, null, 7]);
    expect(w.read(2)).toBeNull();
    expect(w.mprotect(w.base, 4 * PAGE_SIZE, RW)).toBe(0);
    expect(w.found(4)).toEqual([7, 7, 7, 7]);
    expect(w.writable(4)).not.toContain(false);
  });

  test('up to a hole it takes effect', () => {
    const w = new World(6);
    w.unmap(3);
    expect(w.mprotect(w.base, 6 * PAGE_SIZE, PROT_READ)).toBe(-ENOMEM);
    expect(w.writable(6)).toEqual([false, false, false, false, true, true]);
    expect(w.mprotect(w.at(3), 3 * PAGE_SIZE, PROT_READ)).toBe(-ENOMEM);
    expect(w.writable(6)).toEqual([false, false, false, false, true, true]);
  });

  test('a page shared after a fork is copied before it is written to', () => {
    const w = new World(1);
    const child = w.fork();
    expect(w.mprotect(w.base, PAGE_SIZE, PROT_READ)).toBe(0);
    expect(w.mprotect(w.base, PAGE_SIZE, RW)).toBe(0);
    expect(w.writable(1)).toEqual([false]);
    expect(w.write(0, 8)).toBe(true);
    expect([w.read(0), w.read(0, child)]).toEqual([8, 7]);
  });

  test('what a mapping may never be is -EACCES', () => {
    const w = new World(1);
    const vma = w.mm.vmas.overlapping(w.home, w.base, w.base + 1);
    w.mm.vmas.at(vma).vm_flags &= ~mm.VM_MAYEXEC;
    expect(w.mprotect(w.base, PAGE_SIZE, RWX)).toBe(-EACCES);
    expect(w.mprotect(w.base, PAGE_SIZE, RW)).toBe(0);
  });
});

describe('madvise()', () => {
  test('what it refuses', () => {
    const w = new World(1);
    expect(w.madvise(w.base + 1, PAGE_SIZE, mm.MADV_DONTNEED)).toBe(-EINVAL);
    expect(w.madvise(w.base + 1, 0, mm.MADV_DONTNEED)).toBe(-EINVAL);
    expect(w.madvise(w.base, 0, mm.MADV_DONTNEED)).toBe(0);
    expect(w.madvise(w.base, PAGE_SIZE, 777)).toBe(-EINVAL);
    expect(w.madvise(w.base, 0, 777)).toBe(-EINVAL);
    expect(w.madvise(w.base, WHOLE, mm.MADV_DONTNEED)).toBe(-EINVAL);
    expect(w.madvise(0x1_0000, PAGE_SIZE, mm.MADV_DONTNEED)).toBe(-ENOMEM);
    for (const advice of [mm.MADV_NORMAL, mm.MADV_RANDOM, mm.MADV_WILLNEED, mm.MADV_COLD]) {
      expect(w.madvise(w.base, PAGE_SIZE, advice)).toBe(0);
    }
    expect(w.found(1)).toEqual([7]);
  });

  test('MADV_DONTNEED: zeroes, also beyond a hole', () => {
    const w = new World(5);
    w.unmap(2);
    expect(w.madvise(w.base, 1, mm.MADV_DONTNEED)).toBe(0);
    expect(w.found(5)).toEqual([null, 7, null, 7, 7]);
    expect(w.madvise(w.base, 4 * PAGE_SIZE, mm.MADV_DONTNEED)).toBe(-ENOMEM);
    expect(w.found(5)).toEqual([null, null, null, null, 7]);
    expect([0, 1, 3].map((page) => w.read(page))).toEqual([0, 0, 0]);
    const shared = new World(1, { shared: true });
    expect(shared.madvise(shared.base, PAGE_SIZE, mm.MADV_DONTNEED)).toBe(0);
    expect(shared.read(0)).toBe(7);
  });

  test('MADV_POPULATE_*: there before they are touched, as far as they may be', () => {
    const w = new World(4, { fill: false });
    expect(w.found(4)).toEqual([null, null, null, null]);
    expect(w.madvise(w.base, 2 * PAGE_SIZE, mm.MADV_POPULATE_WRITE)).toBe(0);
    expect(w.writable(4)).toEqual([true, true, false, false]);
    expect(w.mprotect(w.at(2), PAGE_SIZE, PROT_READ)).toBe(0);
    expect(w.madvise(w.base, 4 * PAGE_SIZE, mm.MADV_POPULATE_WRITE)).toBe(-EINVAL);
    expect(w.madvise(w.base, 4 * PAGE_SIZE, mm.MADV_POPULATE_READ)).toBe(0);
    expect(w.found(4)).toEqual([0, 0, 0, 0]);
    expect(w.mprotect(w.at(2), PAGE_SIZE, 0)).toBe(0);
    expect(w.madvise(w.base, 4 * PAGE_SIZE, mm.MADV_POPULATE_READ)).toBe(-EINVAL);
    w.unmap(2);
    expect(w.madvise(w.base, 4 * PAGE_SIZE, mm.MADV_POPULATE_READ)).toBe(-ENOMEM);
    expect(w.madvise(w.base + 1, PAGE_SIZE, mm.MADV_POPULATE_READ)).toBe(-EINVAL);
  });

  test('MADV_DONTFORK keeps a page from children, MADV_DOFORK gives it back', () => {
    const w = new World(3);
    expect(w.madvise(w.at(1), PAGE_SIZE, mm.MADV_DONTFORK)).toBe(0);
    expect(w.found(3, w.fork())).toEqual([7, null, 7]);
    expect(w.madvise(w.base, 3 * PAGE_SIZE, mm.MADV_DOFORK)).toBe(0);
    expect(w.found(3, w.fork())).toEqual([7, 7, 7]);
  });
});

describe('05 R10: a page that has been put away', () => {
  test('is not found without a fault, and comes back with what was in it', () => {
    const w = new World(2);
    expect(w.madvise(w.base, PAGE_SIZE, mm.MADV_PAGEOUT)).toBe(0);
    expect(w.found(2)).toEqual([null, 7]);
    expect(w.read(0)).toBe(7);
    expect(w.writable(2)).toEqual([true, true]);
  });

  test('a child has it as well, and each its own once it writes', () => {
    const w = new World(1);
    expect(w.madvise(w.base, PAGE_SIZE, mm.MADV_PAGEOUT)).toBe(0);
    const child = w.fork();
    expect(w.found(1, child)).toEqual([null]);
    expect(w.read(0, child)).toBe(7);
    expect(w.writable(1, child)).toEqual([false]);
    expect(w.write(0, 8)).toBe(true);
    expect([w.read(0), w.read(0, child)]).toEqual([8, 7]);
    expect(w.write(0, 9, child)).toBe(true);
    expect([w.read(0), w.read(0, child)]).toEqual([8, 9]);
  });

  test('what others map, or have pinned, stays', () => {
    const w = new World(2);
    const page = w.do(() => w.mm.pin_user_pages_fast(w.base));
    expect(w.madvise(w.base, PAGE_SIZE, mm.MADV_PAGEOUT)).toBe(0);
    expect(w.found(1)).toEqual([7]);
    w.mm.pages.unpin(page);
    w.fork();
    expect(w.madvise(w.at(1), PAGE_SIZE, mm.MADV_PAGEOUT)).toBe(0);
    expect(w.found(2)).toEqual([7, 7]);
  });

  test('its memory is given back when the last who has it unmaps it', () => {
    const w = new World(1);
    const page = w.do(() => w.mm.pin_user_pages_fast(w.base));
    w.mm.pages.unpin(page);
    expect(w.madvise(w.base, PAGE_SIZE, mm.MADV_PAGEOUT)).toBe(0);
    const child = w.fork();
    w.unmap(0);
    expect(w.mm.pages.count(page)).toBe(1);
    w.do(() => w.mm.mmput(child));
    expect(w.mm.pages.count(page)).toBe(0);
  });
});
