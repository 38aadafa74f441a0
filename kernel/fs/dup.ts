import { kernelText, RELEASE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { EBADF, EBUSY, EINVAL, EMFILE, EPERM } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Atomics } from '../locks/atomic.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Machine } from '../machine.ts';
import type { Security } from '../security.ts';
import type { Fd, FdCheckers } from './checkers.ts';
import type { Closing } from './close.ts';
import { file_lock, type FdTables } from './fdtable.ts';
import { flagsOf } from './driver.ts';
import { f_lock, type FileTable } from './file.ts';
import type { Lookup } from './lookup.ts';
import { file as fileStruct, files_struct, FMODE_PATH } from './structs.ts';
import {
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GETFD,
  F_GETFL,
  F_GETOWN,
  F_SETFD,
  F_SETFL,
  F_SETOWN,
  FASYNC,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_DIRECT,
  O_NOATIME,
  O_NONBLOCK,
} from './uapi.ts';

const LOCK = site('do_dup2', 'lock');
const SLOT = site('do_dup2', 'slot');
const UNLOCK = site('do_dup2', 'unlock');
const SETFL_LOCK = site('setfl', 'lock');
const SETFL_UNLOCK = site('setfl', 'unlock');

/** What F_SETFL may change. fs/fcntl.c */
const SETFL_MASK = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
const PIPE_OPS = 'pipefifo_fops';
/** Files with an inode of their maker's, and a fasync operation. */
const OWNED_OPS = new Set([PIPE_OPS, 'socket_file_ops']);
const CAP_FOWNER = 3;

export interface DupParts {
  readonly atomics: Atomics;
  readonly spinlocks: Spinlocks;
  readonly tables: FdTables;
  readonly files: FileTable;
  readonly lookup: Lookup;
  readonly closing: Closing;
  readonly checkers: FdCheckers;
  readonly security: Security;
  /** Of the current task. kernel/cred.ts */
  readonly capable: (cap: number) => boolean;
}

/** dup, dup2, dup3, fcntl. fs/file.c, fs/fcntl.c. Spec 00 R22. */
export class Dup {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #parts: DupParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, cpus: Cpus, parts: DupParts) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#parts = parts;
    this.rows = [
      { nr: 32, name: 'dup', args: ['fildes'], run: (fd) => this.sys_dup(fd! | 0) },
      {
        nr: 33,
        name: 'dup2',
        args: ['oldfd', 'newfd'],
        run: (oldfd, newfd) => this.sys_dup2(oldfd! | 0, newfd! | 0),
      },
      {
        nr: 292,
        name: 'dup3',
        args: ['oldfd', 'newfd', 'flags'],
        run: (oldfd, newfd, flags) => this.ksys_dup3(oldfd! | 0, newfd! | 0, flags! | 0),
      },
      {
        nr: 72,
        name: 'fcntl',
        args: ['fd', 'cmd', 'arg'],
        run: (fd, cmd, arg) => this.sys_fcntl(fd! | 0, cmd! >>> 0, arg ?? 0),
      },
    ];
  }

  *sys_dup(fildes: number): Sim<number> {
    const { lookup, tables, files } = this.#parts;
    const file = yield* lookup.fget_raw(fildes);
    if (file === 0) return -EBADF;
    const fd = yield* tables.get_unused_fd_flags(0);
    if (fd >= 0) yield* tables.fd_install(fd, file);
    else yield* files.fput(file);
    return fd;
  }

  *sys_dup2(oldfd: number, newfd: number): Sim<number> {
    if (oldfd !== newfd) return yield* this.ksys_dup3(oldfd, newfd, 0);
    return (yield* this.#parts.lookup.files_lookup_fd_rcu(oldfd)) ? oldfd : -EBADF;
  }

  *ksys_dup3(oldfd: number, newfd: number, flags: number): Sim<number> {
    const { tables, spinlocks } = this.#parts;
    if ((flags & ~O_CLOEXEC) !== 0) return -EINVAL;
    if (oldfd === newfd) return -EINVAL;
    if (newfd >>> 0 >= tables.limit()) return -EBADF;
    const files = this.#cpus.current.s.files;
    const lock = files + files_struct.off.file_lock;
    yield* spinlocks.spin_lock(file_lock, lock, LOCK);
    const grown = yield* tables.expand_files(files, newfd);
    const file = tables.slot(files, oldfd);
    if (file === 0 || grown < 0) {
      yield* spinlocks.spin_unlock(file_lock, lock, UNLOCK);
      return file === 0 || grown === -EMFILE ? -EBADF : grown;
    }
    return yield* this.do_dup2(files, file, newfd, flags);
  }

  /** Called with file_lock held; drops it. The displaced file is closed with a deferred put. */
  *do_dup2(files: number, file: number, fd: number, flags: number): Sim<number> {
    const { tables, spinlocks, closing, checkers } = this.#parts;
    const lock = files + files_struct.off.file_lock;
    const displaced = tables.slot(files, fd);
    const reserved = displaced === 0 && tables.isOpen(files, fd);
    if (reserved && !this.#machine.mutated('dup2.skip-reserved')) {
      yield* spinlocks.spin_unlock(file_lock, lock, UNLOCK);
      return -EBUSY;
    }
    yield* this.#parts.files.get_file(file);
    yield* this.#parts.atomics.writePtr(SLOT, tables.slotAddress(files, fd), file, RELEASE);
    if (displaced !== 0) checkers.removing(files, fd);
    tables.setOpen(files, fd, true);
    tables.setCloexec(files, fd, (flags & O_CLOEXEC) !== 0);
    this.#machine.remark(() => `slot ${fd} replaced`);
    yield* spinlocks.spin_unlock(file_lock, lock, UNLOCK);
    if (displaced !== 0) yield* closing.filp_close(displaced, files);
    return fd;
  }

  *sys_fcntl(fd: number, cmd: number, arg: number): Sim<number> {
    const { lookup } = this.#parts;
    const found = yield* lookup.fdget_raw(fd);
    if (found.file === 0) return -EBADF;
    const { f_mode } = fileStruct.at(this.#machine.memory, found.file);
    const known = this.#machine.profile !== 'v6.1' || !QUERIES.has(cmd);
    const allowed = (f_mode & FMODE_PATH) === 0 || (known && PATH_COMMANDS.has(cmd));
    let result = allowed ? -EINVAL : -EBADF;
    if (allowed) {
      const { security } = this.#parts;
      const refused = security.isOn ? yield* security.security_file_fcntl(found.file, cmd, arg) : 0;
      if (refused !== 0) result = refused;
      else if (known) result = yield* this.do_fcntl(found, cmd, arg);
    }
    yield* lookup.fdput(found);
    return result;
  }

  *do_fcntl(found: Fd, cmd: number, arg: number): Sim<number> {
    const { tables, lookup } = this.#parts;
    const { memory } = this.#machine;
    const file = fileStruct.at(memory, found.file);
    switch (cmd) {
      case F_DUPFD:
        return yield* this.f_dupfd(arg | 0, found.file, 0);
      case F_DUPFD_CLOEXEC:
        return yield* this.f_dupfd(arg | 0, found.file, O_CLOEXEC);
      case F_DUPFD_QUERY: {
        const other = yield* lookup.fdget_raw(arg | 0);
        if (other.file === 0) return -EBADF;
        yield* lookup.fdput(other);
        return other.file === found.file ? 1 : 0;
      }
      case F_CREATED_QUERY:
        return 0;
      case F_GETFD:
        return tables.readCloexec(found.files, found.fd) ? FD_CLOEXEC : 0;
      case F_SETFD:
        yield* tables.set_close_on_exec(found.fd, (arg & FD_CLOEXEC) !== 0);
        return 0;
      case F_GETFL:
        return flagsOf(this.#machine, found.file);
      case F_SETFL:
        return yield* this.setfl(file, arg);
      case F_GETOWN:
        return file.f_owner_pid;
      case F_SETOWN:
        file.f_owner_pid = arg | 0;
        return 0;
      default:
        return -EINVAL;
    }
  }

  *f_dupfd(from: number, file: number, flags: number): Sim<number> {
    const { tables, files } = this.#parts;
    const limit = tables.limit();
    if (from < 0 || from >>> 0 >= limit) return -EINVAL;
    const fd = yield* tables.alloc_fd(from, limit, flags);
    if (fd < 0) return fd;
    yield* files.get_file(file);
    yield* tables.fd_install(fd, file);
    return fd;
  }

  /** Readers of f_flags take no lock. fs/fcntl.c */
  *setfl(file: ReturnType<typeof fileStruct.at>, arg: number): Sim<number> {
    const { files, spinlocks, capable } = this.#parts;
    const { f_inode } = file;
    const f_flags = flagsOf(this.#machine, file.addr);
    const { name } = files.opsOf(file.addr);
    const owned = OWNED_OPS.has(name);
    if (arg & ~f_flags & O_NOATIME && !owned && f_inode === 0 && !capable(CAP_FOWNER)) {
      return -EPERM;
    }
    if (arg & O_DIRECT && name !== PIPE_OPS) return -EINVAL; // FMODE_CAN_ODIRECT: none has it
    const mask = owned ? SETFL_MASK | FASYNC : SETFL_MASK;
    const lock = file.addr + fileStruct.off.f_lock;
    yield* spinlocks.spin_lock(f_lock, lock, SETFL_LOCK);
    const now = (arg & mask) | (flagsOf(this.#machine, file.addr) & ~mask);
    this.#machine.memory.unwatched(() => (file.f_flags = now));
    yield* spinlocks.spin_unlock(f_lock, lock, SETFL_UNLOCK);
    return 0;
  }
}

kernelText(Dup);

/** Commands of 2024. */
const QUERIES = new Set([F_DUPFD_QUERY, F_CREATED_QUERY]);

/** What may be asked of a descriptor opened with O_PATH. check_fcntl_cmd() */
const PATH_COMMANDS = new Set([
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GETFD,
  F_SETFD,
  F_GETFL,
]);
