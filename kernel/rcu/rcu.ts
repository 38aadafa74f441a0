import { kernelText, type Sim } from '../../sim/request.ts';
import type { ExecContext } from '../context.ts';
import type { Cpus } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import type { Sched } from '../sched.ts';
import { GracePeriods, waitFor, type RcuCallback } from './grace-period.ts';
import { RcuStall } from './stall.ts';

/**
 * Read-copy-update, the preemptible flavour: a reader that has lost its CPU is still a reader, and
 * code that cannot be preempted is one too. kernel/rcu/tree.c, tree_plugin.h
 */
export class Rcu {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #periods: GracePeriods;

  constructor(machine: Machine, cpus: Cpus, sched: Sched) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#sched = sched;
    this.#periods = new GracePeriods(machine, cpus, sched, {
      name: 'rcu',
      index: 0,
      busyCpusRead: true,
      readers: () => this.#readers(),
    });
    new RcuStall(machine, cpus, this.#periods);
  }

  get pending(): number {
    return this.#periods.pending;
  }

  reset(): void {
    this.#periods.reset();
  }

  rcu_read_lock(): void {
    const context = this.#cpus.context;
    if (context && context.rcuDepth++ === 0) this.#periods.entered();
  }

  rcu_read_unlock(): void {
    const context = this.#cpus.context;
    if (!context) return;
    if (context.rcuDepth === 0) this.#unbalanced();
    else if (--context.rcuDepth === 0) this.#periods.left(context);
  }

  /** Cannot be preempted inside either. */
  rcu_read_lock_sched(): void {
    this.#sched.preemptDisable();
    this.rcu_read_lock();
  }

  rcu_read_unlock_sched(): void {
    this.rcu_read_unlock();
    this.#sched.preemptEnable();
  }

  /** A task ends, and its sections with it: nobody waits for the dead. exit_rcu() */
  exit_rcu(context: ExecContext): void {
    if (context.rcuDepth === 0) return;
    context.rcuDepth = 0;
    this.#periods.left(context);
  }

  inReadSection(): boolean {
    const context = this.#cpus.context;
    return context !== null && context.rcuDepth > 0;
  }

  /** Runs `run`, as a softirq on this CPU, once every section that has begun by now has ended. */
  call_rcu(name: string, run: RcuCallback): void {
    this.#periods.add(name, run);
  }

  /** Sleeps until every section that has begun by now has ended. */
  *synchronize_rcu(): Sim<void> {
    const context = this.#cpus.context;
    if (!context) return; // at boot nobody reads
    if (context.rcuDepth > 0) this.#selfDeadlock(context);
    this.#sched.mightSleep('synchronize_rcu');
    yield* waitFor(this.#sched, (done) => this.call_rcu('wakeme_after_rcu', done));
  }

  /** Sleeps until every callback queued by now has run. */
  *rcu_barrier(): Sim<void> {
    this.#sched.mightSleep('rcu_barrier');
    if (this.pending === 0) return;
    const { all } = this.#cpus;
    let left = all.length;
    yield* waitFor(this.#sched, (done) => {
      const arrive = (): void => {
        if (--left === 0) done();
      };
      for (const cpu of all) this.#periods.add('rcu_barrier_callback', arrive, cpu);
    });
  }

  /** A reader never sleeps: it is on a CPU, beneath an interrupt, or preempted and queued. */
  *#readers(): Generator<ExecContext> {
    for (const { sim, current, interrupted, queue } of this.#cpus.all) {
      for (const fiber of interrupted) if (fiber && isInside(fiber.owner)) yield fiber.owner;
      if (current && current.rcuDepth > 0) yield current;
      if (sim.fiber && isInside(sim.fiber.owner)) yield sim.fiber.owner;
      for (const task of queue) if (task.rcuDepth > 0) yield task;
    }
  }

  /** kernel/rcu/tree.c: synchronize_rcu(), RCU_LOCKDEP_WARN */
  #selfDeadlock({ rcuDepth }: ExecContext): void {
    this.#machine.fail({
      kind: 'deadlock',
      title: 'Illegal synchronize_rcu() in RCU read-side critical section',
      lines: [
        'WARNING: suspicious RCU usage',
        `RCU nest depth: ${rcuDepth}`,
        ...this.#machine.traceLines(),
      ],
    });
  }

  #unbalanced(): void {
    this.#machine.fail({
      kind: 'unbalanced-section',
      title: 'WARNING: bad unlock balance detected!',
      lines: [
        `${this.#machine.who()} is trying to release lock (rcu_read_lock) but there are no ` +
          'more locks to release!',
        ...this.#machine.traceLines(),
      ],
    });
  }
}

function isInside(owner: unknown): owner is ExecContext {
  return (owner as ExecContext).rcuDepth > 0;
}

kernelText(Rcu);
