import type { StackEntry } from '../../sim/fiber.ts';
import { siteOf } from '../../sim/site.ts';
import type { ExecContext, HeldLock } from '../context.ts';
import type { Cpus, KernelCpu } from '../cpu.ts';
import type { Machine, Report } from '../machine.ts';
import { lockClassCount, lockClassOf, type LockClass } from './lock-class.ts';
import {
  circularReport,
  inconsistentReport,
  recursiveReport,
  safetyReport,
  userReturnReport,
  USED_IN_HARDIRQ,
  USED_IN_SOFTIRQ,
  USED_WITH_HARDIRQ,
  USED_WITH_SOFTIRQ,
  type Link,
  type LockSeen,
  type Reporter,
} from './lockdep-report.ts';

class Held implements HeldLock {
  readonly cls: LockClass;
  readonly addr: number;
  readonly site: number;
  readonly tried: boolean;
  waiting: boolean;

  constructor(cls: LockClass, addr: number, site: number, tried: boolean) {
    this.cls = cls;
    this.addr = addr;
    this.site = site;
    this.tried = tried;
    this.waiting = !tried;
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

const USED_IN = USED_IN_HARDIRQ | USED_IN_SOFTIRQ;
/** A use inside the interrupt, and the use with it enabled that cannot stand beside it. */
const OPPOSITES = [
  [USED_IN_HARDIRQ, USED_WITH_HARDIRQ],
  [USED_IN_SOFTIRQ, USED_WITH_SOFTIRQ],
] as const;

const edgeKey = (from: number, to: number): number => from * 65_536 + to;

/**
 * Which locks each context holds, and in which orders and in which kinds of context the classes
 * of locks are taken in this run. What can deadlock in some order is reported where it is first
 * seen, whether or not it did; after that lockdep is off, as in Linux. kernel/locking/lockdep.c
 */
export class Lockdep {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  /** debug_locks */
  #enabled = true;
  /** By class: in which contexts it was taken. */
  #usage = new Uint8Array(64);
  /** By class and usage bit: where first. */
  readonly #usageAt = new Map<number, readonly StackEntry[]>();
  readonly #links = new Map<number, Link>();
  /** By class: the links that begin or end there. */
  readonly #after = new Map<number, Link[]>();
  readonly #before = new Map<number, Link[]>();

  constructor(machine: Machine, cpus: Cpus) {
    this.#machine = machine;
    this.#cpus = cpus;
  }

  /** Forgets what this run has shown. Held locks are the contexts' own. */
  reset(): void {
    this.#enabled = true;
    if (this.#usageAt.size === 0) return;
    this.#usage.fill(0);
    this.#usageAt.clear();
    this.#links.clear();
    this.#after.clear();
    this.#before.clear();
  }

  /** The present context is about to take the lock, and will wait for it. lock_acquire() */
  acquire(cls: LockClass, addr: number, site: number): void {
    const { context } = this.#cpus;
    if (!context) return;
    if (this.#enabled) this.#check(context, cls, addr, site, false);
    context.held.push(new Held(cls, addr, site, false));
  }

  /** It has taken the lock and would not have waited: no order follows from that. */
  acquireTried(cls: LockClass, addr: number, site: number): void {
    const { context } = this.#cpus;
    if (!context) return;
    if (this.#enabled) this.#check(context, cls, addr, site, true);
    context.held.push(new Held(cls, addr, site, true));
  }

  /** It has what it was waiting for. lock_acquired() */
  acquired(): void {
    const held = this.#cpus.context?.held;
    if (held !== undefined && held.length > 0) held[held.length - 1]!.waiting = false;
  }

  /** lock_release() */
  release(_cls: LockClass, addr: number): void {
    const held = this.#cpus.context?.held;
    if (!held) return;
    for (let i = held.length - 1; i >= 0; i--) {
      if (held[i]!.addr !== addr) continue;
      if (i === held.length - 1) held.pop();
      else held.splice(i, 1);
      return;
    }
  }

  /**
   * Reports a task that leaves the kernel with a lock, or inside a read section.
   * lockdep_sys_exit(), debug_check_no_locks_held()
   */
  checkNoLocksHeld(task: ExecContext, leaving: 'user' | 'exit' = 'user'): void {
    if (task.held.length === 0 && task.rcuDepth === 0 && task.rcuTraceDepth === 0) return;
    this.#machine.fail(userReturnReport(this.#reporter(task), leaving));
  }

  /**
   * The circle of contexts that wait for each other's locks, where there is one: to be reported
   * when nothing can run any more. Covers sleeping locks and spin locks alike.
   */
  describeDeadlock(tasks: Iterable<ExecContext>): Report | undefined {
    const ownerOf = new Map<number, ExecContext>();
    const waiters: ExecContext[] = [];
    for (const context of this.#contexts(tasks)) {
      for (const lock of context.held) if (!lock.waiting) ownerOf.set(lock.addr, context);
      if (context.held.at(-1)?.waiting) waiters.push(context);
    }
    for (const waiter of waiters) {
      const circle = circleFrom(waiter, ownerOf);
      if (circle) return this.#deadlock(circle, ownerOf);
    }
    return undefined;
  }

  /** The tasks given, and what is running on the CPUs. */
  #contexts(tasks: Iterable<ExecContext>): Set<ExecContext> {
    const contexts = new Set(tasks);
    for (const cpu of this.#cpus.all) {
      for (const fiber of [...cpu.interrupted, cpu.sim.fiber]) {
        if (fiber) contexts.add(fiber.owner as ExecContext);
      }
    }
    return contexts;
  }

  #deadlock(circle: readonly ExecContext[], ownerOf: ReadonlyMap<number, ExecContext>): Report {
    const waits = circle.map((context) => {
      const lock = context.held.at(-1)!;
      const owner = ownerOf.get(lock.addr)!;
      const site = siteOf(owner.held.find(({ addr }) => addr === lock.addr)!.site).name;
      return {
        lock,
        text:
          `${nameOf(context)} waits for ${lock.className} at ` +
          `${siteOf(lock.site).name}, held by ${nameOf(owner)} since ${site}`,
      };
    });
    const first = circle[0]!;
    return {
      kind: 'deadlock',
      title: `BUG: deadlock: ${nameOf(first)} waits for ${first.held.at(-1)!.className} for ever`,
      lines: waits.map(({ text }) => text),
      sites: waits.map(({ lock }) => siteOf(lock.site).name).toSorted(),
      objects: waits.map(({ lock }) => ({ type: lock.className, addr: lock.addr })),
    };
  }

  #check(context: ExecContext, cls: LockClass, addr: number, site: number, tried: boolean): void {
    const bits = usageBits(context, this.#cpus.this, tried);
    const usage = cls.id < this.#usage.length ? this.#usage[cls.id]! : this.#grow(cls.id);
    if ((usage & bits) !== bits) this.#use(context, cls, addr, site, bits & ~usage);
    if (context.held.length > 0 && !tried) this.#order(context, cls, addr, site);
  }

  #grow(id: number): number {
    const wider = new Uint8Array(Math.max(lockClassCount(), id + 1, 2 * this.#usage.length));
    wider.set(this.#usage);
    this.#usage = wider;
    return 0;
  }

  /** The class is taken in a kind of context for the first time. mark_lock() */
  #use(context: ExecContext, cls: LockClass, addr: number, site: number, fresh: number): void {
    this.#usage[cls.id]! |= fresh;
    const usage = this.#usage[cls.id]!;
    const stack = this.#machine.stack();
    for (const opposite of OPPOSITES) {
      for (const bit of opposite) {
        if (fresh & bit) this.#usageAt.set(cls.id * 16 + bit, stack);
      }
    }
    const now: LockSeen = { cls, addr, site };
    for (const [inside, enabled] of OPPOSITES) {
      if ((fresh & (inside | enabled)) === 0) continue;
      if ((usage & inside) !== 0 && (usage & enabled) !== 0) {
        const was = fresh & inside ? enabled : inside;
        this.#report(
          inconsistentReport(
            this.#reporter(context),
            now,
            was,
            was === inside ? enabled : inside,
            this.#usageAt.get(cls.id * 16 + was) ?? [],
          ),
        );
        return;
      }
      if (this.#links.size > 0) this.#checkSafety(context, cls, cls, inside, enabled);
    }
  }

  /** The class is taken while others are held. check_deadlock(), check_prevs_add() */
  #order(context: ExecContext, cls: LockClass, addr: number, site: number): void {
    const { held } = context;
    const now: LockSeen = { cls, addr, site };
    for (const lock of held) {
      if (lock.classId !== cls.id) continue;
      this.#report(recursiveReport(this.#reporter(context), now, seen(lock)));
      return;
    }
    for (let i = held.length - 1; i >= 0; i--) {
      const lock = held[i]!;
      if (!this.#links.has(edgeKey(lock.classId, cls.id))) this.#addLink(context, seen(lock), now);
      if (!lock.tried || !this.#enabled) return;
    }
  }

  /** check_prev_add() */
  #addLink(context: ExecContext, held: LockSeen, now: LockSeen): void {
    const back = this.#path(now.cls, held.cls);
    if (back) {
      this.#report(circularReport(this.#reporter(context), now, held, back));
      return;
    }
    const stack = this.#machine.stack();
    const link: Link = { from: held.cls, to: now.cls, site: now.site, stack };
    this.#links.set(edgeKey(held.cls.id, now.cls.id), link);
    push(this.#after, held.cls.id, link);
    push(this.#before, now.cls.id, link);
    for (const [inside, enabled] of OPPOSITES) {
      if (this.#enabled) this.#checkSafety(context, held.cls, now.cls, inside, enabled);
    }
  }

  /**
   * Whether a lock taken in an interrupt leads, through the classes given, to one that is held
   * while that interrupt may come. check_irq_usage()
   */
  #checkSafety(
    context: ExecContext,
    from: LockClass,
    to: LockClass,
    inside: number,
    enabled: number,
  ): void {
    const safe = this.#find(from, this.#before, 'from', inside);
    const unsafe = safe && this.#find(to, this.#after, 'to', enabled);
    if (!safe || !unsafe || safe === unsafe) return;
    this.#report(
      safetyReport(this.#reporter(context), safe, unsafe, inside, {
        safe: this.#usageAt.get(safe.id * 16 + inside) ?? [],
        unsafe: this.#usageAt.get(unsafe.id * 16 + enabled) ?? [],
      }),
    );
  }

  /** The nearest class with that usage, from `start` on along the links. */
  #find(
    start: LockClass,
    links: ReadonlyMap<number, Link[]>,
    end: 'from' | 'to',
    usage: number,
  ): LockClass | undefined {
    const seen = new Set([start]);
    for (const cls of seen) {
      if ((this.#usage[cls.id]! & usage) !== 0) return cls;
      for (const link of links.get(cls.id) ?? []) seen.add(link[end]);
    }
    return undefined;
  }

  /** The shortest chain of links from one class to another. */
  #path(from: LockClass, to: LockClass): Link[] | undefined {
    const came = new Map<LockClass, Link | null>([[from, null]]);
    for (const cls of came.keys()) {
      if (cls === to) return pathTo(cls, came);
      for (const link of this.#after.get(cls.id) ?? []) {
        if (!came.has(link.to)) came.set(link.to, link);
      }
    }
    return undefined;
  }

  #reporter(context: ExecContext): Reporter {
    return {
      context,
      cpu: this.#cpus.this,
      machine: this.#machine,
      usageOf: (cls) => this.#usage[cls.id] ?? 0,
    };
  }

  /** The first finding is the last: what follows rests on it. */
  #report(report: Report): void {
    this.#enabled = false;
    this.#machine.fail(report);
  }
}

/** What taking a lock here says of its class. mark_usage() */
function usageBits(context: ExecContext, cpu: KernelCpu, tried: boolean): number {
  let bits = 0;
  const { kind } = context;
  if (kind === 'hardirq') bits |= USED_IN_HARDIRQ;
  else if (kind === 'softirq') bits |= USED_IN_SOFTIRQ;
  if (tried) bits &= ~USED_IN;
  if (kind === 'nmi' || kind === 'hardirq' || cpu.irqsOff > 0) return bits;
  bits |= USED_WITH_HARDIRQ;
  if (kind === 'task' && cpu.bhOff === 0) bits |= USED_WITH_SOFTIRQ;
  return bits;
}

function seen({ classId, addr, site }: HeldLock): LockSeen {
  return { cls: lockClassOf(classId), addr, site };
}

function push(map: Map<number, Link[]>, key: number, link: Link): void {
  const list = map.get(key);
  if (list) list.push(link);
  else map.set(key, [link]);
}

function pathTo(end: LockClass, came: ReadonlyMap<LockClass, Link | null>): Link[] {
  const links: Link[] = [];
  for (let link = came.get(end); link; link = came.get(link.from)) links.unshift(link);
  return links;
}

/** Each waits for a lock of the next, the last for one of the first. */
function circleFrom(
  start: ExecContext,
  ownerOf: ReadonlyMap<number, ExecContext>,
): ExecContext[] | undefined {
  const path: ExecContext[] = [];
  let at: ExecContext | undefined = start;
  while (at?.held.at(-1)?.waiting) {
    const seenAt = path.indexOf(at);
    if (seenAt >= 0) return path.slice(seenAt);
    path.push(at);
    at = ownerOf.get(at.held.at(-1)!.addr);
  }
  return undefined;
}

function nameOf({ comm, pid }: ExecContext): string {
  return `${comm}/${pid}`;
}
