import { Bug } from '../../base/errors.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import { mm_struct } from '../mm/structs.ts';
import type { Sched } from '../sched.ts';
import { signal_struct } from '../structs.ts';
import {
  EXIT_DEAD,
  EXIT_ZOMBIE,
  PF_EXITING,
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_KILLABLE,
  TASK_WAKEKILL,
  type Task,
} from '../task.ts';
import type { TaskWorks } from '../task-work.ts';
import type { Tasks } from '../tasks.ts';
import { sched_process_exit } from '../trace-events.ts';
import type { Waits } from '../wait.ts';
import type { FilesForProcess, ProcessHooks, SignalsForProcess } from './ports.ts';
import type { Shared } from './shared.ts';
import { SIGCHLD, SIGKILL, SIGNAL_GROUP_EXIT, SIGNAL_MAX, sigmask } from './uapi.ts';

const X1 = site('do_exit', 'X1');
const X2 = site('do_exit', 'X2');
const X3 = site('exit_mm', 'X3');
const X5 = site('do_exit', 'X5');
const X6 = site('exit_notify', 'X6');

export interface ExitParts {
  readonly tasks: Tasks;
  readonly shared: Shared;
  readonly waits: Pick<Waits, 'wake_up'>;
  readonly works: Pick<TaskWorks, 'task_work_run'>;
  readonly files: FilesForProcess;
  readonly signals: SignalsForProcess;
  readonly user: UserMm;
  readonly hooks: ProcessHooks;
}

/** The end of tasks. kernel/exit.c, spec 00 R42 */
export class Exits {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: ExitParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: ExitParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.rows = [
      {
        nr: 60,
        name: 'exit',
        args: ['error_code'],
        run: (code) => this.do_exit((code! & 0xff) << 8),
      },
      {
        nr: 231,
        name: 'exit_group',
        args: ['error_code'],
        run: (code) => this.do_group_exit((code! & 0xff) << 8),
      },
    ];
  }

  /** Ends the current task. `code` is as wait4() reports it. Never returns. */
  *do_exit(code: number): Sim<never> {
    const task = this.#sched.current;
    const { files, works, hooks, shared } = this.#parts;
    yield* step(X1);
    const groupDead = this.#exit_signals(task, code);
    yield* step(X2);
    if (hooks.sched_process_exit) yield* hooks.sched_process_exit(task, code);
    const { tracepoints } = this.#machine;
    if (tracepoints.isOn(sched_process_exit)) {
      yield* tracepoints.trace(sched_process_exit, [task.addr, groupDead ? 1 : 0]);
    }
    yield* this.exit_mm(task);
    yield* files.exit_files(task);
    shared.exit_fs(task);
    yield* step(X5);
    yield* works.task_work_run();
    yield* this.exit_notify(task);
    return yield* this.do_task_dead(task);
  }

  /** Ends all threads of the current task's process. */
  *do_group_exit(code: number): Sim<never> {
    const task = this.#sched.current;
    const own = this.#atomic(() => {
      const signal = this.#parts.shared.signalOf(task);
      if (signal.flags & SIGNAL_GROUP_EXIT) return signal.group_exit_code;
      if (signal.group_exec_task !== 0) return 0; // only this thread: another execs
      signal.group_exit_code = code;
      signal.flags |= SIGNAL_GROUP_EXIT;
      this.zap_other_threads(task);
      return code;
    });
    return yield* this.do_exit(own);
  }

  /** Kills the other threads of the group; gives how many do not exit yet. kernel/signal.c */
  zap_other_threads(task: Task): number {
    let count = 0;
    for (const thread of this.#parts.tasks.threadsOf(task)) {
      if (thread === task) continue;
      count++;
      if (thread.s.exit_state !== 0) continue;
      thread.s.pending |= sigmask(SIGKILL);
      this.#sched.wake(thread, TASK_INTERRUPTIBLE | TASK_WAKEKILL);
    }
    return count;
  }

  /** Whether it is the last thread of its process. */
  #exit_signals(task: Task, code: number): boolean {
    return this.#atomic(() => {
      const signal = this.#parts.shared.signalOf(task);
      task.s.flags |= PF_EXITING;
      task.s.exit_code = code;
      const dead = --signal.live === 0;
      if (!dead || task !== this.#parts.tasks.init) return dead;
      const text =
        `Kernel panic - not syncing: Attempted to kill init! exitcode=0x` +
        code.toString(16).padStart(8, '0');
      this.#machine.printk(0, text);
      this.#machine.fail({ kind: 'bad-access', title: text, lines: this.#machine.traceLines() });
      return dead;
    });
  }

  /** The task's address space goes, for it. */
  *exit_mm(task: Task): Sim<void> {
    yield* step(X3);
    const mm = task.s.mm;
    yield* this.mm_release(task);
    if (mm === 0) return;
    this.#atomic(() => {
      task.s.mm = 0;
      task.s.active_mm = 0;
    });
    yield* this.#parts.user.mmput(mm);
  }

  /**
   * Tells who waits for this task to let go of its address space: a join on clear_child_tid, a
   * parent in vfork(). At exit and exec. kernel/fork.c: mm_release()
   */
  *mm_release(task: Task): Sim<void> {
    const tid = task.s.clear_child_tid;
    if (tid !== 0) {
      const { memory } = this.#machine;
      const shared = memory.unwatched(() => mm_struct.at(memory, task.s.mm).mm_users > 1);
      task.s.clear_child_tid = 0;
      if (shared) yield* this.#parts.user.copy_to_user(tid, new Uint8Array(4));
    }
    this.#atomic(() => {
      const waiter = this.#parts.tasks.at(task.s.vfork_done);
      task.s.vfork_done = 0;
      if (waiter) this.#sched.wake(waiter, TASK_KILLABLE);
    });
  }

  /** Children get a new parent, the parent gets to know; the task becomes a zombie, or nothing. */
  *exit_notify(task: Task): Sim<void> {
    yield* step(X6);
    this.#atomic(() => {
      const { tasks, shared } = this.#parts;
      const dead = this.#forget_original_parent(task);
      task.s.exit_state = EXIT_ZOMBIE;
      const leader = task.s.group_leader === task.addr;
      const reap = leader
        ? tasks.threadsOf(task).length === 1 && this.#do_notify_parent(task)
        : true;
      if (reap) {
        task.s.exit_state = EXIT_DEAD;
        dead.push(task);
      }
      const signal = shared.signalOf(task);
      const exec = tasks.at(signal.group_exec_task);
      if (signal.notify_count < 0 && exec) tasks.wakeKillable(exec);
      this.#machine.remark(() => (reap ? 'reaped by itself' : 'zombie until its parent waits'));
      for (const each of dead) this.release(each);
    });
  }

  /** release_task(), and its leader's where that was only waiting for the last of its threads. */
  release(task: Task): void {
    const { tasks } = this.#parts;
    const leader = tasks.leaderOf(task);
    tasks.release_task(task);
    if (leader === task || leader.s.exit_state !== EXIT_ZOMBIE) return;
    if (tasks.threadsOf(leader).length > 1 || !this.#do_notify_parent(leader)) return;
    leader.s.exit_state = EXIT_DEAD;
    tasks.release_task(leader);
  }

  /** Leaves the CPU for the last time. kernel/sched/core.c */
  *do_task_dead(task: Task): Sim<never> {
    this.#parts.hooks.dying?.(task);
    task.fiber.done = true;
    this.#atomic(() => (task.s.__state = TASK_DEAD));
    yield* this.#sched.schedule();
    throw new Bug(`${task.path} came back from the dead`);
  }

  /**
   * Every child goes to a live thread of the group, else to the nearest subreaper, else to init,
   * behind the children there. Gives the zombies among them that nobody will wait for.
   */
  #forget_original_parent(father: Task): Task[] {
    const { tasks, signals } = this.#parts;
    const dead: Task[] = [];
    const children = tasks.childrenOf(father);
    if (children.length === 0) return dead;
    const reaper = this.#find_new_reaper(father);
    const same = reaper.s.signal === father.s.signal;
    for (const child of children) {
      for (const thread of tasks.threadsOf(child)) {
        thread.s.real_parent = reaper.addr;
        const sig = thread.s.pdeath_signal;
        if (sig !== 0) signals.send_sig(sig, thread);
      }
      father.s.children = child.s.sibling;
      tasks.adopt(child, reaper);
      if (!same && this.#reparent_leader(child)) dead.push(child);
    }
    father.s.children = 0;
    return dead;
  }

  #find_new_reaper(father: Task): Task {
    const { tasks, shared } = this.#parts;
    const alive = (task: Task): Task | undefined =>
      tasks.threadsOf(task).find(({ s }) => (s.flags & PF_EXITING) === 0);
    const thread = alive(father);
    if (thread) return thread;
    if (shared.signalOf(father).has_child_subreaper) {
      for (let task = tasks.parentOf(father); task; task = tasks.parentOf(task)) {
        if (task === tasks.init) break;
        if (!shared.signalOf(task).is_child_subreaper) continue;
        const reaper = alive(task);
        if (reaper) return reaper;
      }
    }
    return tasks.init;
  }

  /** True where the child is a zombie for which its new parent will not wait. */
  #reparent_leader(child: Task): boolean {
    if (child.s.exit_state === EXIT_DEAD) return false;
    child.s.exit_signal = SIGCHLD;
    if (child.s.exit_state !== EXIT_ZOMBIE) return false;
    if (this.#parts.tasks.threadsOf(child).length > 1) return false;
    if (!this.#do_notify_parent(child)) return false;
    child.s.exit_state = EXIT_DEAD;
    return true;
  }

  /**
   * Signals the parent and wakes it where it waits. True where it ignores SIGCHLD: then the task
   * needs nobody to reap it. kernel/signal.c: do_notify_parent()
   */
  #do_notify_parent(task: Task): boolean {
    const { tasks, shared, signals, waits } = this.#parts;
    const parent = tasks.parentOf(task);
    if (!parent) return true;
    const sig = task.s.exit_signal;
    const ignored =
      sig === SIGCHLD &&
      parent.s.sighand !== 0 &&
      (shared.sighandOf(parent).ignored & sigmask(SIGCHLD)) !== 0n;
    if (!ignored && sig > 0 && sig <= SIGNAL_MAX) signals.send_sig(sig, parent);
    waits.wake_up(parent.s.signal + signal_struct.off.wait_chldexit);
    return ignored;
  }

  /** What tasklist_lock and siglock would cover. */
  #atomic<T>(act: () => T): T {
    return this.#machine.memory.unwatched(act);
  }
}

kernelText(Exits);
