import { Creds } from '../../kernel/cred.ts';
import { EMFILE } from '../../kernel/errno.ts';
import { Irqs, Softirqs } from '../../kernel/irq.ts';
import { Lockdep } from '../../kernel/locks/lockdep.ts';
import { Mutexes } from '../../kernel/locks/mutex.ts';
import type { MachineOptions } from '../../kernel/machine.ts';
import { Modules } from '../../kernel/module.ts';
import { UserMm } from '../../kernel/mm/user-mm.ts';
import type {
  FilesForProcess,
  PidfdsForProcess,
  ProcessHooks,
  UserBody,
} from '../../kernel/process/ports.ts';
import { Processes } from '../../kernel/process/processes.ts';
import { SIGCHLD } from '../../kernel/process/uapi.ts';
import { Rcu } from '../../kernel/rcu/rcu.ts';
import { Security } from '../../kernel/security.ts';
import { Signals } from '../../kernel/signal.ts';
import type { Task } from '../../kernel/task.ts';
import { TaskWorks } from '../../kernel/task-work.ts';
import { Timers } from '../../kernel/timer.ts';
import { Waits } from '../../kernel/wait.ts';
import type { Sim } from '../../sim/request.ts';
import type { Failure } from '../../sim/failure.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import type { Strategy } from '../../sim/strategy.ts';
import { BareKernel } from './bare-kernel.ts';

/** Descriptor tables of one counter each: 4 bytes of memory, and what was asked of them. */
export class FakeFiles implements FilesForProcess {
  readonly log: string[] = [];
  failCopy = 0;
  failUnshare = 0;
  readonly #kernel: ProcessKernel;

  constructor(kernel: ProcessKernel) {
    this.#kernel = kernel;
  }

  create(): number {
    const { slab, memory } = this.#kernel.machine;
    const table = slab.kzalloc(8);
    memory.setU32(table, 1);
    return table;
  }

  *copy_files(child: Task, flags: number): Sim<number> {
    if (this.failCopy !== 0) return this.failCopy;
    const { memory } = this.#kernel.machine;
    const { files } = this.#kernel.sched.current.s;
    if (flags & 0x400) memory.setU32(files, memory.u32(files) + 1);
    child.s.files = flags & 0x400 ? files : this.create();
    return 0;
  }

  *exit_files(task: Task): Sim<void> {
    const { memory } = this.#kernel.machine;
    const { files } = task.s;
    task.s.files = 0;
    memory.setU32(files, memory.u32(files) - 1);
    if (memory.u32(files) === 0) this.#kernel.kasan.free(files);
  }

  *unshare_files(): Sim<number> {
    this.log.push('unshare');
    return this.failUnshare;
  }

  *do_close_on_exec(): Sim<void> {
    this.log.push('cloexec');
  }
}

/** As where no descriptor is left. */
const NO_PIDFDS: PidfdsForProcess = {
  *pidfd_prepare() {
    return -EMFILE;
  },
  *pidfd_install() {},
  *pidfd_abandon() {},
};

/** Everything about processes, with tables of descriptors that hold nothing. */
export class ProcessKernel extends BareKernel {
  readonly hooks: ProcessHooks = {};
  readonly rcu: Rcu;
  readonly works: TaskWorks;
  readonly user: UserMm;
  readonly signals: Signals;
  readonly modules: Modules;
  readonly files = new FakeFiles(this);
  readonly processes: Processes;

  constructor(options: Partial<MachineOptions> = {}) {
    super(options);
    const { machine, cpus, sched, kasan } = this;
    const lockdep = new Lockdep(machine, cpus);
    const waits = new Waits(machine, sched, (addr) => this.processes.tasks.byAddr(addr));
    const softirqs = new Softirqs(sched);
    this.rcu = new Rcu(machine, cpus, sched);
    this.works = new TaskWorks(machine, cpus);
    this.modules = new Modules(machine, kasan);
    this.user = new UserMm(machine, sched, kasan);
    const security = new Security(machine);
    this.signals = new Signals(machine, sched, {
      security,
      user: this.user,
      tasks: {
        byPid: (pid) => this.processes.tasks.byPid(pid),
        threadsOf: (task) => this.processes.tasks.threadsOf(task),
        all: () => this.processes.tasks.all(),
      },
    });
    this.processes = new Processes(machine, {
      ...this,
      cpus,
      sched,
      kasan,
      waits,
      mutexes: new Mutexes(machine, sched, waits, lockdep),
      timers: new Timers(machine, sched, new Irqs(machine, sched, softirqs), softirqs),
      creds: new Creds(machine, sched, kasan),
      security,
      pathError: () => -13,
      pidfds: NO_PIDFDS,
    });
    this.processes.syscalls.register(this.signals.rows);
    waits.signalPending = (task) => this.signals.signal_pending(task);
    kasan.inReadSection = () => this.rcu.inReadSection();
    sched.hooks.onSwitch = (_cpu, prev) => this.processes.tasks.finish_task_switch(prev);
    this.user.hooks.fatalSignalPending = (task) => this.signals.fatal_signal_pending(task);
    this.user.hooks.segfault = (task) => void this.signals.force_sig(11, task);
  }

  /** Boots: init runs `body`, then adopts and sleeps. Gives the failures. */
  boot(body: () => Sim<unknown>, strategy: Strategy = new Stay()): readonly Failure[] {
    const { tasks } = this.processes;
    const init = tasks.create_init(body);
    tasks.initMm(init, this.user.create());
    init.s.files = this.files.create();
    this.sched.wakeNew(init);
    return this.run(strategy);
  }

  // System calls of the current task.

  sys(name: string, ...args: number[]): Sim<number> {
    return this.processes.syscalls.invoke(name, ...args);
  }

  *clone(flags: number, run: UserBody['run'], more: Partial<UserBody> = {}): Sim<number> {
    const { sched, processes } = this;
    processes.clones.nextBody.set(sched.current, { run, ...more });
    return yield* this.sys('clone', flags, 0, this.at(64), this.at(68), 0);
  }

  *fork(run: UserBody['run']): Sim<number> {
    return yield* this.clone(SIGCHLD, run);
  }

  /** What wait4() gives, and the status it stores; -1 where it stores none. */
  *wait(pid: number, options = 0): Sim<readonly [number, number]> {
    const status = this.at(0);
    yield* this.user.userWrite(status, new Uint8Array(4).fill(0xff));
    const result = yield* this.sys('wait4', pid, status, options, 0);
    return [result, this.int(status)];
  }

  /** An address in the scratch memory of the current task. */
  at(offset: number): number {
    return this.user.mmArena(this.sched.current.s.mm).addr + offset;
  }

  int(addr: number): number {
    return new DataView(this.user.copy_from_user_nofault(addr, 4)!.buffer).getInt32(0, true);
  }

  /** Sleeps until nothing else can run: 1 microsecond, at offset 128. */
  *nap(): Sim<number> {
    const time = new BigInt64Array([0n, 1_000n]);
    yield* this.user.userWrite(this.at(128), new Uint8Array(time.buffer));
    return yield* this.sys('nanosleep', this.at(128), 0);
  }

  /** The address of a string put into scratch memory. */
  *text(value: string, offset = 256): Sim<number> {
    yield* this.user.userWrite(this.at(offset), new TextEncoder().encode(`${value}\0`));
    return this.at(offset);
  }

  *exec(path: string): Sim<number> {
    return yield* this.sys('execve', yield* this.text(path), 0, 0);
  }

  task(pid: number): Task {
    return this.processes.tasks.byPid(pid)!;
  }
}
