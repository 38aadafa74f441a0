import { assert } from '../../base/assert.ts';
import { struct, long } from '../../base/layout.ts';
import { kernelText, RMW, access, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Cpus } from '../cpu.ts';
import { ENFILE, ENODEV, ENOMEM } from '../errno.ts';
import type { FileOps } from '../hooks.ts';
import type { Kasan } from '../kasan.ts';
import type { FileRefs } from '../locks/file-ref.ts';
import { lockClass } from '../locks/lock-class.ts';
import type { Machine } from '../machine.ts';
import type { Modules } from '../module.ts';
import type { Rcu } from '../rcu/rcu.ts';
import type { KmemCache } from '../slab.ts';
import { PF_KTHREAD } from '../task.ts';
import type { TaskWorks } from '../task-work.ts';
import type { Workqueues } from '../work.ts';
import {
  file as fileStruct,
  file_operations,
  FMODE_ATOMIC_POS,
  FMODE_LSEEK,
  FMODE_OPENED,
  FMODE_PATH,
  FMODE_PREAD,
  FMODE_READ,
  FMODE_STREAM,
  FMODE_WRITE,
  inode as inodeStruct,
} from './structs.ts';
import { O_PATH, S_IFDIR, S_IFMT, S_IFREG } from './uapi.ts';

const I2 = site('alloc_file', 'I2');
const C6 = site('fput', 'C6');
const GET = site('get_file', 'get');
const C8 = site('fput', 'C8');
const C9 = site('____fput', 'C9');
const T1 = site('__fput', 'T1');
const T2 = site('__fput', 'T2');
const T3 = site('__fput', 'T3');
const T4 = site('__fput', 'T4');
const T5 = site('__fput', 'T5');
const T6 = site('__fput', 'T6');
const T7 = site('__fput', 'T7');
const T8 = site('__fput', 'T8');
const T9 = site('__fput', 'T9');
const T10 = site('__fput', 'T10');

/** What fs/file_table.c keeps in files_stat. */
const files_stat = struct('files_stat_struct', {
  nr_files: long,
  max_files: long,
  old_max: long, // the most files there were when the limit was last reported
});
const MAX_FILES = 8_192;
const CAP_SYS_ADMIN = 21;
/** What a path-only file can do: nothing. fs/open.c */
const EMPTY_FOPS: FileOps = { name: 'empty_fops', module: '' };
/** One tick at HZ=250: when files closed where no task work can be queued are torn down. */
const DELAYED_FPUT_NS = 4_000_000;

/** Guards f_flags against other writers. */
export const f_lock = lockClass('&file->f_lock', 'spin');

export interface NewFile {
  readonly ops: FileOps;
  readonly flags: number;
  /** Address of its inode, of which the file takes a reference; 0 for an anonymous one. */
  readonly inode?: number;
  readonly privateData?: number;
  /** S_IFMT bits of what it is; default none, as for a pipe or socket: no position. */
  readonly type?: number;
}

export interface FileTableParts {
  readonly kasan: Kasan;
  readonly refs: FileRefs;
  readonly rcu: Rcu;
  readonly works: TaskWorks;
  readonly workqueues: Workqueues;
  readonly modules: Modules;
  /** Of the current task. kernel/cred.ts */
  readonly capable: (cap: number) => boolean;
}

/** Files from allocation to the last put. fs/file_table.c. Spec 00, sections 2 and 6. */
export class FileTable {
  readonly #machine: Machine;
  readonly #cpus: Cpus;
  readonly #parts: FileTableParts;
  readonly #filp: KmemCache;
  readonly #inodes: KmemCache;
  readonly #stat: number;
  /** By number in file_operations.id, from 1. */
  readonly #ops: FileOps[] = [];
  readonly #opsAddr = new Map<FileOps, number>();
  /** Dropped where no task work could be queued: torn down by the kworker. Newest first. */
  #delayed: number[] = [];
  /** Frees what hangs on an inode when its last reference goes. */
  evictInode: (inode: number) => void = () => {};

  constructor(machine: Machine, cpus: Cpus, parts: FileTableParts) {
    this.#machine = machine;
    this.#cpus = cpus;
    this.#parts = parts;
    this.#filp = machine.slab.cache('filp', fileStruct.sizeBytes, {
      typesafe: machine.facts.fileTypesafe,
    });
    this.#inodes = machine.slab.cache('inode_cache', inodeStruct.sizeBytes);
    this.#stat = machine.slab.kzalloc(files_stat.sizeBytes);
    files_stat.at(machine.memory, this.#stat).max_files = MAX_FILES;
    this.registerOps(EMPTY_FOPS);
  }

  reset(): void {
    this.#delayed = [];
  }

  /** Makes a table of operations known. Those of a module stand in its memory and go with it. */
  registerOps(ops: FileOps): number {
    const { slab, memory } = this.#machine;
    const addr =
      ops.module === ''
        ? slab.kzalloc(file_operations.sizeBytes)
        : this.#parts.modules.allocData(ops.module, file_operations.sizeBytes);
    this.#ops.push(ops);
    const table = file_operations.at(memory, addr);
    table.owner = this.#parts.modules.addressOf(ops.module);
    table.id = this.#ops.length;
    this.#opsAddr.set(ops, addr);
    return addr;
  }

  /** The operations of a file, read through its f_op. */
  opsOf(file: number): FileOps {
    const { memory } = this.#machine;
    const ops = this.#ops[file_operations.at(memory, fileStruct.at(memory, file).f_op).id - 1];
    assert(ops, 'file without operations');
    return ops;
  }

  /**
   * A file with one reference, or -ENFILE, -ENOMEM; -ENODEV where the module of its operations is
   * going or gone, on which it takes a reference. One that is only a path has no operations.
   */
  *alloc_file(options: NewFile): Sim<number> {
    const { memory, slab } = this.#machine;
    const ops = options.flags & O_PATH ? EMPTY_FOPS : options.ops;
    assert(this.#opsAddr.has(ops), `${ops.name} is not registered`);
    if (this.#filesFull()) return -ENFILE;
    const addr = this.#machine.mayAlloc('alloc_file') ? slab.alloc(this.#filp) : 0;
    if (addr === 0) return -ENOMEM;
    const { modules } = this.#parts;
    if (!modules.isMapped(ops.module) || !modules.try_module_get(ops.module)) {
      this.#parts.kasan.free(addr);
      return -ENODEV;
    }
    this.#countFile(1);
    yield* step(I2);
    const file = fileStruct.at(memory, addr);
    const { flags, inode = 0, type = 0 } = options;
    file.f_flags = flags;
    file.f_mode = modeOf(flags, type);
    file.f_op = this.#opsAddr.get(ops)!;
    file.private_data = options.privateData ?? 0;
    file.f_inode = inode;
    file.f_pos = 0;
    file.f_owner_pid = 0;
    file.f_lock = 0;
    memory.rawFill(file.f_pos_lock, 24, 0);
    if (inode !== 0) this.#addToCount(inode, 1);
    this.#parts.refs.init(addr + fileStruct.off.f_count, 1); // last: R11
    return addr;
  }

  /** Its ->open() has failed: it was never opened, and just freed. do_dentry_open() */
  abandon(file: number): void {
    const view = fileStruct.at(this.#machine.memory, file);
    this.#parts.modules.module_put(this.opsOf(file).module);
    if (view.f_inode !== 0) this.iput(view.f_inode);
    view.f_inode = 0;
    view.f_mode &= ~FMODE_OPENED;
  }

  /** An inode with one reference of the caller's own. */
  newInode(mode: number, privateData = 0): number {
    const addr = this.#machine.slab.zalloc(this.#inodes);
    const inode = inodeStruct.at(this.#machine.memory, addr);
    inode.i_count = 1;
    inode.i_mode = mode;
    inode.i_private = privateData;
    return addr;
  }

  iput(inode: number): void {
    if (this.#addToCount(inode, -1) > 0) return;
    this.evictInode(inode);
    this.#parts.kasan.free(inode);
  }

  /** i_count is an atomic_t: no access to it is a data race. */
  #addToCount(inode: number, delta: 1 | -1): number {
    const { memory } = this.#machine;
    const view = inodeStruct.at(memory, inode);
    return memory.unwatched(() => (view.i_count += delta));
  }

  /** One more reference of a file that the caller has one of. get_file() */
  *get_file(file: number): Sim<void> {
    yield* this.#parts.refs.inc(GET, file + fileStruct.off.f_count);
  }

  /** The same as part of an atomic region. */
  getUnderLock(file: number): void {
    this.#parts.refs.incUnderLock(file + fileStruct.off.f_count);
  }

  /** References a file has now. */
  count(file: number): number {
    return this.#parts.refs.count(file + fileStruct.off.f_count);
  }

  /** Drops a reference; the last one is torn down later, by whoever drops it. */
  *fput(file: number): Sim<void> {
    if (yield* this.#parts.refs.put(C6, file + fileStruct.off.f_count)) {
      yield* this.#defer(file);
    } else {
      this.#machine.remark(() => droppedText(this.count(file)));
    }
  }

  /** The same for close paths, which expect to drop the last one. Spec 00 R9. */
  *fput_close(file: number): Sim<void> {
    if (yield* this.#parts.refs.put_close(C6, file + fileStruct.off.f_count)) {
      yield* this.#defer(file);
    } else {
      this.#machine.remark(() => droppedText(this.count(file)));
    }
  }

  /** Tears the file down here and now where this was the last reference. */
  *fput_close_sync(file: number): Sim<void> {
    if (yield* this.#parts.refs.put_close(C6, file + fileStruct.off.f_count)) {
      this.#machine.remark(() => 'refs 1 → 0, last: torn down at once');
      yield* this.__fput(file);
    } else {
      this.#machine.remark(() => droppedText(this.count(file)));
    }
  }

  /** Spec 00 R31: the order is the contract. */
  *__fput(file: number): Sim<void> {
    const { memory } = this.#machine;
    const { modules } = this.#parts;
    const view = fileStruct.at(memory, file);
    if ((view.f_mode & FMODE_OPENED) === 0) return this.#free(file);
    yield* step(T1);
    yield* step(T2);
    yield* step(T3);
    yield* step(T4);
    const ops = this.opsOf(file);
    yield* step(T5);
    if (ops.release) {
      modules.callable(ops.module);
      this.#machine.remark(() => `->release() of ${ops.name}`);
      yield* ops.release(file);
    }
    yield* step(T6);
    yield* step(T7);
    modules.module_put(ops.module);
    view.f_owner_pid = 0;
    yield* step(T8);
    if (view.f_inode !== 0) this.iput(view.f_inode);
    yield* step(T9);
    yield* access(T10, file, fileStruct.sizeBytes, RMW);
    this.#free(file);
  }

  /** delayed_fput(): the kworker's part. */
  *delayed_fput(): Sim<void> {
    const batch = this.#delayed;
    this.#delayed = [];
    for (const file of batch) yield* this.__fput(file);
  }

  /** Files whose last reference is gone but whose teardown has not begun. */
  get delayedCount(): number {
    return this.#delayed.length;
  }

  *____fput(file: number): Sim<void> {
    yield* step(C9);
    this.#machine.remark(() => 'deferred teardown');
    yield* this.__fput(file);
  }

  /** Spec 00 R30. __fput_deferred() */
  *#defer(file: number): Sim<void> {
    const view = fileStruct.at(this.#machine.memory, file);
    if ((view.f_mode & FMODE_OPENED) === 0) {
      this.#free(file);
      return;
    }
    yield* step(C8);
    this.#machine.remark(() => 'refs 1 → 0, teardown deferred to the way to user mode');
    const context = this.#cpus.context;
    const task = this.#cpus.current;
    if (context?.kind === 'task' && (task.s.flags & PF_KTHREAD) === 0) {
      const queued = this.#parts.works.task_work_add(task, '____fput', () => this.____fput(file));
      if (queued === 0) return;
    }
    this.#delayed.unshift(file);
    if (this.#delayed.length === 1) {
      this.#parts.workqueues.schedule_delayed_work(
        'delayed_fput',
        () => this.delayed_fput(),
        DELAYED_FPUT_NS,
      );
    }
  }

  /** A percpu counter in Linux: no step, and no race. */
  #countFile(delta: number): void {
    const { memory } = this.#machine;
    memory.unwatched(() => (files_stat.at(memory, this.#stat).nr_files += delta));
  }

  /** Whether nobody but the administrator gets another. alloc_empty_file() */
  #filesFull(): boolean {
    const { memory } = this.#machine;
    const stat = files_stat.at(memory, this.#stat);
    return memory.unwatched(() => {
      if (stat.nr_files < stat.max_files || this.#parts.capable(CAP_SYS_ADMIN)) return false;
      if (stat.nr_files > stat.old_max) {
        this.#machine.printk(6, `VFS: file-max limit ${stat.max_files} reached`);
        stat.old_max = stat.nr_files;
      }
      return true;
    });
  }

  /** Spec 00 R5, R11: v6.1 waits for a grace period, v7.2 does not. */
  #free(file: number): void {
    this.#countFile(-1);
    const { kasan, rcu } = this.#parts;
    this.#machine.remark(() => 'struct file freed');
    if (this.#machine.facts.fileTypesafe) kasan.free(file);
    else rcu.call_rcu('file_free_rcu', () => kasan.free(file));
  }
}

kernelText(FileTable);

function droppedText(count: number): string {
  return `refs ${count + 1} → ${count}`;
}

/** OPEN_FMODE(), and what do_dentry_open() adds. */
function modeOf(flags: number, type: number): number {
  if (flags & O_PATH) return FMODE_PATH | FMODE_OPENED;
  // Access mode 3 is neither: OPEN_FMODE()
  let mode = FMODE_OPENED | ((flags + 1) & (FMODE_READ | FMODE_WRITE));
  if (type === 0) return mode | FMODE_STREAM;
  mode |= FMODE_LSEEK | FMODE_PREAD;
  const kind = type & S_IFMT;
  return kind === S_IFREG || kind === S_IFDIR ? mode | FMODE_ATOMIC_POS : mode;
}
