import { ACQUIRE, kernelText, RELEASE, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { EMFILE, ENOMEM } from '../errno.ts';
import type { Kasan } from '../kasan.ts';
import type { Atomics } from '../locks/atomic.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Machine } from '../machine.ts';
import type { Rcu } from '../rcu/rcu.ts';
import type { KmemCache } from '../slab.ts';
import { signal_struct } from '../structs.ts';
import type { Waits } from '../wait.ts';
import { fdtable, files_struct, NR_OPEN_DEFAULT } from './structs.ts';
import { O_CLOEXEC } from './uapi.ts';

/** sysctl fs.nr_open: no descriptor at or above it. */
export const NR_OPEN = 1_048_576;

export const file_lock = lockClass('&files->file_lock', 'spin');
/** Guards task_struct.files against who looks from another task. include/linux/sched/task.h */
export const alloc_lock = lockClass('&p->alloc_lock', 'spin');

const I1 = site('alloc_fd', 'I1');
const I1_UNLOCK = site('alloc_fd', 'unlock');
const I3 = site('fd_install', 'I3');
const I3_LOCK = site('fd_install', 'lock');
const I3_UNLOCK = site('fd_install', 'unlock');
const PUT_LOCK = site('put_unused_fd', 'lock');
const PUT_UNLOCK = site('put_unused_fd', 'unlock');
const CLOEXEC_LOCK = site('set_close_on_exec', 'lock');
const CLOEXEC_UNLOCK = site('set_close_on_exec', 'unlock');
const G1 = site('expand_files', 'G1');
const G2 = site('expand_files', 'G2');
const G3 = site('expand_files', 'G3');
const G4 = site('expand_files', 'G4');
const G5 = site('expand_files', 'G5');
const G6 = site('expand_files', 'G6');
const WAIT = site('expand_files', 'wait');
const AGAIN = site('expand_files', 'again');

export interface TableParts {
  readonly atomics: Atomics;
  readonly spinlocks: Spinlocks;
  readonly rcu: Rcu;
  readonly waits: Waits;
  readonly kasan: Kasan;
}

/** Descriptor tables: slots, bitmaps, growth. fs/file.c. Spec 00, sections 1 and 4. */
export class FdTables {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #parts: TableParts;
  readonly #cache: KmemCache;

  constructor(machine: Machine, cpus: Cpus, parts: TableParts) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#parts = parts;
    this.#cache = machine.slab.cache('files_cache', files_struct.sizeBytes);
  }

  /** An empty table with a share count of one, or 0. */
  newFiles(): number {
    const { memory, slab } = this.#machine;
    const addr = this.#machine.mayAlloc('files_struct') ? slab.zalloc(this.#cache) : 0;
    if (addr === 0) return 0;
    const files = files_struct.at(memory, addr);
    files.count = 1;
    files.fdt = files.fdtab;
    const table = fdtable.at(memory, files.fdtab);
    table.max_fds = NR_OPEN_DEFAULT;
    table.fd = files.fd_array;
    table.open_fds = addr + files_struct.off.open_fds_init;
    table.close_on_exec = addr + files_struct.off.close_on_exec_init;
    return addr;
  }

  /** An fdtable for at least `fds` descriptors, or 0. alloc_fdtable() */
  allocFdtable(fds: number): number {
    const { memory, slab } = this.#machine;
    const slots = 128 * 2 ** Math.ceil(Math.log2(Math.floor((fds - 1) / 128) + 1));
    const size = Math.min(slots, NR_OPEN);
    if (!this.#machine.mayAlloc('alloc_fdtable')) return 0;
    const addr = slab.kzalloc(fdtable.sizeBytes);
    const fd = addr && slab.kzalloc(size * 8);
    const bits = fd && slab.kzalloc(size / 4);
    if (bits === 0) {
      this.#parts.kasan.free(fd);
      this.#parts.kasan.free(addr);
      return 0;
    }
    const table = fdtable.at(memory, addr);
    table.max_fds = size;
    table.fd = fd;
    table.open_fds = bits;
    table.close_on_exec = bits + size / 8;
    return addr;
  }

  /** Never called with the embedded table. __free_fdtable() */
  freeFdtable(addr: number): void {
    const table = fdtable.at(this.#machine.memory, addr);
    const { fd, open_fds } = table;
    this.#parts.kasan.free(fd);
    this.#parts.kasan.free(open_fds);
    this.#parts.kasan.free(addr);
  }

  /** Frees a table that nobody shares any more. The files are gone already. */
  freeFiles(addr: number): void {
    const files = files_struct.at(this.#machine.memory, addr);
    if (files.fdt !== files.fdtab) this.freeFdtable(files.fdt);
    this.#parts.kasan.free(addr);
  }

  // Bits and slots. The caller holds file_lock, or owns the table alone.

  tableOf(files: number): ReturnType<typeof fdtable.at> {
    const { memory } = this.#machine;
    return fdtable.at(memory, files_struct.at(memory, files).fdt);
  }

  isOpen(files: number, fd: number): boolean {
    const table = this.tableOf(files);
    return fd >= 0 && fd < table.max_fds && this.#bit(table.open_fds, fd);
  }

  isCloexec(files: number, fd: number): boolean {
    return this.#bit(this.tableOf(files).close_on_exec, fd);
  }

  setCloexec(files: number, fd: number, on: boolean): void {
    this.#setBit(this.tableOf(files).close_on_exec, fd, on);
  }

  setOpen(files: number, fd: number, on: boolean): void {
    this.#setBit(this.tableOf(files).open_fds, fd, on);
  }

  /**
   * What is installed at `fd`, without a step: for code under file_lock and for checkers. A marked
   * read, since installing takes no lock. rcu_dereference_raw()
   */
  slot(files: number, fd: number): number {
    const table = this.#publishedTable(files);
    return fd >= 0 && fd < table.max_fds ? this.#published(table.fd + fd * 8) : 0;
  }

  /** close_on_exec without the lock, as F_GETFD asks. */
  readCloexec(files: number, fd: number): boolean {
    const { close_on_exec } = this.#publishedTable(files);
    return this.#machine.memory.unwatched(() => this.#bit(close_on_exec, fd));
  }

  slotAddress(files: number, fd: number): number {
    return this.tableOf(files).fd + fd * 8;
  }

  /** __put_unused_fd() */
  clearOpen(files: number, fd: number): void {
    this.setOpen(files, fd, false);
    const view = files_struct.at(this.#machine.memory, files);
    if (fd < view.next_fd) view.next_fd = fd;
  }

  /** The highest descriptor that is open, reserved ones too, below `end`; -1 where none is. */
  lastOpen(files: number, end = NR_OPEN): number {
    const { max_fds, open_fds } = this.tableOf(files);
    for (let fd = Math.min(end, max_fds) - 1; fd >= 0; fd--) {
      if ((fd & 31) === 31 && this.#word(open_fds, fd) === 0) fd -= 31;
      else if (this.#bit(open_fds, fd)) return fd;
    }
    return -1;
  }

  /** Every installed slot, ascending. */
  installed(files: number): { fd: number; file: number }[] {
    const { max_fds, open_fds } = this.tableOf(files);
    const found: { fd: number; file: number }[] = [];
    for (let fd = 0; fd < max_fds; fd++) {
      if ((fd & 31) === 0 && this.#word(open_fds, fd) === 0) {
        fd += 31;
        continue;
      }
      const file = this.slot(files, fd);
      if (file !== 0) found.push({ fd, file });
    }
    return found;
  }

  /** RLIMIT_NOFILE's soft limit of the current task. */
  limit(): number {
    const { memory } = this.#machine;
    const { signal } = this.#cpus.current.s;
    return Math.min(
      0x7fff_ffff,
      memory.unwatched(() => signal_struct.at(memory, signal).rlim_nofile_cur),
    );
  }

  *get_unused_fd_flags(flags: number): Sim<number> {
    return yield* this.alloc_fd(0, this.limit(), flags);
  }

  /** The lowest free descriptor from `start` on, reserved; -EMFILE, -ENOMEM. Spec 00 R19. */
  *alloc_fd(start: number, end: number, flags: number): Sim<number> {
    const { memory } = this.#machine;
    const files = this.#cpus.current.s.files;
    const view = files_struct.at(memory, files);
    const { spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(file_lock, files + files_struct.off.file_lock, I1);
    let result: number;
    for (;;) {
      const fd = this.#nextFree(files, Math.max(start, view.next_fd));
      if (fd >= end) {
        result = -EMFILE;
        break;
      }
      if (fd >= this.tableOf(files).max_fds) {
        const grown = yield* this.expand_files(files, fd);
        if (grown < 0) {
          result = grown;
          break;
        }
        continue;
      }
      if (start <= view.next_fd) view.next_fd = fd + 1;
      this.setOpen(files, fd, true);
      this.setCloexec(files, fd, (flags & O_CLOEXEC) !== 0);
      result = fd;
      break;
    }
    yield* spinlocks.spin_unlock(file_lock, files + files_struct.off.file_lock, I1_UNLOCK);
    return result;
  }

  /** Of the descriptor as it is in the current table now: F_SETFD, FIOCLEX. */
  *set_close_on_exec(fd: number, on: boolean): Sim<void> {
    const files = this.#cpus.current.s.files;
    const { spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(file_lock, files + files_struct.off.file_lock, CLOEXEC_LOCK);
    this.setCloexec(files, fd, on);
    yield* spinlocks.spin_unlock(file_lock, files + files_struct.off.file_lock, CLOEXEC_UNLOCK);
  }

  /** Gives a reserved descriptor back. */
  *put_unused_fd(fd: number): Sim<void> {
    const files = this.#cpus.current.s.files;
    const { spinlocks } = this.#parts;
    yield* spinlocks.spin_lock(file_lock, files + files_struct.off.file_lock, PUT_LOCK);
    this.clearOpen(files, fd);
    yield* spinlocks.spin_unlock(file_lock, files + files_struct.off.file_lock, PUT_UNLOCK);
  }

  /** Publishes a file at a reserved descriptor, with the caller's reference. Spec 00 R21. */
  *fd_install(fd: number, file: number): Sim<void> {
    const { atomics, rcu, spinlocks } = this.#parts;
    const files = this.#cpus.current.s.files;
    rcu.rcu_read_lock();
    if (this.#resizing(files)) {
      rcu.rcu_read_unlock();
      yield* spinlocks.spin_lock(file_lock, files + files_struct.off.file_lock, I3_LOCK);
      this.#checkEmpty(files, fd);
      yield* atomics.writePtr(I3, this.slotAddress(files, fd), file, RELEASE);
      yield* spinlocks.spin_unlock(file_lock, files + files_struct.off.file_lock, I3_UNLOCK);
      return;
    }
    const slot = this.#publishedTable(files).fd + fd * 8;
    this.#checkEmpty(files, fd);
    yield* atomics.writePtr(I3, slot, file, RELEASE);
    rcu.rcu_read_unlock();
  }

  /** Room for `fd`, called and returning with file_lock held. Spec 00 R20. */
  *expand_files(files: number, fd: number): Sim<number> {
    const { memory } = this.#machine;
    const { spinlocks, waits } = this.#parts;
    const view = files_struct.at(memory, files);
    const lock = files + files_struct.off.file_lock;
    for (;;) {
      if (fd < this.tableOf(files).max_fds) return 0;
      if (fd >= NR_OPEN) return -EMFILE;
      if (!this.#resizing(files)) break;
      yield* spinlocks.spin_unlock(file_lock, lock, WAIT);
      yield* waits.wait_event(view.resize_wait, () => !this.#resizing(files));
      yield* spinlocks.spin_lock(file_lock, lock, AGAIN);
    }
    this.#setResizing(files, 1);
    const result = yield* this.expand_fdtable(files, fd);
    yield* step(G6);
    this.#setResizing(files, 0);
    waits.wake_up(view.resize_wait);
    return result;
  }

  *expand_fdtable(files: number, fd: number): Sim<number> {
    const { memory } = this.#machine;
    const { atomics, rcu, spinlocks } = this.#parts;
    const view = files_struct.at(memory, files);
    const lock = files + files_struct.off.file_lock;
    yield* spinlocks.spin_unlock(file_lock, lock, G1);
    const made = this.allocFdtable(fd + 1);
    if ((yield* atomics.read32(G2, files + files_struct.off.count, ACQUIRE)) > 1) {
      yield* rcu.synchronize_rcu();
    }
    yield* spinlocks.spin_lock(file_lock, lock, G3);
    if (made === 0) return -ENOMEM;
    const old = view.fdt;
    this.#copy(made, old);
    yield* atomics.writePtr(G4, files + files_struct.off.fdt, made, RELEASE);
    this.#machine.remark(() => `table grown to ${fdtable.at(memory, made).max_fds} slots`);
    if (old !== view.fdtab) {
      yield* step(G5);
      rcu.call_rcu('free_fdtable_rcu', () => this.freeFdtable(old));
    }
    return 0;
  }

  /** copy_fdtable(): slots and both bitmaps. */
  #copy(to: number, from: number): void {
    const { memory } = this.#machine;
    const source = fdtable.at(memory, from);
    const target = fdtable.at(memory, to);
    memory.copy(target.fd, source.fd, source.max_fds * 8);
    memory.copy(target.open_fds, source.open_fds, source.max_fds / 8);
    memory.copy(target.close_on_exec, source.close_on_exec, source.max_fds / 8);
  }

  /** Read without a lock by fd_install(), as in Linux; the grace period G2 makes it safe. */
  #resizing(files: number): boolean {
    const { memory } = this.#machine;
    return memory.unwatched(() => files_struct.at(memory, files).resize_in_progress !== 0);
  }

  #setResizing(files: number, value: number): void {
    const { memory } = this.#machine;
    memory.unwatched(() => (files_struct.at(memory, files).resize_in_progress = value));
  }

  /** A pointer that somebody may replace at any time; what was stored before it is seen. */
  #published(addr: number): number {
    const { engine, memory } = this.#machine;
    engine.ordering?.acquire(addr);
    return memory.unwatched(() => memory.ptr(addr));
  }

  #publishedTable(files: number): ReturnType<typeof fdtable.at> {
    return fdtable.at(this.#machine.memory, this.#published(files + files_struct.off.fdt));
  }

  #checkEmpty(files: number, fd: number): void {
    const slot = this.slot(files, fd);
    const reserved = this.#machine.memory.unwatched(() => this.isOpen(files, fd));
    if (slot === 0 && reserved) return;
    this.#machine.fail({
      kind: 'leak',
      title: `WARNING: fd_install: slot ${fd} not NULL`,
      lines: [
        'The reference of the file installed there is lost: nothing can drop it any more.',
        ...this.#machine.traceLines(),
      ],
      objects: slot === 0 ? [] : [{ type: 'file', addr: slot }],
      fatal: false,
    });
  }

  #nextFree(files: number, from: number): number {
    const table = this.tableOf(files);
    const { open_fds, max_fds } = table;
    let fd = from;
    while (fd < max_fds) {
      if ((fd & 31) === 0 && this.#word(open_fds, fd) === 0xffff_ffff) {
        fd += 32;
        continue;
      }
      if (!this.#bit(open_fds, fd)) return fd;
      fd++;
    }
    return Math.max(fd, from);
  }

  #word(bits: number, fd: number): number {
    return this.#machine.memory.u32(bits + (fd >> 5) * 4);
  }

  #bit(bits: number, fd: number): boolean {
    return ((this.#word(bits, fd) >>> (fd & 31)) & 1) === 1;
  }

  #setBit(bits: number, fd: number, on: boolean): void {
    const at = bits + (fd >> 5) * 4;
    const mask = 1 << (fd & 31);
    const word = this.#machine.memory.u32(at);
    this.#machine.memory.setU32(at, (on ? word | mask : word & ~mask) >>> 0);
  }
}

kernelText(FdTables);
