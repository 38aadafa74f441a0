import { kernelText, type Sim } from '../../sim/request.ts';
import type { ExecContext } from '../context.ts';
import type { Cpus } from '../cpu.ts';
import type { Machine } from '../machine.ts';
import type { Sched } from '../sched.ts';
import { GracePeriods, waitFor, type RcuCallback } from './grace-period.ts';

/**
 * RCU for sleepable programs: its readers may block, and code that merely cannot be preempted is
 * not a reader. kernel/rcu/tasks.h: the "Rude", "Trace" half. Spec 00, R47.
 */
export class RcuTasksTrace {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #periods: GracePeriods;
  /** They may sleep, so nobody else knows where they are. */
  readonly #readers = new Set<ExecContext>();

  constructor(machine: Machine, cpus: Cpus, sched: Sched) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#sched = sched;
    this.#periods = new GracePeriods(machine, cpus, sched, {
      name: 'rcu_tasks_trace',
      index: 1,
      busyCpusRead: false,
      readers: () => this.#readers,
    });
  }

  get pending(): number {
    return this.#periods.pending;
  }

  reset(): void {
    this.#readers.clear();
    this.#periods.reset();
  }

  rcu_read_lock_trace(): void {
    const context = this.#cpus.context;
    if (!context || context.rcuTraceDepth++ > 0) return;
    this.#readers.add(context);
    this.#periods.entered();
  }

  rcu_read_unlock_trace(): void {
    const context = this.#cpus.context;
    if (!context) return;
    if (context.rcuTraceDepth === 0) {
      this.#machine.fail({
        kind: 'unbalanced-section',
        title: 'WARNING: bad unlock balance detected!',
        lines: [
          `${this.#machine.who()} is trying to release lock (rcu_read_lock_trace) but ` +
            'there are no more locks to release!',
          ...this.#machine.traceLines(),
        ],
      });
    } else if (--context.rcuTraceDepth === 0) {
      this.#left(context);
    }
  }

  inReadSection(): boolean {
    const context = this.#cpus.context;
    return context !== null && context.rcuTraceDepth > 0;
  }

  /** exit_tasks_rcu_finish() */
  exit_rcu(context: ExecContext): void {
    if (context.rcuTraceDepth === 0) return;
    context.rcuTraceDepth = 0;
    this.#left(context);
  }

  /** Runs `run` once every section that has begun by now has ended. It must not sleep. */
  call_rcu_tasks_trace(name: string, run: RcuCallback): void {
    this.#periods.add(name, run);
  }

  *synchronize_rcu_tasks_trace(): Sim<void> {
    const context = this.#cpus.context;
    if (!context) return;
    if (context.rcuTraceDepth > 0) {
      this.#machine.fail({
        kind: 'deadlock',
        title: 'Illegal synchronize_rcu_tasks() in RCU read-side critical section',
        lines: this.#machine.traceLines(),
      });
    }
    this.#sched.mightSleep('synchronize_rcu_tasks_trace');
    yield* waitFor(this.#sched, (done) => this.call_rcu_tasks_trace('wakeme_after_rcu', done));
  }

  #left(context: ExecContext): void {
    this.#readers.delete(context);
    this.#periods.left(context);
  }
}

kernelText(RcuTasksTrace);
