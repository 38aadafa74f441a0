import type { Mode } from '../sim/engine.ts';
import type { Sim } from '../sim/request.ts';
import { Cpus } from './cpu.ts';
import { Creds } from './cred.ts';
import { Fs } from './fs/fs.ts';
import { Irqs, Softirqs } from './irq.ts';
import { Kasan } from './kasan.ts';
import { Kcsan } from './kcsan.ts';
import { Atomics } from './locks/atomic.ts';
import { FileRefs } from './locks/file-ref.ts';
import { Lockdep } from './locks/lockdep.ts';
import { Mutexes } from './locks/mutex.ts';
import { Refcounts } from './locks/refcount.ts';
import { RqSpinlocks } from './locks/rqspinlock.ts';
import { Spinlocks } from './locks/spinlock.ts';
import { Machine } from './machine.ts';
import { Madvise } from './mm/madvise.ts';
import { Mmap } from './mm/mmap.ts';
import { Mprotect } from './mm/mprotect.ts';
import { UserMm } from './mm/user-mm.ts';
import { Modules } from './module.ts';
import { Pmu } from './pmu.ts';
import type { ProcessHooks } from './process/ports.ts';
import { Processes } from './process/processes.ts';
import type { SyscallRow } from './hooks.ts';
import type { Profile } from './profile.ts';
import { FileCensus, type FileHolder } from './quiesce.ts';
import { Rcu } from './rcu/rcu.ts';
import { RcuTasksTrace } from './rcu/tasks-trace.ts';
import { Reboot } from './reboot.ts';
import { Sched } from './sched.ts';
import { Security } from './security.ts';
import { Signals } from './signal.ts';
import type { Task } from './task.ts';
import { TaskWorks } from './task-work.ts';
import { Ticks, Timers } from './timer.ts';
import { Waits } from './wait.ts';
import { Watchdogs } from './watchdog.ts';
import { Workqueues } from './work.ts';

type LaterTasks = Pick<
  Processes['tasks'],
  'byPid' | 'threadsOf' | 'all' | 'get_task_struct' | 'put_task_struct'
>;

/** A part of a kernel that is none of its own: BPF. */
export interface Extension {
  /** What reset() goes back to. Memory is remembered without it. */
  checkpoint(): void;
  reset(): void;
  /** References of files that it holds. */
  fileHolders(): readonly FileHolder[];
  /** Looks at what is left once nothing can run any more. */
  settle?(): void;
}

export interface KernelOptions {
  readonly cpuCount: number;
  readonly profile: Profile;
  readonly mutations: ReadonlySet<string>;
  readonly mode: Mode;
  readonly memoryBytes?: number;
  /** Whether data races are looked for. */
  readonly races?: boolean;
}

/**
 * One simulated kernel: makes the parts, and hands each what it needs. Its life: boot() with the
 * body of init, run to rest, checkpoint(); then any number of rollback() and run, each followed
 * by settle().
 */
export class Kernel {
  readonly machine: Machine;
  readonly kasan: Kasan;
  readonly cpus: Cpus;
  readonly sched: Sched;
  readonly lockdep: Lockdep;
  readonly atomics: Atomics;
  readonly spinlocks: Spinlocks;
  readonly rqspinlocks: RqSpinlocks;
  readonly mutexes: Mutexes;
  readonly waits: Waits;
  readonly rcu: Rcu;
  readonly rcuTasksTrace: RcuTasksTrace;
  readonly works: TaskWorks;
  readonly workqueues: Workqueues;
  readonly softirqs: Softirqs;
  readonly irqs: Irqs;
  readonly pmu: Pmu;
  readonly timers: Timers;
  readonly ticks: Ticks;
  readonly watchdogs: Watchdogs;
  readonly modules: Modules;
  readonly mm: UserMm;
  readonly mmap: Mmap;
  readonly signals: Signals;
  readonly creds: Creds;
  readonly security: Security;
  readonly fs: Fs;
  readonly processes: Processes;
  /** What else happens when processes come and go: for outsiders. */
  readonly hooks: ProcessHooks = {};
  /** What outsiders have added: its state goes back with the kernel's. */
  readonly extensions: Extension[] = [];
  /** A task is about to end: its exit_code stands. */
  onExit: (task: Task) => void = () => {};
  readonly #census: FileCensus;
  readonly #kcsan: Kcsan;

  constructor(options: KernelOptions) {
    const machine = new Machine(options);
    this.machine = machine;
    this.kasan = new Kasan(machine);
    this.cpus = new Cpus(machine);
    this.sched = new Sched(machine, this.cpus);
    this.lockdep = new Lockdep(machine, this.cpus);
    this.sched.rqLocks.lockdep = this.lockdep;
    this.atomics = new Atomics(machine);
    this.spinlocks = new Spinlocks(machine, this.cpus, this.sched, this.lockdep);
    this.rqspinlocks = new RqSpinlocks(machine, this.cpus, this.sched);
    this.waits = new Waits(machine, this.sched, (addr) => this.processes.tasks.byAddr(addr));
    this.mutexes = new Mutexes(machine, this.sched, this.waits, this.lockdep);
    this.rcu = new Rcu(machine, this.cpus, this.sched);
    this.rcuTasksTrace = new RcuTasksTrace(machine, this.cpus, this.sched);
    this.works = new TaskWorks(machine, this.cpus);
    this.workqueues = new Workqueues(machine, this.sched);
    this.softirqs = new Softirqs(this.sched);
    this.irqs = new Irqs(machine, this.sched, this.softirqs);
    this.pmu = new Pmu(machine, this.sched, this.irqs);
    this.timers = new Timers(machine, this.sched, this.irqs, this.softirqs);
    this.ticks = new Ticks(machine, this.sched, this.irqs);
    this.watchdogs = new Watchdogs(machine, this.sched, this.irqs, () =>
      this.processes.tasks.all(),
    );
    this.modules = new Modules(machine, this.kasan);
    this.mm = new UserMm(machine, this.sched, this.kasan);
    this.creds = new Creds(machine, this.sched, this.kasan);
    this.security = new Security(machine);
    const tasks = this.#laterTasks();
    const { security } = this;
    this.signals = new Signals(machine, this.sched, { user: this.mm, tasks, security });
    this.fs = this.#newFs(tasks);
    this.processes = new Processes(machine, {
      ...this,
      user: this.mm,
      files: this.fs.closing,
      pidfds: this.fs.pidfds,
      pathError: (path) => this.fs.pathError(path),
    });
    this.mmap = new Mmap(machine, {
      ...this,
      ...this.fs,
      allTasks: () => this.processes.tasks.all(),
    });
    this.processes.syscalls.register(this.#rows());
    this.#connect();
    this.#census = this.#newCensus();
    this.#kcsan = new Kcsan(machine);
    if (options.races) this.#kcsan.install();
  }

  #newFs(tasks: LaterTasks): Fs {
    const { machine } = this;
    return new Fs(machine, {
      ...this,
      refs: new FileRefs(machine, this.sched),
      refcounts: new Refcounts(machine),
      user: this.mm,
      capable: (cap) => this.creds.capable(cap),
      mightSleep: (what) => this.sched.mightSleep(what),
      ptrace_may_access: (task) => this.creds.ptrace_may_access(task),
      tasks,
    });
  }

  #rows(): readonly SyscallRow[] {
    const { machine } = this;
    return [
      ...this.fs.rows,
      ...this.mmap.rows,
      ...new Madvise(machine, this).rows,
      ...new Mprotect(machine, this).rows,
      ...this.signals.rows,
      ...new Reboot(machine, this.creds).rows,
    ];
  }

  #newCensus(): FileCensus {
    return new FileCensus(this.machine, {
      ...this.fs,
      allTables: () => this.#tables(),
      holders: () => [
        ...this.fs.inFlight(),
        ...this.mmap.fileHolders(),
        ...this.extensions.flatMap((extension) => extension.fileHolders()),
      ],
    });
  }

  /** The tasks, for parts that are made before them. */
  #laterTasks(): LaterTasks {
    const tasks = (): Processes['tasks'] => this.processes.tasks;
    return {
      byPid: (pid) => tasks().byPid(pid),
      threadsOf: (task) => tasks().threadsOf(task),
      all: () => tasks().all(),
      get_task_struct: (task) => tasks().get_task_struct(task),
      put_task_struct: (task) => tasks().put_task_struct(task),
    };
  }

  get tasks(): Processes['tasks'] {
    return this.processes.tasks;
  }

  get images(): Processes['execs']['images'] {
    return this.processes.execs.images;
  }

  get syscalls(): Processes['syscalls'] {
    return this.processes.syscalls;
  }

  /** Starts init, which runs `body` and then adopts orphans. The engine runs it. */
  boot(body: () => Sim<unknown>): void {
    const { machine, sched, tasks } = this;
    machine.engine.reset();
    this.workqueues.boot((name, thread) => tasks.create_kthread(name, thread));
    const init = tasks.create_init(body);
    tasks.initMm(init, this.mm.create());
    init.s.files = this.fs.tables.newFiles();
    sched.wakeNew(init);
  }

  /** Every later run starts from here. Nothing may be under way. */
  checkpoint(): void {
    this.tasks.checkpoint();
    this.pmu.checkpoint();
    this.processes.checkpoint();
    for (const extension of this.extensions) extension.checkpoint();
    this.#reset();
    this.machine.checkpoint();
  }

  rollback(): void {
    this.machine.rollback();
    this.#reset();
    this.tasks.rollback();
  }

  /**
   * Looks at a kernel in which nothing can run any more: who is stuck, what was never done, which
   * references are left. Throws the Oops of what it finds, or adds to the engine's failures.
   */
  settle(): void {
    this.#pendingWork();
    const stuck =
      this.lockdep.describeDeadlock(this.tasks.all()) ??
      this.spinlocks.describeSpinners() ??
      this.rqspinlocks.describeWaiters() ??
      this.watchdogs.deadlockReport();
    if (stuck) this.machine.fail(stuck);
    this.#census.check();
    for (const extension of this.extensions) extension.settle?.();
  }

  /** Spec 00 H9: what a task was to do on its way to user mode, which it never takes. */
  #pendingWork(): void {
    for (const task of this.tasks.all()) {
      const names = this.works.pendingNames(task);
      if (names.length === 0) continue;
      this.machine.fail({
        kind: 'leak',
        title: `BUG: leak: deferred put pending in ${task.comm}:${task.pid}`,
        lines: [`It never returns to user mode, where it would run: ${names.join(', ')}`],
        sites: names,
      });
    }
  }

  #connect(): void {
    const { sched, rcu, processes, watchdogs, ticks, pmu } = this;
    const { hooks } = sched;
    Object.assign(this.machine.tracepoints, {
      onFirst: () => processes.tasks.init_idle(),
      preempt: { disable: () => sched.preemptDisable(), enable: () => sched.preemptEnable() },
    });
    this.spinlocks.interrupts = this.irqs;
    this.rqspinlocks.interrupts = this.irqs;
    hooks.idle = () => this.rqspinlocks.idle();
    this.kasan.inReadSection = () => rcu.inReadSection();
    this.waits.signalPending = (task) => this.signals.signal_pending(task);
    this.modules.synchronize_rcu = () => rcu.synchronize_rcu();
    hooks.onSwitch = (cpu, prev, next) => {
      pmu.switched(cpu, next);
      ticks.switched(cpu, next);
      watchdogs.switched(cpu, prev, next);
      processes.tasks.finish_task_switch(prev);
    };
    hooks.onWakeup = (task) => ticks.woken(task);
    hooks.returnedInto = (frame) => this.modules.returnedInto(frame);
    hooks.overrun = (rounds) => this.watchdogs.overrunReport(rounds);
    this.mm.vmas.files = {
      get: (file) => this.fs.files.getUnderLock(file),
      fput: (file) => this.fs.files.fput(file),
    };
    Object.assign(this.mm.hooks, {
      borrowsOf: (task: Task) =>
        this.fs.checkers.outstanding(task).map(({ fd }) => `descriptor ${fd}`),
      isPinned: (module: string) => this.modules.refcount(module) > 0,
      fatalSignalPending: (task: Task) => this.signals.fatal_signal_pending(task),
      segfault: (task: Task) => void this.signals.force_sig(11, task),
    });
    this.hooks.leaving = (task) => {
      this.fs.checkers.leaving(task);
      this.lockdep.checkNoLocksHeld(task);
    };
    this.hooks.dying = (task) => {
      this.onExit(task);
      this.lockdep.checkNoLocksHeld(task, 'exit');
      rcu.exit_rcu(task);
      this.rcuTasksTrace.exit_rcu(task);
    };
  }

  #reset(): void {
    for (const part of [
      this.cpus,
      this.lockdep,
      this.rqspinlocks,
      this.rcu,
      this.rcuTasksTrace,
      this.workqueues,
      this.irqs,
      this.pmu,
      this.ticks,
      this.watchdogs,
      this.mm,
      this.fs,
      this.processes,
    ]) {
      part.reset();
    }
    for (const extension of this.extensions) extension.reset();
  }

  /** Every descriptor table, once, with the name of a task that has it. */
  *#tables(): Generator<{ files: number; owner: string }> {
    const seen = new Set<number>();
    for (const task of this.tasks.all()) {
      const { files } = task.s;
      if (files === 0 || seen.has(files)) continue;
      seen.add(files);
      yield { files, owner: `${task.comm}/${task.pid}` };
    }
  }
}
