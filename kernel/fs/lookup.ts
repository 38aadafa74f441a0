import { ACQUIRE, kernelText, RELAXED, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import type { Atomics } from '../locks/atomic.ts';
import type { FileRefs } from '../locks/file-ref.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Mutexes } from '../locks/mutex.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Machine } from '../machine.ts';
import type { Rcu } from '../rcu/rcu.ts';
import { task_struct } from '../structs.ts';
import type { Task } from '../task.ts';
import { NO_FD, type Fd, type FdCheckers } from './checkers.ts';
import { alloc_lock } from './fdtable.ts';
import type { FileTable } from './file.ts';
import {
  fdtable,
  file as fileStruct,
  files_struct,
  FMODE_ATOMIC_POS,
  FMODE_PATH,
} from './structs.ts';

const L1 = site('fdget', 'L1');
const L2 = site('fget', 'L2');
const L3 = site('fget', 'L3');
const L4 = site('fget', 'L4');
const L5 = site('fget', 'L5');
const L6 = site('fget', 'L6');
const L7 = site('fget', 'L7');
const L8 = site('fdget', 'L8');
const L9 = site('fdput', 'L9');
const TASK_LOCK = site('fget_task', 'lock');
const TASK_UNLOCK = site('fget_task', 'unlock');
const POS_COUNT = site('fdget_pos', 'count');
const POS_LOCK = site('fdget_pos', 'lock');
const POS_UNLOCK = site('fdput_pos', 'unlock');

const f_pos_lock = lockClass('&file->f_pos_lock', 'mutex');

export interface FdPos {
  readonly fd: Fd;
  readonly locked: boolean;
}

/** From a descriptor to its file: __fget_files_rcu(). fs/file.c. Spec 00, section 3. */
export class Lookup {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #atomics: Atomics;
  readonly #refs: FileRefs;
  readonly #rcu: Rcu;
  readonly #mutexes: Mutexes;
  readonly #spinlocks: Spinlocks;
  readonly #files: FileTable;
  readonly #checkers: FdCheckers;

  constructor(
    machine: Machine,
    cpus: Cpus,
    parts: {
      atomics: Atomics;
      refs: FileRefs;
      rcu: Rcu;
      mutexes: Mutexes;
      spinlocks: Spinlocks;
      files: FileTable;
      checkers: FdCheckers;
    },
  ) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#atomics = parts.atomics;
    this.#refs = parts.refs;
    this.#rcu = parts.rcu;
    this.#mutexes = parts.mutexes;
    this.#spinlocks = parts.spinlocks;
    this.#files = parts.files;
    this.#checkers = parts.checkers;
  }

  /** A file with a reference of the caller's own, or 0. Path-only files are refused. */
  *fget(fd: number): Sim<number> {
    return yield* this.#fget(this.#cpus.current.s.files, fd, FMODE_PATH);
  }

  *fget_raw(fd: number): Sim<number> {
    return yield* this.#fget(this.#cpus.current.s.files, fd, 0);
  }

  /** Another task's descriptor: never borrowed. Spec 00 R18. */
  *fget_task(task: Task, fd: number): Sim<number> {
    const lock = task.addr + task_struct.off.alloc_lock;
    yield* this.#spinlocks.spin_lock(alloc_lock, lock, TASK_LOCK);
    const { files } = task.s;
    const file = files === 0 ? 0 : yield* this.#fget(files, fd, 0);
    yield* this.#spinlocks.spin_unlock(alloc_lock, lock, TASK_UNLOCK);
    return file;
  }

  /** Whether anything is installed there: without a reference. */
  *files_lookup_fd_rcu(fd: number): Sim<boolean> {
    this.#rcu.rcu_read_lock();
    const file = yield* this.#slot(this.#cpus.current.s.files, fd);
    this.#rcu.rcu_read_unlock();
    return file !== 0;
  }

  *fdget(fd: number): Sim<Fd> {
    return yield* this.#fdget(fd, FMODE_PATH);
  }

  *fdget_raw(fd: number): Sim<Fd> {
    return yield* this.#fdget(fd, 0);
  }

  /** No-op for a borrowed pointer. */
  *fdput(fd: Fd): Sim<void> {
    if (fd.file === 0) return;
    if (!fd.cloned) {
      this.#checkers.returned(fd);
      return;
    }
    yield* step(L9);
    yield* this.#files.fput(fd.file);
  }

  /** The point at which a looked-up file is about to be used. */
  *use(fd: Fd): Sim<void> {
    yield* step(L8);
    this.#checkers.using(fd);
  }

  /** Spec 00 R16: with the position lock where somebody else may move the position. */
  *fdget_pos(fd: number): Sim<FdPos> {
    const found = yield* this.#fdget(fd, FMODE_PATH);
    if (found.file === 0) return { fd: found, locked: false };
    const file = fileStruct.at(this.#machine.memory, found.file);
    if ((file.f_mode & FMODE_ATOMIC_POS) === 0) return { fd: found, locked: false };
    yield* step(POS_COUNT);
    const count = found.file + fileStruct.off.f_count;
    if (this.#refs.count(count) <= 1 && !this.#files.opsOf(found.file).iterates) {
      // Who shared the file has put it since, and with it the position: nothing runs beside.
      this.#machine.engine.ordering?.acquire(count);
      return { fd: found, locked: false };
    }
    yield* this.#mutexes.mutex_lock(f_pos_lock, file.f_pos_lock, POS_LOCK);
    return { fd: found, locked: true };
  }

  *fdput_pos({ fd, locked }: FdPos): Sim<void> {
    if (locked) {
      yield* this.#mutexes.mutex_unlock(
        f_pos_lock,
        fd.file + fileStruct.off.f_pos_lock,
        POS_UNLOCK,
      );
    }
    yield* this.fdput(fd);
  }

  /** Spec 00 R14: alone on its table, the task needs no reference; its own slot keeps the file. */
  *#fdget(fd: number, mask: number): Sim<Fd> {
    const { memory, slab } = this.#machine;
    const files = this.#cpus.current.s.files;
    const hoisted = this.#machine.mutated('fdget.hoist-slot');
    const early = hoisted ? yield* this.#slot(files, fd) : 0;
    const count = yield* this.#atomics.read32(
      L1,
      files + files_struct.off.count,
      hoisted ? RELAXED : ACQUIRE,
    );
    if (count !== 1) {
      const file = yield* this.#fget(files, fd, mask);
      if (file === 0) return NO_FD;
      this.#machine.remark(() => `fdget(${fd}): table shared by ${count}, reference taken`);
      return { file, cloned: true, fd, generation: slab.generationOf(file), files };
    }
    const file = hoisted ? early : yield* this.#slot(files, fd);
    if (file === 0) return NO_FD;
    const generation = slab.generationOf(file);
    if (fileStruct.at(memory, file).f_mode & mask) return NO_FD;
    this.#machine.remark(
      () =>
        `fdget(${fd}): table not shared, borrowed, ` +
        `refs ${this.#refs.count(file + fileStruct.off.f_count)}`,
    );
    const borrow = { file, cloned: false, fd, generation, files };
    this.#checkers.borrowed(borrow);
    return borrow;
  }

  /** files_lookup_fd_raw() */
  *#slot(files: number, fd: number): Sim<number> {
    const fdt = yield* this.#atomics.readPtr(L2, files + files_struct.off.fdt, ACQUIRE);
    const table = fdtable.at(this.#machine.memory, fdt);
    if (fd < 0 || fd >= table.max_fds) return 0;
    return yield* this.#atomics.readPtr(L3, table.fd + fd * 8, ACQUIRE);
  }

  *#fget(files: number, fd: number, mask: number): Sim<number> {
    this.#rcu.rcu_read_lock();
    const file = yield* this.#fgetRcu(files, fd, mask);
    this.#rcu.rcu_read_unlock();
    return file;
  }

  /** Spec 00 R12. Between the load of the slot and the get, the file may have become another. */
  *#fgetRcu(files: number, fd: number, mask: number): Sim<number> {
    const { memory, slab, facts } = this.#machine;
    for (;;) {
      const fdt = yield* this.#atomics.readPtr(L2, files + files_struct.off.fdt, ACQUIRE);
      const table = fdtable.at(memory, fdt);
      if (fd < 0 || fd >= table.max_fds) return 0;
      const slot = table.fd + fd * 8;
      const file = yield* this.#atomics.readPtr(L3, slot, ACQUIRE);
      if (file === 0) return 0;
      const generation = slab.generationOf(file);
      const { f_mode } = fileStruct.off;
      if (facts.modeTestFirst && memory.u32(file + f_mode) & mask) return 0;
      if (!(yield* this.#refs.get(L4, file + fileStruct.off.f_count))) continue;
      if (this.#machine.mutated('fget.skip-recheck')) {
        if (slab.generationOf(file) !== generation && memory.ptr(slot) !== file) {
          this.#checkers.foreign(fd, file);
        }
      } else {
        const same =
          (yield* this.#atomics.readPtr(L5, slot)) === file &&
          (yield* this.#atomics.readPtr(L6, files + files_struct.off.fdt)) === fdt;
        if (!same) {
          yield* this.#files.fput(file);
          continue;
        }
      }
      if (!facts.modeTestFirst && memory.u32(file + f_mode) & mask) {
        yield* step(L7);
        yield* this.#files.fput(file);
        return 0;
      }
      return file;
    }
  }
}

kernelText(Lookup);
