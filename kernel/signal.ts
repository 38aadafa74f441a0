import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { access, kernelText, RMW, WRITE, type Sim } from '../sim/request.ts';
import { site } from '../sim/site.ts';
import type { Cpus } from './cpu.ts';
import { EFAULT, EINVAL, EPERM, ESRCH } from './errno.ts';
import type { SyscallRow } from './hooks.ts';
import type { Machine } from './machine.ts';
import {
  SIGKILL,
  SIGNAL_GROUP_EXIT,
  SIGNAL_MAX,
  SIGNAL_UNKILLABLE,
  sigmask,
} from './process/uapi.ts';
import type { Sched } from './sched.ts';
import type { Security } from './security.ts';
import { cred, sighand_struct, signal_struct, task_struct } from './structs.ts';
import { PF_EXITING, PF_KTHREAD, TASK_INTERRUPTIBLE, TASK_WAKEKILL, type Task } from './task.ts';
import {
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_KERNEL_IGNORE_MASK,
  SIG_KERNEL_ONLY_MASK,
  SIG_KERNEL_STOP_MASK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SYNCHRONOUS_MASK,
} from './uapi-signal.ts';

const SEND = site('kill', 'send');
const TGSEND = site('tgkill', 'send');
const DEQUEUE = site('get_signal', 'dequeue');
const ACTION = site('rt_sigaction', 'set');

const CAP_KILL = 5;
const SIGSET_BYTES = 8;
/** struct sigaction of x86-64: handler, flags, restorer, mask. */
const SIGACTION_BYTES = 32;
/** What rt_sigaction() gives back for a handler: which one it is, is not kept. */
const SOME_HANDLER = 2n;

/** What is to be done with a signal: as the handler field of struct sigaction. */
export type Disposition = 'default' | 'ignore' | 'handler';

/** How tasks are found. */
export interface SignalTasks {
  byPid(pid: number): Task | undefined;
  /** Those of the thread group of `task` that are not reaped, in order of creation. */
  threadsOf(task: Task): Iterable<Task>;
  /** Every task that is not reaped, in order of creation. */
  all(): Iterable<Task>;
}

/** Copies to and from the memory of the current task: kernel/mm/user-mm.ts */
export interface UserCopies {
  copy_to_user(addr: number, bytes: Uint8Array): Sim<number>;
  copy_from_user(addr: number, sizeBytes: number): Sim<Uint8Array | null>;
}

export interface SignalParts {
  readonly tasks: SignalTasks;
  readonly user: UserCopies;
  readonly security: Security;
}

/**
 * Signals, as far as killing goes: pending sets, ignoring, fatal signals and group exit. A handler
 * is a flag; when a signal would run one, onHandler is told. Stopping is not modelled: a stop
 * signal that is not ignored or handled is taken and has no effect. kernel/signal.c
 */
export class Signals {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #sched: Sched;
  readonly #tasks: SignalTasks;
  readonly #user: UserCopies;
  readonly #security: Security;
  /** A signal was taken that has a handler; the call it interrupted ends with -EINTR. */
  onHandler: (task: Task, sig: number) => void = () => {};
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: SignalParts) {
    this.#machine = machine;
    this.#cpus = sched.cpus;
    this.#sched = sched;
    this.#tasks = parts.tasks;
    this.#user = parts.user;
    this.#security = parts.security;
    this.rows = this.#syscalls();
  }

  // Sending: in one step, under what would be the siglock.

  /**
   * To a process, to be taken by `task` if it will, else by any of its threads: 0, or -ESRCH where
   * it cannot take signals any more. group_send_sig_info(); also for Linux's send_sig()
   */
  send_sig(sig: number, task: Task): number {
    return this.#send(sig, task, true);
  }

  /** The same to this thread alone. do_send_sig_info(PIDTYPE_PID) */
  send_sig_thread(sig: number, task: Task): number {
    return this.#send(sig, task, false);
  }

  /** One that cannot be blocked or ignored: after that it has its default action. force_sig() */
  force_sig(sig: number, task: Task = this.#cpus.current): number {
    return this.#unwatched(() => {
      if (task.s.sighand === 0) return -ESRCH;
      const bit = sigmask(sig);
      const hand = this.#sighand(task);
      if (((task.s.blocked | hand.ignored) & bit) !== 0n) {
        this.#setDisposition(task, sig, 'default');
        task.s.blocked &= ~bit;
      }
      return this.#sendLocked(sig, task, false, true);
    });
  }

  // Asking.

  /** Whether a signal is pending that the task does not block. */
  signal_pending(task: Task): boolean {
    return task.isCutShort || this.#machine.memory.unwatched(() => this.#deliverable(task) !== 0n);
  }

  /** Whether the task has been killed. */
  fatal_signal_pending(task: Task): boolean {
    return (
      task.isCutShort ||
      this.#machine.memory.unwatched(() => (task.s.pending & sigmask(SIGKILL)) !== 0n)
    );
  }

  disposition(task: Task, sig: number): Disposition {
    const hand = this.#sighand(task);
    if ((hand.ignored & sigmask(sig)) !== 0n) return 'ignore';
    return (hand.handled & sigmask(sig)) !== 0n ? 'handler' : 'default';
  }

  /**
   * What the task runs in the kernel is to end, though the task is not: until this is taken back
   * its sleeps end as for the killed. Like TIF_NOTIFY_SIGNAL, for killable sleeps too.
   */
  cutShort(task: Task, isCut: boolean): void {
    task.isCutShort = isCut;
    if (isCut) this.#machine.memory.unwatched(() => this.#wakeUp(task, true));
  }

  // Taking.

  /**
   * On the way to user mode, by the current task: takes what is pending. Not 0: the task must
   * exit now, with signal_struct.group_exit_code where SIGNAL_GROUP_EXIT is set there, and without
   * ending its group where group_exec_task is, since another thread execs. 0: go on.
   */
  *get_signal(): Sim<number> {
    const task = this.#cpus.current;
    while (this.signal_pending(task)) {
      yield* access(DEQUEUE, task.addr + task_struct.off.pending, 8, RMW);
      const fatal = this.#unwatched(() => this.#take(task));
      if (fatal !== 0) return fatal;
    }
    return 0;
  }

  /** sigaction(2) without the copies: 0 or -EINVAL. */
  do_sigaction(sig: number, disposition: Disposition): number {
    if (sig < 1 || sig > SIGNAL_MAX || (sigmask(sig) & SIG_KERNEL_ONLY_MASK) !== 0n) return -EINVAL;
    this.#unwatched(() => {
      const task = this.#cpus.current;
      this.#setDisposition(task, sig, disposition);
      if (!this.#isIgnored(task, sig)) return;
      for (const thread of this.#tasks.threadsOf(task)) thread.s.pending &= ~sigmask(sig);
      this.#signal(task).shared_pending &= ~sigmask(sig);
    });
    return 0;
  }

  // System calls.

  *sys_kill(pid: number, sig: number): Sim<number> {
    const seen = this.#tasks.byPid(pid);
    yield* access(SEND, seen ? seen.addr + task_struct.off.pending : 0, 8, WRITE);
    if (pid === -1) return yield* this.#killAll(sig);
    if (pid <= 0) return yield* this.#killGroup(sig, pid);
    const task = this.#tasks.byPid(pid);
    return task ? yield* this.#sendChecked(sig, task, true) : -ESRCH;
  }

  *sys_tgkill(tgid: number, pid: number, sig: number): Sim<number> {
    if (pid <= 0 || tgid <= 0) return -EINVAL;
    return yield* this.do_tkill(tgid, pid, sig);
  }

  *sys_tkill(pid: number, sig: number): Sim<number> {
    if (pid <= 0) return -EINVAL;
    return yield* this.do_tkill(0, pid, sig);
  }

  /** `tgid` 0: of whatever group. */
  *do_tkill(tgid: number, pid: number, sig: number): Sim<number> {
    const seen = this.#tasks.byPid(pid);
    yield* access(TGSEND, seen ? seen.addr + task_struct.off.pending : 0, 8, WRITE);
    const task = this.#tasks.byPid(pid);
    if (!task || (tgid > 0 && task.s.tgid !== tgid)) return -ESRCH;
    return yield* this.#sendChecked(sig, task, false);
  }

  *sys_rt_sigaction(sig: number, act: number, old: number, size: number): Sim<number> {
    if (size !== SIGSET_BYTES || sig < 1 || sig > SIGNAL_MAX) return -EINVAL;
    let handler: bigint | undefined;
    if (act !== 0) {
      const bytes = yield* this.#user.copy_from_user(act, SIGACTION_BYTES);
      if (!bytes) return -EFAULT;
      handler = new ByteReader(bytes, 'struct sigaction').u64();
    }
    const task = this.#cpus.current;
    yield* access(ACTION, task.s.sighand, 8, RMW);
    const was = this.#unwatched(() => this.disposition(task, sig));
    if (handler !== undefined) {
      const result = this.do_sigaction(sig, dispositionOf(handler));
      if (result !== 0) return result;
    }
    if (old === 0) return 0;
    const writer = new ByteWriter();
    writer.u64(was === 'handler' ? SOME_HANDLER : BigInt(was === 'ignore' ? SIG_IGN : SIG_DFL));
    writer.bytes(new Uint8Array(SIGACTION_BYTES - 8));
    return (yield* this.#user.copy_to_user(old, writer.finish())) === 0 ? 0 : -EFAULT;
  }

  *sys_rt_sigprocmask(how: number, set: number, old: number, size: number): Sim<number> {
    if (size !== SIGSET_BYTES) return -EINVAL;
    const task = this.#cpus.current;
    const was = task.s.blocked;
    if (set !== 0) {
      const bytes = yield* this.#user.copy_from_user(set, SIGSET_BYTES);
      if (!bytes) return -EFAULT;
      const mask = new ByteReader(bytes, 'sigset_t').u64() & ~SIG_KERNEL_ONLY_MASK;
      if (how === SIG_BLOCK) task.s.blocked = was | mask;
      else if (how === SIG_UNBLOCK) task.s.blocked = was & ~mask;
      else if (how === SIG_SETMASK) task.s.blocked = mask;
      else return -EINVAL;
    }
    if (old === 0) return 0;
    const writer = new ByteWriter();
    writer.u64(was);
    return (yield* this.#user.copy_to_user(old, writer.finish())) === 0 ? 0 : -EFAULT;
  }

  #syscalls(): SyscallRow[] {
    return [
      {
        nr: 13,
        name: 'rt_sigaction',
        args: ['sig', 'act', 'oact', 'sigsetsize'],
        run: (sig, act, old, size) => this.sys_rt_sigaction(sig! | 0, act!, old!, size!),
      },
      {
        nr: 14,
        name: 'rt_sigprocmask',
        args: ['how', 'nset', 'oset', 'sigsetsize'],
        run: (how, set, old, size) => this.sys_rt_sigprocmask(how! | 0, set!, old!, size!),
      },
      {
        nr: 62,
        name: 'kill',
        args: ['pid', 'sig'],
        run: (pid, sig) => this.sys_kill(pid! | 0, sig! | 0),
      },
      {
        nr: 200,
        name: 'tkill',
        args: ['pid', 'sig'],
        run: (pid, sig) => this.sys_tkill(pid! | 0, sig! | 0),
      },
      {
        nr: 234,
        name: 'tgkill',
        args: ['tgid', 'pid', 'sig'],
        run: (tgid, pid, sig) => this.sys_tgkill(tgid! | 0, pid! | 0, sig! | 0),
      },
    ];
  }

  /** kill(-1): everybody but init and the caller's own process. */
  *#killAll(sig: number): Sim<number> {
    const self = this.#cpus.current.s.tgid;
    let count = 0;
    let result = 0;
    for (const task of this.#tasks.all()) {
      const { tgid, flags } = task.s;
      if (task.pid !== tgid || tgid === 1 || tgid === self || (flags & PF_KTHREAD) !== 0) continue;
      const sent = yield* this.#sendChecked(sig, task, true);
      count++;
      if (sent !== -EPERM) result = sent;
    }
    return count > 0 ? result : -ESRCH;
  }

  /** A process group, 0 for the caller's own: 0 where anybody was reached. __kill_pgrp_info() */
  *#killGroup(sig: number, pid: number): Sim<number> {
    const { memory } = this.#machine;
    const groupOf = (task: Task): number =>
      memory.unwatched(() => (task.s.signal === 0 ? 0 : this.#signal(task).pgrp));
    const group = pid === 0 ? groupOf(this.#cpus.current) : -pid;
    let result = -ESRCH;
    for (const task of this.#tasks.all()) {
      if (task.pid !== task.s.tgid || groupOf(task) !== group) continue;
      const sent = yield* this.#sendChecked(sig, task, true);
      if (result !== 0) result = sent;
    }
    return result;
  }

  /** check_kill_permission(), and then the send. */
  *#sendChecked(sig: number, task: Task, group: boolean): Sim<number> {
    if (sig < 0 || sig > SIGNAL_MAX) return -EINVAL;
    if (!this.#mayKill(task)) return -EPERM;
    if (this.#security.isOn) {
      const refused = yield* this.#security.security_task_kill(task, 0, sig, 0);
      if (refused !== 0) return refused;
    }
    return sig === 0 ? 0 : this.#send(sig, task, group);
  }

  /** kill_ok_by_cred() */
  #mayKill(task: Task): boolean {
    return this.#unwatched(() => {
      const self = this.#cpus.current;
      if (self.s.tgid === task.s.tgid) return true;
      const { memory } = this.#machine;
      const own = cred.at(memory, self.s.cred);
      const its = cred.at(memory, task.s.cred);
      return (
        own.euid === its.uid ||
        own.uid === its.uid ||
        (own.cap_effective & (1n << BigInt(CAP_KILL))) !== 0n
      );
    });
  }

  #send(sig: number, task: Task, group: boolean): number {
    return this.#unwatched(() => this.#sendLocked(sig, task, group));
  }

  /** send_signal_locked(), prepare_signal() */
  #sendLocked(sig: number, task: Task, group: boolean, force = false): number {
    if (task.s.sighand === 0 || task.s.signal === 0) return -ESRCH;
    this.#machine.remark(() => `signal ${sig} for ${task.comm}/${task.pid}`);
    const signal = this.#signal(task);
    if ((signal.flags & SIGNAL_GROUP_EXIT) !== 0) return 0; // it is dying already
    if (!force && this.#isDropped(task, sig)) return 0;
    if (group) signal.shared_pending |= sigmask(sig);
    else task.s.pending |= sigmask(sig);
    this.#complete(sig, task, group);
    return 0;
  }

  /** Whether the signal is dropped when it is sent. sig_ignored() */
  #isDropped(task: Task, sig: number): boolean {
    if ((task.s.flags & PF_KTHREAD) !== 0) return true;
    if ((task.s.blocked & sigmask(sig)) !== 0n) return false;
    const unkillable = (this.#signal(task).flags & SIGNAL_UNKILLABLE) !== 0;
    if (unkillable && this.disposition(task, sig) === 'default') return true;
    return this.#isIgnored(task, sig);
  }

  /** sig_handler_ignored() */
  #isIgnored(task: Task, sig: number): boolean {
    const disposition = this.disposition(task, sig);
    return (
      disposition === 'ignore' ||
      (disposition === 'default' && (SIG_KERNEL_IGNORE_MASK & sigmask(sig)) !== 0n)
    );
  }

  /** Finds a thread that takes it; a signal that kills, kills them all now. complete_signal() */
  #complete(sig: number, task: Task, group: boolean): void {
    const threads = [...this.#tasks.threadsOf(task)];
    const wants = (thread: Task): boolean => this.#wants(sig, thread);
    const taker = wants(task) ? task : group ? threads.find(wants) : undefined;
    if (!taker) return;
    if (!this.#isFatal(taker, sig)) {
      this.#wakeUp(taker, false);
      return;
    }
    const signal = this.#signal(task);
    if ((signal.flags & SIGNAL_GROUP_EXIT) !== 0) return;
    signal.flags |= SIGNAL_GROUP_EXIT;
    signal.group_exit_code = sig;
    for (const thread of threads) this.#kill(thread);
  }

  /** wants_signal() */
  #wants(sig: number, task: Task): boolean {
    return (task.s.blocked & sigmask(sig)) === 0n && (task.s.flags & PF_EXITING) === 0;
  }

  /** sig_fatal() */
  #isFatal(task: Task, sig: number): boolean {
    return (
      this.disposition(task, sig) === 'default' &&
      ((SIG_KERNEL_IGNORE_MASK | SIG_KERNEL_STOP_MASK) & sigmask(sig)) === 0n
    );
  }

  #kill(thread: Task): void {
    thread.s.pending |= sigmask(SIGKILL);
    this.#wakeUp(thread, true);
  }

  /** signal_wake_up() */
  #wakeUp(task: Task, fatal: boolean): void {
    this.#sched.wake(task, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL : 0));
  }

  /** Takes one signal; not 0 where the task must exit. */
  #take(task: Task): number {
    const signal = this.#signal(task);
    if ((signal.flags & SIGNAL_GROUP_EXIT) !== 0 || signal.group_exec_task !== 0) {
      task.s.pending &= ~sigmask(SIGKILL);
      return signal.group_exit_code & 0x7f || SIGKILL;
    }
    const sig = this.#dequeue(task);
    if (sig === 0) return 0;
    const disposition = sig === SIGKILL ? 'default' : this.disposition(task, sig);
    if (disposition === 'handler') this.onHandler(task, sig);
    if (disposition !== 'default' || (sig !== SIGKILL && !this.#isFatal(task, sig))) return 0;
    signal.flags |= SIGNAL_GROUP_EXIT;
    signal.group_exit_code = sig;
    for (const thread of this.#tasks.threadsOf(task)) {
      if (thread !== task && thread.s.exit_state === 0) this.#kill(thread);
    }
    return sig;
  }

  /** The lowest number, faults first; the thread's own before the group's. dequeue_signal() */
  #dequeue(task: Task): number {
    const { blocked } = task.s;
    let sig = nextOf(task.s.pending & ~blocked);
    if (sig !== 0) {
      task.s.pending &= ~sigmask(sig);
      return sig;
    }
    const signal = this.#signal(task);
    sig = nextOf(signal.shared_pending & ~blocked);
    if (sig !== 0) signal.shared_pending &= ~sigmask(sig);
    return sig;
  }

  #deliverable(task: Task): bigint {
    const { signal, pending, blocked } = task.s;
    const shared = signal === 0 ? 0n : this.#signal(task).shared_pending;
    return (pending | shared) & ~blocked;
  }

  #setDisposition(task: Task, sig: number, disposition: Disposition): void {
    const hand = this.#sighand(task);
    const bit = sigmask(sig);
    hand.ignored = disposition === 'ignore' ? hand.ignored | bit : hand.ignored & ~bit;
    hand.handled = disposition === 'handler' ? hand.handled | bit : hand.handled & ~bit;
  }

  #signal(task: Task): ReturnType<typeof signal_struct.at> {
    return signal_struct.at(this.#machine.memory, task.s.signal);
  }

  #sighand(task: Task): ReturnType<typeof sighand_struct.at> {
    return sighand_struct.at(this.#machine.memory, task.s.sighand);
  }

  /** The siglock is not modelled: each of these is one step. */
  #unwatched<T>(act: () => T): T {
    return this.#machine.memory.unwatched(act);
  }
}

kernelText(Signals);

function dispositionOf(handler: bigint): Disposition {
  if (handler === BigInt(SIG_DFL)) return 'default';
  return handler === BigInt(SIG_IGN) ? 'ignore' : 'handler';
}

/** next_signal() */
function nextOf(pending: bigint): number {
  if (pending === 0n) return 0;
  const faults = pending & SYNCHRONOUS_MASK;
  const set = faults === 0n ? pending : faults;
  for (let sig = 1; ; sig++) {
    if ((set & sigmask(sig)) !== 0n) return sig;
  }
}
