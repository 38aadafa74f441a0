import { InputError } from '../base/errors.ts';
import { Bpf, type BpfOptions } from '../bpf/install.ts';
import { loaderKernel } from '../bpf/loader-kernel.ts';
import type { LoaderKernel } from '../bpf/user/object.ts';
import type { MappedBuffers } from '../bpf/user/port.ts';
import { Kernel } from '../kernel/kernel.ts';
import { DEFAULT_PROFILE, type Profile } from '../kernel/profile.ts';
import { TASK_IDLE, TASK_NOLOAD, type Task } from '../kernel/task.ts';
import { traceLineText } from '../kernel/trace-pipe.ts';
import type { Failure } from '../sim/failure.ts';
import type { Sim } from '../sim/request.ts';
import { Stay } from '../sim/strategies/stay.ts';
import { Proc, type ProcBody, type ProcWorld } from './proc.ts';

export interface SandboxOptions {
  /** Default: 2. */
  readonly cpus?: number;
  readonly profile?: Profile;
  readonly mutations?: readonly string[];
  readonly bpf?: BpfOptions;
  /** Programs that can be executed, by path. */
  readonly images?: Readonly<Record<string, ProcBody>>;
  /** Of the simulated machine; default: 32 MiB. */
  readonly memoryBytes?: number;
  /** Steps after which one piece of work counts as endless; default 5,000,000. */
  readonly stepsMax?: number;
}

const STEPS_MAX = 5_000_000;

/** What the kernel said of the bug that ended it: its text is the message. */
export class KernelReport extends InputError {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.text);
    this.failure = failure;
  }
}

/**
 * A kernel that lives as long as somebody has work for it, in simulated time: for looking at what
 * programs do, without a search. Work is done by one process, `shell`, which forks what it likes.
 */
export class Sandbox implements ProcWorld {
  readonly kernel: Kernel;
  readonly bpf: Bpf;
  readonly notes = new Map<string, unknown>();
  readonly variantIs = 'only';
  #shell: Task | undefined;
  #work: ((p: Proc) => Sim<unknown>) | undefined;
  #result: { readonly value: unknown } | { readonly error: unknown } | undefined;

  constructor(options: SandboxOptions = {}) {
    this.kernel = new Kernel({
      cpuCount: options.cpus ?? 2,
      profile: options.profile ?? DEFAULT_PROFILE,
      mutations: new Set(options.mutations ?? []),
      mode: 'timed',
      ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
    });
    this.bpf = new Bpf(this.kernel, options.bpf);
    for (const [path, body] of Object.entries(options.images ?? {})) {
      this.kernel.images.set(path, () => this.userMode(body));
    }
    this.kernel.machine.engine.stepsMax = options.stepsMax ?? STEPS_MAX;
    this.kernel.boot(() => this.#init());
    this.#go();
  }

  /**
   * Does one piece of work as the shell, to its end and that of everything it started: its result.
   * Throws what it throws, and KernelReport where the kernel found a bug.
   */
  run<T>(work: (p: Proc) => Sim<T>): T {
    this.#work = work;
    this.#result = undefined;
    this.kernel.sched.wake(this.#shell!, TASK_NOLOAD);
    this.#go();
    const result = this.#result as { readonly value: T } | { readonly error: unknown } | undefined;
    if (!result) throw new InputError('what the process does has no end, or waits for nothing');
    if ('error' in result) throw result.error;
    return result.value;
  }

  /** What programs have printed, as trace_pipe shows it. */
  get output(): readonly string[] {
    return this.kernel.machine.tracePipe.lines.map(traceLineText);
  }

  // What processes ask for.

  get loaderKernel(): LoaderKernel {
    return loaderKernel(this.bpf);
  }

  get mapped(): MappedBuffers {
    return this.bpf.mapped;
  }

  take(name: string): ProcBody {
    throw new InputError(`start('${name}'): a sandbox has no declared processes`);
  }

  *userMode(body: ProcBody): Sim<number> {
    const code = yield* body(new Proc(this.kernel, this));
    return typeof code === 'number' ? code : 0;
  }

  #go(): void {
    const { engine } = this.kernel.machine;
    engine.run(new Stay());
    const [failure] = engine.failures;
    if (failure) throw new KernelReport(failure);
  }

  *#init(): Sim<void> {
    const init = new Proc(this.kernel, this);
    const pid = yield* init.fork((p) => this.#shellLoop(p), 'shell');
    this.#shell = this.kernel.tasks.byPid(pid);
  }

  *#shellLoop(p: Proc): Sim<void> {
    const { sched, machine } = this.kernel;
    const task = sched.current;
    task.daemon = true;
    for (;;) {
      const work = this.#work;
      this.#work = undefined;
      if (work) {
        try {
          this.#result = { value: yield* work(p) };
        } catch (error) {
          this.#result = { error };
        }
      }
      machine.memory.unwatched(() => (task.s.__state = TASK_IDLE));
      yield* sched.schedule();
    }
  }
}
