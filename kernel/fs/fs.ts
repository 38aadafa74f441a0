import type { Atomics } from '../locks/atomic.ts';
import type { FileRefs } from '../locks/file-ref.ts';
import type { Mutexes } from '../locks/mutex.ts';
import type { Refcounts } from '../locks/refcount.ts';
import type { Spinlocks } from '../locks/spinlock.ts';
import type { Cpus } from '../cpu.ts';
import { EACCES } from '../errno.ts';
import type { FileOps, InodeKind, SyscallRow } from '../hooks.ts';
import type { Kasan } from '../kasan.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Modules } from '../module.ts';
import type { FileHolder } from '../quiesce.ts';
import type { Rcu } from '../rcu/rcu.ts';
import type { RcuTasksTrace } from '../rcu/tasks-trace.ts';
import type { Security } from '../security.ts';
import type { Signals } from '../signal.ts';
import type { TaskWorks } from '../task-work.ts';
import type { Waits } from '../wait.ts';
import type { Workqueues } from '../work.ts';
import { AnonInodes } from './anon-inode.ts';
import { AUTOFS_MODULE, Autofs } from './autofs.ts';
import { FdCheckers } from './checkers.ts';
import { Closing } from './close.ts';
import { Dup } from './dup.ts';
import { Eventfds } from './eventfd.ts';
import { ExeFiles } from './exe-file.ts';
import { FdTables } from './fdtable.ts';
import { FileTable } from './file.ts';
import { Lookup } from './lookup.ts';
import { Namespace } from './namespace.ts';
import { MemDevices } from './null.ts';
import { Opening } from './open.ts';
import { Pidfds, type PidfdParts } from './pidfd.ts';
import { Pipes } from './pipe.ts';
import { Ramfs } from './ramfs.ts';
import { ReadWrite } from './read-write.ts';
import { SLOW_MODULE, SlowDevice } from './slow.ts';
import { Looper } from './looper.ts';
import { Roster } from './roster.ts';
import { Sockets } from './socket.ts';

/** What files stand on. */
export interface FsParts {
  readonly cpus: Cpus;
  readonly kasan: Kasan;
  readonly atomics: Atomics;
  readonly refs: FileRefs;
  readonly refcounts: Refcounts;
  readonly spinlocks: Spinlocks;
  readonly mutexes: Mutexes;
  readonly waits: Waits;
  readonly rcu: Rcu;
  readonly rcuTasksTrace: RcuTasksTrace;
  readonly works: TaskWorks;
  readonly workqueues: Workqueues;
  readonly modules: Modules;
  readonly security: Security;
  readonly user: UserMm;
  readonly signals: Signals;
  readonly capable: (cap: number) => boolean;
  readonly mightSleep: (what: string) => void;
  readonly ptrace_may_access: PidfdParts['ptrace_may_access'];
  readonly tasks: PidfdParts['tasks'];
}

/** Descriptors, files and every kind of file, put together. */
export class Fs {
  readonly checkers: FdCheckers;
  readonly files: FileTable;
  readonly tables: FdTables;
  readonly lookup: Lookup;
  readonly closing: Closing;
  readonly pidfds: Pidfds;
  readonly anon: AnonInodes;
  readonly roster: Roster;
  readonly exeFiles: ExeFiles;
  readonly rows: readonly SyscallRow[];
  readonly #paths: Namespace;
  readonly #sockets: Sockets;

  constructor(machine: Machine, parts: FsParts) {
    const { cpus, modules, user } = parts;
    this.checkers = new FdCheckers(machine, cpus);
    this.files = new FileTable(machine, cpus, parts);
    this.tables = new FdTables(machine, cpus, parts);
    const base = { ...parts, checkers: this.checkers, files: this.files, tables: this.tables };
    this.lookup = new Lookup(machine, cpus, base);
    this.closing = new Closing(machine, cpus, base);
    const all = { ...base, lookup: this.lookup, closing: this.closing };
    modules.load(AUTOFS_MODULE);
    modules.load(SLOW_MODULE);
    const ramfs = new Ramfs(machine, base);
    this.files.evictInode = (inode) => ramfs.evict(inode);
    const anon = new AnonInodes(machine, base);
    this.anon = anon;
    const pipes = new Pipes(machine, base);
    const eventfds = new Eventfds(machine, { ...base, anon });
    this.pidfds = new Pidfds(machine, { ...all, anon });
    this.#sockets = new Sockets(machine, all);
    this.roster = new Roster(machine, parts);
    this.exeFiles = new ExeFiles(base);
    const kinds = [
      ...new MemDevices(machine, user).kinds,
      ...new Autofs(machine, all).kinds,
      ...new SlowDevice(machine, base).kinds,
      ...new Looper(machine, cpus, all).kinds,
      ...this.roster.kinds,
    ];
    const paths = new Namespace(machine, { kinds, ramfs, capable: parts.capable });
    this.#paths = paths;
    this.rows = [
      ...this.closing.rows,
      ...new Dup(machine, cpus, all).rows,
      ...new Opening(machine, cpus, { ...all, paths }).rows,
      ...new ReadWrite(machine, all).rows,
      ...pipes.rows,
      ...eventfds.rows,
      ...this.pidfds.rows,
      ...this.#sockets.rows,
    ];
    this.#register([
      ...kinds.map(({ ops }) => ops),
      paths.dirOps,
      ramfs.ops,
      pipes.ops,
      eventfds.ops,
      this.pidfds.ops,
      ...this.#sockets.ops,
      this.exeFiles.ops,
    ]);
  }

  reset(): void {
    this.checkers.reset();
    this.files.reset();
  }

  /** More kinds of files, and more fixed names. Before boot: their tables are in memory. */
  add(kinds: readonly InodeKind[], ops: readonly FileOps[] = []): void {
    this.#paths.add(kinds);
    this.#register([...kinds.map((kind) => kind.ops), ...ops]);
  }

  /** Why a path that is no program cannot be executed. */
  pathError(path: string): number {
    const found = this.#paths.resolve(path, 0, 0);
    if (typeof found === 'number') return found;
    if (found.inode !== 0) this.files.iput(found.inode);
    return -EACCES;
  }

  /** References that messages on their way hold. */
  inFlight(): readonly FileHolder[] {
    return this.#sockets.inFlight();
  }

  /** All at boot: their tables are in memory, and memory goes back to what it was then. */
  #register(ops: readonly FileOps[]): void {
    for (const table of new Set(ops)) this.files.registerOps(table);
  }
}
