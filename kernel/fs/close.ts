import { alignUp } from '../../base/layout.ts';
import { FULL, kernelText, RELEASE, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { EBADF, EINTR, EINVAL, ENOMEM, ERESTARTNOINTR, ERESTARTSYS } from '../errno.ts';
import type { SyscallRow } from '../hooks.ts';
import type { Atomics } from '../locks/atomic.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Machine } from '../machine.ts';
import type { Modules } from '../module.ts';
import { task_struct } from '../structs.ts';
import type { Task } from '../task.ts';
import type { TaskWorks } from '../task-work.ts';
import type { FdCheckers } from './checkers.ts';
import { alloc_lock, file_lock, type FdTables } from './fdtable.ts';
import type { FileTable } from './file.ts';
import { file as fileStruct, files_struct, FMODE_PATH, NR_OPEN_DEFAULT } from './structs.ts';
import { CLONE_FILES, CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE } from './uapi.ts';

const C1 = site('close_fd', 'C1');
const C2 = site('close_fd', 'C2');
const C3 = site('close_fd', 'C3');
const C4 = site('close_fd', 'C4');
const C5 = site('filp_flush', 'C5');
const FORK_LOCK = site('dup_fd', 'lock');
const FORK_UNLOCK = site('dup_fd', 'unlock');
const K5 = site('copy_files', 'K5');
const X4 = site('exit_files', 'X4');
const E4 = site('do_close_on_exec', 'E4');
const E4_LOCK = site('do_close_on_exec', 'lock');
const E4_UNLOCK = site('do_close_on_exec', 'unlock');
const EXIT_LOCK = site('exit_files', 'lock');
const EXIT_UNLOCK = site('exit_files', 'unlock');
const UNSHARE = site('unshare_files', 'count');
const SWAP_LOCK = site('unshare_files', 'lock');
const SWAP_UNLOCK = site('unshare_files', 'unlock');
const RANGE_LOCK = site('close_range', 'lock');
const RANGE_UNLOCK = site('close_range', 'unlock');
const RANGE_READ = site('close_range', 'count');

const BITS_PER_LONG = 64;

/** Descriptors from the first to the last, both included. struct fd_range */
interface FdRange {
  readonly first: number;
  readonly last: number;
}

export interface CloseParts {
  readonly atomics: Atomics;
  readonly spinlocks: Spinlocks;
  readonly tables: FdTables;
  readonly files: FileTable;
  readonly checkers: FdCheckers;
  readonly modules: Modules;
  readonly works: TaskWorks;
}

/**
 * Where descriptors go away, and where whole tables are copied, shared and dropped. fs/file.c,
 * fs/open.c. Spec 00, sections 5 and 7 to 9.
 */
export class Closing {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #parts: CloseParts;
  readonly rows: readonly SyscallRow[];

  constructor(machine: Machine, cpus: Cpus, parts: CloseParts) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#parts = parts;
    this.rows = [
      { nr: 3, name: 'close', args: ['fd'], run: (fd) => this.sys_close(fd! | 0) },
      {
        nr: 436,
        name: 'close_range',
        args: ['fd', 'max_fd', 'flags'],
        run: (first, last, flags) => this.sys_close_range(first! >>> 0, last! >>> 0, flags! >>> 0),
      },
    ];
  }

  /** close(2). Spec 00 R27: v6.1 defers the last put, v7.2 runs it here. */
  *sys_close(fd: number): Sim<number> {
    const file = yield* this.file_close_fd(fd);
    if (file === 0) return -EBADF;
    const { files } = this.#cpus.current.s;
    let result: number;
    if (this.#machine.facts.closeIsSynchronous) {
      result = yield* this.filp_flush(file, files);
      yield* this.#parts.files.fput_close_sync(file);
    } else {
      result = yield* this.filp_close(file, files);
    }
    return result === -ERESTARTSYS || result === -ERESTARTNOINTR ? -EINTR : result;
  }

  /** For callers inside the kernel: the last put is deferred in both profiles. Spec 00 R28. */
  *close_fd(fd: number): Sim<number> {
    const file = yield* this.file_close_fd(fd);
    if (file === 0) return -EBADF;
    if (this.#machine.mutated('close_fd.synchronous')) {
      const result = yield* this.filp_flush(file, this.#cpus.current.s.files);
      yield* this.#parts.files.fput_close_sync(file);
      return result;
    }
    return yield* this.filp_close(file, this.#cpus.current.s.files);
  }

  /**
   * close_fd() for code inside an fdget() bracket: the file stays until the bracket has ended,
   * kept by a reference that a task-work item drops. Spec 00 R52, drivers/android/binder.c:
   * binder_deferred_fd_close()
   */
  *close_fd_after_ioctl(fd: number): Sim<number> {
    const file = yield* this.file_close_fd(fd, true);
    if (file === 0) return -EBADF;
    const { files, works } = this.#parts;
    yield* files.get_file(file);
    const result = yield* this.filp_close(file, this.#cpus.current.s.files);
    works.task_work_add(this.#cpus.current, 'do_close_fd', () => files.fput(file));
    return result;
  }

  /** Takes `fd` out of the current table and gives the caller its reference, or 0. Spec 00 R25. */
  *file_close_fd(fd: number, pinned = false): Sim<number> {
    const files = this.#cpus.current.s.files;
    const lock = files + files_struct.off.file_lock;
    yield* this.#parts.spinlocks.spin_lock(file_lock, lock, C1);
    const file = yield* this.file_close_fd_locked(files, fd, pinned);
    yield* this.#parts.spinlocks.spin_unlock(file_lock, lock, C4);
    return file;
  }

  *file_close_fd_locked(files: number, fd: number, pinned = false): Sim<number> {
    const { tables, checkers } = this.#parts;
    const file = tables.slot(files, fd);
    if (file === 0) return 0;
    yield* this.#parts.atomics.writePtr(C2, tables.slotAddress(files, fd), 0, RELEASE);
    this.#machine.remark(() => `slot ${fd} cleared`);
    if (!pinned) checkers.removing(files, fd);
    checkers.closed(fd, file);
    yield* step(C3);
    tables.clearOpen(files, fd);
    return file;
  }

  /** The part of every close that comes before the put. Spec 00 R26. */
  *filp_flush(file: number, files: number): Sim<number> {
    yield* step(C5);
    const table = this.#parts.files;
    const view = fileStruct.at(this.#machine.memory, file);
    if (table.count(file) === 0) {
      this.#machine.printk(3, `VFS: Close: file count is 0 (f_op=${table.opsOf(file).name})`);
      return 0;
    }
    if (view.f_mode & FMODE_PATH) return 0;
    const ops = table.opsOf(file);
    if (!ops.flush) return 0;
    this.#parts.modules.callable(ops.module);
    return yield* ops.flush(file, files);
  }

  /** v6.1 leaves a file alone whose count is zero; v7.2 skips only the flush. */
  *filp_close(file: number, files: number): Sim<number> {
    const dead = !this.#machine.facts.fileRef && this.#parts.files.count(file) === 0;
    const result = yield* this.filp_flush(file, files);
    if (dead) return result;
    yield* this.#parts.files.fput_close(file);
    return result;
  }

  /** Spec 00 R24. The private copy becomes the task's own once the range is closed in it. */
  *sys_close_range(first: number, last: number, flags: number): Sim<number> {
    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) return -EINVAL;
    if (first > last) return -EINVAL;
    const task = this.#cpus.current;
    const range = { first, last };
    let { files } = task.s;
    if (flags & CLOSE_RANGE_UNSHARE) {
      const count = files + files_struct.off.count;
      if ((yield* this.#parts.atomics.read32(RANGE_READ, count)) > 1) {
        files = yield* this.dup_fd(files, flags & CLOSE_RANGE_CLOEXEC ? undefined : range);
        if (files < 0) return files;
      }
    }
    if (flags & CLOSE_RANGE_CLOEXEC) yield* this.#markRange(files, range);
    else yield* this.#closeRange(files, range);
    if (files !== task.s.files) yield* this.#swap(task, files);
    return 0;
  }

  *#markRange(files: number, { first, last }: FdRange): Sim<void> {
    const { spinlocks, tables } = this.#parts;
    const lock = files + files_struct.off.file_lock;
    yield* spinlocks.spin_lock(file_lock, lock, RANGE_LOCK);
    const end = Math.min(last, tables.lastOpen(files));
    for (let fd = first; fd <= end; fd++) {
      if (tables.isOpen(files, fd)) tables.setCloexec(files, fd, true);
    }
    yield* spinlocks.spin_unlock(file_lock, lock, RANGE_UNLOCK);
  }

  /** What is opened above the last descriptor meanwhile stays. */
  *#closeRange(files: number, { first, last }: FdRange): Sim<void> {
    const { spinlocks, tables } = this.#parts;
    const lock = files + files_struct.off.file_lock;
    yield* spinlocks.spin_lock(file_lock, lock, RANGE_LOCK);
    const end = Math.min(last, tables.lastOpen(files));
    for (let fd = first; fd <= end; fd++) {
      if (!tables.isOpen(files, fd)) continue;
      const file = yield* this.file_close_fd_locked(files, fd);
      if (file === 0) continue;
      yield* spinlocks.spin_unlock(file_lock, lock, RANGE_UNLOCK);
      yield* this.filp_close(file, files);
      yield* spinlocks.spin_lock(file_lock, lock, RANGE_LOCK);
    }
    yield* spinlocks.spin_unlock(file_lock, lock, RANGE_UNLOCK);
  }

  // Whole tables.

  /** A child's table: the parent's own, or a copy. Spec 00 R35. */
  *copy_files(child: Task, flags: number): Sim<number> {
    const files = this.#cpus.current.s.files;
    if (files === 0) return 0;
    if (flags & CLONE_FILES) {
      this.#parts.checkers.sharing();
      yield* this.#parts.atomics.add32(K5, files + files_struct.off.count, 1);
      child.s.files = files;
      return 0;
    }
    yield* step(K5);
    const made = yield* this.dup_fd(files);
    if (made < 0) return made;
    child.s.files = made;
    return 0;
  }

  /**
   * A private copy of a table, or -ENOMEM. Where `hole`, which is about to be closed, is the end
   * of the table, it is not copied: the copy may be smaller.
   */
  *dup_fd(from: number, hole?: FdRange): Sim<number> {
    const { tables, files, spinlocks } = this.#parts;
    const { memory } = this.#machine;
    const made = tables.newFiles();
    if (made === 0) return -ENOMEM;
    const lock = from + files_struct.off.file_lock;
    yield* spinlocks.spin_lock(file_lock, lock, FORK_LOCK);
    let wanted = this.#saneSize(from, hole);
    while (wanted > tables.tableOf(made).max_fds) {
      yield* spinlocks.spin_unlock(file_lock, lock, FORK_UNLOCK);
      const view = files_struct.at(memory, made);
      if (view.fdt !== view.fdtab) tables.freeFdtable(view.fdt);
      const table = tables.allocFdtable(wanted);
      view.fdt = table === 0 ? view.fdtab : table;
      if (table === 0) {
        tables.freeFiles(made);
        return -ENOMEM;
      }
      yield* spinlocks.spin_lock(file_lock, lock, FORK_LOCK);
      wanted = this.#saneSize(from, hole);
    }
    for (const { fd, file } of tables.installed(from)) {
      if (fd >= wanted) break;
      yield* files.get_file(file);
      memory.setPtr(tables.slotAddress(made, fd), file);
      tables.setOpen(made, fd, true);
      tables.setCloexec(made, fd, tables.isCloexec(from, fd));
    }
    yield* spinlocks.spin_unlock(file_lock, lock, FORK_UNLOCK);
    return made;
  }

  /** Before exec closes anything: other sharers keep the table, the caller gets its own. */
  *unshare_files(): Sim<number> {
    const task = this.#cpus.current;
    const count = task.s.files + files_struct.off.count;
    if ((yield* this.#parts.atomics.read32(UNSHARE, count)) === 1) return 0;
    const made = yield* this.dup_fd(task.s.files);
    if (made < 0) return made;
    yield* this.#swap(task, made);
    return 0;
  }

  /** Spec 00 R38, E4: the lock is dropped around each close. */
  *do_close_on_exec(): Sim<void> {
    const { spinlocks, tables } = this.#parts;
    const files = this.#cpus.current.s.files;
    const lock = files + files_struct.off.file_lock;
    yield* spinlocks.spin_lock(file_lock, lock, E4_LOCK);
    for (let fd = 0; fd < tables.tableOf(files).max_fds; fd++) {
      if (!tables.isCloexec(files, fd) || !tables.isOpen(files, fd)) continue;
      const file = tables.slot(files, fd);
      tables.setCloexec(files, fd, false);
      if (file === 0) continue;
      yield* this.#parts.atomics.writePtr(E4, tables.slotAddress(files, fd), 0, RELEASE);
      tables.clearOpen(files, fd);
      yield* spinlocks.spin_unlock(file_lock, lock, E4_UNLOCK);
      yield* this.filp_close(file, files);
      yield* spinlocks.spin_lock(file_lock, lock, E4_LOCK);
    }
    yield* spinlocks.spin_unlock(file_lock, lock, E4_UNLOCK);
  }

  /** Spec 00 R42 step 6. */
  *exit_files(task: Task): Sim<void> {
    const { spinlocks } = this.#parts;
    const files = task.s.files;
    if (files === 0) return;
    const lock = task.addr + task_struct.off.alloc_lock;
    yield* spinlocks.spin_lock(alloc_lock, lock, EXIT_LOCK);
    task.s.files = 0;
    yield* spinlocks.spin_unlock(alloc_lock, lock, EXIT_UNLOCK);
    yield* this.put_files_struct(files);
  }

  *put_files_struct(files: number): Sim<void> {
    const { atomics, tables } = this.#parts;
    const left = yield* atomics.add32(X4, files + files_struct.off.count, -1, FULL);
    if (left > 0) return;
    for (const { fd, file } of tables.installed(files)) {
      this.#machine.memory.setPtr(tables.slotAddress(files, fd), 0);
      yield* this.filp_close(file, files);
    }
    tables.freeFiles(files);
  }

  /** The current task's own table becomes `made`; who looks from another task sees either. */
  *#swap(task: Task, made: number): Sim<void> {
    const { spinlocks } = this.#parts;
    const old = task.s.files;
    const lock = task.addr + task_struct.off.alloc_lock;
    yield* spinlocks.spin_lock(alloc_lock, lock, SWAP_LOCK);
    task.s.files = made;
    yield* spinlocks.spin_unlock(alloc_lock, lock, SWAP_UNLOCK);
    yield* this.put_files_struct(old);
  }

  /** How many slots a copy needs: up to the last open one, in whole words. sane_fdtable_size() */
  #saneSize(from: number, hole?: FdRange): number {
    const { tables } = this.#parts;
    let last = tables.lastOpen(from);
    if (hole && hole.last >= last && hole.first <= last) last = tables.lastOpen(from, hole.first);
    return last < 0 ? NR_OPEN_DEFAULT : alignUp(last + 1, BITS_PER_LONG);
  }
}

kernelText(Closing);
