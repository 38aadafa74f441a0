import type { Sim } from '../../sim/request.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Task } from '../task.ts';

/** What processes need of the descriptor tables. kernel/fs/close.ts */
export interface FilesForProcess {
  /** Gives `child` the current task's table, or a copy of it: 0 or -errno. Point K5. */
  copy_files(child: Task, flags: number): Sim<number>;
  /** Drops the task's table. Point X4. */
  exit_files(task: Task): Sim<void>;
  /** Makes the current task's table its own: 0 or -errno. */
  unshare_files(): Sim<number>;
  /** Point E4, once for each descriptor. */
  do_close_on_exec(): Sim<void>;
}

/** A descriptor that is reserved, and its file, which is not installed yet. */
export interface NewPidfd {
  readonly fd: number;
  readonly file: number;
}

/** What clone() needs of pidfds: CLONE_PIDFD. kernel/fs/pidfd.ts */
export interface PidfdsForProcess {
  /** For the process that `child` leads, or this thread alone: PIDFD_THREAD. Or -errno. */
  pidfd_prepare(child: Task, flags: number): Sim<NewPidfd | number>;
  /** The child is published. */
  pidfd_install(made: NewPidfd, pid: number): Sim<void>;
  /** It never will be. */
  pidfd_abandon(made: NewPidfd): Sim<void>;
}

/** What processes need of signals. kernel/signal.ts */
export interface SignalsForProcess {
  /** Sends to the task's whole group. */
  send_sig(sig: number, task: Task): unknown;
  signal_pending(task: Task): boolean;
  fatal_signal_pending(task: Task): boolean;
  /** Takes the current task's signals: the one that kills it, or 0 where it lives on. */
  get_signal(): Sim<number>;
  /** Set by Syscalls: told where a signal is taken for a handler. */
  onHandler: (task: Task, sig: number) => void;
}

/** What else happens when processes come and go. Set once, at boot; all may be left out. */
export interface ProcessHooks {
  /** A system call begins. raw_syscalls:sys_enter */
  sys_enter?: (row: SyscallRow, args: readonly number[]) => Sim<void>;
  /** It ends. raw_syscalls:sys_exit */
  sys_exit?: (row: SyscallRow, result: number) => Sim<void>;
  /** Point K10: the child is published and does not run yet. */
  task_newtask?: (child: Task, flags: number) => Sim<void>;
  /** Before the point of no return. */
  sched_prepare_exec?: (task: Task) => Sim<void>;
  /** Point E6. */
  sched_process_exec?: (task: Task) => Sim<void>;
  /** Point E7. */
  afterExec?: (task: Task) => Sim<void>;
  /** Point X2: the address space is still there. `code` is as wait4() reports it. */
  sched_process_exit?: (task: Task, code: number) => Sim<void>;
  /** A task is about to leave for user mode: checkers. */
  leaving?: (task: Task) => void;
  /** It is about to leave its CPU for the last time: checkers. */
  dying?: (task: Task) => void;
  /** Its memory is about to be freed. */
  freeing?: (task: Task) => void;
}

/** What a new task does in user mode. Its number is the exit code; nothing is 0. */
export interface UserBody {
  readonly run: (task: Task) => Sim<number | void>;
  /** Default: the parent's path and a number, `A/child#1`. */
  readonly path?: string;
  /** The word in the default path; default `child`, or `thread`. */
  readonly label?: string;
  /** Default: the parent's. */
  readonly comm?: string;
}
