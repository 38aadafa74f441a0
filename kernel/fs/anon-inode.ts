import { kernelText, type Sim } from '../../sim/request.ts';
import type { FileOps } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { DriverParts } from './driver.ts';
import { file as fileStruct, FMODE_LSEEK, FMODE_STREAM } from './structs.ts';
import { O_ACCMODE, O_NONBLOCK } from './uapi.ts';

export interface AnonFile {
  readonly ops: FileOps;
  /** O_RDWR, O_NONBLOCK, O_CLOEXEC. */
  readonly flags: number;
  readonly privateData: number;
}

/** Files that no path leads to and that have no inode of their own. fs/anon_inodes.c */
export class AnonInodes {
  readonly #machine: Machine;
  readonly #parts: Pick<DriverParts, 'tables' | 'files'>;

  constructor(machine: Machine, parts: Pick<DriverParts, 'tables' | 'files'>) {
    this.#machine = machine;
    this.#parts = parts;
  }

  /** A file with one reference, or -errno. */
  *anon_inode_getfile({ ops, flags, privateData }: AnonFile): Sim<number> {
    const kept = flags & (O_ACCMODE | O_NONBLOCK);
    const made = yield* this.#parts.files.alloc_file({ ops, flags: kept, privateData });
    if (made > 0 && ops.llseek) {
      const file = fileStruct.at(this.#machine.memory, made);
      file.f_mode = (file.f_mode & ~FMODE_STREAM) | FMODE_LSEEK;
    }
    return made;
  }

  /** A descriptor, or -errno: then `privateData` is still the caller's. */
  *anon_inode_getfd(wanted: AnonFile): Sim<number> {
    const { tables } = this.#parts;
    const fd = yield* tables.get_unused_fd_flags(wanted.flags);
    if (fd < 0) return fd;
    const file = yield* this.anon_inode_getfile(wanted);
    if (file < 0) {
      yield* tables.put_unused_fd(fd);
      return file;
    }
    yield* tables.fd_install(fd, file);
    return fd;
  }
}

kernelText(AnonInodes);
