import {
  ACQUIRE,
  RELEASE,
  RMW,
  Request,
  STEP,
  WRITE,
  kernelText,
  type Sim,
} from '../../sim/request.ts';
import { EINTR } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { pointerText } from '../oops.ts';
import type { Sched } from '../sched.ts';
import { mutex } from '../structs.ts';
import type { Waits } from '../wait.ts';
import { lockClassOf, type LockClass } from './lock-class.ts';
import type { Lockdep } from './lockdep.ts';

const WAIT = mutex.off.wait;

type Effect<T> = (request: Request<unknown>) => T;

/**
 * Sleeping locks: a struct mutex in memory. `addr` is its address, the owner the first word.
 * A waiter that wakes up tries again, and another may have been faster. kernel/locking/mutex.c
 */
export class Mutexes {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #waits: Waits;
  readonly #lockdep: Lockdep;

  constructor(machine: Machine, sched: Sched, waits: Waits, lockdep: Lockdep) {
    this.#machine = machine;
    this.#sched = sched;
    this.#waits = waits;
    this.#lockdep = lockdep;
  }

  *mutex_lock(cls: LockClass, addr: number, site: number): Sim<void> {
    this.#sched.mightSleep('kernel/locking/mutex.c');
    let taken = yield* this.#request(site, cls, addr, Mutexes.#firstEffect);
    while (!taken) {
      yield* this.#waits.wait_event(addr + WAIT, () => this.#isFree(addr));
      taken = yield* this.#request(site, cls, addr, Mutexes.#againEffect);
    }
  }

  /** 0, or -EINTR where a signal came first. */
  *mutex_lock_interruptible(cls: LockClass, addr: number, site: number): Sim<number> {
    this.#sched.mightSleep('kernel/locking/mutex.c');
    let taken = yield* this.#request(site, cls, addr, Mutexes.#firstEffect);
    while (!taken) {
      const result = yield* this.#waits.wait_event_interruptible(addr + WAIT, () =>
        this.#isFree(addr),
      );
      if (result !== 0) {
        this.#lockdep.release(cls, addr);
        return -EINTR;
      }
      taken = yield* this.#request(site, cls, addr, Mutexes.#againEffect);
    }
    return 0;
  }

  *mutex_trylock(cls: LockClass, addr: number, site: number): Sim<boolean> {
    return yield* this.#request(site, cls, addr, Mutexes.#tryEffect);
  }

  *mutex_unlock(cls: LockClass, addr: number, site: number): Sim<void> {
    const request = new Request<void>(STEP, site, addr, 8, WRITE, Mutexes.#unlockEffect, cls.id);
    request.order = RELEASE;
    request.target = this;
    yield* request as unknown as Sim<void>;
  }

  /** Address of the task that holds it, or 0: for checkers. */
  ownerOf(addr: number): number {
    return this.#machine.memory.rawU32(addr);
  }

  #isFree(addr: number): boolean {
    return this.#machine.memory.rawU32(addr) === 0;
  }

  #request(site: number, cls: LockClass, addr: number, effect: Effect<boolean>): Sim<boolean> {
    const request = new Request<boolean>(STEP, site, addr, 8, RMW, effect, cls.id);
    request.order = ACQUIRE;
    request.target = this;
    return request as unknown as Sim<boolean>;
  }

  static readonly #firstEffect: Effect<boolean> = ({ target, site, addr, a }) =>
    (target as Mutexes).#first(lockClassOf(a), addr, site);

  static readonly #againEffect: Effect<boolean> = ({ target, addr }) =>
    (target as Mutexes).#take(addr);

  static readonly #tryEffect: Effect<boolean> = ({ target, site, addr, a }) =>
    (target as Mutexes).#try(lockClassOf(a), addr, site);

  static readonly #unlockEffect: Effect<void> = ({ target, addr, a }) =>
    (target as Mutexes).#release(lockClassOf(a), addr);

  #first(cls: LockClass, addr: number, site: number): boolean {
    this.#lockdep.acquire(cls, addr, site);
    return this.#take(addr);
  }

  #take(addr: number): boolean {
    const { memory } = this.#machine;
    if (memory.ptr(addr) !== 0) return false;
    memory.setPtr(addr, this.#sched.current.addr);
    this.#lockdep.acquired();
    return true;
  }

  #try(cls: LockClass, addr: number, site: number): boolean {
    const { memory } = this.#machine;
    if (memory.ptr(addr) !== 0) return false;
    memory.setPtr(addr, this.#sched.current.addr);
    this.#lockdep.acquireTried(cls, addr, site);
    return true;
  }

  #release(cls: LockClass, addr: number): void {
    const { memory } = this.#machine;
    if (memory.ptr(addr) !== this.#sched.current.addr) this.#notOwner(cls, addr);
    this.#lockdep.release(cls, addr);
    memory.setPtr(addr, 0);
    this.#waits.wake_up(addr + WAIT, 1);
  }

  /** kernel/locking/mutex-debug.c: debug_mutex_unlock(), DEBUG_LOCKS_WARN_ON */
  #notOwner(cls: LockClass, addr: number): void {
    const machine = this.#machine;
    machine.fail({
      kind: 'unbalanced-section',
      title: 'DEBUG_LOCKS_WARN_ON(__owner_task(owner) != get_current())',
      lines: [` lock: ${cls.name} ${pointerText(addr)}`, ...machine.traceLines()],
      objects: [{ type: cls.name, addr }],
    });
  }
}

kernelText(Mutexes);
