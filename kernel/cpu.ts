import type { Cpu } from '../sim/host.ts';
import type { Fiber } from '../sim/fiber.ts';
import { busyKey } from '../sim/keys.ts';
import { WRITE } from '../sim/request.ts';
import type { ExecContext } from './context.ts';
import type { Machine } from './machine.ts';
import type { Task } from './task.ts';

/** CPUs that a kernel may have. CONFIG_NR_CPUS */
export const NR_CPUS = 64;

/** A switch under way: from the choice of the next task to its first step. */
export interface Switching {
  readonly fiber: Fiber;
  readonly next: Task | null;
  /** Whether the previous task did not want to leave. */
  readonly preempt: boolean;
}

/** The kernel's side of a CPU: what is per_cpu in Linux. */
export class KernelCpu {
  readonly id: number;
  readonly sim: Cpu;
  /** The task on it; null where it idles. In an interrupt: the task interrupted. */
  current: Task | null = null;
  /** Runnable tasks that wait for it, longest first. */
  readonly queue: Task[] = [];
  /** What the interrupts in progress have interrupted, outermost first; null for the idle loop. */
  readonly interrupted: (Fiber | null)[] = [];
  /** preempt_disable() nesting, spinlocks included. */
  preemptCount = 0;
  /** local_irq_disable() nesting. */
  irqsOff = 0;
  /** local_bh_disable() nesting. */
  bhOff = 0;
  /** The switch that probes of sched_switch look at; the CPU is still the previous task's. */
  switching: Switching | null = null;
  /** Wake-ups that probes have yet to see, oldest first, and what runs those probes. */
  readonly waking: Task[] = [];
  waker: Fiber | null = null;
  /** What the fiber beneath the waker did last: leave the CPU, once the waker is done. */
  afterWaking: (() => void) | null = null;
  /** Pid 0, swapper/N: there from the first probe on. */
  idle: Task | null = null;
  /** Address of the run queue's lock, as long as there is an idle task: kernel/rq.ts */
  rqLock = 0;
  /** Whom to wake once the present switch is over: by timers here, or by its own probes. */
  readonly late: Task[] = [];
  /** When a switch was last possible here, or made: what the watchdogs go by. */
  openAtNs = 0;

  /** Told of changes, for who asks whether this CPU is busy. */
  onChange: () => void = () => {};

  constructor(id: number, sim: Cpu) {
    this.id = id;
    this.sim = sim;
  }

  /** A switch has been asked for: TIF_NEED_RESCHED. */
  get needResched(): boolean {
    return this.sim.resched;
  }

  set needResched(wanted: boolean) {
    this.sim.resched = wanted;
  }

  /** Whether the task here could be preempted, if another waited. preemptible() */
  get isOpen(): boolean {
    return (
      this.preemptCount === 0 &&
      this.irqsOff === 0 &&
      this.bhOff === 0 &&
      this.switching === null &&
      this.interrupted.length === 0
    );
  }

  get inInterrupt(): boolean {
    return this.interrupted.length > 0;
  }

  /**
   * Tells the engine whether another task could be put here now. Called after each change to the
   * above.
   */
  refresh(): void {
    this.onChange();
    const open = this.isOpen;
    if (open) this.openAtNs = this.sim.nowNs;
    this.sim.preemptible = open && this.queue.length > 0 && this.current !== null;
  }

  reset(): void {
    this.current = null;
    this.queue.length = 0;
    this.interrupted.length = 0;
    this.preemptCount = 0;
    this.irqsOff = 0;
    this.bhOff = 0;
    this.switching = null;
    this.waking.length = 0;
    this.late.length = 0;
    this.waker = null;
    this.afterWaking = null;
    this.openAtNs = 0;
    this.needResched = false;
  }
}

/** Every CPU, and the one that the machine is stepping. */
export class Cpus {
  readonly all: readonly KernelCpu[];
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.all = machine.engine.cpus.map((sim) => new KernelCpu(sim.id, sim));
    for (const cpu of this.all) {
      cpu.onChange = () => machine.engine.touch(busyKey(cpu.id), WRITE);
    }
  }

  get this(): KernelCpu {
    return this.all[this.#machine.engine.cpu.id]!;
  }

  /**
   * The task that runs here, or that the present interrupt has interrupted; where that is none, the
   * idle task, if there is one yet.
   */
  get current(): Task {
    const cpu = this.this;
    return (cpu.current ?? cpu.idle)!;
  }

  /** The present context: a task or an interrupt; null where an event fires on its own. */
  get context(): ExecContext | null {
    return (this.#machine.engine.fiber?.owner as ExecContext | undefined) ?? null;
  }

  reset(): void {
    for (const cpu of this.all) cpu.reset();
  }
}
