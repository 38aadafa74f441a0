import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EBADF, EFAULT, EINVAL, ENOIOCTLCMD, ENOTTY, ESPIPE } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import { access_ok } from '../mm/address-space.ts';
import type { Modules } from '../module.ts';
import { MAY_READ, MAY_WRITE, type Security } from '../security.ts';
import type { Fd } from './checkers.ts';
import {
  FIOCLEX,
  FIONBIO,
  FIONCLEX,
  FIONREAD,
  intAt,
  intBytes,
  type DriverParts,
} from './driver.ts';
import type { FdTables } from './fdtable.ts';
import { f_lock, type FileTable } from './file.ts';
import type { Lookup } from './lookup.ts';
import {
  file as fileStruct,
  FMODE_LSEEK,
  FMODE_READ,
  FMODE_WRITE,
  inode as inodeStruct,
} from './structs.ts';
import { O_NONBLOCK, S_IFMT, S_IFREG } from './uapi.ts';

const READ_OP = site('vfs_read', 'op');
const WRITE_OP = site('vfs_write', 'op');
const SEEK_OP = site('vfs_llseek', 'op');
const IOCTL_OP = site('vfs_ioctl', 'op');
const FIONBIO_LOCK = site('ioctl_fionbio', 'lock');
const FIONBIO_UNLOCK = site('ioctl_fionbio', 'unlock');

/** The most that one call moves. include/linux/fs.h */
const MAX_RW_COUNT = 0x7fff_f000;
/** SEEK_HOLE, the last one. */
const SEEK_MAX = 4;

export interface ReadWriteParts extends Pick<DriverParts, 'user' | 'spinlocks'> {
  readonly lookup: Pick<Lookup, 'fdget' | 'fdput' | 'fdget_pos' | 'fdput_pos' | 'use'>;
  readonly files: Pick<FileTable, 'opsOf'>;
  readonly tables: Pick<FdTables, 'set_close_on_exec'>;
  readonly modules: Pick<Modules, 'callable'>;
  readonly security: Security;
}

/** From a descriptor to the operation of its file. fs/read_write.c, fs/ioctl.c */
export class ReadWrite {
  readonly #machine: Machine;
  readonly #parts: ReadWriteParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, parts: ReadWriteParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.rows = [
      {
        nr: 0,
        name: 'read',
        args: ['fd', 'buf', 'count'],
        run: (fd, buf, count) => this.ksys_read(fd! | 0, buf!, count!),
      },
      {
        nr: 1,
        name: 'write',
        args: ['fd', 'buf', 'count'],
        run: (fd, buf, count) => this.ksys_write(fd! | 0, buf!, count!),
      },
      {
        nr: 8,
        name: 'lseek',
        args: ['fd', 'offset', 'whence'],
        run: (fd, offset, whence) => this.ksys_lseek(fd! | 0, offset!, whence! >>> 0),
      },
      {
        nr: 16,
        name: 'ioctl',
        args: ['fd', 'cmd', 'arg'],
        run: (fd, cmd, arg) => this.sys_ioctl(fd! | 0, cmd! >>> 0, arg!),
      },
    ];
  }

  *ksys_read(fd: number, buf: number, count: number): Sim<number> {
    const { lookup } = this.#parts;
    const pos = yield* lookup.fdget_pos(fd);
    if (pos.fd.file === 0) return -EBADF;
    yield* lookup.use(pos.fd);
    const result = yield* this.vfs_read(pos.fd.file, buf, count);
    yield* lookup.fdput_pos(pos);
    return result;
  }

  *vfs_read(file: number, buf: number, count: number): Sim<number> {
    if ((this.#modeOf(file) & FMODE_READ) === 0) return -EBADF;
    const { security } = this.#parts;
    const ops = this.#parts.files.opsOf(file);
    if (!ops.read) return -EINVAL;
    if (count < 0 || !access_ok(buf, count)) return -EFAULT;
    if (security.isOn) {
      const refused = yield* security.security_file_permission(file, MAY_READ);
      if (refused !== 0) return refused;
    }
    yield* step(READ_OP);
    this.#parts.modules.callable(ops.module);
    return yield* ops.read(file, buf, Math.min(count, MAX_RW_COUNT));
  }

  *ksys_write(fd: number, buf: number, count: number): Sim<number> {
    const { lookup } = this.#parts;
    const pos = yield* lookup.fdget_pos(fd);
    if (pos.fd.file === 0) return -EBADF;
    yield* lookup.use(pos.fd);
    const result = yield* this.vfs_write(pos.fd.file, buf, count);
    yield* lookup.fdput_pos(pos);
    return result;
  }

  *vfs_write(file: number, buf: number, count: number): Sim<number> {
    if ((this.#modeOf(file) & FMODE_WRITE) === 0) return -EBADF;
    const { security } = this.#parts;
    const ops = this.#parts.files.opsOf(file);
    if (!ops.write) return -EINVAL;
    if (count < 0 || !access_ok(buf, count)) return -EFAULT;
    if (security.isOn) {
      const refused = yield* security.security_file_permission(file, MAY_WRITE);
      if (refused !== 0) return refused;
    }
    yield* step(WRITE_OP);
    this.#parts.modules.callable(ops.module);
    return yield* ops.write(file, buf, Math.min(count, MAX_RW_COUNT));
  }

  *ksys_lseek(fd: number, offset: number, whence: number): Sim<number> {
    const { lookup } = this.#parts;
    const pos = yield* lookup.fdget_pos(fd);
    if (pos.fd.file === 0) return -EBADF;
    const result =
      whence > SEEK_MAX ? -EINVAL : yield* this.vfs_llseek(pos.fd.file, offset, whence);
    yield* lookup.fdput_pos(pos);
    return result;
  }

  *vfs_llseek(file: number, offset: number, whence: number): Sim<number> {
    const ops = this.#parts.files.opsOf(file);
    if ((this.#modeOf(file) & FMODE_LSEEK) === 0 || !ops.llseek) return -ESPIPE;
    yield* step(SEEK_OP);
    this.#parts.modules.callable(ops.module);
    return yield* ops.llseek(file, offset, whence);
  }

  /**
   * The whole call is one fdget() bracket: spec 00 R49. Linux touches the file no more once the
   * operation is done; it relies on it being there all the same, which is what the last use() asks.
   */
  *sys_ioctl(fd: number, cmd: number, arg: number): Sim<number> {
    const { lookup } = this.#parts;
    const found = yield* lookup.fdget(fd);
    if (found.file === 0) return -EBADF;
    yield* lookup.use(found);
    const { security } = this.#parts;
    let result = security.isOn ? yield* security.security_file_ioctl(found.file, cmd, arg) : 0;
    if (result === 0) {
      result = yield* this.do_vfs_ioctl(found, cmd, arg);
      if (result === -ENOIOCTLCMD) result = yield* this.vfs_ioctl(found.file, cmd, arg);
    }
    yield* lookup.use(found);
    yield* lookup.fdput(found);
    return result;
  }

  /** What works on every file. -ENOIOCTLCMD: ask the file. */
  *do_vfs_ioctl(fd: Fd, cmd: number, arg: number): Sim<number> {
    switch (cmd) {
      case FIOCLEX:
      case FIONCLEX:
        yield* this.#parts.tables.set_close_on_exec(fd.fd, cmd === FIOCLEX);
        return 0;
      case FIONBIO:
        return yield* this.ioctl_fionbio(fd.file, arg);
      case FIONREAD:
        return yield* this.#fionread(fd.file, arg);
      default:
        return -ENOIOCTLCMD;
    }
  }

  *vfs_ioctl(file: number, cmd: number, arg: number): Sim<number> {
    const ops = this.#parts.files.opsOf(file);
    if (!ops.unlocked_ioctl) return -ENOTTY;
    yield* step(IOCTL_OP);
    this.#parts.modules.callable(ops.module);
    const result = yield* ops.unlocked_ioctl(file, cmd, arg);
    return result === -ENOIOCTLCMD ? -ENOTTY : result;
  }

  *ioctl_fionbio(file: number, arg: number): Sim<number> {
    const { spinlocks, user } = this.#parts;
    const bytes = yield* user.copy_from_user(arg, 4);
    if (!bytes) return -EFAULT;
    const view = fileStruct.at(this.#machine.memory, file);
    const lock = file + fileStruct.off.f_lock;
    yield* spinlocks.spin_lock(f_lock, lock, FIONBIO_LOCK);
    this.#machine.memory.unwatched(() => {
      const flags = view.f_flags;
      view.f_flags = intAt(bytes, 0) === 0 ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    });
    yield* spinlocks.spin_unlock(f_lock, lock, FIONBIO_UNLOCK);
    return 0;
  }

  /** How much is left, of a plain file; others say so themselves. */
  *#fionread(file: number, arg: number): Sim<number> {
    const { memory } = this.#machine;
    const { f_inode } = fileStruct.at(memory, file);
    if (f_inode === 0) return -ENOIOCTLCMD;
    const inode = inodeStruct.at(memory, f_inode);
    if ((inode.i_mode & S_IFMT) !== S_IFREG) return -ENOIOCTLCMD;
    // Linux takes no lock for these two either.
    const rest = memory.unwatched(() => inode.i_size - fileStruct.at(memory, file).f_pos);
    return (yield* this.#parts.user.copy_to_user(arg, intBytes(rest))) > 0 ? -EFAULT : 0;
  }

  #modeOf(file: number): number {
    return fileStruct.at(this.#machine.memory, file).f_mode;
  }
}

kernelText(ReadWrite);
