import type { Engine } from './engine.ts';
import type { Cpu, Monitor } from './host.ts';
import { stackOf, type Fiber, type Frame, type StackEntry } from './fiber.ts';
import type { Ordering } from './ordering.ts';
import {
  ACQUIRE,
  NONE,
  PLAIN,
  READ,
  RELAXED,
  RELEASE,
  RMW,
  WRITE,
  type Request,
} from './request.ts';
import { siteOf } from './site.ts';
import { VectorClock } from './vector-clock.ts';

/** One of the two accesses of a race. */
export interface RaceSide {
  /** Path of the fiber: `A`, `CPU0/rcu_core`. */
  readonly path: string;
  /** Its ordinal: the pid, or below zero for an interrupt. */
  readonly ordinal: number;
  readonly cpu: number;
  readonly addr: number;
  readonly size: number;
  readonly write: boolean;
  /** An atomic, READ_ONCE, WRITE_ONCE or a lock: not a mere load or store. */
  readonly marked: boolean;
  readonly stack: readonly StackEntry[];
  /** Stable name of where it was: `close_fd:C2`. */
  readonly place: string;
}

/** Two accesses of the same bytes, one of them plain, one a write, and neither before the other. */
export interface Race {
  readonly earlier: RaceSide;
  readonly later: RaceSide;
}

/** Where plain accesses are heard of: the simulated memory. */
export interface Watched {
  onAccess: ((addr: number, size: number, write: boolean) => void) | null;
}

/** A fiber, as the clocks see it; all interrupts of one CPU are one. */
interface Thread {
  readonly id: number;
  readonly clock: VectorClock;
  readonly interrupt: boolean;
}

interface Access extends RaceSide {
  readonly thread: number;
  /** The thread's own time. */
  readonly time: number;
  /** Which of the 8 bytes. */
  readonly mask: number;
}

const GRANULES_MAX = 1 << 16;
const SYNCS_MAX = 1 << 15;
const THREADS_MAX = 1 << 10;
/** Accesses remembered of 8 bytes; beyond them the oldest is forgotten, with its races. */
const ACCESSES_MAX = 8;

/**
 * Finds data races by happens-before: it is enough that nothing orders the two accesses, they
 * need not meet. As FastTrack, with the accesses of 8 bytes kept in a short list instead of
 * epochs, since reports want both stacks. Opt-in: install() and remove().
 *
 * Flanagan and Freund: FastTrack: Efficient and Precise Dynamic Race Detection, PLDI 2009.
 */
export class RaceMonitor implements Monitor, Ordering {
  readonly #engine: Engine;
  readonly #memory: Watched;
  readonly #report: (race: Race) => void;
  readonly #threads = new Map<Fiber, Thread>();
  #interrupts: (Thread | undefined)[] = [];
  #threadCount = 0;
  /** By address or key: what a release there has made known. */
  readonly #syncs = new Map<number, VectorClock>();
  readonly #granules = new Map<number, Access[]>();
  readonly #reported = new Set<string>();
  /** By CPU: who stepped last. */
  #last: (Thread | undefined)[] = [];

  // The present step, if any.
  #thread: Thread | null = null;
  #fiber: Fiber | null = null;
  #request: Request | null = null;
  #stack: readonly StackEntry[] = [];
  #stackTop: Frame | null = null;
  #stackSite = -1;

  constructor(engine: Engine, memory: Watched, report: (race: Race) => void) {
    this.#engine = engine;
    this.#memory = memory;
    this.#report = report;
  }

  install(): void {
    this.#engine.monitors.push(this);
    this.#engine.ordering = this;
    this.#memory.onAccess = (addr, size, write) => this.#accessed(addr, size, write);
  }

  remove(): void {
    const { monitors } = this.#engine;
    monitors.splice(monitors.indexOf(this), 1);
    this.#engine.ordering = null;
    this.#memory.onAccess = null;
    this.reset();
  }

  /** Nothing has happened yet. Also done by itself at the first step of a run. */
  reset(): void {
    this.#forgetAll();
    this.#reported.clear();
    this.#idle();
  }

  /** The bytes are another object now. */
  forget(addr: number, size: number): void {
    for (let at = addr >> 3; at <= (addr + size - 1) >> 3; at++) this.#granules.delete(at);
    if (this.#syncs.size === 0) return;
    for (let at = addr; at < addr + size; at += 4) this.#syncs.delete(at);
  }

  // Monitor

  step(cpu: Cpu, fiber: Fiber, request: Request): void {
    if (this.#engine.trace.stepCount === 1) this.reset();
    const thread = this.#threadOf(fiber, cpu);
    this.#thread = thread;
    this.#fiber = fiber;
    this.#request = request;
    this.#stackTop = null;
    const last = this.#last[cpu.id];
    if (last !== thread) {
      // An interrupt and what it interrupts are one after the other.
      if (last && (last.interrupt || thread.interrupt)) follow(last, thread);
      this.#last[cpu.id] = thread;
    }
    if (request.access !== NONE && request.addr !== 0) this.#marked(thread, request);
  }

  /** Something happens that is no step: a timer, a switch. What it touches is nobody's. */
  event(): void {
    this.#idle();
  }

  // Ordering

  release(key: number): void {
    if (!this.#thread) return;
    this.#syncOf(key).join(this.#thread.clock);
    this.#thread.clock.tick(this.#thread.id);
  }

  acquire(key: number): void {
    const sync = this.#syncs.get(key);
    if (sync && this.#thread) this.#thread.clock.join(sync);
  }

  wake(fiber: Fiber): void {
    if (this.#thread) follow(this.#thread, this.#threadOf(fiber, this.#engine.cpu));
  }

  #idle(): void {
    this.#thread = null;
    this.#fiber = null;
    this.#request = null;
    this.#stackTop = null;
  }

  #forgetAll(): void {
    this.#threads.clear();
    this.#interrupts = [];
    this.#threadCount = 0;
    this.#syncs.clear();
    this.#granules.clear();
    this.#last = [];
  }

  #threadOf(fiber: Fiber, cpu: Cpu): Thread {
    if (fiber === this.#fiber) return this.#thread!;
    const interrupt = fiber.ordinal < 0;
    const known = interrupt ? this.#interrupts[cpu.id] : this.#threads.get(fiber);
    if (known) return known;
    if (this.#threadCount === THREADS_MAX) {
      this.#forgetAll();
      this.#idle();
    }
    const thread: Thread = { id: this.#threadCount++, clock: new VectorClock(), interrupt };
    thread.clock.tick(thread.id);
    if (interrupt) this.#interrupts[cpu.id] = thread;
    else this.#threads.set(fiber, thread);
    return thread;
  }

  #syncOf(key: number): VectorClock {
    let sync = this.#syncs.get(key);
    if (!sync) {
      // Losing one would invent races; losing everything only misses some.
      if (this.#syncs.size === SYNCS_MAX) {
        this.#syncs.clear();
        this.#granules.clear();
      }
      sync = new VectorClock();
      this.#syncs.set(key, sync);
    }
    return sync;
  }

  /** The request's own access; a RMW counts as a write once its effect has stored something. */
  #marked(thread: Thread, { addr, size, access, order }: Request): void {
    if (order === PLAIN) return this.#touch(addr, size, access === WRITE, false);
    this.#touch(addr, size, access === WRITE, true);
    if (access !== WRITE && (order & ACQUIRE) !== 0) this.acquire(addr);
    if (access !== WRITE) return;
    if ((order & RELEASE) !== 0) {
      this.#syncOf(addr).assign(thread.clock);
      thread.clock.tick(thread.id);
    } else if (order === RELAXED) {
      this.#syncs.delete(addr);
    }
  }

  /** Heard of from memory: a plain access, or one that the effect of the present request makes. */
  #accessed(addr: number, size: number, write: boolean): void {
    const request = this.#request;
    if (!request) return;
    // While its effect runs, a request's value is still the request itself.
    const own =
      request.value === request &&
      request.access !== NONE &&
      addr >= request.addr &&
      addr + size <= request.addr + request.size;
    if (!own) {
      this.#touch(addr, size, write, false);
    } else if (write && request.access === RMW) {
      this.#touch(addr, size, true, true);
      if ((request.order & RELEASE) !== 0) this.release(request.addr);
    } else if (write && request.access === READ) {
      this.#touch(addr, size, true, false);
    }
  }

  #touch(addr: number, size: number, write: boolean, marked: boolean): void {
    for (let at = addr; at < addr + size; at = (at | 7) + 1) {
      const bytes = Math.min((at | 7) + 1, addr + size) - at;
      const mask = ((1 << bytes) - 1) << (at & 7);
      const granule = at >> 3;
      const before = this.#granules.get(granule);
      if (before) this.#meet(before, addr, size, mask, write, marked);
      else {
        if (this.#granules.size === GRANULES_MAX) this.#granules.clear();
        this.#granules.set(granule, [this.#access(addr, size, mask, write, marked)]);
      }
    }
  }

  /** Compares the access with those before it, and takes it among them. */
  #meet(
    before: Access[],
    addr: number,
    size: number,
    mask: number,
    write: boolean,
    marked: boolean,
  ): void {
    const { id, clock } = this.#thread!;
    const access = this.#access(addr, size, mask, write, marked);
    let kept = 0;
    for (let i = 0; i < before.length; i++) {
      const other = before[i]!;
      const ordered = other.thread === id || other.time <= clock.get(other.thread);
      if (
        !ordered &&
        (other.mask & mask) !== 0 &&
        (write || other.write) &&
        !(marked && other.marked)
      ) {
        this.#race(other, access);
      }
      // Whatever would race with the other would race with this one, and it is covered.
      const covered =
        ordered &&
        (other.mask & ~mask) === 0 &&
        (write || !other.write) &&
        (!marked || other.marked);
      if (!covered) before[kept++] = other;
    }
    before.length = kept;
    if (kept === ACCESSES_MAX) before.shift();
    before.push(access);
  }

  #access(addr: number, size: number, mask: number, write: boolean, marked: boolean): Access {
    const { id, clock } = this.#thread!;
    const { path, ordinal, top } = this.#fiber!;
    if (this.#stackTop !== top || this.#stackSite !== top.site) {
      this.#stackTop = top;
      this.#stackSite = top.site;
      this.#stack = stackOf(this.#fiber!);
    }
    return {
      thread: id,
      time: clock.get(id),
      mask,
      path,
      ordinal,
      cpu: this.#engine.cpu.id,
      addr,
      size,
      write,
      marked,
      stack: this.#stack,
      place: placeOf(this.#stack),
    };
  }

  #race(earlier: Access, later: Access): void {
    const pair = [earlier.place, later.place].toSorted().join(' ');
    if (this.#reported.has(pair)) return;
    this.#reported.add(pair);
    this.#report({ earlier, later });
  }
}

/** Everything that `first` has done comes before everything that `second` will do. */
function follow(first: Thread, second: Thread): void {
  second.clock.join(first.clock);
  first.clock.tick(first.id);
}

function placeOf(stack: readonly StackEntry[]): string {
  const top = stack[0]!;
  return top.site === 0 ? top.symbol.name : siteOf(top.site).name;
}
