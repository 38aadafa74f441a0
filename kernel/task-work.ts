import { kernelText, step, type Sim } from '../sim/request.ts';
import { site, siteOf } from '../sim/site.ts';
import type { Cpus } from './cpu.ts';
import { ESRCH } from './errno.ts';
import type { Machine } from './machine.ts';
import { PF_EXITING, type Task, type TaskWork } from './task.ts';

const ADD = site('task_work_add', 'add');
const RUN = site('task_work_run', 'run');

/**
 * Work that a task does for itself on its way to user mode, or at its exit. kernel/task_work.c,
 * spec 00 R30. A task's list is Task.works: undefined where empty, null once exit has closed it.
 */
export class TaskWorks {
  readonly #machine: Machine;
  readonly #cpus: Cpus;

  constructor(machine: Machine, cpus: Cpus) {
    this.#machine = machine;
    this.#cpus = cpus;
  }

  /**
   * Pushes on the head of the task's list, in one step with what precedes it. -ESRCH where exit
   * has run the list for the last time. Mode TWA_RESUME: a sleeping task is not woken.
   */
  task_work_add(task: Task, name: string, run: () => Sim<void>): number {
    if (task.works === null) return -ESRCH;
    task.works = { name, run, next: task.works };
    this.#machine.engine.trace.mix(siteOf(ADD).hash, task.pid);
    this.#machine.remark(() => `task work ${name} for ${task.comm}/${task.pid}`);
    return 0;
  }

  /**
   * Runs the current task's work until there is none: the list is detached and run newest first;
   * what is added meanwhile is the next batch. An exiting task closes the list when it is empty.
   */
  *task_work_run(): Sim<void> {
    const task = this.#cpus.current;
    while (task.works) {
      yield* step(RUN);
      let work: TaskWork | undefined = task.works;
      task.works = undefined;
      for (; work; work = work.next) {
        const { name, run } = work;
        this.#machine.remark(() => `task work ${name} runs`);
        yield* run();
      }
    }
    if ((task.s.flags & PF_EXITING) !== 0) task.works = null;
  }

  /** Whether the task has work that waits for its way to user mode. task_work_pending() */
  task_work_pending(task: Task): boolean {
    return task.works !== undefined && task.works !== null;
  }

  /**
   * Whether a loop inside the kernel must leave for user mode, since work waits there.
   * TIF_NOTIFY_RESUME; drivers/android/binder.c: looper_need_return, spec 00 R52 and H9.
   */
  mustReturnToUser(task: Task): boolean {
    return this.task_work_pending(task) && !this.#machine.mutated('task_work.no-notify');
  }

  /** The names of the work that waits, in the order in which it will run: for checkers. */
  pendingNames(task: Task): string[] {
    const names: string[] = [];
    for (let work = task.works; work; work = work.next) names.push(work.name);
    return names;
  }
}

kernelText(TaskWorks);
