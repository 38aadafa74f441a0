import { assert } from '../base/assert.ts';
import { Timer } from '../sim/clock.ts';
import { kernelText, step, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import type { Machine } from './machine.ts';
import type { Sched } from './sched.ts';
import { PF_WQ_WORKER, TASK_IDLE, TASK_NOLOAD, type Task } from './task.ts';

const PROCESS = site('process_one_work', 'run');

/** Makes a kernel thread that is asleep before its first step. kernel/tasks.ts */
export type CreateKthread = (name: string, body: () => Sim<void>) => Task;

/** One call of a function, later, by a kworker. struct work_struct */
interface Work {
  readonly name: string;
  readonly run: () => Sim<void>;
}

/** A CPU's worker and what it has to do, oldest first. struct worker_pool */
interface Pool {
  readonly works: Work[];
  worker: Task | null;
  /** What the worker is doing. */
  current: Work | null;
}

/**
 * The system workqueue: works run one after another, in the order queued, on the CPU that queued
 * them, in a kernel thread that may sleep. kernel/workqueue.c
 */
export class Workqueues {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #pools: readonly Pool[];
  #delayed = 0;

  constructor(machine: Machine, sched: Sched) {
    this.#machine = machine;
    this.#sched = sched;
    this.#pools = sched.cpus.all.map(() => ({ works: [], worker: null, current: null }));
  }

  /** Creates the workers, one a CPU, from which they do not move. workqueue_init() */
  boot(createKthread: CreateKthread): void {
    for (const [cpu, pool] of this.#pools.entries()) {
      const worker = createKthread(`kworker/${cpu}:1`, () => this.worker_thread(pool));
      worker.daemon = true;
      this.#machine.memory.unwatched(() => {
        worker.s.cpu = cpu;
        worker.s.flags |= PF_WQ_WORKER;
        worker.s.__state = TASK_IDLE;
      });
      pool.worker = worker;
    }
  }

  reset(): void {
    for (const pool of this.#pools) {
      pool.works.length = 0;
      pool.current = null;
    }
    this.#delayed = 0;
  }

  /** Works queued, delayed or running. */
  get pending(): number {
    return this.#pools.reduce(
      (sum, { works, current }) => sum + works.length + (current ? 1 : 0),
      this.#delayed,
    );
  }

  /** Queues a work on the present CPU. */
  schedule_work(name: string, run: () => Sim<void>): void {
    this.#queue(this.#machine.engine.cpu.id, { name, run });
  }

  /** On whichever CPU has least to do: where all are busy, it waits. An unbound workqueue. */
  queue_unbound(name: string, run: () => Sim<void>): void {
    const { id } = this.#machine.engine.cpu;
    this.#queue(this.#sched.emptiestCpu(id), { name, run });
  }

  /** The same after a time; the timer belongs to the CPU that set it. */
  schedule_delayed_work(name: string, run: () => Sim<void>, delayNs: number): void {
    const { cpu, clock } = this.#machine.engine;
    this.#delayed++;
    const timer = new Timer(`delayed_work ${name}`, () => {
      this.#delayed--;
      this.#queue(cpu.id, { name, run });
    });
    clock.arm(timer, cpu.nowNs + delayNs);
  }

  *worker_thread(pool: Pool): Sim<void> {
    const task = this.#sched.current;
    for (;;) {
      for (let work = pool.works.shift(); work; work = pool.works.shift()) {
        pool.current = work;
        yield* this.process_one_work(work);
        pool.current = null;
      }
      task.s.__state = TASK_IDLE;
      yield* this.#sched.schedule();
    }
  }

  *process_one_work(work: Work): Sim<void> {
    yield* step(PROCESS);
    this.#machine.remark(() => `work ${work.name} begins`);
    yield* work.run();
  }

  #queue(cpu: number, work: Work): void {
    const pool = this.#pools[cpu]!;
    assert(pool.worker, `work ${work.name} before the workers are there`);
    pool.works.push(work);
    this.#sched.wake(pool.worker, TASK_NOLOAD);
  }
}

kernelText(Workqueues);
