import type { ExecContext, HeldLock } from '../context.ts';
import type { Cpus } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import type { LockClass } from './lock-class.ts';

class Held implements HeldLock {
  readonly cls: LockClass;
  readonly addr: number;
  readonly site: number;
  waiting = true;

  constructor(cls: LockClass, addr: number, site: number) {
    this.cls = cls;
    this.addr = addr;
    this.site = site;
  }

  get className(): string {
    return this.cls.name;
  }

  get classId(): number {
    return this.cls.id;
  }

  get spinning(): boolean {
    return this.cls.spinning;
  }
}

/** Which locks each context holds, and in which orders locks are taken. kernel/locking/lockdep.c */
export class Lockdep {
  readonly #cpus: Cpus;

  constructor(_machine: Machine, cpus: Cpus) {
    this.#cpus = cpus;
  }

  /** The present context is about to take the lock. lock_acquire() */
  acquire(cls: LockClass, addr: number, site: number): void {
    this.#cpus.context?.held.push(new Held(cls, addr, site));
  }

  /** It has taken the lock without waiting. */
  acquireTried(cls: LockClass, addr: number, site: number): void {
    this.acquire(cls, addr, site);
    this.acquired();
  }

  /** It has it. lock_acquired() */
  acquired(): void {
    const held = this.#cpus.context?.held;
    if (held) held[held.length - 1]!.waiting = false;
  }

  release(_cls: LockClass, addr: number): void {
    const context: ExecContext | null = this.#cpus.context;
    if (!context) return;
    const index = context.held.findLastIndex((lock) => lock.addr === addr);
    if (index >= 0) context.held.splice(index, 1);
  }
}
