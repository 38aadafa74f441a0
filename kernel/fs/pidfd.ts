import { ptr, s32, struct, u32 } from '../../base/layout.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EBADF, EINVAL, ENOENT, ENOMEM, EPERM, ESRCH } from '../errno.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Machine } from '../machine.ts';
import type { Security } from '../security.ts';
import type { NewPidfd, PidfdsForProcess } from '../process/ports.ts';
import { signal_struct } from '../structs.ts';
import { PF_EXITING, type Task } from '../task.ts';
import type { AnonInodes } from './anon-inode.ts';
import { POLLHUP, POLLIN, privateOf, type DriverParts } from './driver.ts';
import type { FileTable } from './file.ts';
import type { Lookup } from './lookup.ts';
import { file as fileStruct } from './structs.ts';
import { O_CLOEXEC, O_EXCL, O_NONBLOCK, O_RDWR } from './uapi.ts';

/** include/uapi/linux/pidfd.h */
export const PIDFD_NONBLOCK = O_NONBLOCK;
export const PIDFD_THREAD = O_EXCL;

const FIND = site('pidfd_open', 'find');
const TASK = site('pidfd_getfd', 'task');
const LOCK = site('__pidfd_fget', 'lock');
const UNLOCK = site('__pidfd_fget', 'unlock');
const EXITING = site('__pidfd_fget', 'exiting');

const exec_update_lock = lockClass('&sig->exec_update_lock', 'rwsem');

/**
 * What outlives the task: include/linux/pid.h, as far as a pidfd asks. Each pidfd has its own here.
 * A process is known by its signal_struct, which exec by a thread does not replace; a thread by
 * its task_struct. Both by address and allocation, so that a pid given out again is another.
 */
export const pid_struct = struct('pid', {
  count: s32,
  nr: s32, // 0 until clone() has published the task
  owner: ptr('void'),
  generation: u32,
  is_thread: u32,
});

export interface PidfdParts extends Pick<DriverParts, 'kasan' | 'mutexes' | 'tables'> {
  readonly anon: Pick<AnonInodes, 'anon_inode_getfile'>;
  readonly files: Pick<FileTable, 'fput' | 'opsOf' | 'get_file'>;
  readonly lookup: Pick<Lookup, 'fdget' | 'fdput' | 'fget_task'>;
  readonly security: Security;
  readonly tasks: {
    byPid(pid: number): Task | undefined;
    get_task_struct(task: Task): void;
    put_task_struct(task: Task): void;
  };
  /** PTRACE_MODE_ATTACH_REALCREDS. kernel/cred.ts */
  readonly ptrace_may_access: (task: Task) => boolean;
}

/** A process as a descriptor, and a descriptor of another process. kernel/pid.c, kernel/fork.c */
export class Pidfds implements PidfdsForProcess {
  readonly #machine: Machine;
  readonly #parts: PidfdParts;
  readonly rows: readonly SyscallRow[];
  readonly ops: FileOps = {
    name: 'pidfd_fops',
    module: '',
    release: (file) => this.pidfd_release(file),
    poll: (file) => this.#poll(file),
  };

  constructor(machine: Machine, parts: PidfdParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      {
        nr: 434,
        name: 'pidfd_open',
        args: ['pid', 'flags'],
        run: (pid, flags) => this.sys_pidfd_open(pid! | 0, flags! >>> 0),
      },
      {
        nr: 438,
        name: 'pidfd_getfd',
        args: ['pidfd', 'fd', 'flags'],
        run: (pidfd, fd, flags) => this.sys_pidfd_getfd(pidfd! | 0, fd! | 0, flags! >>> 0),
      },
    ];
  }

  /** PIDFD_THREAD came in 2024, and since 2025 a pid that leads no process is -ENOENT. */
  *sys_pidfd_open(nr: number, flags: number): Sim<number> {
    const old = this.#machine.profile === 'v6.1';
    if (flags & ~(old ? PIDFD_NONBLOCK : PIDFD_NONBLOCK | PIDFD_THREAD)) return -EINVAL;
    if (nr <= 0) return -EINVAL;
    yield* step(FIND);
    const task = this.#parts.tasks.byPid(nr);
    if (!task) return -ESRCH;
    const leads = this.#machine.memory.unwatched(() => task.s.group_leader === task.addr);
    if ((flags & PIDFD_THREAD) === 0 && !leads) return old ? -EINVAL : -ENOENT;
    const made = yield* this.pidfd_prepare(task, flags);
    if (typeof made === 'number') return made;
    yield* this.pidfd_install(made, nr);
    return made.fd;
  }

  /**
   * A reserved descriptor and a file that stands for `task`, or -errno. The task may be gone as
   * soon as anything else runs: it is not asked again.
   */
  *pidfd_prepare(task: Task, flags = 0): Sim<NewPidfd | number> {
    const { tables, anon, kasan } = this.#parts;
    const pid = this.#newPid(task, (flags & PIDFD_THREAD) !== 0);
    if (pid === 0) return -ENOMEM;
    const fd = yield* tables.get_unused_fd_flags(O_CLOEXEC);
    if (fd < 0) {
      kasan.free(pid);
      return fd;
    }
    const open = O_RDWR | O_CLOEXEC | (flags & PIDFD_NONBLOCK);
    const file = yield* anon.anon_inode_getfile({ ops: this.ops, flags: open, privateData: pid });
    if (file < 0) {
      kasan.free(pid);
      yield* tables.put_unused_fd(fd);
      return file;
    }
    if (flags & PIDFD_THREAD) {
      fileStruct.at(this.#machine.memory, file).f_flags |= PIDFD_THREAD;
    }
    return { fd, file };
  }

  /** The task has its pid by now. */
  *pidfd_install({ fd, file }: NewPidfd, nr: number): Sim<void> {
    this.#pidOf(file).nr = nr;
    yield* this.#parts.tables.fd_install(fd, file);
  }

  /** Of a task that is not made after all. */
  *pidfd_abandon({ fd, file }: NewPidfd): Sim<void> {
    yield* this.#parts.files.fput(file);
    yield* this.#parts.tables.put_unused_fd(fd);
  }

  *sys_pidfd_getfd(pidfd: number, fd: number, flags: number): Sim<number> {
    if (flags !== 0) return -EINVAL;
    const { lookup, files } = this.#parts;
    const found = yield* lookup.fdget(pidfd);
    if (found.file === 0) return -EBADF;
    let result = -EBADF;
    if (files.opsOf(found.file) === this.ops) result = yield* this.pidfd_getfd(found.file, fd);
    yield* lookup.fdput(found);
    return result;
  }

  *pidfd_getfd(pidfile: number, fd: number): Sim<number> {
    yield* step(TASK);
    const { tasks, files } = this.#parts;
    const task = this.#taskOf(this.#pidOf(pidfile));
    if (!task) return -ESRCH;
    tasks.get_task_struct(task);
    const file = yield* this.__pidfd_fget(task, fd);
    tasks.put_task_struct(task);
    if (file < 0) return file;
    const result = yield* this.receive_fd(file);
    yield* files.fput(file);
    return result;
  }

  /** The task that a descriptor is of, with a reference; or -errno. kernel/pid.c */
  *pidfd_get_task(pidfd: number): Sim<Task | number> {
    const { lookup, files, tasks } = this.#parts;
    const found = yield* lookup.fdget(pidfd);
    const isPidfd = found.file !== 0 && files.opsOf(found.file) === this.ops;
    const task = isPidfd ? this.#taskOf(this.#pidOf(found.file)) : undefined;
    if (task) tasks.get_task_struct(task);
    yield* lookup.fdput(found);
    return task ?? (isPidfd ? -ESRCH : -EBADF);
  }

  /**
   * Another task's file with a reference, or -errno. v6.1 gives -EBADF also for a task that has
   * dropped its table on its way out. Spec 00 R18.
   */
  *__pidfd_fget(task: Task, fd: number): Sim<number> {
    const { mutexes, lookup, ptrace_may_access } = this.#parts;
    const { memory } = this.#machine;
    const signal = memory.unwatched(() => task.s.signal);
    const update = signal + signal_struct.off.exec_update_lock;
    yield* mutexes.mutex_lock(exec_update_lock, update, LOCK);
    const file = ptrace_may_access(task) ? yield* lookup.fget_task(task, fd) : -EPERM;
    yield* mutexes.mutex_unlock(exec_update_lock, update, UNLOCK);
    if (file !== 0) return file;
    yield* step(EXITING);
    const exiting = memory.unwatched(() => (task.s.flags & PF_EXITING) !== 0);
    return exiting && this.#machine.profile !== 'v6.1' ? -ESRCH : -EBADF;
  }

  /** A descriptor of the current task for a file that the caller has a reference of. fs/file.c */
  *receive_fd(file: number): Sim<number> {
    const { tables, files, security } = this.#parts;
    if (security.isOn) {
      const refused = yield* security.security_file_receive(file);
      if (refused !== 0) return refused;
    }
    const fd = yield* tables.get_unused_fd_flags(O_CLOEXEC);
    if (fd < 0) return fd;
    yield* files.get_file(file);
    yield* tables.fd_install(fd, file);
    return fd;
  }

  *pidfd_release(file: number): Sim<number> {
    const pid = this.#pidOf(file);
    pid.count -= 1;
    if (pid.count === 0) this.#parts.kasan.free(pid.addr);
    return 0;
  }

  /** Readable once the process has ended, or the thread. v7.2 says POLLHUP once it is reaped. */
  #poll(file: number): number {
    const { memory } = this.#machine;
    const pid = this.#pidOf(file);
    const task = this.#taskOf(pid);
    if (!task) return this.#machine.profile === 'v6.1' ? POLLIN : POLLIN | POLLHUP;
    return memory.unwatched(() => {
      const alone = signal_struct.at(memory, task.s.signal).nr_threads === 1;
      return task.s.exit_state !== 0 && (pid.is_thread !== 0 || alone) ? POLLIN : 0;
    });
  }

  #pidOf(file: number): ReturnType<typeof pid_struct.at> {
    return pid_struct.at(this.#machine.memory, privateOf(this.#machine, file));
  }

  /** What stands for a task from now on, or 0. */
  #newPid(task: Task, isThread: boolean): number {
    const { memory, slab } = this.#machine;
    const addr = this.#machine.mayAlloc('pidfd') ? slab.kzalloc(pid_struct.sizeBytes) : 0;
    if (addr === 0) return 0;
    const pid = pid_struct.at(memory, addr);
    pid.count = 1;
    pid.is_thread = isThread ? 1 : 0;
    pid.owner = this.#ownerOf(task, isThread);
    pid.generation = slab.generationOf(pid.owner);
    return addr;
  }

  #ownerOf(task: Task, isThread: boolean): number {
    return this.#machine.memory.unwatched(() => (isThread ? task.addr : task.s.signal));
  }

  /** The task it stands for, until that is reaped. */
  #taskOf(pid: ReturnType<typeof pid_struct.at>): Task | undefined {
    const task = this.#parts.tasks.byPid(pid.nr);
    if (!task) return undefined;
    const owner = this.#ownerOf(task, pid.is_thread !== 0);
    const same = owner === pid.owner && this.#machine.slab.generationOf(owner) === pid.generation;
    return same ? task : undefined;
  }
}

kernelText(Pidfds);
