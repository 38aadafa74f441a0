import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import type { KmemCache } from '../slab.ts';
import { fs_struct, sighand_struct, signal_struct } from '../structs.ts';
import type { Task } from '../task.ts';
import { ENOMEM } from '../errno.ts';
import { CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, RLIM_INFINITY } from './uapi.ts';

/** INR_OPEN_CUR, INR_OPEN_MAX: include/uapi/linux/fs.h */
const NOFILE_SOFT = 1_024;
const NOFILE_HARD = 4_096;

/**
 * What the threads of a process share: signal_struct, sighand_struct, fs_struct. Their counts
 * change in atomic regions that stand for siglock and tasklist_lock. kernel/fork.c, fs/fs_struct.c
 */
export class Shared {
  readonly #machine: Machine;
  readonly #kasan: Pick<Kasan, 'free'>;
  readonly #signals: KmemCache;
  readonly #sighands: KmemCache;
  readonly #fs: KmemCache;

  constructor(machine: Machine, kasan: Pick<Kasan, 'free'>) {
    this.#machine = machine;
    this.#kasan = kasan;
    this.#signals = machine.slab.cache('signal_cache', signal_struct.sizeBytes);
    this.#sighands = machine.slab.cache('sighand_cache', sighand_struct.sizeBytes);
    this.#fs = machine.slab.cache('fs_cache', fs_struct.sizeBytes);
  }

  signalOf(task: Task): ReturnType<typeof signal_struct.at> {
    return signal_struct.at(this.#machine.memory, task.s.signal);
  }

  sighandOf(task: Task): ReturnType<typeof sighand_struct.at> {
    return sighand_struct.at(this.#machine.memory, task.s.sighand);
  }

  /** Fresh ones for a task without a parent: init, a kernel thread. */
  create(task: Task): void {
    const { slab, memory } = this.#machine;
    task.s.signal = slab.zalloc(this.#signals);
    task.s.sighand = slab.zalloc(this.#sighands);
    task.s.fs = slab.zalloc(this.#fs);
    sighand_struct.at(memory, task.s.sighand).count = 1;
    const fs = fs_struct.at(memory, task.s.fs);
    fs.users = 1;
    fs.umask = 0o022;
    const signal = this.signalOf(task);
    this.#firstThread(task, signal);
    signal.pgrp = task.pid;
    signal.session = task.pid;
    signal.rlim_nofile_cur = NOFILE_SOFT;
    signal.rlim_nofile_max = NOFILE_HARD;
    signal.rlim_nproc_cur = RLIM_INFINITY;
    signal.rlim_nproc_max = RLIM_INFINITY;
  }

  /** kernel/fork.c */
  copy_fs(child: Task, flags: number): number {
    return this.#machine.memory.unwatched(() => {
      const { memory } = this.#machine;
      const old = fs_struct.at(memory, child.s.fs);
      if (old.addr === 0) return 0;
      if (flags & CLONE_FS) {
        old.users++;
        return 0;
      }
      const made = this.#alloc('fs_struct', this.#fs);
      if (made === 0) return -ENOMEM;
      const fs = fs_struct.at(memory, made);
      fs.users = 1;
      fs.umask = old.umask;
      child.s.fs = made;
      return 0;
    });
  }

  exit_fs(task: Task): void {
    this.#machine.memory.unwatched(() => {
      const addr = task.s.fs;
      if (addr === 0) return;
      task.s.fs = 0;
      const fs = fs_struct.at(this.#machine.memory, addr);
      if (--fs.users === 0) this.#kasan.free(addr);
    });
  }

  /** kernel/fork.c */
  copy_sighand(child: Task, flags: number): number {
    return this.#machine.memory.unwatched(() => {
      const old = this.sighandOf(child);
      if (flags & CLONE_SIGHAND) {
        old.count++;
        return 0;
      }
      const made = this.#copySighand(old);
      if (made === 0) return -ENOMEM;
      child.s.sighand = made;
      return 0;
    });
  }

  /** kernel/fork.c: __cleanup_sighand() */
  put_sighand(task: Task): void {
    this.#machine.memory.unwatched(() => {
      const addr = task.s.sighand;
      if (addr === 0) return;
      task.s.sighand = 0;
      const sighand = sighand_struct.at(this.#machine.memory, addr);
      if (--sighand.count === 0) this.#kasan.free(addr);
    });
  }

  /** Exec: nobody else's handlers change with ours. fs/exec.c: unshare_sighand() */
  unshare_sighand(task: Task): number {
    return this.#machine.memory.unwatched(() => {
      const old = this.sighandOf(task);
      if (old.count === 1) return 0;
      const made = this.#copySighand(old);
      if (made === 0) return -ENOMEM;
      old.count--;
      task.s.sighand = made;
      return 0;
    });
  }

  /**
   * kernel/fork.c. A thread shares its group's; it is counted where it is published. Limits,
   * process group and session are inherited; the subreaper attribute is not, but that there is one.
   */
  copy_signal(child: Task, parent: Task, flags: number): number {
    if (flags & CLONE_THREAD) return 0;
    return this.#machine.memory.unwatched(() => {
      const from = this.signalOf(parent);
      const made = this.#alloc('signal_struct', this.#signals);
      if (made === 0) return -ENOMEM;
      child.s.signal = made;
      const to = this.signalOf(child);
      this.#firstThread(child, to);
      to.pgrp = from.pgrp;
      to.session = from.session;
      to.has_child_subreaper = from.has_child_subreaper || from.is_child_subreaper ? 1 : 0;
      to.rlim_nofile_cur = from.rlim_nofile_cur;
      to.rlim_nofile_max = from.rlim_nofile_max;
      to.rlim_nproc_cur = from.rlim_nproc_cur;
      to.rlim_nproc_max = from.rlim_nproc_max;
      return 0;
    });
  }

  /** kernel/fork.c */
  put_signal_struct(task: Task): void {
    this.#machine.memory.unwatched(() => {
      const signal = this.signalOf(task);
      if (signal.addr !== 0 && --signal.sigcnt === 0) this.#kasan.free(signal.addr);
    });
  }

  #firstThread(task: Task, signal: ReturnType<typeof signal_struct.at>): void {
    signal.sigcnt = 1;
    signal.live = 1;
    signal.nr_threads = 1;
    signal.thread_head = task.addr;
  }

  #copySighand(old: ReturnType<typeof sighand_struct.at>): number {
    const made = this.#alloc('sighand_struct', this.#sighands);
    if (made === 0) return 0;
    const sighand = sighand_struct.at(this.#machine.memory, made);
    sighand.count = 1;
    sighand.ignored = old.ignored;
    sighand.handled = old.handled;
    return made;
  }

  /** A zeroed object, or 0. */
  #alloc(what: string, cache: KmemCache): number {
    return this.#machine.mayAlloc(what) ? this.#machine.slab.zalloc(cache) : 0;
  }
}
