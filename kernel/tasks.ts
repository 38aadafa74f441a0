import { assert } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { kernelText, step, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import type { Creds } from './cred.ts';
import type { Kasan } from './kasan.ts';
import type { Machine } from './machine.ts';
import type { ProcessHooks } from './process/ports.ts';
import type { Shared } from './process/shared.ts';
import type { TaskStorage } from './process/storage.ts';
import {
  DEFAULT_TIMER_SLACK_NS,
  SIGCHLD,
  SIGNAL_UNKILLABLE,
  SUID_DUMP_USER,
  sigmask,
} from './process/uapi.ts';
import type { Rcu } from './rcu/rcu.ts';
import type { Sched } from './sched.ts';
import type { Security } from './security.ts';
import type { KmemCache } from './slab.ts';
import { task_struct } from './structs.ts';
import {
  DEFAULT_PRIO,
  EXIT_DEAD,
  EXIT_ZOMBIE,
  PF_IDLE,
  PF_KTHREAD,
  Task,
  TASK_INTERRUPTIBLE,
  TASK_NEW,
  TASK_UNINTERRUPTIBLE,
} from './task.ts';
import { sched_process_free } from './trace-events.ts';

const X7 = site('delayed_put_task_struct', 'X7');

/** include/linux/threads.h, kernel/pid.c */
const PID_MAX = 32_768;
const RESERVED_PIDS = 300;
const FIRST_KTHREAD_PID = 2;
const LAST_KTHREAD_PID = 100;
/** arch/x86/include/asm/page_64_types.h; kernel/fork.c */
const THREAD_SIZE = 16_384;
const MIN_THREADS = 20;

export interface TaskParts {
  readonly rcu: Pick<Rcu, 'call_rcu'>;
  readonly kasan: Pick<Kasan, 'free'>;
  readonly creds: Creds;
  readonly security: Security;
  readonly shared: Shared;
  readonly storage: TaskStorage;
  readonly hooks: ProcessHooks;
}

/** What a task that outlives a run is put back to. */
interface Kept {
  readonly task: Task;
  readonly pid: number;
  readonly forkCount: number;
  readonly regs: number;
}

/**
 * Every task: its task_struct, its pid, its place in the tree. Changes of the tree are atomic
 * regions without a yield: they stand for what tasklist_lock and siglock cover in Linux.
 * kernel/fork.c, kernel/pid.c, kernel/exit.c, kernel/kthread.c
 */
export class Tasks {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: TaskParts;
  readonly #cache: KmemCache;
  /** Published and not yet reaped, in the order of creation. */
  #byPid = new Map<number, Task>();
  /** Whatever has a task_struct. */
  #byAddr = new Map<number, Task>();
  #lastPid = LAST_KTHREAD_PID;
  #lastKthreadPid = FIRST_KTHREAD_PID - 1;
  #initBody: (() => Sim<unknown>) | null = null;
  #init: Task | undefined;
  #changed = false;
  #kept: { tasks: Kept[]; addrs: Task[]; lastPid: number; idle: (Task | null)[] } | undefined;
  /** More tasks than this fail with -EAGAIN: an eighth of memory for their stacks. */
  readonly maxThreads: number;

  constructor(machine: Machine, sched: Sched, parts: TaskParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.#cache = machine.slab.cache('task_struct', task_struct.sizeBytes);
    this.maxThreads = Math.max(MIN_THREADS, Math.floor(machine.memory.sizeBytes / 8 / THREAD_SIZE));
  }

  get init(): Task {
    assert(this.#init, 'no init yet');
    return this.#init;
  }

  /** Every task that is published and not reaped: zombies and kernel threads too. */
  all(): Iterable<Task> {
    return this.#byPid.values();
  }

  get threadCount(): number {
    return this.#byPid.size;
  }

  byPid(pid: number): Task | undefined {
    return this.#byPid.get(pid);
  }

  /** The task whose task_struct stands at `addr`. */
  byAddr(addr: number): Task {
    const task = this.#byAddr.get(addr);
    assert(task, `no task at ${addr}`);
    return task;
  }

  /** The same, or undefined for 0. */
  at(addr: number): Task | undefined {
    return addr === 0 ? undefined : this.byAddr(addr);
  }

  // Making.

  /**
   * Pid 1: runs `body`, then sleeps and adopts. From then on its children need nobody to wait for
   * them. The caller gives it an address space and a table, and wakes it.
   */
  create_init(body: () => Sim<unknown>): Task {
    this.#initBody = body;
    const task = this.#create('init', 1, () => this.#initLoop(task));
    task.daemon = true;
    this.#machine.memory.unwatched(() => {
      const signal = this.#parts.shared.signalOf(task);
      signal.flags = SIGNAL_UNKILLABLE;
      task.s.timer_slack_ns = DEFAULT_TIMER_SLACK_NS;
      task.s.default_timer_slack_ns = DEFAULT_TIMER_SLACK_NS;
    });
    this.#init = task;
    return task;
  }

  /** What exec and init() do to a fresh address space. */
  initMm(task: Task, mm: number): void {
    this.#machine.memory.unwatched(() => {
      task.s.mm = mm;
      task.s.active_mm = mm;
      this.#parts.creds.setDumpable(task, SUID_DUMP_USER);
    });
  }

  /**
   * A kernel thread, asleep before its first step: sched.wake() starts it. After a rollback it
   * stands at the start of `body` again. kernel/kthread.c: kthread_create()
   */
  create_kthread(name: string, body: () => Sim<unknown>): Task {
    const pid = ++this.#lastKthreadPid;
    assert(pid <= LAST_KTHREAD_PID, 'too many kernel threads');
    const task = this.#create(name, pid, body);
    task.daemon = true;
    this.#machine.memory.unwatched(() => {
      task.s.flags = PF_KTHREAD;
      task.s.__state = TASK_UNINTERRUPTIBLE;
    });
    return task;
  }

  /**
   * Pid 0 of each CPU, for those who look at what runs there when nothing does: it is on no list,
   * and never steps. kernel/fork.c: fork_idle(), kernel/sched/core.c: init_idle()
   */
  init_idle(): void {
    const { memory, slab } = this.#machine;
    for (const cpu of this.#sched.cpus.all) {
      if (cpu.idle) continue;
      const addr = slab.zalloc(this.#cache);
      assert(addr !== 0, 'no memory for the idle tasks');
      memory.unwatched(() => {
        const comm = `swapper/${cpu.id}`;
        const idle = this.#task(addr, 0, comm, neverRuns);
        idle.setComm(comm);
        Object.assign(idle.s, { usage: 2, flags: PF_KTHREAD | PF_IDLE, prio: DEFAULT_PRIO });
        Object.assign(idle.s, { cpu: cpu.id, group_leader: addr, real_parent: addr });
        idle.s.cred = this.#parts.creds.create();
        cpu.idle = idle;
        cpu.rqLock = slab.kzalloc(4);
      });
    }
  }

  /**
   * A byte copy of a task, with one reference for its user and one for the scheduler, or undefined
   * where memory is exhausted. A pointer whose object dies with the task must be reset here: the
   * copy may be freed before anything else is set up. Spec 00 R36.
   */
  dup_task_struct(orig: Task, path: string, entry: (task: Task) => Sim<unknown>): Task | undefined {
    const { slab, memory } = this.#machine;
    const addr = this.#machine.mayAlloc('task_struct') ? slab.alloc(this.#cache) : 0;
    if (addr === 0) return undefined;
    return memory.unwatched(() => {
      memory.copy(addr, orig.addr, task_struct.sizeBytes);
      const s = task_struct.at(memory, addr);
      s.usage = 2;
      s.__state = TASK_NEW;
      this.#parts.storage.forgetIn(s);
      return this.#task(addr, orig.pid, path, entry);
    });
  }

  /** The next free pid, not yet taken, or 0 where there is none. alloc_pid() */
  nextPid(): number {
    for (let i = 0, pid = this.#lastPid; i < PID_MAX; i++) {
      pid = pid + 1 >= PID_MAX ? RESERVED_PIDS : pid + 1;
      if (!this.#byPid.has(pid)) return pid;
    }
    return 0;
  }

  /** Tasks of this user that are published and not reaped. */
  countOf(uid: number): number {
    let count = 0;
    for (const task of this.#byPid.values()) {
      if (task.s.cred !== 0 && this.#parts.creds.of(task).uid === uid) count++;
    }
    return count;
  }

  /** Takes `pid`; links the task under its real_parent, or among the threads of its group. */
  publish(task: Task, pid: number): void {
    const s = task.s;
    task.pid = pid;
    s.pid = pid;
    this.#lastPid = pid;
    this.#changed = true;
    this.#byPid.set(pid, task);
    if (s.group_leader === task.addr) this.adopt(task, this.byAddr(s.real_parent));
    else this.#append(task);
  }

  // The tree.

  /** Eldest first. */
  childrenOf(parent: Task): Task[] {
    const children: Task[] = [];
    for (let at = parent.s.children; at !== 0;) {
      const child = this.byAddr(at);
      children.push(child);
      at = child.s.sibling;
    }
    return children;
  }

  /** The leader first. */
  threadsOf(task: Task): Task[] {
    const threads: Task[] = [];
    for (let at = this.#parts.shared.signalOf(task).thread_head; at !== 0;) {
      const thread = this.byAddr(at);
      threads.push(thread);
      at = thread.s.thread_next;
    }
    return threads;
  }

  leaderOf(task: Task): Task {
    return this.byAddr(task.s.group_leader);
  }

  parentOf(task: Task): Task | undefined {
    return this.at(task.s.real_parent);
  }

  /** Puts the task at the end of the children of `parent`. */
  adopt(task: Task, parent: Task): void {
    task.s.real_parent = parent.addr;
    task.s.sibling = 0;
    const last = this.childrenOf(parent).at(-1);
    if (last) last.s.sibling = task.addr;
    else parent.s.children = task.addr;
  }

  /** Takes the task out of its parent's children. */
  orphan(task: Task): void {
    const parent = this.byAddr(task.s.real_parent);
    const elder = this.childrenOf(parent).find(({ s }) => s.sibling === task.addr);
    if (elder) elder.s.sibling = task.s.sibling;
    else parent.s.children = task.s.sibling;
    task.s.sibling = 0;
  }

  /** `heir`, a thread, becomes the leader, and the two swap their pids. de_thread() */
  takeOver(heir: Task, leader: Task): void {
    const pid = heir.pid;
    this.#changed = true;
    this.#setPid(heir, leader.pid);
    this.#setPid(leader, pid);
    const parent = this.byAddr(leader.s.real_parent);
    const elder = this.childrenOf(parent).find(({ s }) => s.sibling === leader.addr);
    heir.s.sibling = leader.s.sibling;
    if (elder) elder.s.sibling = heir.addr;
    else parent.s.children = heir.addr;
    heir.s.real_parent = parent.addr;
    heir.s.group_leader = heir.addr;
    leader.s.group_leader = heir.addr;
    leader.s.sibling = 0;
    heir.s.exit_signal = SIGCHLD;
    leader.s.exit_signal = -1;
  }

  // Ending.

  /**
   * The end of a dead task for everybody but itself: pid and links go, and its user's reference.
   * kernel/exit.c: release_task()
   */
  release_task(task: Task): void {
    const { shared } = this.#parts;
    const signal = shared.signalOf(task);
    this.#changed = true;
    this.#byPid.delete(task.pid);
    this.#unlinkThread(task);
    signal.nr_threads--;
    if (task.s.group_leader === task.addr) this.orphan(task);
    const exec = this.at(signal.group_exec_task);
    if (signal.notify_count > 0 && --signal.notify_count === 0 && exec) this.wakeKillable(exec);
    shared.put_sighand(task);
    this.put_task_struct(task);
  }

  /** A sleep that a kill ends, ended. */
  wakeKillable(task: Task): void {
    this.#sched.wake(task, TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE);
  }

  get_task_struct(task: Task): void {
    this.#machine.memory.unwatched(() => task.s.usage++);
  }

  /** With the last reference, the memory goes after a grace period. Point X7. */
  put_task_struct(task: Task): void {
    const left = this.#machine.memory.unwatched(() => --task.s.usage);
    if (left > 0) return;
    this.#parts.rcu.call_rcu('delayed_put_task_struct', () => this.delayed_put_task_struct(task));
  }

  *delayed_put_task_struct(task: Task): Sim<void> {
    yield* step(X7);
    this.#machine.remark(() => `task_struct of ${task.comm}/${task.pid} freed`);
    const { tracepoints: on } = this.#machine;
    if (on.isOn(sched_process_free)) yield* on.trace(sched_process_free, [task.addr]);
    if (this.#parts.security.isOn) yield* this.#parts.security.security_task_free(task);
    this.#parts.creds.put_cred(task);
    this.#parts.shared.put_signal_struct(task);
    yield* this.#parts.storage.bpf_local_storage_destroy(task);
    this.free_task(task);
  }

  /** What does not belong to a half-made task is put by then. kernel/fork.c */
  free_task(task: Task): void {
    this.#parts.hooks.freeing?.(task);
    this.#parts.storage.bpf_task_storage_free(task);
    this.#changed = true;
    this.#byAddr.delete(task.addr);
    if (task.regs !== 0) this.#parts.kasan.free(task.regs);
    this.#parts.kasan.free(task.addr);
  }

  /**
   * A CPU has left `prev`; where that is dead, the scheduler's reference goes. Called from
   * Sched.hooks.onSwitch. kernel/sched/core.c: finish_task_switch()
   */
  finish_task_switch(prev: Task | null): void {
    if (prev?.fiber.done) this.put_task_struct(prev);
  }

  // Reset.

  /** Remembers the tasks there are. Before machine.checkpoint(): it parks the daemons. */
  checkpoint(): void {
    const tasks = [...this.#byPid.values()];
    for (const task of tasks) {
      if (task.daemon) task.restart();
      else if (task.fiber.stepCount > 0) {
        throw new InputError(`setup leaves the process ${task.path} behind: expected it to exit`);
      }
    }
    this.#kept = {
      tasks: tasks.map((task) => {
        const { pid, forkCount, regs } = task;
        return { task, pid, forkCount, regs };
      }),
      idle: this.#sched.cpus.all.map(({ idle }) => idle),
      addrs: [...this.#byAddr.values()],
      lastPid: this.#lastPid,
    };
    this.#changed = false;
  }

  /** After machine.rollback(). */
  rollback(): void {
    const kept = this.#kept!;
    if (this.#changed) {
      this.#byPid = new Map(kept.tasks.map(({ task, pid }) => [pid, task]));
      this.#byAddr = new Map(kept.addrs.map((task) => [task.addr, task]));
      this.#lastPid = kept.lastPid;
      this.#changed = false;
    }
    for (const cpu of this.#sched.cpus.all) cpu.idle = kept.idle[cpu.id]!;
    for (const idle of kept.idle) idle?.rewind();
    this.#machine.memory.unwatched(() => {
      for (const { task, pid, forkCount, regs } of kept.tasks) {
        task.pid = pid;
        task.forkCount = forkCount;
        task.rewind();
        task.regs = regs;
      }
    });
  }

  // The rest.

  *#initLoop(init: Task): Sim<void> {
    if (this.#initBody) yield* this.#initBody();
    this.#initBody = null;
    this.#machine.memory.unwatched(() => {
      this.#parts.shared.sighandOf(init).ignored |= sigmask(SIGCHLD);
      for (const child of this.childrenOf(init)) {
        if (child.s.exit_state !== EXIT_ZOMBIE) continue;
        child.s.exit_state = EXIT_DEAD;
        this.release_task(child);
      }
    });
    for (;;) {
      this.#machine.memory.unwatched(() => (init.s.__state = TASK_INTERRUPTIBLE));
      yield* this.#sched.schedule();
    }
  }

  /** A task without a parent. */
  #create(comm: string, pid: number, entry: () => Sim<unknown>): Task {
    const { memory, slab } = this.#machine;
    const { creds, shared } = this.#parts;
    const addr = slab.zalloc(this.#cache);
    assert(addr !== 0, 'no memory at boot');
    return memory.unwatched(() => {
      const task = this.#task(addr, pid, comm, entry);
      const { s } = task;
      task.setComm(comm);
      s.pid = pid;
      s.tgid = pid;
      s.usage = 2;
      s.__state = TASK_NEW;
      s.prio = DEFAULT_PRIO;
      s.exit_signal = SIGCHLD;
      s.group_leader = addr;
      s.cred = creds.create();
      shared.create(task);
      this.#byPid.set(pid, task);
      this.#changed = true;
      return task;
    });
  }

  #task(addr: number, pid: number, path: string, entry: (task: Task) => Sim<unknown>): Task {
    // A generator, so that `task` is not asked for before it exists.
    const task: Task = new Task(this.#machine, addr, pid, path, path, function* () {
      return yield* entry(task);
    });
    this.#byAddr.set(addr, task);
    this.#changed = true;
    return task;
  }

  #setPid(task: Task, pid: number): void {
    task.pid = pid;
    task.s.pid = pid;
    this.#byPid.set(pid, task);
  }

  /** Puts a thread at the end of its group. */
  #append(task: Task): void {
    task.s.thread_next = 0;
    const last = this.threadsOf(task).at(-1)!;
    last.s.thread_next = task.addr;
  }

  #unlinkThread(task: Task): void {
    const signal = this.#parts.shared.signalOf(task);
    const before = this.threadsOf(task).find(({ s }) => s.thread_next === task.addr);
    if (before) before.s.thread_next = task.s.thread_next;
    else signal.thread_head = task.s.thread_next;
    task.s.thread_next = 0;
  }
}

kernelText(Tasks);

function* neverRuns(): Sim<void> {}
