import { queueKey } from '../sim/keys.ts';
import { ACQUIRE, READ, RMW, Request, SPIN, STEP, WRITE, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import type { Cpus, KernelCpu } from './cpu.ts';
import { lockClass, type LockClass } from './locks/lock-class.ts';
import type { Machine } from './machine.ts';

const RQ_LOCK = lockClass('&rq->__lock', 'spin');
const SWITCH = site('__schedule', 'rq_lock');
const WAKE = site('ttwu_queue', 'rq_lock');
const WORD_BYTES = 4;

/** What of lockdep these locks tell. */
export interface RqLockdep {
  acquire(cls: LockClass, addr: number, site: number): void;
  acquired(): void;
  release(cls: LockClass, addr: number): void;
}

/**
 * The lock of each run queue: KernelCpu.rqLock, a word that is 0, or the id of the CPU that holds
 * it plus 1. Where nobody looks on, a switch and a wake-up are one step each, and need none. They
 * are held while probes of sched_switch run: who has something to put on that queue meanwhile
 * spins. kernel/sched/sched.h: struct rq, __lock
 */
export class RqLocks {
  lockdep: RqLockdep | null = null;
  readonly #machine: Machine;
  readonly #cpus: Cpus;

  constructor(machine: Machine, cpus: Cpus) {
    this.#machine = machine;
    this.#cpus = cpus;
  }

  /** The present CPU's own, which nobody has: others take it only to give it back at once. */
  hold({ id, rqLock }: KernelCpu): void {
    this.#machine.engine.touch(queueKey(id), WRITE);
    this.lockdep?.acquire(RQ_LOCK, rqLock, SWITCH);
    this.#machine.memory.setRawU32(rqLock, id + 1);
    this.lockdep?.acquired();
  }

  release({ id, rqLock }: KernelCpu): void {
    this.#machine.engine.touch(queueKey(id), WRITE);
    this.lockdep?.release(RQ_LOCK, rqLock);
    this.#machine.memory.setRawU32(rqLock, 0);
    this.#machine.engine.unspin(rqLock);
  }

  /** Whether another CPU than the present one has it; for an event, which is on none, any CPU. */
  isTaken(cpu: KernelCpu): boolean {
    const isOther = this.#machine.engine.inEvent || cpu !== this.#cpus.this;
    return isOther && this.isHeld(cpu);
  }

  /** Whether the CPU is inside of a switch that probes look at. */
  isHeld({ id, idle, rqLock }: KernelCpu): boolean {
    if (idle === null) return false;
    this.#machine.engine.touch(queueKey(id), READ);
    return this.#machine.memory.rawU32(rqLock) !== 0;
  }

  /** Waits for the lock. What comes then, up to the end of the step, is as if under it. */
  pass({ rqLock }: KernelCpu): Sim<void> {
    const cls = RQ_LOCK.id;
    const request = new Request<void>(STEP, WAKE, rqLock, WORD_BYTES, RMW, first, cls);
    request.order = ACQUIRE;
    request.target = this;
    return request as unknown as Sim<void>;
  }

  first(request: Request<unknown>): void {
    this.lockdep?.acquire(RQ_LOCK, request.addr, WAKE);
    this.again(request);
  }

  again(request: Request<unknown>): void {
    const { addr } = request;
    if (this.#machine.memory.rawU32(addr) !== 0) {
      request.goOn(SPIN, RMW, again);
      return;
    }
    this.lockdep?.acquired();
    this.lockdep?.release(RQ_LOCK, addr);
  }
}

const first = (request: Request<unknown>): void => (request.target as RqLocks).first(request);
const again = (request: Request<unknown>): void => (request.target as RqLocks).again(request);
