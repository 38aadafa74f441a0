import { long, struct } from '../base/layout.ts';
import { Timer } from '../sim/clock.ts';
import { queueKey } from '../sim/keys.ts';
import { kernelText, READ, type Sim } from '../sim/request.ts';
import type { KernelCpu } from './cpu.ts';
import type { Irqs } from './irq.ts';
import type { Machine } from './machine.ts';
import type { Sched } from './sched.ts';
import type { Task } from './task.ts';
import { TICK_NS } from './timer.ts';

/** How often a counter overflows in a run whose order is searched: so that searches end. */
export const OVERFLOWS_MAX = 2;
/** sysctl kernel.perf_event_max_sample_rate. kernel/events/core.c */
export const SAMPLE_RATE_MAX = 100_000;
/** What one counter may overflow in a tick: after that it rests until the next. */
const OVERFLOWS_PER_TICK = Math.ceil((SAMPLE_RATE_MAX * TICK_NS) / 1e9);

/** include/linux/perf_event.h: what of a counter is in memory. */
export const hw_perf_event = struct('hw_perf_event', {
  count: long, // up to when somebody last looked
  total_time: long, // for how many ns
  sample_period: long, // units between two overflows; 0: it only counts
  period_left: long,
});

/** What is counted, and where. */
export interface CounterSpec {
  /** Of a clock, the timer's interrupt tells of an overflow; of the CPU's own counters, an NMI. */
  readonly isClock: boolean;
  /** Units in a nanosecond in which the CPU does something. */
  readonly perNs: number;
  /** -1: on any CPU that the task is on. */
  readonly cpu: number;
  /** -1: of whatever task. */
  readonly pid: number;
  isEnabled(): boolean;
  /** In the interrupt. */
  overflow(): Sim<void>;
}

/** What of a counter has no bytes: it counts on a CPU, or on none. */
class Counter {
  readonly addr: number;
  readonly spec: CounterSpec;
  on = -1;
  startedNs = 0;
  /** When it overflows, or last did. */
  dueNs = 0;
  /** Its interrupt waits to be taken, or is in progress. */
  raised = false;
  overflows = 0;
  /** The tick in which it last overflowed, and how often. */
  tick = -1;
  inTick = 0;
  /** By whether the run waits for it, as one does whose order is searched. */
  readonly timers: readonly [background: Timer, foreground: Timer];

  constructor(addr: number, spec: CounterSpec, fire: (counter: Counter) => void) {
    this.addr = addr;
    this.spec = spec;
    const name = spec.isClock ? 'perf clock' : 'perf counter';
    const timer = (isBackground: boolean) =>
      new Timer(name, () => fire(this), isBackground, isBackground);
    this.timers = [timer(true), timer(false)];
  }

  reset(): void {
    this.on = -1;
    this.raised = false;
    this.overflows = 0;
    this.tick = -1;
    this.inTick = 0;
  }
}

/**
 * Counters of CPUs and tasks that overflow: in timed mode when so much is counted; in a run whose
 * order is searched at any moment, a few times. A CPU's own counters stand still in their
 * interrupt, so that every period gets something done. kernel/events/core.c, arch/x86/events/core.c
 */
export class Pmu {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #irqs: Irqs;
  #counters = new Map<number, Counter>();
  #kept: ReadonlyMap<number, Counter> = new Map();

  constructor(machine: Machine, sched: Sched, irqs: Irqs) {
    this.#machine = machine;
    this.#sched = sched;
    this.#irqs = irqs;
  }

  checkpoint(): void {
    this.#kept = new Map(this.#counters);
  }

  /** As at checkpoint(): counters begin anew with the next switch of their CPU. */
  reset(): void {
    this.#counters = new Map(this.#kept);
    for (const counter of this.#counters.values()) counter.reset();
  }

  /** The hw_perf_event at `addr` counts from now on. perf_install_in_context() */
  add(addr: number, spec: CounterSpec, period: number): void {
    const counter = new Counter(addr, spec, (of) => this.#fired(of));
    this.#counters.set(addr, counter);
    this.setPeriod(addr, period);
  }

  /** It counts no more; one whose interrupt is in progress ends it. perf_remove_from_context() */
  remove(addr: number): void {
    const counter = this.#counters.get(addr);
    if (counter) this.#stop(counter);
    this.#counters.delete(addr);
  }

  /** perf_event_period() */
  setPeriod(addr: number, period: number): void {
    const counter = this.#counters.get(addr)!;
    this.#stop(counter);
    this.#state(counter, (hw) => {
      hw.sample_period = period;
      hw.period_left = period;
    });
    this.changed(addr);
  }

  /** It has been enabled or disabled. */
  changed(addr: number): void {
    const counter = this.#counters.get(addr);
    if (!counter) return;
    this.#stop(counter);
    for (const cpu of this.#sched.cpus.all) {
      this.#machine.engine.touch(queueKey(cpu.id), READ); // who is there
      if (counter.on === -1 && this.#counts(counter, cpu, cpu.current)) this.#start(counter, cpu);
    }
  }

  /** What has been counted, and for how many nanoseconds. perf_event_read_local() */
  read(addr: number): { readonly count: number; readonly ns: number } {
    const counter = this.#counters.get(addr);
    if (counter) this.#account(counter);
    const { memory } = this.#machine;
    return memory.unwatched(() => {
      const { count, total_time } = hw_perf_event.at(memory, addr);
      return { count, ns: total_time };
    });
  }

  zero(addr: number): void {
    this.read(addr);
    const { memory } = this.#machine;
    memory.unwatched(() => (hw_perf_event.at(memory, addr).count = 0));
  }

  /** For Sched.hooks.onSwitch. perf_event_task_sched_in(), perf_event_task_sched_out() */
  switched(cpu: KernelCpu, next: Task | null): void {
    for (const counter of this.#counters.values()) {
      const counts = this.#counts(counter, cpu, next);
      if (counter.on === cpu.id && !counts) this.#stop(counter);
      else if (counter.on === -1 && counts) this.#start(counter, cpu);
    }
  }

  /** Whether it is to count on this CPU, with `task` there. */
  #counts({ spec }: Counter, cpu: KernelCpu, task: Task | null): boolean {
    if ((spec.cpu !== -1 && spec.cpu !== cpu.id) || !spec.isEnabled()) return false;
    if (spec.pid !== -1) return task?.pid === spec.pid;
    return task !== null || this.#runsIdle(spec);
  }

  /** A CPU's clock goes on where the CPU has nothing to do; its own counters stand still. */
  #runsIdle({ isClock, pid }: CounterSpec): boolean {
    return isClock && pid === -1 && this.#machine.engine.mode === 'timed';
  }

  #start(counter: Counter, cpu: KernelCpu): void {
    counter.on = cpu.id;
    counter.startedNs = cpu.sim.nowNs;
    this.#arm(counter, cpu);
  }

  #stop(counter: Counter): void {
    this.#account(counter);
    const { clock } = this.#machine.engine;
    for (const timer of counter.timers) clock.cancel(timer);
    counter.on = -1;
  }

  /** Brings its count up to date. */
  #account(counter: Counter): void {
    if (counter.on === -1) return;
    const { nowNs } = this.#sched.cpus.all[counter.on]!.sim;
    const ns = Math.max(0, Math.round(nowNs - counter.startedNs));
    const units = ns * counter.spec.perNs;
    counter.startedNs = Math.max(nowNs, counter.startedNs);
    this.#state(counter, (hw) => {
      hw.count += units;
      hw.total_time += ns;
      hw.period_left = Math.max(1, hw.period_left - units);
    });
  }

  #arm(counter: Counter, cpu: KernelCpu): void {
    const { sample_period: period, period_left: left } = this.#state(counter, (hw) => ({
      sample_period: hw.sample_period,
      period_left: hw.period_left,
    }));
    const { clock, mode } = this.#machine.engine;
    if (period === 0 || counter.raised) return;
    if (mode === 'explore' && counter.overflows >= OVERFLOWS_MAX) return;
    let dueNs = counter.startedNs + Math.ceil(left / counter.spec.perNs);
    const isResting = counter.inTick >= OVERFLOWS_PER_TICK && tickOf(cpu) === counter.tick;
    if (isResting) dueNs = Math.max(dueNs, (counter.tick + 1) * TICK_NS);
    counter.dueNs = dueNs;
    clock.arm(counter.timers[mode === 'explore' ? 1 : 0], dueNs);
  }

  #fired(counter: Counter): void {
    const cpu = this.#sched.cpus.all[counter.on]!;
    if (cpu.sim.fiber === null && !this.#runsIdle(counter.spec)) {
      this.#stop(counter); // until the CPU has something to do again
      return;
    }
    counter.raised = true;
    counter.overflows++;
    const nmi = !counter.spec.isClock;
    const name = nmi ? 'perf_event_nmi_handler' : 'perf_swevent_hrtimer';
    this.#irqs.raise(cpu.id, name, () => this.perf_event_overflow(counter, cpu), { nmi });
  }

  *perf_event_overflow(counter: Counter, cpu: KernelCpu): Sim<void> {
    // What has been stopped before its interrupt came is none of its business any more.
    if (this.#isOn(counter, cpu)) {
      this.#account(counter);
      const tick = tickOf(cpu);
      counter.inTick = tick === counter.tick ? counter.inTick + 1 : 1;
      counter.tick = tick;
      yield* counter.spec.overflow();
    }
    counter.raised = false;
    if (!this.#isOn(counter, cpu)) return;
    this.#begin(counter, cpu);
    this.#arm(counter, cpu);
  }

  /** A new period: a clock's goes by when the last was over. */
  #begin(counter: Counter, { sim }: KernelCpu): void {
    const { spec, dueNs } = counter;
    if (spec.isClock) this.#account(counter);
    counter.startedNs = sim.nowNs;
    const late = spec.isClock ? Math.max(0, Math.round(sim.nowNs - dueNs)) : 0;
    this.#state(counter, (hw) => (hw.period_left = hw.sample_period - (late % hw.sample_period)));
  }

  #isOn(counter: Counter, { id }: KernelCpu): boolean {
    return counter.on === id && this.#counters.get(counter.addr) === counter;
  }

  /** Its CPU's own, with interrupts off. */
  #state<T>(counter: Counter, act: (hw: ReturnType<typeof hw_perf_event.at>) => T): T {
    const { memory } = this.#machine;
    return memory.unwatched(() => act(hw_perf_event.at(memory, counter.addr)));
  }
}

kernelText(Pmu);

function tickOf({ sim }: KernelCpu): number {
  return Math.floor(sim.nowNs / TICK_NS);
}
