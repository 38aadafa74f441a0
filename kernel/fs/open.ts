import { kernelText, type Sim } from '../../sim/request.ts';
import type { Cpus } from '../cpu.ts';
import { EBADF, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR } from '../errno.ts';
import type { FileOps, SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { Modules } from '../module.ts';
import type { Security } from '../security.ts';
import type { FdTables } from './fdtable.ts';
import type { FileTable } from './file.ts';
import {
  AT_FDCWD,
  __O_SYNC,
  __O_TMPFILE,
  FASYNC,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_LARGEFILE,
  O_NOATIME,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
} from './uapi.ts';

const PATH_MAX = 4_096;

/** Every flag that open(2) knows; it drops the others silently. VALID_OPEN_FLAGS */
const VALID_FLAGS =
  O_ACCMODE |
  O_CREAT |
  O_EXCL |
  O_NOCTTY |
  O_TRUNC |
  O_APPEND |
  O_NONBLOCK |
  O_DSYNC |
  O_SYNC |
  FASYNC |
  O_DIRECT |
  O_LARGEFILE |
  O_DIRECTORY |
  O_NOFOLLOW |
  O_NOATIME |
  O_CLOEXEC |
  O_PATH |
  O_TMPFILE;
/** What O_PATH lets stand. O_PATH_FLAGS */
const PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH;
/** What the file does not remember. do_dentry_open() */
const PASSING_FLAGS = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC;

/** What stands at a path. The inode, where there is one, comes with a reference for the caller. */
export interface Resolved {
  readonly ops: FileOps;
  readonly inode: number;
  /** S_IFMT bits. */
  readonly type: number;
  /** For private_data. */
  readonly privateData?: number;
}

export interface OpenParts {
  readonly tables: FdTables;
  readonly files: FileTable;
  readonly modules: Modules;
  readonly security: Security;
  readonly user: { strncpy_from_user(addr: number, max: number): Sim<string | number> };
  /** The name space: what a path leads to, or -errno. Creates it where the flags say so. */
  readonly paths: { resolve(path: string, flags: number, mode: number): Resolved | number };
}

/** open, openat, creat. fs/open.c */
export class Opening {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #parts: OpenParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, cpus: Cpus, parts: OpenParts) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#parts = parts;
    this.rows = [
      {
        nr: 2,
        name: 'open',
        args: ['filename', 'flags', 'mode'],
        run: (name, flags, mode) => this.do_sys_openat2(AT_FDCWD, name!, flags! | 0, mode ?? 0),
      },
      {
        nr: 257,
        name: 'openat',
        args: ['dfd', 'filename', 'flags', 'mode'],
        run: (dfd, name, flags, mode) =>
          this.do_sys_openat2(dfd! | 0, name!, flags! | 0, mode ?? 0),
      },
      {
        nr: 85,
        name: 'creat',
        args: ['pathname', 'mode'],
        run: (name, mode) => this.do_sys_openat2(AT_FDCWD, name!, O_CREAT | 1 | O_TRUNC, mode ?? 0),
      },
    ];
  }

  *do_sys_openat2(dfd: number, name: number, given: number, mode: number): Sim<number> {
    const flags = buildFlags(given);
    if (flags < 0) return flags;
    const path = yield* this.getname(name);
    if (typeof path === 'number') return path;
    const { tables } = this.#parts;
    const fd = yield* tables.get_unused_fd_flags(given);
    if (fd < 0) return fd;
    const file = yield* this.do_filp_open(dfd, path, flags, mode);
    if (file < 0) {
      yield* tables.put_unused_fd(fd);
      return file;
    }
    yield* tables.fd_install(fd, file);
    return fd;
  }

  /** The path, or -EFAULT, -ENOENT where it is empty, -ENAMETOOLONG. */
  *getname(name: number): Sim<string | number> {
    const path = yield* this.#parts.user.strncpy_from_user(name, PATH_MAX);
    if (typeof path === 'number') return path;
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    return path === '' ? -ENOENT : path;
  }

  /** A file with one reference, or -errno. */
  *do_filp_open(dfd: number, path: string, flags: number, mode: number): Sim<number> {
    if (!path.startsWith('/') && dfd !== AT_FDCWD) {
      return this.#parts.tables.slot(this.#cpus.current.s.files, dfd) === 0 ? -EBADF : -ENOTDIR;
    }
    const found = this.#parts.paths.resolve(path, flags, mode);
    if (typeof found === 'number') return found;
    const { files, modules, security } = this.#parts;
    const { ops } = found;
    const file = yield* files.alloc_file({ ...found, flags: flags & ~PASSING_FLAGS });
    const { inode } = found;
    if (inode !== 0) files.iput(inode);
    if (file < 0 || flags & O_PATH) return file;
    let result = security.isOn ? yield* security.security_file_open(file) : 0;
    if (result === 0) {
      if (!ops.open) return file;
      modules.callable(ops.module);
      result = yield* ops.open(file);
    }
    if (result < 0) {
      files.abandon(file);
      yield* files.fput(file);
      return result;
    }
    this.#machine.remark(() => `${path} opened`);
    return file;
  }
}

kernelText(Opening);

/** The flags that the lookup goes by, or -EINVAL. build_open_how(), build_open_flags() */
function buildFlags(given: number): number {
  let flags = ((given & VALID_FLAGS) | O_LARGEFILE) & ~O_CLOEXEC;
  if (flags & __O_SYNC) flags |= O_DSYNC;
  if (flags & O_PATH) return flags & PATH_FLAGS;
  if ((flags & (O_CREAT | O_DIRECTORY)) === (O_CREAT | O_DIRECTORY)) return -EINVAL;
  if (flags & __O_TMPFILE && ((flags & O_DIRECTORY) === 0 || (flags & O_ACCMODE) === 0)) {
    return -EINVAL;
  }
  return flags;
}
