import type { Cpus } from '../cpu.ts';
import type { Creds } from '../cred.ts';
import type { Kasan } from '../kasan.ts';
import type { Mutexes } from '../locks/mutex.ts';
import type { Machine } from '../machine.ts';
import type { UserMm } from '../mm/user-mm.ts';
import type { Modules } from '../module.ts';
import { Prctl } from '../prctl.ts';
import type { Rcu } from '../rcu/rcu.ts';
import { Rlimits } from '../rlimit.ts';
import type { Sched } from '../sched.ts';
import type { Security } from '../security.ts';
import { Syscalls } from '../syscall.ts';
import type { TaskWorks } from '../task-work.ts';
import { Tasks } from '../tasks.ts';
import type { Timers } from '../timer.ts';
import type { Waits } from '../wait.ts';
import { Clones } from './clone.ts';
import { Execs } from './exec.ts';
import { Exits } from './exit.ts';
import { Ids } from './ids.ts';
import type {
  FilesForProcess,
  PidfdsForProcess,
  ProcessHooks,
  SignalsForProcess,
} from './ports.ts';
import { RegisteredMemory } from './registered-memory.ts';
import { Shared } from './shared.ts';
import { TaskStorage } from './storage.ts';
import { WaitCalls } from './wait.ts';

/** What processes stand on. */
export interface ProcessParts {
  readonly cpus: Cpus;
  readonly sched: Sched;
  readonly kasan: Kasan;
  readonly mutexes: Mutexes;
  readonly waits: Waits;
  readonly rcu: Rcu;
  readonly works: TaskWorks;
  readonly timers: Timers;
  readonly modules: Modules;
  readonly creds: Creds;
  readonly security: Security;
  readonly signals: SignalsForProcess;
  readonly user: UserMm;
  readonly files: FilesForProcess;
  readonly pidfds: PidfdsForProcess;
  readonly hooks: ProcessHooks;
  readonly pathError: (path: string) => number;
}

/** Tasks from clone to wait, and the way into the kernel and out: put together. */
export class Processes {
  readonly tasks: Tasks;
  readonly syscalls: Syscalls;
  readonly storage: TaskStorage;
  readonly registered: RegisteredMemory;
  readonly clones: Clones;
  readonly execs: Execs;

  constructor(machine: Machine, parts: ProcessParts) {
    const { sched, kasan } = parts;
    const shared = new Shared(machine, kasan);
    this.registered = new RegisteredMemory(machine, sched, parts);
    this.storage = new TaskStorage(machine, sched, { kasan, registered: this.registered });
    const { storage, registered } = this;
    this.tasks = new Tasks(machine, sched, { ...parts, shared, storage });
    const base = { ...parts, shared, tasks: this.tasks, storage, registered };
    const exits = new Exits(machine, sched, base);
    this.syscalls = new Syscalls(machine, parts.cpus, sched, { ...base, exits });
    const all = { ...base, exits, syscalls: this.syscalls };
    this.clones = new Clones(machine, sched, all);
    this.execs = new Execs(machine, sched, all);
    this.syscalls.register([
      ...this.clones.rows,
      ...this.execs.rows,
      ...exits.rows,
      ...new WaitCalls(machine, sched, all).rows,
      ...new Prctl(machine, sched, all).rows,
      ...new Rlimits(machine, sched, all).rows,
      ...new Ids(machine, sched, all).rows,
    ]);
  }

  checkpoint(): void {
    this.registered.checker.checkpoint();
  }

  reset(): void {
    this.registered.checker.reset();
    this.syscalls.reset();
    this.clones.reset();
  }
}
