import { Fs } from '../../kernel/fs/fs.ts';
import type { SyscallRow } from '../../kernel/hooks.ts';
import type { MachineOptions } from '../../kernel/machine.ts';
import { PROT_READ, PROT_WRITE } from '../../kernel/mm/structs.ts';
import { UserMm } from '../../kernel/mm/user-mm.ts';
import { Modules } from '../../kernel/module.ts';
import { RcuTasksTrace } from '../../kernel/rcu/tasks-trace.ts';
import { Security } from '../../kernel/security.ts';
import type { Signals } from '../../kernel/signal.ts';
import { signal_struct } from '../../kernel/structs.ts';
import type { Task } from '../../kernel/task.ts';
import { TaskWorks } from '../../kernel/task-work.ts';
import { Workqueues } from '../../kernel/work.ts';
import type { Sim } from '../../sim/request.ts';
import { LockKernel } from './lock-kernel.ts';

/** A kernel with files and user memory; its tasks make system calls without being processes. */
export class FsKernel extends LockKernel {
  readonly modules = new Modules(this.machine, this.kasan);
  readonly works = new TaskWorks(this.machine, this.cpus);
  readonly user = new UserMm(this.machine, this.sched, this.kasan);
  /** Signals that were sent. */
  readonly signals: number[] = [];
  /** Capabilities of every task. */
  readonly capabilities = new Set([21, 24]);
  readonly fs: Fs;
  readonly #rows: Map<string, SyscallRow>;

  constructor(options: Partial<MachineOptions> = {}) {
    super({ memoryBytes: 6 << 20, ...options });
    this.fs = new Fs(this.machine, {
      ...this,
      workqueues: new Workqueues(this.machine, this.sched),
      rcuTasksTrace: new RcuTasksTrace(this.machine, this.cpus, this.sched),
      signals: { send_sig: (sig: number) => this.signals.push(sig) } as unknown as Signals,
      security: new Security(this.machine),
      capable: (cap) => this.capabilities.has(cap),
      mightSleep: (what) => this.sched.mightSleep(what),
      ptrace_may_access: () => true,
      tasks: {
        byPid: (pid) => this.tasks.find((task) => task.pid === pid),
        get_task_struct: () => {},
        put_task_struct: () => {},
      },
    });
    this.#rows = new Map(this.fs.rows.map((row) => [row.name, row]));
    this.sched.hooks.returnedInto = (frame) => this.modules.returnedInto(frame);
  }

  /** A task with memory and descriptors of its own, or with those of `sharer`. */
  process(comm: string, body: (task: Task) => Sim<unknown>, sharer?: Task): Task {
    const { sched } = this;
    const task = this.spawn(
      comm,
      function* () {
        return yield* body(sched.current);
      },
      sharer?.s.mm ?? this.user.create(),
    );
    const { memory, slab } = this.machine;
    task.s.files = sharer?.s.files ?? this.fs.tables.newFiles();
    if (sharer) memory.setU32(sharer.s.files, memory.u32(sharer.s.files) + 1);
    task.s.signal = slab.kzalloc(signal_struct.sizeBytes);
    signal_struct.at(memory, task.s.signal).rlim_nofile_cur = 1_024;
    signal_struct.at(memory, task.s.signal).rlim_nofile_max = 1_024;
    return task;
  }

  /** A system call of the current task, and what it has to do on the way back. */
  *call(name: string, ...args: number[]): Sim<number> {
    const result = yield* this.#rows.get(name)!.run(...args);
    yield* this.works.task_work_run();
    return result;
  }

  /** User memory of a task: readable and writable. */
  map(task: Task, sizeBytes: number, blocking = false): number {
    return this.user.mmap(task.s.mm, sizeBytes, { prot: PROT_READ | PROT_WRITE, blocking });
  }

  /** Runs one task to the end, checks that nothing failed, and gives what its body returned. */
  do<T>(body: (task: Task) => Sim<T>): T {
    let result: T | undefined;
    this.process('A', function* (task) {
      result = yield* body(task);
    });
    const failures = this.run();
    if (failures.length > 0) throw new Error(failures[0]!.text);
    return result!;
  }

  /** Stores in the current task's memory. */
  *put(addr: number, bytes: Uint8Array | string): Sim<void> {
    yield* this.user.copy_to_user(addr, typeof bytes === 'string' ? text(bytes) : bytes);
  }

  *get(addr: number, sizeBytes: number): Sim<Uint8Array> {
    return (yield* this.user.copy_from_user(addr, sizeBytes))!;
  }

  *getText(addr: number, sizeBytes: number): Sim<string> {
    return String.fromCharCode(...(yield* this.get(addr, sizeBytes)));
  }

  /** Two ints of user memory. */
  *pair(addr: number): Sim<[number, number]> {
    const view = new DataView((yield* this.get(addr, 8)).buffer);
    return [view.getInt32(0, true), view.getInt32(4, true)];
  }
}

export function text(value: string): Uint8Array {
  return Uint8Array.from(value, (char) => char.charCodeAt(0));
}
