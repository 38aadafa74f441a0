import { Atomics } from '../../kernel/locks/atomic.ts';
import { FileRefs } from '../../kernel/locks/file-ref.ts';
import { Lockdep } from '../../kernel/locks/lockdep.ts';
import { Mutexes } from '../../kernel/locks/mutex.ts';
import { Refcounts } from '../../kernel/locks/refcount.ts';
import { RqSpinlocks } from '../../kernel/locks/rqspinlock.ts';
import { Spinlocks } from '../../kernel/locks/spinlock.ts';
import type { MachineOptions } from '../../kernel/machine.ts';
import { Rcu } from '../../kernel/rcu/rcu.ts';
import type { Task } from '../../kernel/task.ts';
import { Waits } from '../../kernel/wait.ts';
import type { Failure } from '../../sim/failure.ts';
import type { Sim } from '../../sim/request.ts';
import { kernelSymbol } from '../../sim/site.ts';
import type { Strategy } from '../../sim/strategy.ts';
import { BareKernel } from './bare-kernel.ts';

const handler = kernelSymbol('test_handler');

/** A machine with locks, counters and RCU, for the tests of those. */
export class LockKernel extends BareKernel {
  readonly lockdep: Lockdep;
  readonly atomics: Atomics;
  readonly refs: FileRefs;
  readonly refcounts: Refcounts;
  readonly spinlocks: Spinlocks;
  readonly rqspinlocks: RqSpinlocks;
  readonly mutexes: Mutexes;
  readonly waits: Waits;
  readonly rcu: Rcu;

  constructor(options: Partial<MachineOptions> = {}) {
    super({ memoryBytes: 1 << 20, ...options });
    const { machine, cpus, sched } = this;
    this.lockdep = new Lockdep(machine, cpus);
    this.atomics = new Atomics(machine);
    this.refs = new FileRefs(machine, sched);
    this.refcounts = new Refcounts(machine);
    this.spinlocks = new Spinlocks(machine, cpus, sched, this.lockdep);
    this.rqspinlocks = new RqSpinlocks(machine, cpus, sched);
    this.waits = new Waits(machine, sched, (addr) => this.#taskAt(addr));
    this.mutexes = new Mutexes(machine, sched, this.waits, this.lockdep);
    this.rcu = new Rcu(machine, cpus, sched);
    this.kasan.inReadSection = () => this.rcu.inReadSection();
    sched.hooks.idle = () => this.#idle();
  }

  /** A zeroed object of so many bytes. */
  words(sizeBytes = 64): number {
    return this.machine.slab.kzalloc(sizeBytes);
  }

  /** An interrupt on a CPU, before whatever that CPU would do next. */
  interrupt(
    kind: 'hardirq' | 'softirq' | 'nmi',
    body: () => Sim<void>,
    cpuId = this.machine.engine.cpu.id,
  ): void {
    const cpu = this.cpus.all[cpuId]!;
    const { pid, comm } = cpu.current ?? { pid: 0, comm: `swapper/${cpuId}` };
    const context = { kind, pid, comm, held: [], rcuDepth: 0, rcuTraceDepth: 0 };
    this.sched.interrupt(cpu, context, body(), handler);
  }

  /** Reports the deadlock where there is one; tasks that merely sleep are none. */
  #idle(): boolean {
    if (this.rqspinlocks.idle()) return true;
    const report =
      this.lockdep.describeDeadlock(this.tasks) ??
      this.spinlocks.describeSpinners() ??
      this.rqspinlocks.describeWaiters();
    if (report) this.machine.fail({ ...report, fatal: false });
    return false;
  }

  #taskAt(addr: number): Task {
    return this.tasks.find((task) => task.addr === addr)!;
  }
}

/** What a run of a fresh kernel found. */
export interface Found {
  readonly failures: readonly Failure[];
  /** What the program has written down. */
  readonly log: readonly string[];
}

/** Sets up tasks in a fresh kernel. */
export type Program = (kernel: LockKernel, log: string[]) => void;

/** Every run that the strategy makes of the program, up to `runsMax`. */
export function* runs(
  strategy: Strategy,
  program: Program,
  runsMax = Infinity,
  options: Partial<MachineOptions> = {},
): Generator<Found> {
  for (let run = 0; run < runsMax && strategy.begin(run); run++) {
    const kernel = new LockKernel(options);
    const log: string[] = [];
    program(kernel, log);
    const failures = kernel.run(strategy);
    strategy.end(kernel.machine.engine.choiceCount);
    yield { failures, log };
  }
}
