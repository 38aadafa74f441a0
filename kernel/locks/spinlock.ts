import { ACQUIRE, RELEASE, RMW, Request, SPIN, STEP, WRITE, type Sim } from '../../sim/request.ts';
import { siteOf } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import type { Machine, Report } from '../machine.ts';
import { pointerText } from '../oops.ts';
import type { Sched } from '../sched.ts';
import { lockClassOf, type LockClass } from './lock-class.ts';
import type { Lockdep } from './lockdep.ts';

/** What a lock does to interrupts beside. kernel/irq.ts, once there is one, also delivers them. */
export interface InterruptControl {
  local_irq_disable(): void;
  local_irq_enable(): void;
  local_bh_disable(): void;
  local_bh_enable(): void;
}

/** What else a lock or unlock switches off or on. */
const PLAIN = 0;
const IRQ = 1;
const BH = 2;
type Mode = typeof PLAIN | typeof IRQ | typeof BH;

type Effect<T> = (request: Request<unknown>) => T;

/**
 * Spin locks: a u32 in memory, 0 or the id of the CPU that holds it plus 1. Taking one is a
 * single step of the caller's function; where it is taken, the CPU spins until it is released.
 * Preemption goes off in the step that first tries, so that the task can still be preempted right
 * before it. kernel/locking/spinlock.c
 */
export class Spinlocks {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #lockdep: Lockdep;
  interrupts: InterruptControl;

  constructor(machine: Machine, cpus: Cpus, sched: Sched, lockdep: Lockdep) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#sched = sched;
    this.#lockdep = lockdep;
    this.interrupts = countersOnly(cpus);
  }

  spin_lock(cls: LockClass, addr: number, site: number): Sim<void> {
    return this.#lock(cls, addr, site, PLAIN);
  }

  spin_unlock(cls: LockClass, addr: number, site: number): Sim<void> {
    return this.#unlock(cls, addr, site, PLAIN);
  }

  /** Also for spin_lock_irqsave(): disabling nests. */
  spin_lock_irq(cls: LockClass, addr: number, site: number): Sim<void> {
    return this.#lock(cls, addr, site, IRQ);
  }

  spin_unlock_irq(cls: LockClass, addr: number, site: number): Sim<void> {
    return this.#unlock(cls, addr, site, IRQ);
  }

  spin_lock_bh(cls: LockClass, addr: number, site: number): Sim<void> {
    return this.#lock(cls, addr, site, BH);
  }

  spin_unlock_bh(cls: LockClass, addr: number, site: number): Sim<void> {
    return this.#unlock(cls, addr, site, BH);
  }

  /** False where it is taken. */
  spin_trylock(cls: LockClass, addr: number, site: number): Sim<boolean> {
    return this.#request(cls, addr, site, PLAIN, Spinlocks.#tryEffect);
  }

  /** Whether anybody holds it. spin_is_locked() */
  isLocked(addr: number): boolean {
    return this.#machine.memory.rawU32(addr) !== 0;
  }

  /**
   * Where nothing can run any more since CPUs spin: the deadlock, to be reported at idle.
   * kernel/locking/spinlock_debug.c: spin_dump()
   */
  describeSpinners(): Report | undefined {
    const lines: string[] = [];
    const sites: string[] = [];
    const objects: { type: string; addr: number }[] = [];
    let first = '';
    for (const cpu of this.#cpus.all) {
      const fiber = cpu.sim.fiber;
      if (!fiber?.spinning || fiber.pending.target !== this) continue;
      const { addr, site, a } = fiber.pending;
      const owner = this.#machine.memory.rawU32(addr) - 1;
      const who = `CPU#${cpu.id}, ${fiber.path}`;
      first ||= who;
      lines.push(
        `${who} spins at ${siteOf(site).name}`,
        ` lock: ${lockClassOf(a).name} ${pointerText(addr)}, .owner_cpu: ${owner}, held by: ` +
          `${this.#cpus.all[owner]?.current?.path ?? '<none>'}`,
      );
      sites.push(siteOf(site).name);
      objects.push({ type: lockClassOf(a).name, addr });
    }
    if (first === '') return undefined;
    const title = `BUG: spinlock lockup suspected on ${first}`;
    return { kind: 'deadlock', title, lines, sites: sites.toSorted(), objects };
  }

  /** A single request, at the place of the caller, that spins until it has the lock. */
  #lock(cls: LockClass, addr: number, site: number, mode: Mode): Sim<void> {
    return this.#request(cls, addr, site, mode, Spinlocks.#firstEffect);
  }

  #unlock(cls: LockClass, addr: number, site: number, mode: Mode): Sim<void> {
    const request = new Request<void>(
      STEP,
      site,
      addr,
      4,
      WRITE,
      Spinlocks.#unlockEffect,
      cls.id,
      mode,
    );
    request.order = RELEASE;
    request.target = this;
    return request as unknown as Sim<void>;
  }

  #request<T>(cls: LockClass, addr: number, site: number, mode: Mode, effect: Effect<T>): Sim<T> {
    const request = new Request<T>(STEP, site, addr, 4, RMW, effect, cls.id, mode);
    request.order = ACQUIRE;
    request.target = this;
    return request as unknown as Sim<T>;
  }

  static readonly #firstEffect: Effect<void> = (request) =>
    (request.target as Spinlocks).#first(request);

  static readonly #againEffect: Effect<void> = (request) =>
    (request.target as Spinlocks).#take(request);

  static readonly #tryEffect: Effect<boolean> = ({ target, site, addr, a }) =>
    (target as Spinlocks).#try(lockClassOf(a), addr, site);

  static readonly #unlockEffect: Effect<void> = ({ target, addr, a, b }) =>
    (target as Spinlocks).#release(lockClassOf(a), addr, b as Mode);

  #first(request: Request<unknown>): void {
    if (request.b === IRQ) this.interrupts.local_irq_disable();
    else if (request.b === BH) this.interrupts.local_bh_disable();
    this.#sched.preemptDisable();
    this.#lockdep.acquire(lockClassOf(request.a), request.addr, request.site);
    this.#take(request);
  }

  #take(request: Request<unknown>): void {
    const { memory, engine } = this.#machine;
    const { addr } = request;
    const value = memory.u32(addr);
    const mine = engine.cpu.id + 1;
    if (value === 0) {
      memory.setU32(addr, mine);
      this.#lockdep.acquired();
      return;
    }
    // Where the CPU holds it itself, it can never go on.
    if (value === mine) this.#bad('recursion', lockClassOf(request.a), addr);
    request.goOn(SPIN, RMW, Spinlocks.#againEffect);
  }

  #try(cls: LockClass, addr: number, site: number): boolean {
    const { memory, engine } = this.#machine;
    if (memory.u32(addr) !== 0) return false;
    this.#sched.preemptDisable();
    memory.setU32(addr, engine.cpu.id + 1);
    this.#lockdep.acquireTried(cls, addr, site);
    return true;
  }

  #release(cls: LockClass, addr: number, mode: Mode): void {
    const { memory, engine } = this.#machine;
    const value = memory.u32(addr);
    if (value === 0) this.#bad('already unlocked', cls, addr);
    if (value !== engine.cpu.id + 1) this.#bad('wrong CPU', cls, addr);
    this.#lockdep.release(cls, addr);
    memory.setU32(addr, 0);
    engine.unspin(addr);
    this.#sched.preemptEnable();
    if (mode === IRQ) this.interrupts.local_irq_enable();
    else if (mode === BH) this.interrupts.local_bh_enable();
  }

  /** spin_bug() */
  #bad(what: string, cls: LockClass, addr: number): void {
    const machine = this.#machine;
    const id = machine.engine.cpu.id;
    machine.fail({
      kind: what === 'recursion' ? 'deadlock' : 'unbalanced-section',
      title: `BUG: spinlock ${what} on CPU#${id}, ${machine.who()}`,
      lines: [
        ` lock: ${cls.name} ${pointerText(addr)}, .owner_cpu: ` +
          `${machine.memory.rawU32(addr) - 1}`,
        ...machine.traceLines(),
      ],
      objects: [{ type: cls.name, addr }],
    });
  }
}

/** Without interrupts to deliver, counting is all there is to it. */
export function countersOnly(cpus: Cpus): InterruptControl {
  return {
    local_irq_disable: () => {
      cpus.this.irqsOff++;
      cpus.this.refresh();
    },
    local_irq_enable: () => {
      cpus.this.irqsOff--;
      cpus.this.refresh();
    },
    local_bh_disable: () => void cpus.this.bhOff++,
    local_bh_enable: () => void cpus.this.bhOff--,
  };
}
