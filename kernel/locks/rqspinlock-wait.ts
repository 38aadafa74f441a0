import { Timer } from '../../sim/clock.ts';
import { ACQUIRE, READ, RMW, Request, SPIN, STEP } from '../../sim/request.ts';
import type { Cpus } from '../cpu.ts';
import { EDEADLK, ETIMEDOUT } from '../errno.ts';
import type { Machine, Report } from '../machine.ts';
import { pointerText } from '../oops.ts';
import { siteOf } from '../../sim/site.ts';
import type { HeldLocks } from './rqspinlock-held.ts';

/** How often circles are looked for. kernel/bpf/rqspinlock.c: check_timeout() */
const CHECK_NS = 1_000_000;

/** One wait for a lock's word. struct rqspinlock_timeout */
export interface Attempt {
  readonly lock: number;
  readonly site: number;
  /** The bits that must go. */
  readonly mask: number;
  readonly durationNs: number;
  /** Whether the lock is taken in the step that finds it free. */
  readonly takes: boolean;
}

class Waiter {
  readonly attempt: Attempt;
  readonly cpu: number;
  readonly timer: Timer;
  /** 0 before the first look. */
  endNs = 0;
  checkedNs = 0;
  /** Explore mode: its time is over. */
  isExpired = false;

  constructor(attempt: Attempt, cpu: number, fire: (waiter: Waiter) => void) {
    this.attempt = attempt;
    this.cpu = cpu;
    this.timer = new Timer('rqspinlock', () => fire(this));
  }
}

/**
 * Who waits for the word of a resilient lock, and what ends a wait in vain. In timed mode each
 * looks for circles every millisecond, and for how long it has waited. In explore mode whoever is
 * in a circle may find it from when it is complete; and time runs out only where nothing else is
 * left to happen, or at any moment, once a wait, where that is a fault that may be.
 * kernel/bpf/rqspinlock.c
 */
export class ResWaits {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #held: HeldLocks;
  readonly #waiters = new Set<Waiter>();

  constructor(machine: Machine, cpus: Cpus, held: HeldLocks) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#held = held;
  }

  reset(): void {
    this.#waiters.clear();
  }

  /** Looks, and spins until none of the bits is set: the word then; or -EDEADLK, -ETIMEDOUT. */
  wait(attempt: Attempt): Request<number> {
    const { lock, site, takes } = attempt;
    const request = new Request<number>(STEP, site, lock, 4, takes ? RMW : READ, (again) =>
      this.#look(again, waiter),
    );
    const waiter = new Waiter(attempt, this.#cpus.this.id, (over) => this.#fired(over));
    request.order = ACQUIRE;
    return request;
  }

  /** For the engine, where nothing can happen any more: the time of one who waits runs out. */
  idle(): boolean {
    const { engine } = this.#machine;
    if (engine.mode !== 'explore' || !this.#isResilient) return false;
    let first: Waiter | undefined;
    for (const waiter of this.#waiters) {
      if (waiter.isExpired || waiter.timer.armed) continue;
      if (first === undefined || waiter.endNs < first.endNs) first = waiter;
    }
    if (first === undefined) return false;
    engine.clock.arm(first.timer, first.endNs + 1);
    return true;
  }

  /** Who waits at the end of a run, where nothing ends that. */
  describe(): Report | undefined {
    const waiters = [...this.#waiters].toSorted((a, b) => a.cpu - b.cpu);
    if (waiters.length === 0) return undefined;
    const isWaiting = (cpu: number): boolean => waiters.some((waiter) => waiter.cpu === cpu);
    const lines = waiters.flatMap(({ cpu, attempt }) => {
      const owner = this.#held.ownerOf(attempt.lock, isWaiting);
      return [
        `CPU#${cpu}, ${this.#taskOn(cpu)} spins at ${siteOf(attempt.site).name}`,
        ` lock: rqspinlock ${pointerText(attempt.lock)}, .owner_cpu: ${owner}, held by: ` +
          this.#taskOn(owner),
      ];
    });
    const { cpu } = waiters[0]!;
    return {
      kind: 'deadlock',
      title: `BUG: spinlock lockup suspected on CPU#${cpu}, ${this.#taskOn(cpu)}`,
      lines,
      sites: waiters.map(({ attempt }) => siteOf(attempt.site).name).toSorted(),
      objects: waiters.map(({ attempt }) => ({ type: 'rqspinlock', addr: attempt.lock })),
    };
  }

  #taskOn(cpu: number): string {
    return this.#cpus.all[cpu]?.current?.path ?? '<none>';
  }

  get #isResilient(): boolean {
    return !this.#machine.mutated('rqspinlock.no-deadlock-check');
  }

  #look(request: Request<unknown>, waiter: Waiter): number {
    const { memory } = this.#machine;
    const { lock, mask, takes } = waiter.attempt;
    const word = memory.u32(lock);
    if ((word & mask) === 0) {
      if (takes) memory.setU32(lock, 1);
      return this.#over(waiter, word);
    }
    const isFirst = !this.#waiters.has(waiter);
    this.#waiters.add(waiter);
    const result = this.#isResilient ? this.#check_timeout(waiter) : 0;
    if (result !== 0) return this.#over(waiter, result);
    const { mode } = this.#machine.engine;
    const mayLookAgain = isFirst && mode === 'explore' && this.#isResilient;
    const kind = mayLookAgain && this.#tellCircle(waiter) ? STEP : SPIN;
    request.goOn(kind, request.access, (again) => this.#look(again, waiter));
    return 0;
  }

  #over(waiter: Waiter, result: number): number {
    this.#waiters.delete(waiter);
    this.#machine.engine.clock.cancel(waiter.timer);
    return result;
  }

  #check_timeout(waiter: Waiter): number {
    const { engine } = this.#machine;
    const { nowNs } = engine.cpu;
    const { attempt } = waiter;
    if (waiter.endNs === 0) {
      if (this.#held.holdsTwice(attempt.lock)) return -EDEADLK;
      waiter.checkedNs = nowNs;
      waiter.endNs = nowNs + attempt.durationNs;
      if (engine.mode === 'timed') this.#armCheck(waiter);
      else if (this.#machine.faults.has('lock-timeout'))
        engine.clock.arm(waiter.timer, waiter.endNs + 1);
      return 0;
    }
    if (engine.mode === 'explore') {
      if (waiter.isExpired) return -ETIMEDOUT;
      return this.#isInCircle(waiter) ? -EDEADLK : 0;
    }
    if (nowNs > waiter.endNs) return -ETIMEDOUT;
    if (waiter.checkedNs + CHECK_NS < nowNs) {
      waiter.checkedNs = nowNs;
      if (this.#isInCircle(waiter)) return -EDEADLK;
    }
    this.#armCheck(waiter);
    return 0;
  }

  #armCheck(waiter: Waiter): void {
    const dueNs = Math.min(waiter.checkedNs + CHECK_NS, waiter.endNs);
    this.#machine.engine.clock.arm(waiter.timer, dueNs);
  }

  #fired(waiter: Waiter): void {
    waiter.isExpired = true;
    this.#machine.engine.unspin(waiter.attempt.lock);
  }

  #isInCircle({ attempt, cpu }: Waiter): boolean {
    const { memory } = this.#machine;
    const { lock, mask } = attempt;
    return this.#held.isInCircle(cpu, lock, () => (memory.rawU32(lock) & mask) === 0);
  }

  /**
   * Somebody has begun to wait, which may close a circle: all who are in one may look. Whether it
   * is in one itself.
   */
  #tellCircle(latest: Waiter): boolean {
    for (const waiter of this.#waiters) {
      if (waiter !== latest && this.#isInCircle(waiter)) {
        this.#machine.engine.unspin(waiter.attempt.lock);
      }
    }
    return this.#isInCircle(latest);
  }
}
