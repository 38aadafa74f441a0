import { Timer } from '../../sim/clock.ts';
import type { EventSource } from '../../sim/host.ts';
import { busyKey, readersKey } from '../../sim/keys.ts';
import { READ, step, WRITE, type Sim } from '../../sim/request.ts';
import { kernelSymbol, site } from '../../sim/site.ts';
import type { ExecContext } from '../context.ts';
import type { Cpus, KernelCpu } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import type { Sched } from '../sched.ts';
import { TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../task.ts';

const NEXT = site('rcu_core', 'next');
const rcu_core = kernelSymbol('rcu_core');

/** Keys of the race monitor's ordering, below all addresses. */
const KEY_READERS = -1;
const KEY_PERIOD = -2;
const KEYS_PER_FLAVOUR = 2;

export type RcuCallback = () => Sim<void> | void;

/** One call_rcu(), and what it waits for. struct rcu_head */
interface Head {
  readonly name: string;
  readonly run: RcuCallback;
  readonly cpu: KernelCpu;
  /** In the order of all calls. */
  readonly seq: number;
  /** CPUs that were between preempt_disable() and preempt_enable(), or in an interrupt. */
  readonly busy: KernelCpu[];
  /** The same, as they were. */
  readonly waited: readonly KernelCpu[];
  readonly queuedAtNs: number;
}

/** In timed mode: how often the end of a grace period is looked for, one jiffy at 250 Hz. */
const POLL_NS = 4e6;

const NOBODY: KernelCpu[] = [];

export interface Flavour {
  readonly name: string;
  readonly index: number;
  /** Whether code that cannot be preempted is a reader too, as for rcu_preempt. */
  readonly busyCpusRead: boolean;
  /** The contexts that are inside a section now. */
  readonly readers: () => Iterable<ExecContext>;
}

/**
 * Grace periods of one flavour of RCU. A callback runs once every reader that was inside when it
 * was queued has left; when exactly is the strategy's choice, for the end of a grace period is an
 * event source. Callbacks of one CPU run in the order in which they were queued.
 * kernel/rcu/tree.c
 */
export class GracePeriods implements EventSource {
  readonly name: string;
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #keys: number;
  readonly #flavour: Flavour;
  /** Readers that a callback waits for, by the first that does: the oldest first. */
  readonly #blockers = new Map<ExecContext, number>();
  #heads: Head[] = [];
  #running = 0;
  #seq = 0;
  readonly #poll: Timer;
  /** Told when a callback is queued on an empty list, and when the list becomes empty. */
  onPeriod: ((waiting: boolean) => void) | null = null;

  constructor(machine: Machine, cpus: Cpus, sched: Sched, flavour: Flavour) {
    this.name = flavour.name;
    this.#machine = machine;
    this.#cpus = cpus;
    this.#sched = sched;
    this.#flavour = flavour;
    this.#keys = flavour.index * KEYS_PER_FLAVOUR;
    this.#poll = new Timer(flavour.name, () => this.#polled(), true);
    machine.engine.sources.push(this);
  }

  /** Callbacks queued, or taken up and not done. */
  get pending(): number {
    return this.#heads.length + this.#running;
  }

  reset(): void {
    this.#blockers.clear();
    this.#heads = [];
    this.#running = 0;
    this.#seq = 0;
  }

  /** A context has entered its outermost section. */
  entered(): void {
    const { engine } = this.#machine;
    engine.ordering?.acquire(KEY_PERIOD - this.#keys);
    engine.touch(readersKey(this.#flavour.index), READ);
  }

  /** It has left it. */
  left(context: ExecContext): void {
    if (this.#blockers.size !== 0) this.#blockers.delete(context);
    const { engine } = this.#machine;
    engine.ordering?.release(KEY_READERS - this.#keys);
    engine.touch(readersKey(this.#flavour.index), READ);
  }

  /** On the present CPU's list, unless another is named. */
  add(name: string, run: RcuCallback, cpu = this.#cpus.this): void {
    const { engine } = this.#machine;
    engine.touch(readersKey(this.#flavour.index), WRITE);
    engine.ordering?.release(KEY_READERS - this.#keys);
    const seq = ++this.#seq;
    for (const reader of this.#flavour.readers()) {
      if (!this.#blockers.has(reader)) this.#blockers.set(reader, seq);
    }
    const busy = this.#busyCpus();
    const queuedAtNs = engine.cpu.nowNs;
    this.#heads.push({ name, run, cpu, seq, busy, waited: [...busy], queuedAtNs });
    if (engine.mode === 'timed' && !this.#poll.armed) {
      engine.clock.arm(this.#poll, engine.cpu.nowNs + POLL_NS);
    }
    if (this.#heads.length === 1) this.onPeriod?.(true);
  }

  /** Whether a callback may run now. Asked before each step, so quick where nothing is queued. */
  get ready(): boolean {
    return this.#heads.length !== 0 && this.#due() !== null;
  }

  /** The engine clears its sources at the start of a run; what this one waits for is its own. */
  set ready(_: boolean) {}

  /** A grace period ends: the callbacks of one CPU that waited for it run there, as a softirq. */
  fire(): void {
    const cpu = this.#due();
    if (!cpu) return;
    const { engine } = this.#machine;
    engine.touch(readersKey(this.#flavour.index), WRITE);
    const batch: Head[] = [];
    this.#heads = this.#heads.filter((head) => {
      const taken = head.cpu === cpu && this.#over(head);
      if (taken) batch.push(head);
      for (const { id } of taken ? head.waited : NOBODY) engine.touch(busyKey(id), READ);
      return !taken;
    });
    this.#running += batch.length;
    if (this.#heads.length === 0) this.onPeriod?.(false);
    const { pid, comm } = cpu.current ?? { pid: 0, comm: `swapper/${cpu.id}` };
    const context: ExecContext = {
      kind: 'softirq',
      pid,
      comm,
      held: [],
      rcuDepth: 0,
      rcuTraceDepth: 0,
    };
    const nowNs = this.#machine.engine.cpu.nowNs;
    if (cpu.current === null && cpu.sim.nowNs < nowNs) cpu.sim.nowNs = nowNs;
    this.#sched.interrupt(cpu, context, this.#invoke(batch), rcu_core);
  }

  /** The reader that has been inside longest, of those for whom the oldest callback waits. */
  blocker(): ExecContext | undefined {
    const head = this.#heads[0];
    for (const [context, since] of this.#blockers) {
      return head && since <= head.seq ? context : undefined;
    }
    return undefined;
  }

  /** A CPU that was not preemptible when the oldest callback was queued, nor has been since. */
  busyBlocker(): KernelCpu | undefined {
    const head = this.#heads[0];
    return head && !this.#quiet(head) ? head.busy[0] : undefined;
  }

  /** When the oldest callback was queued; undefined where there is none. */
  queuedAtNs(): number | undefined {
    return this.#heads[0]?.queuedAtNs;
  }

  #polled(): void {
    this.fire();
    if (this.#heads.length > 0) {
      this.#machine.engine.clock.arm(this.#poll, this.#poll.dueNs + POLL_NS);
    }
  }

  /** rcu_do_batch() */
  *#invoke(batch: readonly Head[]): Sim<void> {
    for (let i = 0; i < batch.length; i++) {
      if (i > 0) yield* step(NEXT);
      const head = batch[i]!;
      const { ordering } = this.#machine.engine;
      ordering?.acquire(KEY_READERS - this.#keys);
      ordering?.release(KEY_PERIOD - this.#keys);
      this.#machine.remark(() => `grace period over: ${head.name}`);
      const body = head.run();
      if (body) yield* body;
      this.#running--;
    }
  }

  /** The first CPU with a callback that is due and that would take a softirq now. */
  #due(): KernelCpu | null {
    for (const head of this.#heads) {
      if (!this.#readersLeft(head)) return null; // nor have they for any younger one
      const { cpu } = head;
      if (cpu.irqsOff === 0 && cpu.bhOff === 0 && !cpu.inInterrupt && this.#quiet(head)) return cpu;
    }
    return null;
  }

  #over(head: Head): boolean {
    return this.#readersLeft(head) && this.#quiet(head);
  }

  #readersLeft(head: Head): boolean {
    if (this.#blockers.size === 0) return true;
    for (const since of this.#blockers.values()) return since > head.seq;
    return true;
  }

  /** Whether each CPU that was busy has been seen idle or preemptible since. */
  #quiet(head: Head): boolean {
    const { busy } = head;
    for (let i = busy.length - 1; i >= 0; i--) {
      if (!isBusy(busy[i]!)) busy.splice(i, 1);
    }
    return busy.length === 0;
  }

  #busyCpus(): KernelCpu[] {
    if (!this.#flavour.busyCpusRead) return NOBODY;
    let busy = NOBODY;
    for (const cpu of this.#cpus.all) {
      this.#machine.engine.touch(busyKey(cpu.id), READ);
      if (!isBusy(cpu)) continue;
      if (busy === NOBODY) busy = [];
      busy.push(cpu);
    }
    return busy;
  }
}

function isBusy(cpu: KernelCpu): boolean {
  return cpu.preemptCount !== 0 || cpu.irqsOff !== 0 || cpu.bhOff !== 0 || cpu.inInterrupt;
}

/** Sleeps until the callback given to `start` is called. wait_rcu_gp() */
export function* waitFor(sched: Sched, start: (done: () => void) => void): Sim<void> {
  const task = sched.current;
  let over = false;
  start(() => {
    over = true;
    sched.wake(task);
  });
  for (;;) {
    task.s.__state = TASK_UNINTERRUPTIBLE;
    if (over) break;
    yield* sched.schedule();
  }
  task.s.__state = TASK_RUNNING;
}
