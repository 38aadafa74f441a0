import { array, ptr, s32, struct } from '../../base/layout.ts';
import type { Cpus } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import type { Memory } from '../memory.ts';

/** How many locks of a CPU are known. include/asm-generic/rqspinlock.h */
export const RES_NR_HELD = 31;

/** One a CPU: what it holds, oldest first, and what it attempts, last. */
const rqspinlock_held = struct('rqspinlock_held', {
  cnt: s32,
  locks: array(ptr('void'), RES_NR_HELD),
});

/** From the count to the first entry. */
const LOCKS = rqspinlock_held.off.locks - rqspinlock_held.off.cnt;

/**
 * The resilient locks that each CPU holds or attempts: what deadlocks are found by. An entry is
 * there before the lock is. Others read the table while its owner changes it.
 * rqspinlock_held_locks
 */
export class HeldLocks {
  readonly #memory: Memory;
  readonly #cpus: Cpus;
  readonly #base: number;

  constructor(machine: Machine, cpus: Cpus) {
    const { slab, memory } = machine;
    const bytes = rqspinlock_held.sizeBytes * cpus.all.length;
    this.#memory = memory;
    this.#cpus = cpus;
    this.#base = slab.zalloc(slab.cache('rqspinlock_held_locks', bytes));
  }

  /** grab_held_lock_entry() */
  grab(lock: number): void {
    if (this.#memory.onAccess === null) this.#grab(lock);
    else this.#memory.marked(() => this.#grab(lock));
  }

  #grab(lock: number): void {
    const memory = this.#memory;
    const count = this.countAddr(this.#cpus.this.id);
    const cnt = memory.s32(count) + 1;
    memory.setS32(count, cnt);
    if (cnt <= RES_NR_HELD) memory.setPtr(count + LOCKS + 8 * (cnt - 1), lock);
  }

  /** The newest entry goes. release_held_lock_entry() */
  release(): void {
    if (this.#memory.onAccess === null) this.#release();
    else this.#memory.marked(() => this.#release());
  }

  #release(): void {
    const memory = this.#memory;
    const count = this.countAddr(this.#cpus.this.id);
    const cnt = memory.s32(count);
    if (cnt <= RES_NR_HELD) memory.setPtr(count + LOCKS + 8 * (cnt - 1), 0);
    memory.setS32(count, cnt - 1);
  }

  /** Where the count of a CPU's entries stands. */
  countAddr(cpu: number): number {
    return this.#base + rqspinlock_held.sizeBytes * cpu + rqspinlock_held.off.cnt;
  }

  /** How many there are, and those that are known. */
  of(cpu: number): { readonly count: number; readonly locks: readonly number[] } {
    return this.#memory.marked(() => {
      const table = this.#table(cpu);
      return { count: table.cnt, locks: this.#known(table) };
    });
  }

  /** Whether the present CPU holds what it attempts. check_deadlock_AA() */
  holdsTwice(lock: number): boolean {
    return this.of(this.#cpus.this.id).locks.slice(0, -1).includes(lock);
  }

  /**
   * Whether `cpu` attempts a lock of another that attempts one of its own. Of longer circles
   * nothing is known. check_deadlock_ABBA()
   */
  isInCircle(cpu: number, lock: number, isReleased: () => boolean): boolean {
    const own = this.of(cpu).locks.slice(0, -1);
    for (const { id } of this.#cpus.all) {
      if (isReleased()) return false;
      if (id === cpu) continue;
      const { count, locks } = this.of(id);
      if (count < 2 || count > RES_NR_HELD) continue;
      const attempted = locks.at(-1)!;
      if (attempted === 0 || !locks.slice(0, -1).includes(lock)) continue;
      return own.includes(attempted);
    }
    return false;
  }

  /** Who holds a lock, as far as that is known: a CPU, or -1. For checkers. */
  ownerOf(lock: number, isWaiting: (cpu: number) => boolean): number {
    for (const { id } of this.#cpus.all) {
      const { locks } = this.of(id);
      if ((isWaiting(id) ? locks.slice(0, -1) : locks).includes(lock)) return id;
    }
    return -1;
  }

  #table(cpu: number): ReturnType<typeof rqspinlock_held.at> {
    return rqspinlock_held.at(this.#memory, this.#base + rqspinlock_held.sizeBytes * cpu);
  }

  #known({ cnt, locks }: ReturnType<typeof rqspinlock_held.at>): number[] {
    const length = Math.min(cnt, RES_NR_HELD);
    return Array.from({ length }, (_, i) => this.#memory.ptr(locks + 8 * i));
  }
}
