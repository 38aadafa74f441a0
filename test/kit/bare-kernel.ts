import { Cpus } from '../../kernel/cpu.ts';
import { Kasan } from '../../kernel/kasan.ts';
import { Machine, type MachineOptions } from '../../kernel/machine.ts';
import { Sched } from '../../kernel/sched.ts';
import { task_struct } from '../../kernel/structs.ts';
import { Task } from '../../kernel/task.ts';
import type { Failure } from '../../sim/failure.ts';
import type { Sim } from '../../sim/request.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';

/**
 * A machine with KASAN and a scheduler, and nothing else: what a part of the kernel is tested on.
 */
export class BareKernel {
  readonly machine: Machine;
  readonly cpus: Cpus;
  readonly sched: Sched;
  readonly kasan: Kasan;
  readonly tasks: Task[] = [];
  readonly #taskCache;

  constructor(options: Partial<MachineOptions> = {}) {
    this.machine = new Machine({
      cpuCount: 2,
      profile: 'v7.2',
      mutations: new Set(),
      memoryBytes: 6 << 20,
      ...options,
    });
    this.cpus = new Cpus(this.machine);
    this.sched = new Sched(this.machine, this.cpus);
    this.kasan = new Kasan(this.machine);
    this.#taskCache = this.machine.slab.cache('task_struct', task_struct.sizeBytes);
  }

  /** A task that runs `entry`, on the emptiest CPU; pids from 101 on. */
  spawn(comm: string, entry: () => Sim<unknown>, mm = 0): Task {
    const { slab } = this.machine;
    const pid = 101 + this.tasks.length;
    const task = new Task(this.machine, slab.zalloc(this.#taskCache), pid, comm, comm, entry);
    task.setComm(comm);
    task.s.pid = pid;
    task.s.mm = mm;
    task.s.cpu = this.sched.emptiestCpu(0);
    this.tasks.push(task);
    this.sched.wakeNew(task);
    return task;
  }

  /** Runs to the end; gives the failures. */
  run(strategy: Strategy = new Stay()): readonly Failure[] {
    this.machine.engine.run(strategy);
    return this.machine.engine.failures;
  }

  /** One run of a random schedule, by its number. */
  runRandomly(run: number): readonly Failure[] {
    const strategy = new Random(1);
    strategy.begin(run);
    return this.run(strategy);
  }
}
