import { Timer } from '../../sim/clock.ts';
import { placeOf, stackOf, type Fiber } from '../../sim/fiber.ts';
import type { Context, Machine } from '../machine.ts';
import type { Cpus, KernelCpu } from '../cpu.ts';
import { stackLines } from '../oops.ts';
import type { GracePeriods } from './grace-period.ts';

const SECOND_NS = 1e9;
/** CONFIG_RCU_CPU_STALL_TIMEOUT; the next warning of the same stall comes after 3 times that. */
const STALL_NS = 21 * SECOND_NS;
const HZ = 250;

/**
 * Warns where a grace period has been waiting for one reader for too long. Only in timed mode:
 * elsewhere virtual time says nothing. kernel/rcu/tree_stall.h
 */
export class RcuStall {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #periods: GracePeriods;
  readonly #timer = new Timer('rcu_stall', () => this.#check(), true);

  constructor(machine: Machine, cpus: Cpus, periods: GracePeriods) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#periods = periods;
    periods.onPeriod = (waiting) => this.#onPeriod(waiting);
  }

  #onPeriod(waiting: boolean): void {
    const { clock, mode, cpu } = this.#machine.engine;
    if (!waiting) clock.cancel(this.#timer);
    else if (mode === 'timed') clock.arm(this.#timer, cpu.nowNs + STALL_NS);
  }

  /** check_cpu_stall() */
  #check(): void {
    const { clock } = this.#machine.engine;
    const nowNs = this.#timer.dueNs;
    const queuedAtNs = this.#periods.queuedAtNs() ?? nowNs;
    if (nowNs - queuedAtNs < STALL_NS) {
      clock.arm(this.#timer, queuedAtNs + STALL_NS);
      return;
    }
    clock.arm(this.#timer, nowNs + 3 * STALL_NS);
    this.#report(nowNs - queuedAtNs);
  }

  #report(forNs: number): void {
    const reader = this.#periods.blocker();
    const cpu = reader ? this.#cpuOf(reader) : this.#periods.busyBlocker();
    const fiber = cpu && !reader ? cpu.sim.fiber : this.#fiberOf(reader);
    if (!fiber) return;
    const other = cpu && !hasTicks(cpu) ? this.#cpus.all.find((each) => each !== cpu) : undefined;
    if (cpu && !hasTicks(cpu) && !other) return; // nobody is there to see it
    const owner = fiber.owner as Context;
    const jiffies = Math.floor((forNs / SECOND_NS) * HZ);
    const queue = `q=${this.#periods.pending} ncpus=${this.#cpus.all.length}`;
    const lines = cpu
      ? [
          `rcu: \t${cpu.id}-....: (${other ? 0 : jiffies} ticks this GP)`,
          other
            ? `rcu: \t(detected by ${other.id}, t=${jiffies} jiffies, ${queue})`
            : `rcu: \t(t=${jiffies} jiffies ${queue})`,
          `CPU: ${cpu.id} PID: ${owner.pid} Comm: ${owner.comm}`,
        ]
      : [
          `rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-${this.#cpus.all.length - 1}): ` +
            `P${owner.pid}`,
          `rcu: \t(detected by 0, t=${jiffies} jiffies, ${queue})`,
          `task:${owner.comm} state:R pid:${owner.pid}`,
        ];
    this.#machine.fail({
      kind: 'rcu-stall',
      title:
        cpu && !other
          ? 'rcu: INFO: rcu_preempt self-detected stall on CPU'
          : 'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:',
      lines: [...lines, 'Call Trace:', ...stackLines(stackOf(fiber)).map((line) => ` ${line}`)],
      sites: [placeOf(fiber)],
      fatal: false,
    });
  }

  /** The CPU that runs it, beneath interrupts or not. */
  #cpuOf(context: Context): KernelCpu | undefined {
    return this.#cpus.all.find(
      ({ sim, interrupted }) =>
        sim.fiber?.owner === context || interrupted.some((fiber) => fiber?.owner === context),
    );
  }

  #fiberOf(context: Context | undefined): Fiber | null {
    if (!context) return null;
    if ('fiber' in context) return context.fiber as Fiber;
    for (const { sim, interrupted } of this.#cpus.all) {
      const fiber = [sim.fiber, ...interrupted].find((each) => each?.owner === context);
      if (fiber) return fiber;
    }
    return null;
  }
}

/** Whether the CPU takes the interrupts of its tick, in which it would notice by itself. */
function hasTicks({ irqsOff, sim }: KernelCpu): boolean {
  const kind = (sim.fiber?.owner as Context | undefined)?.kind;
  return irqsOff === 0 && kind !== 'hardirq' && kind !== 'nmi';
}
