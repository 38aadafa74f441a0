import { Irqs, Softirqs } from '../../kernel/irq.ts';
import type { MachineOptions } from '../../kernel/machine.ts';
import { PF_KTHREAD, type Task } from '../../kernel/task.ts';
import { Ticks, Timers } from '../../kernel/timer.ts';
import { Watchdogs } from '../../kernel/watchdog.ts';
import { Workqueues } from '../../kernel/work.ts';
import { BareKernel } from './bare-kernel.ts';

/** A machine with interrupts, timers, workers and watchdogs, for the tests of those. */
export class IrqKernel extends BareKernel {
  readonly softirqs: Softirqs;
  readonly irqs: Irqs;
  readonly timers: Timers;
  readonly ticks: Ticks;
  readonly watchdogs: Watchdogs;
  readonly workqueues: Workqueues;
  readonly log: string[] = [];

  constructor(options: Partial<MachineOptions> = {}) {
    super(options);
    const { machine, sched } = this;
    this.softirqs = new Softirqs(sched);
    this.irqs = new Irqs(machine, sched, this.softirqs);
    this.timers = new Timers(machine, sched, this.irqs, this.softirqs);
    this.ticks = new Ticks(machine, sched, this.irqs);
    this.watchdogs = new Watchdogs(machine, sched, this.irqs, () => this.tasks);
    this.workqueues = new Workqueues(machine, sched);
    sched.hooks.onSwitch = (cpu, prev, next) => {
      this.ticks.switched(cpu, next);
      this.watchdogs.switched(cpu, prev, next);
    };
    sched.hooks.onWakeup = (task) => this.ticks.woken(task);
  }

  /** The CPU's workers, asleep. */
  bootWorkers(): void {
    this.workqueues.boot((name, body) => {
      const gate: Task[] = [];
      this.sched.gate = gate;
      const task = this.spawn(name, body);
      this.sched.gate = null;
      task.s.flags = PF_KTHREAD;
      return task;
    });
  }
}
