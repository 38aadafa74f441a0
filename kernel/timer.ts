import { Timer } from '../sim/clock.ts';
import { kernelText, step, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import type { KernelCpu } from './cpu.ts';
import type { Irqs, Softirqs } from './irq.ts';
import type { Machine } from './machine.ts';
import type { Sched } from './sched.ts';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_UNINTERRUPTIBLE, type Task } from './task.ts';

const DELAY = site('__udelay', 'delay');

export const HZ = 250;
export const TICK_NS = 1_000_000_000 / HZ;
/** How long a task runs while others wait: 0.75 ms * (1 + log2(8 CPUs)). sysctl_sched_base_slice */
export const SLICE_NS = 3_000_000;

/** A pending call, on the CPU that asked for it. struct timer_list, struct hrtimer */
export class KernelTimer {
  readonly sim: Timer;

  constructor(sim: Timer) {
    this.sim = sim;
  }

  get isPending(): boolean {
    return this.sim.armed;
  }
}

/**
 * Timers and sleeping for a time. In explore mode a timer may fire at any moment; in timed mode
 * when it is due. kernel/time/timer.c, hrtimer.c
 */
export class Timers {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #irqs: Irqs;
  readonly #softirqs: Softirqs;

  constructor(machine: Machine, sched: Sched, irqs: Irqs, softirqs: Softirqs) {
    this.#machine = machine;
    this.#sched = sched;
    this.#irqs = irqs;
    this.#softirqs = softirqs;
  }

  /** Calls `run` after a time, as a softirq of the present CPU. add_timer() */
  add(name: string, delayNs: number, run: () => Sim<void>): KernelTimer {
    const cpuId = this.#machine.engine.cpu.id;
    return this.#arm(delayNs, new Timer(name, () => this.#softirqs.raise(cpuId, name, run)));
  }

  /** Calls `run` after a time, in the timer interrupt of the present CPU. hrtimer_start() */
  hrtimer_start(name: string, delayNs: number, run: () => Sim<void>): KernelTimer {
    const cpuId = this.#machine.engine.cpu.id;
    return this.#arm(delayNs, new Timer(name, () => this.#irqs.raise(cpuId, name, run)));
  }

  /** True where it was pending. What has begun runs on. timer_delete(), hrtimer_try_to_cancel() */
  del(timer: KernelTimer): boolean {
    return this.#machine.engine.clock.cancel(timer.sim);
  }

  /** Sleeps for a time; the caller has set its state. Nanoseconds left where woken before. */
  *schedule_timeout(timeoutNs: number): Sim<number> {
    const { clock, cpu } = this.#machine.engine;
    const task = this.#sched.current;
    const timer = new Timer('process_timeout', () => this.#wake(task));
    const dueNs = cpu.nowNs + timeoutNs;
    clock.arm(timer, dueNs);
    yield* this.#sched.schedule();
    return clock.cancel(timer) ? Math.max(0, dueNs - this.#machine.engine.cpu.nowNs) : 0;
  }

  *schedule_timeout_uninterruptible(timeoutNs: number): Sim<number> {
    this.#sched.current.s.__state = TASK_UNINTERRUPTIBLE;
    return yield* this.schedule_timeout(timeoutNs);
  }

  /** The caller looks for signals where time is left. */
  *schedule_timeout_interruptible(timeoutNs: number): Sim<number> {
    this.#sched.current.s.__state = TASK_INTERRUPTIBLE;
    return yield* this.schedule_timeout(timeoutNs);
  }

  /** Sleeps, whatever comes. */
  *msleep(sleepNs: number): Sim<void> {
    let left = sleepNs;
    while (left > 0) left = yield* this.schedule_timeout_uninterruptible(left);
  }

  /** Burns time on the CPU; others may run and interrupts come in between. udelay(), mdelay() */
  *__udelay(delayNs: number): Sim<void> {
    const { engine } = this.#machine;
    const chunkNs = engine.mode === 'timed' ? TICK_NS : delayNs;
    for (let left = delayNs; left > 0;) {
      yield* step(DELAY);
      const now = Math.min(left, chunkNs, engine.clock.untilExactNs(engine.cpu.nowNs));
      engine.cpu.nowNs += now;
      left -= now;
    }
  }

  #wake(task: Task): void {
    this.#sched.wake(task, TASK_NORMAL);
  }

  #arm(delayNs: number, sim: Timer): KernelTimer {
    const { clock, cpu } = this.#machine.engine;
    clock.arm(sim, cpu.nowNs + delayNs);
    return new KernelTimer(sim);
  }
}

kernelText(Timers);

interface TickState {
  readonly timer: Timer;
  /** When the present task came to the CPU. */
  sinceNs: number;
  /** The interrupt waits to be taken. */
  raised: boolean;
  /** Steps of the machine at the last tick. */
  stepCount: number;
}

/**
 * The tick, in timed mode, of each CPU that is busy: takes a CPU from a task that has used its
 * slice while others wait. It stops on an idle CPU, and while nothing moves. kernel/sched/fair.c
 */
export class Ticks {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #irqs: Irqs;
  readonly #states: readonly TickState[];

  constructor(machine: Machine, sched: Sched, irqs: Irqs) {
    this.#machine = machine;
    this.#sched = sched;
    this.#irqs = irqs;
    this.#states = sched.cpus.all.map((cpu) => ({
      timer: new Timer(`tick ${cpu.id}`, () => this.#fired(cpu), true),
      sinceNs: 0,
      raised: false,
      stepCount: -1,
    }));
  }

  reset(): void {
    for (const state of this.#states) {
      state.sinceNs = 0;
      state.raised = false;
      state.stepCount = -1;
    }
  }

  /** For Sched.hooks.onSwitch: another task comes to the CPU, or none. */
  switched(cpu: KernelCpu, next: Task | null): void {
    if (this.#machine.engine.mode !== 'timed') return;
    this.#states[cpu.id]!.sinceNs = cpu.sim.nowNs;
    if (next) this.#arm(cpu);
  }

  /** For Sched.hooks.onWakeup: a task has come to the CPU's queue. */
  woken(task: Task): void {
    if (this.#machine.engine.mode === 'timed') this.#arm(this.#sched.cpus.all[task.s.cpu]!);
  }

  #arm(cpu: KernelCpu): void {
    const { timer } = this.#states[cpu.id]!;
    if (timer.armed) return;
    const { clock } = this.#machine.engine;
    clock.arm(timer, (Math.floor(cpu.sim.nowNs / TICK_NS) + 1) * TICK_NS);
  }

  #fired(cpu: KernelCpu): void {
    const state = this.#states[cpu.id]!;
    const { stepCount } = this.#machine.engine.trace;
    if (cpu.sim.fiber === null || stepCount === state.stepCount) return;
    state.stepCount = stepCount;
    this.#arm(cpu);
    if (state.raised) return;
    state.raised = true;
    this.#irqs.raiseShort(cpu.id, 'tick', () => {
      state.raised = false;
      this.#tick(cpu, state);
    });
  }

  /** scheduler_tick() */
  #tick(cpu: KernelCpu, state: TickState): void {
    if (cpu.queue.length === 0 || cpu.sim.nowNs - state.sinceNs < SLICE_NS) return;
    cpu.needResched = true;
    // A CPU that spins takes no step before which the engine would switch.
    if (cpu.sim.preemptible && cpu.sim.fiber?.spinning) this.#sched.preempt(cpu.sim);
  }
}
