import { kernelText, type Sim } from '../../sim/request.ts';
import { EACCES, EEXIST, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM } from '../errno.ts';
import type { FileOps, InodeKind } from '../hooks.ts';
import type { Machine } from '../machine.ts';
import type { Resolved } from './open.ts';
import { NAME_MAX, type Ramfs } from './ramfs.ts';
import { file as fileStruct, inode as inodeStruct } from './structs.ts';
import {
  O_ACCMODE,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_NOATIME,
  O_TMPFILE,
  O_TRUNC,
  S_IFDIR,
  S_IFREG,
} from './uapi.ts';

/** The directory of plain files. */
const TMP = '/tmp';
const CAP_FOWNER = 3;

export interface NamespaceParts {
  /** The fixed names: devices. */
  readonly kinds: readonly InodeKind[];
  readonly ramfs: Pick<Ramfs, 'lookup' | 'create' | 'newFile' | 'truncate' | 'ops'>;
  /** Of the current task: the fixed names belong to root. Default: no. kernel/cred.ts */
  readonly capable?: (cap: number) => boolean;
}

/**
 * What paths lead to. There are the directories of the fixed names, and /tmp; no links, no mounts,
 * no permissions but that only /tmp takes new files. fs/namei.c
 */
export class Namespace {
  readonly #machine: Machine;
  readonly #ramfs: NamespaceParts['ramfs'];
  readonly #capable: (cap: number) => boolean;
  readonly #kinds = new Map<string, InodeKind>();
  readonly #directories = new Set<string>(['', '/dev', TMP]);
  readonly dirOps: FileOps = {
    name: 'simple_dir_operations',
    module: '',
    iterates: true,
    read: () => this.generic_read_dir(),
    llseek: (file, offset, whence) => this.dcache_dir_lseek(file, offset, whence),
  };

  constructor(machine: Machine, { kinds, ramfs, capable = () => false }: NamespaceParts) {
    this.#machine = machine;
    this.#ramfs = ramfs;
    this.#capable = capable;
    this.add(kinds);
  }

  /** More fixed names, with the directories that lead there. Before boot. */
  add(kinds: readonly InodeKind[]): void {
    for (const kind of kinds) {
      this.#kinds.set(kind.path, kind);
      for (let at = kind.path.lastIndexOf('/'); at > 0; at = kind.path.lastIndexOf('/', at - 1)) {
        this.#directories.add(kind.path.slice(0, at));
      }
    }
  }

  /**
   * What stands at a path, as open(2) with these flags finds, makes or refuses it; or -errno. A
   * relative path starts at the root. path_openat(), do_open()
   */
  resolve(path: string, flags: number, mode: number): Resolved | number {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    const last = path.slice(path.lastIndexOf('/') + 1);
    const toDirectory = last === '' || last === '.' || last === '..';
    const at = this.#walk(names);
    if (typeof at === 'number') return at;
    if (last === '' && names.length > 0 && flags & O_CREAT) return -EISDIR;
    const found = this.#lookup(at);
    if (typeof found === 'number') {
      if (found !== -ENOENT || (flags & O_CREAT) === 0 || toDirectory) return found;
      return this.#create(at, mode);
    }
    const refused = refusal(found.type, flags, toDirectory);
    if (refused < 0) return refused;
    const tmpfile = (flags & O_TMPFILE) === O_TMPFILE;
    if (tmpfile && at !== TMP) return -EACCES;
    const owned = tmpfile || found.inode !== 0;
    if (flags & O_NOATIME && !owned && !this.#capable(CAP_FOWNER)) return -EPERM;
    if (flags & O_DIRECT) return -EINVAL; // no kind of file here can do that
    if (tmpfile) return this.#tmpfile(mode);
    if (flags & O_TRUNC && found.inode !== 0) this.#ramfs.truncate(found.inode);
    return this.#held(found);
  }

  /** Reading a directory is getdents(2), which is not modelled. */
  *generic_read_dir(): Sim<number> {
    return -EISDIR;
  }

  *dcache_dir_lseek(file: number, offset: number, whence: number): Sim<number> {
    const view = fileStruct.at(this.#machine.memory, file);
    const pos = whence === 1 ? view.f_pos + offset : offset;
    if (whence > 1 || pos < 0) return -EINVAL;
    view.f_pos = pos;
    return pos;
  }

  /** The path without dots, once everything before its last name is known to be a directory. */
  #walk(names: readonly string[]): string | number {
    let at = '';
    for (const name of names) {
      if (name.length > NAME_MAX) return -ENAMETOOLONG;
      const here = this.#lookup(at);
      if (typeof here === 'number') return here;
      if (here.type !== S_IFDIR) return -ENOTDIR;
      at = name === '..' ? at.slice(0, Math.max(0, at.lastIndexOf('/'))) : `${at}/${name}`;
    }
    return at;
  }

  #lookup(path: string): Resolved | number {
    if (this.#directories.has(path)) return { ops: this.dirOps, inode: 0, type: S_IFDIR };
    const kind = this.#kinds.get(path);
    if (kind) {
      return { ops: kind.ops, inode: 0, type: kind.type, privateData: kind.privateData ?? 0 };
    }
    if (!path.startsWith(`${TMP}/`)) return -ENOENT;
    const inode = this.#ramfs.lookup(path.slice(TMP.length + 1));
    return inode === 0 ? -ENOENT : { ops: this.#ramfs.ops, inode, type: S_IFREG };
  }

  #create(path: string, mode: number): Resolved | number {
    if (!path.startsWith(`${TMP}/`)) return -EACCES;
    const inode = this.#ramfs.create(path.slice(TMP.length + 1), mode);
    if (inode < 0) return inode;
    return this.#held({ ops: this.#ramfs.ops, inode, type: S_IFREG });
  }

  #tmpfile(mode: number): Resolved | number {
    const inode = this.#ramfs.newFile(mode);
    return inode < 0 ? inode : { ops: this.#ramfs.ops, inode, type: S_IFREG };
  }

  /** With a reference for the caller beside that of the name. */
  #held(found: Resolved): Resolved {
    const { memory } = this.#machine;
    if (found.inode !== 0) {
      memory.unwatched(() => (inodeStruct.at(memory, found.inode).i_count += 1));
    }
    return found;
  }
}

kernelText(Namespace);

/** Why something that exists may not be opened so, or 0. In the order in which do_open() asks. */
function refusal(type: number, flags: number, toDirectory: boolean): number {
  const isDirectory = type === S_IFDIR;
  const writes = (flags & O_ACCMODE) !== 0 || (flags & O_TRUNC) !== 0;
  const tmpfile = (flags & O_TMPFILE) === O_TMPFILE;
  if (flags & O_CREAT && flags & O_EXCL) return -EEXIST;
  if (flags & O_CREAT && isDirectory) return -EISDIR;
  if ((flags & O_DIRECTORY || toDirectory) && !isDirectory) return -ENOTDIR;
  return isDirectory && writes && !tmpfile ? -EISDIR : 0;
}
