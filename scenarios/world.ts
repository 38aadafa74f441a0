import { Bug, InputError } from '../base/errors.ts';
import { Oops, type Failure } from '../sim/failure.ts';
import type { Mode } from '../sim/engine.ts';
import type { MemoryModelName } from '../sim/memory-model.ts';
import type { Model, RunResult } from '../sim/model.ts';
import { READ, Request, WRITE, type Sim } from '../sim/request.ts';
import type { Strategy } from '../sim/strategy.ts';
import type { Trace } from '../sim/trace.ts';
import { Bpf, type BpfOptions } from '../bpf/install.ts';
import { loaderKernel } from '../bpf/loader-kernel.ts';
import { LoadError } from '../bpf/user/load-error.ts';
import type { LoaderKernel } from '../bpf/user/object.ts';
import type { MappedBuffers } from '../bpf/user/port.ts';
import type { FaultKind } from '../kernel/faults.ts';
import { Kernel } from '../kernel/kernel.ts';
import { setMemoryModel } from '../kernel/memory-model.ts';
import type { Profile } from '../kernel/profile.ts';
import type { Task } from '../kernel/task.ts';
import { traceLineText } from '../kernel/trace-pipe.ts';
import { Stay } from '../sim/strategies/stay.ts';
import type { Body, Scenario, Variant, WorldView } from './dsl.ts';
import { policyOf, underPolicy } from './policy.ts';
import { Proc, type ProcWorld } from './proc.ts';

export interface WorldOptions {
  readonly variant?: string;
  readonly profile?: Profile;
  /** In addition to the variant's. */
  readonly mutations?: readonly string[];
  readonly mode?: Mode;
  /** How marked accesses may be seen, once the scenario is set up; default: the variant's. */
  readonly memoryModel?: MemoryModelName;
  /** In addition to the scenario's. */
  readonly faults?: readonly FaultKind[];
  readonly bpf?: BpfOptions;
  /** As --policy says it; default: the variant's. */
  readonly policy?: readonly string[];
}

/**
 * A scenario in a kernel of its own: booted and set up once, then run from there any number of
 * times.
 */
export class World implements Model, ProcWorld {
  readonly scenario: Scenario;
  readonly variantName: string;
  readonly variant: Variant;
  readonly memoryModel: MemoryModelName;
  readonly kernel: Kernel;
  readonly bpf: Bpf;
  /** Whether runs keep every step with its names. Slow: for showing one run. */
  detailed = false;
  notes = new Map<string, unknown>();
  exits = new Map<string, number>();
  readonly #faults: ReadonlySet<FaultKind>;
  readonly #gated: readonly Task[];
  readonly #setupNotes: ReadonlyMap<string, unknown>;
  readonly #started = new Set<string>();

  constructor(scenario: Scenario, options: WorldOptions = {}) {
    this.scenario = scenario;
    this.variantName = options.variant ?? scenario.defaultVariant;
    const variant = scenario.variants[this.variantName];
    if (!variant) {
      throw new InputError(
        `scenario ${scenario.name} has no variant '${this.variantName}', ` +
          `expected ${Object.keys(scenario.variants).join(', ')}`,
      );
    }
    this.variant = underPolicy(variant, options.policy);
    this.kernel = new Kernel({
      cpuCount: variant.cpus ?? scenario.cpus,
      profile: options.profile ?? variant.profile ?? scenario.profile,
      mutations: new Set([...variant.mutations, ...(options.mutations ?? [])]),
      mode: options.mode ?? (scenario.timed ? 'timed' : 'explore'),
      races: scenario.races ?? false,
    });
    const policy = policyOf(variant, options.policy);
    this.bpf = new Bpf(this.kernel, { policy, ...options.bpf });
    this.kernel.machine.engine.stepsMax = scenario.stepsMax ?? 200_000;
    for (const [path, body] of Object.entries(scenario.images ?? {})) {
      this.kernel.images.set(path, () => this.userMode(body));
    }
    this.#faults = new Set([...(scenario.faults ?? []), ...(options.faults ?? [])]);
    this.#gated = this.#setUp();
    this.#setupNotes = new Map(this.notes);
    this.memoryModel = options.memoryModel ?? variant.memoryModel ?? 'sc';
    setMemoryModel(this.kernel.machine, this.memoryModel);
  }

  get trace(): Trace {
    return this.kernel.machine.engine.trace;
  }

  /** What programs printed in the last run, as trace_pipe shows it. */
  get tracePipe(): readonly string[] {
    return this.kernel.machine.tracePipe.lines.map(traceLineText);
  }

  run(strategy: Strategy): RunResult {
    const { kernel } = this;
    const { engine } = kernel.machine;
    kernel.rollback();
    this.notes = new Map(this.#setupNotes);
    this.exits = new Map();
    engine.trace.detailed = this.detailed;
    kernel.machine.faults = this.#faults;
    for (const task of this.#gated) {
      task.restart();
      kernel.sched.wakeNew(task);
    }
    const { observer } = strategy;
    if (observer?.goesByBytes && engine.mode === 'explore') {
      kernel.machine.memory.onTouch = (addr, size, write) =>
        observer.touched(addr, size, write ? WRITE : READ);
    }
    engine.run(strategy);
    kernel.machine.memory.onTouch = null;
    const isDown = kernel.machine.isDown || engine.failures.some(({ fatal }) => fatal);
    if (!isDown && !engine.abandoned) this.#settle();
    return engine.result();
  }

  // What processes ask for.

  get variantIs(): string {
    return this.variantName;
  }

  /** The body of a declared process, once. */
  take(name: string): Body {
    const body = this.scenario.processes[name];
    if (!body || this.#started.has(name)) {
      throw new InputError(
        `scenario ${this.scenario.name}: start('${name}'): ` +
          (body ? 'started already' : 'no such process'),
      );
    }
    this.#started.add(name);
    return body;
  }

  /** Runs a body in user mode as the current task; what it throws is the scenario's fault. */
  *userMode(body: Body): Sim<number> {
    const proc = new Proc(this.kernel, this);
    try {
      const code = yield* callsOf(body(proc), `scenario ${this.scenario.name}, ${proc.path}`);
      return typeof code === 'number' ? code : 0;
    } catch (error) {
      if (error instanceof LoadError) this.kernel.machine.fail(invariantReport(error.message));
      throw scenarioError(error, this.scenario.name, proc.path);
    }
  }

  get loaderKernel(): LoaderKernel {
    return loaderKernel(this.bpf);
  }

  get mapped(): MappedBuffers {
    return this.bpf.mapped;
  }

  /** Spec of `always`: after each system call. */
  afterSyscall(): void {
    const broken = this.#broken(this.scenario.always);
    if (broken) this.kernel.machine.fail(invariantReport(broken));
  }

  #setUp(): readonly Task[] {
    const { kernel, scenario } = this;
    const gated: Task[] = [];
    kernel.onExit = (task) => this.exits.set(task.path, task.s.exit_code);
    if (scenario.always) kernel.syscalls.afterEach = () => this.afterSyscall();
    kernel.boot(() => this.#init());
    kernel.sched.gate = gated;
    kernel.machine.engine.run(new Stay());
    kernel.sched.gate = null;
    const { failures } = kernel.machine.engine;
    if (failures.length > 0) {
      throw new InputError(`scenario ${scenario.name}: setup fails: ${failures[0]!.title}`);
    }
    const cpuCount = kernel.cpus.all.length;
    const names = Object.keys(scenario.processes);
    for (const task of gated) task.s.cpu = Math.max(0, names.indexOf(task.comm)) % cpuCount;
    gated.sort((a, b) => names.indexOf(a.comm) - names.indexOf(b.comm));
    kernel.checkpoint();
    return gated;
  }

  *#init(): Sim<number> {
    const init = new Proc(this.kernel, this);
    try {
      const { setup, name } = this.scenario;
      if (setup) yield* callsOf(setup(init), `scenario ${name}, setup`);
    } catch (error) {
      throw scenarioError(error, this.scenario.name, 'setup');
    }
    for (const name of Object.keys(this.scenario.processes)) {
      if (!this.#started.has(name)) yield* init.start(name);
    }
    return 0;
  }

  /** What can only be said once everything has come to rest. */
  #settle(): void {
    const { machine } = this.kernel;
    try {
      this.kernel.settle();
      const broken =
        machine.engine.failures.length > 0 ? undefined : this.#broken(this.scenario.finally);
      if (broken) machine.fail(invariantReport(broken));
    } catch (error) {
      if (!(error instanceof Oops)) throw error;
      machine.engine.failures.push(error.failure);
    }
  }

  #broken(invariants: Scenario['finally']): string | undefined {
    const view: WorldView = { notes: this.notes, exits: this.exits };
    for (const [name, holds] of Object.entries(invariants ?? {})) {
      try {
        if (!holds(view)) return name;
      } catch (error) {
        throw scenarioError(error, this.scenario.name, `invariant '${name}'`);
      }
    }
    return undefined;
  }
}

export function invariantReport(name: string): Pick<Failure, 'kind' | 'title' | 'sites'> {
  return { kind: 'invariant', title: `invariant broken: ${name}`, sites: [name] };
}

/** What a body yields, as long as it is what a Proc gives it to yield. */
function* callsOf<T>(body: Sim<T>, who: string): Sim<T> {
  if (typeof (body as { next?: unknown } | undefined)?.next !== 'function') {
    throw new InputError(`${who} is no generator, expected *A(p) { yield* p.close(3); }`);
  }
  for (let sent: unknown; ;) {
    const result = body.next(sent);
    if (result.done) return result.value;
    if (!(result.value instanceof Request)) {
      throw new InputError(`${who} yields what is no call, expected yield* p.close(3), say`);
    }
    sent = yield result.value;
  }
}

/** One line that says whose code threw, and where. Our own failures pass through. */
function scenarioError(error: unknown, scenario: string, where: string): unknown {
  if (error instanceof Oops || error instanceof Bug || error instanceof InputError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const at = error instanceof Error ? placeIn(error.stack) : '';
  return new InputError(`scenario ${scenario}, ${where}: ${message}${at}`);
}

/** ` (x.ts:12:5)`: the first place of a stack trace. */
function placeIn(stack: string | undefined): string {
  // Not the place in this package that was called with something wrong.
  const line = stack?.split('\n').find((text) => /^\s+at /.test(text) && !/\/dist\//.test(text));
  const place = line?.match(/([^/\\(\s]+:\d+:\d+)\)?$/)?.[1];
  return place ? ` (${place})` : '';
}
