import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Creds } from '../cred.ts';
import { E2BIG, EAGAIN, EFAULT, ENAMETOOLONG, ENOENT, ENOMEM, ERESTARTNOINTR } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Mutexes } from '../locks/mutex.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Sched } from '../sched.ts';
import type { Security } from '../security.ts';
import { signal_struct } from '../structs.ts';
import type { Syscalls } from '../syscall.ts';
import { EXIT_DEAD, TASK_KILLABLE, TASK_RUNNING, type Task } from '../task.ts';
import type { Tasks } from '../tasks.ts';
import { sched_process_exec, task_rename } from '../trace-events.ts';
import { BprmMemory, traceRename } from '../trace-sites.ts';
import type { Exits } from './exit.ts';
import type { FilesForProcess, ProcessHooks, SignalsForProcess } from './ports.ts';
import type { RegisteredMemory } from './registered-memory.ts';
import type { Shared } from './shared.ts';
import {
  PF_FORKNOEXEC,
  SIGCHLD,
  SIGNAL_GROUP_EXIT,
  SIGSEGV,
  SUID_DUMP_DISABLE,
  SUID_DUMP_USER,
  sigmask,
} from './uapi.ts';

const GUARD = site('prepare_bprm_creds', 'lock');
const UNGUARD = site('bprm_execve', 'unlock');
const E1 = site('begin_new_exec', 'E1');
const E2 = site('de_thread', 'E2');
const E3 = site('begin_new_exec', 'E3');
const E5 = site('exec_mmap', 'E5');
const UPDATED = site('setup_new_exec', 'unlock');
const E6 = site('bprm_execve', 'E6');
const E7 = site('bprm_execve', 'E7');

const cred_guard_mutex = lockClass('&sig->cred_guard_mutex', 'mutex');
const exec_update_lock = lockClass('&sig->exec_update_lock', 'rwsem');

const PATH_MAX = 4_096;
/** Arguments and their bytes: far below Linux's, far above a scenario's. MAX_ARG_STRINGS */
const ARGS_MAX = 1_024;
const MAX_ARG_STRLEN = 131_072;

/** A program: what a process does once it has executed it. Its number is the exit code. */
export type Image = (argv: readonly string[]) => Sim<number | void>;

export interface ExecParts {
  readonly tasks: Tasks;
  readonly creds: Creds;
  readonly security: Security;
  readonly shared: Shared;
  readonly exits: Exits;
  readonly registered: RegisteredMemory;
  readonly files: FilesForProcess;
  readonly signals: SignalsForProcess;
  readonly mutexes: Pick<Mutexes, 'mutex_lock' | 'mutex_lock_interruptible' | 'mutex_unlock'>;
  readonly user: UserMm;
  readonly syscalls: Syscalls;
  readonly hooks: ProcessHooks;
  /** Why a path that is no program cannot be executed: -ENOENT, -EACCES, -ENOTDIR. */
  readonly pathError: (path: string) => number;
}

/** What has been made ready before the point of no return: struct linux_binprm. */
export interface Binprm {
  readonly path: string;
  readonly argv: readonly string[];
  readonly image: Image;
  readonly mm: number;
  readonly cred: number;
  /** Its bytes, where somebody looks at them. */
  readonly memory: BprmMemory;
}

/** The address of what of it is in memory, or 0. */
export function bprmAddress(bprm: Binprm): number {
  return bprm.memory.get(bprm.path, bprm.argv.length, bprm);
}

/** execve. fs/exec.c, spec 00 R38 to R41 */
export class Execs {
  readonly #machine: Machine;
  readonly #sched: Sched;
  readonly #parts: ExecParts;
  /** Programs by path. */
  readonly images = new Map<string, Image>([
    [
      '/bin/true',
      function* () {
        return 0;
      },
    ],
  ]);
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, sched: Sched, parts: ExecParts) {
    this.#machine = machine;
    this.#sched = sched;
    this.#parts = parts;
    this.rows = [
      {
        nr: 59,
        name: 'execve',
        args: ['filename', 'argv_addr', 'envp_addr'],
        run: (path, argv) => this.do_execve(path!, argv ?? 0),
      },
    ];
  }

  /** 0 where the task has become the program: then its caller is never returned to. */
  *do_execve(filename: number, argvAddr: number): Sim<number> {
    const path = yield* this.#parts.user.strncpy_from_user(filename, PATH_MAX);
    if (typeof path === 'number') return path;
    if (path === '') return -ENOENT;
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    const image = this.images.get(path);
    if (!image) return this.#parts.pathError(path);
    const argv = yield* this.copy_strings(argvAddr);
    if (typeof argv === 'number') return argv;
    const task = this.#sched.current;
    const { mutexes, user, creds } = this.#parts;
    const guard = task.s.signal + signal_struct.off.cred_guard_mutex;
    if ((yield* mutexes.mutex_lock_interruptible(cred_guard_mutex, guard, GUARD)) !== 0) {
      return -ERESTARTNOINTR;
    }
    const cred = creds.prepare();
    const mm = cred === 0 ? 0 : user.create();
    let result = -ENOMEM;
    const memory = new BprmMemory(this.#machine);
    if (mm !== 0) result = yield* this.bprm_execve({ path, argv, image, mm, cred, memory });
    else if (cred !== 0) creds.abort_creds(cred);
    yield* mutexes.mutex_unlock(cred_guard_mutex, guard, UNGUARD);
    memory.free();
    return result;
  }

  /** The strings of a NULL-terminated array of user pointers, or -errno. */
  *copy_strings(addr: number): Sim<readonly string[] | number> {
    const { user } = this.#parts;
    const strings: string[] = [];
    while (addr !== 0) {
      if (strings.length === ARGS_MAX) return -E2BIG;
      const bytes = yield* user.copy_from_user(addr + strings.length * 8, 8);
      if (bytes === null) return -EFAULT;
      const at = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      if (at === 0) break;
      const text = yield* user.strncpy_from_user(at, MAX_ARG_STRLEN);
      if (typeof text === 'number') return text;
      if (text.length >= MAX_ARG_STRLEN) return -E2BIG;
      strings.push(text);
    }
    return strings;
  }

  *bprm_execve(bprm: Binprm): Sim<number> {
    const task = this.#sched.current;
    const { hooks, syscalls, security } = this.#parts;
    if (security.isOn) {
      const refused = yield* this.#refused(bprm);
      if (refused !== 0) return refused;
    }
    if (hooks.sched_prepare_exec) yield* hooks.sched_prepare_exec(task);
    const oldPid = task.pid;
    const result = yield* this.begin_new_exec(task, bprm);
    if (result < 0) {
      this.#force_fatal_sig(task, SIGSEGV);
      return result;
    }
    yield* step(E6);
    if (hooks.sched_process_exec) yield* hooks.sched_process_exec(task);
    const { tracepoints } = this.#machine;
    if (tracepoints.isOn(sched_process_exec)) {
      const at = bprmAddress(bprm);
      if (at !== 0) yield* tracepoints.trace(sched_process_exec, [task.addr, oldPid, at]);
    }
    yield* step(E7);
    this.#parts.registered.bpf_user_writable_free(task);
    if (hooks.afterExec) yield* hooks.afterExec(task);
    syscalls.start_thread(task, () => this.#userMode(bprm));
    return 0;
  }

  /** What security modules say, while the caller can still be told. */
  *#refused(bprm: Binprm): Sim<number> {
    const { security, creds, user } = this.#parts;
    let result = yield* security.security_bprm_creds_for_exec(bprm);
    if (result === 0) result = yield* security.security_bprm_check(bprm);
    if (result === 0) return 0;
    creds.abort_creds(bprm.cred);
    yield* user.mmput(bprm.mm);
    return result;
  }

  /** From the point of no return on: an error kills the task. */
  *begin_new_exec(task: Task, bprm: Binprm): Sim<number> {
    const { files, shared, creds, mutexes, security } = this.#parts;
    const update = task.s.signal + signal_struct.off.exec_update_lock;
    yield* step(E1);
    this.#machine.remark(() => `${bprm.path}: no return from here`);
    const { mm, cred } = bprm;
    let result = yield* this.de_thread(task);
    if (result === 0) {
      yield* step(E3);
      result = yield* files.unshare_files();
    }
    if (result < 0) {
      creds.abort_creds(cred);
      yield* this.#parts.user.mmput(mm);
      return result;
    }
    const { registered } = this.#parts;
    if (registered.isFixed) registered.bpf_user_writable_free(task); // while it is of this memory
    yield* files.do_close_on_exec();
    yield* this.exec_mmap(task, mm);
    result = shared.unshare_sighand(task);
    if (result === 0 && this.#machine.tracepoints.isOn(task_rename)) {
      yield* traceRename(this.#machine, task, nameOf(bprm.path));
    }
    if (result === 0) {
      if (security.isOn) yield* security.security_bprm_committing_creds(bprm);
      this.#setup_new_exec(task, bprm);
      if (security.isOn) yield* security.security_bprm_committed_creds(bprm);
    } else {
      creds.abort_creds(cred);
    }
    yield* mutexes.mutex_unlock(exec_update_lock, update, UPDATED);
    return result;
  }

  /**
   * Kills the other threads and waits until they are gone; a thread that is not the leader takes
   * the leader's pid and place. 0, or -EAGAIN where the task itself is killed meanwhile.
   */
  *de_thread(task: Task): Sim<number> {
    yield* step(E2);
    const { tasks, exits, shared, signals } = this.#parts;
    const signal = shared.signalOf(task);
    const started = this.#atomic(() => {
      if (signal.flags & SIGNAL_GROUP_EXIT || signal.group_exec_task !== 0) return false;
      const alone = tasks.threadsOf(task).length === 1;
      if (alone) return true;
      signal.group_exec_task = task.addr;
      const others = exits.zap_other_threads(task);
      signal.notify_count = task.s.group_leader === task.addr ? others : others - 1;
      return true;
    });
    if (!started) return -EAGAIN;
    const killed = (): boolean => this.#atomic(() => signals.fatal_signal_pending(task));
    while (this.#sleepWhile(task, () => signal.notify_count !== 0)) {
      if (killed()) return this.#abandonExec(task);
      yield* this.#sched.schedule();
    }
    const leader = tasks.leaderOf(task);
    if (leader !== task) {
      this.#atomic(() => (signal.notify_count = -1));
      while (this.#sleepWhile(task, () => leader.s.exit_state === 0)) {
        if (killed()) return this.#abandonExec(task);
        yield* this.#sched.schedule();
      }
      this.#takeOver(task, leader);
    }
    this.#atomic(() => {
      signal.group_exec_task = 0;
      signal.notify_count = 0;
      task.s.exit_signal = SIGCHLD;
    });
    return 0;
  }

  /** Sets the state to sleep in; false, and running, where there is nothing to wait for. */
  #sleepWhile(task: Task, condition: () => boolean): boolean {
    return this.#atomic(() => {
      const wait = condition();
      task.s.__state = wait ? TASK_KILLABLE : TASK_RUNNING;
      return wait;
    });
  }

  #abandonExec(task: Task): number {
    return this.#atomic(() => {
      const signal = this.#parts.shared.signalOf(task);
      task.s.__state = TASK_RUNNING;
      signal.group_exec_task = 0;
      signal.notify_count = 0;
      return -EAGAIN;
    });
  }

  #takeOver(task: Task, leader: Task): void {
    const { tasks } = this.#parts;
    this.#atomic(() => {
      task.s.start_time = leader.s.start_time;
      tasks.takeOver(task, leader);
      leader.s.exit_state = EXIT_DEAD;
      tasks.release_task(leader);
    });
    this.#machine.remark(() => `${task.path} is pid ${task.pid} now`);
  }

  /** The old address space goes; who waits in vfork() for that goes on. */
  *exec_mmap(task: Task, mm: number): Sim<void> {
    const { mutexes, exits, user, tasks } = this.#parts;
    const update = task.s.signal + signal_struct.off.exec_update_lock;
    yield* mutexes.mutex_lock(exec_update_lock, update, E5);
    yield* exits.mm_release(task);
    const old = task.s.mm;
    tasks.initMm(task, mm);
    this.#machine.remark(() => 'new address space');
    if (old !== 0) yield* user.mmput(old);
  }

  /** Handlers, name, credentials. What is not named here stays: spec 00 R41. */
  #setup_new_exec(task: Task, { path, cred }: Binprm): void {
    const { shared, creds } = this.#parts;
    this.#atomic(() => {
      shared.sighandOf(task).handled = 0n;
      task.setComm(nameOf(path));
      task.s.flags &= ~PF_FORKNOEXEC;
      creds.commit_creds(cred, creds.execCreds());
      const { uid, euid, gid, egid } = creds.of(task);
      const plain = uid === euid && gid === egid;
      creds.setDumpable(task, plain ? SUID_DUMP_USER : SUID_DUMP_DISABLE);
    });
  }

  /** No handler and no mask keeps it off. kernel/signal.c: force_fatal_sig() */
  #force_fatal_sig(task: Task, sig: number): void {
    this.#atomic(() => {
      const sighand = this.#parts.shared.sighandOf(task);
      const bit = sigmask(sig);
      sighand.handled &= ~bit;
      sighand.ignored &= ~bit;
      task.s.blocked &= ~bit;
      task.s.pending |= bit;
    });
  }

  *#userMode({ image, argv }: Binprm): Sim<void> {
    const code = (yield* image(argv)) ?? 0;
    yield* this.#parts.syscalls.invoke('exit_group', code);
  }

  /** What tasklist_lock and siglock would cover. */
  #atomic<T>(act: () => T): T {
    return this.#machine.memory.unwatched(act);
  }
}

kernelText(Execs);

/** kbasename() */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
