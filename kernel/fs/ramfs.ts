import { array, chars, embed, ptr, struct, unsimulated } from '../../base/layout.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EFAULT, EFBIG, EINVAL, ENOMEM, ENXIO } from '../errno.ts';
import type { FileOps } from '../hooks.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Machine } from '../machine.ts';
import { PAGE_SIZE } from '../memory.ts';
import { mutex } from '../structs.ts';
import { flagsOf, type DriverParts } from './driver.ts';
import type { FileTable } from './file.ts';
import { file as fileStruct, inode as inodeStruct } from './structs.ts';
import { O_APPEND, S_IFREG } from './uapi.ts';

/** include/uapi/linux/limits.h */
export const NAME_MAX = 255;
const PAGES_MAX = 256;
/** How long a file can get: s_maxbytes, much smaller here. */
export const RAMFS_SIZE_MAX = PAGES_MAX * PAGE_SIZE;

const SEEK_SET = 0;
const SEEK_CUR = 1;
const SEEK_END = 2;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

const READ_PAGE = site('filemap_read', 'page');
const WRITE_LOCK = site('generic_file_write_iter', 'lock');
const WRITE_PAGE = site('generic_perform_write', 'page');
const WRITE_UNLOCK = site('generic_file_write_iter', 'unlock');

const i_rwsem = lockClass('&sb->s_type->i_mutex_key', 'mutex');

/** A name in /tmp. include/linux/dcache.h, much reduced. */
export const dentry = struct('dentry', {
  d_inode: ptr('struct inode'),
  d_next: ptr('struct dentry'),
  d_iname: chars(NAME_MAX + 1),
  unsimulated: unsimulated(168),
});

/** What inode.i_private of a plain file points to: its pages, 0 where there is a hole. */
const address_space = struct('address_space', {
  i_rwsem: embed(mutex), // the inode's in Linux
  pages: array(ptr('struct page'), PAGES_MAX),
});

const super_block = struct('super_block', { s_root: ptr('struct dentry') });

type Inode = ReturnType<typeof inodeStruct.at>;
type Parts = Pick<DriverParts, 'kasan' | 'mutexes' | 'user'> & {
  readonly files: Pick<FileTable, 'newInode'>;
};

/** Plain files in /tmp, one directory deep. fs/ramfs, mm/filemap.c, fs/libfs.c */
export class Ramfs {
  readonly #machine: Machine;
  readonly #parts: Parts;
  readonly #root: number;
  readonly ops: FileOps = {
    name: 'ramfs_file_operations',
    module: '',
    read: (file, buf, count) => this.filemap_read(file, buf, count),
    write: (file, buf, count) => this.generic_file_write_iter(file, buf, count),
    llseek: (file, offset, whence) => this.generic_file_llseek(file, offset, whence),
  };

  constructor(machine: Machine, parts: Parts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#root = machine.slab.kzalloc(super_block.sizeBytes);
  }

  /** The inode of a name in /tmp, or 0. */
  lookup(name: string): number {
    const { memory } = this.#machine;
    return memory.unwatched(() => {
      let at = super_block.at(memory, this.#root).s_root;
      while (at !== 0) {
        const entry = dentry.at(memory, at);
        if (entry.d_iname === name) return entry.d_inode;
        at = entry.d_next;
      }
      return 0;
    });
  }

  /** A new empty file with that name, which holds the inode's only reference; or -ENOMEM. */
  create(name: string, mode: number): number {
    const { memory, slab } = this.#machine;
    const inode = this.newFile(mode);
    if (inode < 0) return inode;
    const addr = slab.kzalloc(dentry.sizeBytes);
    memory.unwatched(() => {
      const root = super_block.at(memory, this.#root);
      const entry = dentry.at(memory, addr);
      entry.d_iname = name;
      entry.d_inode = inode;
      entry.d_next = root.s_root;
      root.s_root = addr;
    });
    return inode;
  }

  /** The inode of a new empty file without a name, with one reference; or -ENOMEM. */
  newFile(mode: number): number {
    const mayAlloc = this.#machine.mayAlloc('ramfs inode');
    const mapping = mayAlloc ? this.#machine.slab.kzalloc(address_space.sizeBytes) : 0;
    if (mapping === 0) return -ENOMEM;
    return this.#parts.files.newInode(S_IFREG | (mode & 0o777), mapping);
  }

  /** O_TRUNC. */
  truncate(inode: number): void {
    const { memory } = this.#machine;
    memory.unwatched(() => {
      const view = inodeStruct.at(memory, inode);
      view.i_size = 0;
      this.#freePages(view);
    });
  }

  /** The last reference to an inode of this file system is gone: its pages go. */
  evict(inode: number): void {
    const view = inodeStruct.at(this.#machine.memory, inode);
    this.#freePages(view);
    this.#parts.kasan.free(view.i_private);
  }

  *filemap_read(file: number, buf: number, count: number): Sim<number> {
    const { memory } = this.#machine;
    const view = fileStruct.at(memory, file);
    const inode = inodeStruct.at(memory, view.f_inode);
    let done = 0;
    for (;;) {
      const pos = view.f_pos + done;
      const size = memory.unwatched(() => inode.i_size);
      const inPage = pos % PAGE_SIZE;
      const chars = Math.min(count - done, size - pos, PAGE_SIZE - inPage);
      if (chars <= 0) break;
      yield* step(READ_PAGE);
      const bytes = this.#pageBytes(inode, pos, chars);
      const left = yield* this.#parts.user.copy_to_user(buf + done, bytes);
      done += chars - left;
      if (left > 0) break;
    }
    view.f_pos += done;
    const more = memory.unwatched(() => inode.i_size) > view.f_pos;
    return done === 0 && count > 0 && more ? -EFAULT : done;
  }

  *generic_file_write_iter(file: number, buf: number, count: number): Sim<number> {
    const { memory } = this.#machine;
    const view = fileStruct.at(memory, file);
    const inode = inodeStruct.at(memory, view.f_inode);
    const lock = inode.i_private + address_space.off.i_rwsem;
    yield* this.#parts.mutexes.mutex_lock(i_rwsem, lock, WRITE_LOCK);
    const append = flagsOf(this.#machine, file) & O_APPEND;
    const from = append ? memory.unwatched(() => inode.i_size) : view.f_pos;
    const result =
      count === 0
        ? 0
        : from >= RAMFS_SIZE_MAX
          ? -EFBIG
          : yield* this.generic_perform_write(inode, from, buf, count);
    if (result > 0) view.f_pos = from + result;
    yield* this.#parts.mutexes.mutex_unlock(i_rwsem, lock, WRITE_UNLOCK);
    return result;
  }

  *generic_perform_write(inode: Inode, from: number, buf: number, count: number): Sim<number> {
    const { memory } = this.#machine;
    const end = Math.min(from + count, RAMFS_SIZE_MAX);
    let pos = from;
    while (pos < end) {
      const chars = Math.min(end - pos, PAGE_SIZE - (pos % PAGE_SIZE));
      const bytes = yield* this.#parts.user.copy_from_user(buf + pos - from, chars);
      if (!bytes) return pos > from ? pos - from : -EFAULT;
      yield* step(WRITE_PAGE);
      const page = this.#pageAt(inode, pos);
      if (page === 0) return pos > from ? pos - from : -ENOMEM;
      const at = pos;
      memory.unwatched(() => {
        memory.copyIn(page + (at % PAGE_SIZE), bytes);
        inode.i_size = Math.max(inode.i_size, at + chars);
      });
      pos += chars;
    }
    return pos - from;
  }

  *generic_file_llseek(file: number, offset: number, whence: number): Sim<number> {
    const { memory } = this.#machine;
    const view = fileStruct.at(memory, file);
    const size = memory.unwatched(() => inodeStruct.at(memory, view.f_inode).i_size);
    let pos = offset;
    if (whence === SEEK_CUR) pos += view.f_pos;
    else if (whence === SEEK_END) pos += size;
    else if (whence !== SEEK_SET && (offset < 0 || offset >= size)) return -ENXIO;
    else if (whence === SEEK_HOLE) pos = size;
    else if (whence !== SEEK_SET && whence !== SEEK_DATA) return -EINVAL;
    if (pos < 0 || !Number.isSafeInteger(pos)) return -EINVAL;
    view.f_pos = pos;
    return pos;
  }

  /** Part of one page; zeros in a hole. Readers take no lock. */
  #pageBytes(inode: Inode, pos: number, chars: number): Uint8Array {
    const { memory } = this.#machine;
    return memory.unwatched(() => {
      const page = memory.ptr(this.#slot(inode, pos));
      if (page === 0) return new Uint8Array(chars);
      return memory.copyOut(page + (pos % PAGE_SIZE), chars);
    });
  }

  /** The page for a position, made where there was a hole; or 0. */
  #pageAt(inode: Inode, pos: number): number {
    const { memory, slab } = this.#machine;
    return memory.unwatched(() => {
      const slot = this.#slot(inode, pos);
      const known = memory.ptr(slot);
      if (known !== 0) return known;
      const page = this.#machine.mayAlloc('ramfs page') ? slab.kzalloc(PAGE_SIZE) : 0;
      memory.setPtr(slot, page);
      return page;
    });
  }

  #slot(inode: Inode, pos: number): number {
    return inode.i_private + address_space.off.pages + Math.floor(pos / PAGE_SIZE) * 8;
  }

  #freePages(inode: Inode): void {
    const { memory } = this.#machine;
    for (let pos = 0; pos < RAMFS_SIZE_MAX; pos += PAGE_SIZE) {
      const slot = this.#slot(inode, pos);
      const page = memory.ptr(slot);
      if (page === 0) continue;
      this.#parts.kasan.free(page);
      memory.setPtr(slot, 0);
    }
  }
}

kernelText(Ramfs);
