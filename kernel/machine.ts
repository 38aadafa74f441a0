import { Engine, type Mode } from '../sim/engine.ts';
import { Oops, type Failure, type FailureKind } from '../sim/failure.ts';
import { stackOf, type Fiber, type StackEntry } from '../sim/fiber.ts';
import { WRITE } from '../sim/request.ts';
import { siteOf } from '../sim/site.ts';
import type { FaultKind } from './faults.ts';
import { Klog } from './klog.ts';
import { Memory } from './memory.ts';
import { ContextNote, type AllocNote } from './note.ts';
import { pointerText, stackLines } from './oops.ts';
import { PROFILE_FACTS, type Profile, type ProfileFacts } from './profile.ts';
import { Slab } from './slab.ts';
import { TracePipe } from './trace-pipe.ts';
import { Tracepoints } from './tracepoint.ts';

/** What a fiber of the kernel belongs to: a task, or one interrupt on a CPU. */
export interface Context {
  readonly kind: 'task' | 'softirq' | 'hardirq' | 'nmi';
  /** The current task: of an interrupt, the one it interrupted. */
  readonly pid: number;
  readonly comm: string;
}

export interface MachineOptions {
  readonly cpuCount: number;
  readonly profile: Profile;
  readonly mutations: ReadonlySet<string>;
  readonly memoryBytes?: number;
  readonly mode?: Mode;
}

export interface Report {
  readonly kind: FailureKind;
  /** First line. */
  readonly title: string;
  /** The lines after the title. */
  readonly lines?: readonly string[];
  /** Identity beyond the kind; default: where the current fiber stands. */
  readonly sites?: readonly string[];
  /** Addresses of the objects concerned. */
  readonly objects?: readonly { type: string; addr: number }[];
  /** Whether the run ends here; default true. */
  readonly fatal?: boolean;
}

/**
 * What every part of the kernel stands on: memory, the engine, who is running, and how to report.
 * It knows none of the parts.
 */
export class Machine {
  readonly memory: Memory;
  readonly slab: Slab;
  readonly engine: Engine;
  readonly klog = new Klog();
  readonly tracePipe = new TracePipe();
  readonly tracepoints = new Tracepoints();
  readonly profile: Profile;
  readonly facts: ProfileFacts;
  readonly mutations: ReadonlySet<string>;
  /** What may go wrong at present, as a choice at each place. */
  faults: ReadonlySet<FaultKind> = new Set();
  /** It has been restarted or switched off: what was under way then is no more. reboot(2) */
  isDown = false;
  #mutated = false;

  constructor(options: MachineOptions) {
    this.profile = options.profile;
    this.facts = PROFILE_FACTS[options.profile];
    this.mutations = options.mutations;
    this.#mutated = options.mutations.size > 0;
    this.engine = new Engine(options.cpuCount);
    this.engine.mode = options.mode ?? 'explore';
    this.memory = new Memory(options.memoryBytes ?? 32 << 20);
    this.slab = new Slab(this.memory, () => this.note());
    this.slab.onTaken = (key) => this.engine.touch(key, WRITE);
    this.slab.isWithoutKasan = this.mutated('slab.no-kasan');
  }

  get fiber(): Fiber | null {
    return this.engine.fiber;
  }

  /** Who runs; null only at boot and where an event fires on an idle CPU. */
  get context(): Context | null {
    return (this.engine.fiber?.owner as Context | undefined) ?? null;
  }

  /** Whether the deliberate bug of this name is switched on. kernel/mutations.ts */
  mutated(name: string): boolean {
    return this.#mutated && this.mutations.has(name);
  }

  /** `A/101` */
  who(): string {
    const context = this.context;
    return context ? `${context.comm}/${context.pid}` : `swapper/${this.engine.cpu.id}`;
  }

  stack(): StackEntry[] {
    return this.engine.fiber ? stackOf(this.engine.fiber) : [];
  }

  /** The stable name of where the current fiber stands. */
  place(): string {
    const top = this.engine.fiber?.top;
    if (!top) return 'boot';
    return top.site === 0 ? top.symbol.name : siteOf(top.site).name;
  }

  /** Who is running and where, as KASAN keeps it with each object. */
  note(): AllocNote {
    const context = this.context;
    const { id } = this.engine.cpu;
    return new ContextNote(context?.comm ?? '', context?.pid ?? 0, id, this.stack());
  }

  /** Memory for an object, or 0: exhausted, or the strategy let this allocation fail. */
  mayAlloc(what: string): boolean {
    return this.goesWrong('alloc-fail', what) === 0;
  }

  /** Which of the `ways` in which it can go wrong, from 1; 0 where it does not. */
  goesWrong(kind: FaultKind, what: string, ways = 1): number {
    if (!this.faults.has(kind)) return 0;
    const way = this.engine.decide(`${kind} ${what}`, ways + 1);
    if (way > 0) this.remark(() => `${kind}: ${what}`);
    return way;
  }

  printk(level: number, text: string): void {
    const cpu = this.engine.cpu;
    this.klog.print({ level, atNs: cpu.nowNs, cpu: cpu.id, text });
    this.engine.trace.mix(level, text.length);
    if (this.engine.trace.detailed) this.#line('printk', text);
  }

  /** A remark in the detailed trace: what the step just taken meant. Costs nothing elsewhere. */
  remark(text: () => string): void {
    if (this.engine.trace.detailed) this.#line('note', text());
  }

  traceSyscall(text: string): void {
    this.#line('syscall', text);
  }

  traceReturn(text: string): void {
    this.#line('return', text);
  }

  /** Reports a failure of the simulated kernel; ends the run unless `fatal` is false. */
  fail(report: Report): void {
    const failure: Failure = {
      kind: report.kind,
      title: report.title,
      text: [report.title, ...(report.lines ?? [])].join('\n'),
      sites: report.sites ?? [this.place()],
      objects: (report.objects ?? []).map(({ type, addr }) => ({
        type,
        address: `0x${pointerText(addr)}`,
      })),
      step: this.engine.trace.stepCount,
      atNs: this.engine.cpu.nowNs,
      fatal: report.fatal ?? true,
    };
    if (this.engine.trace.detailed) this.#line('report', failure.title);
    if (failure.fatal) throw new Oops(failure);
    this.engine.failures.push(failure);
  }

  /** `CPU: 0 PID: 101 Comm: A` and the call trace, for the body of a report. */
  traceLines(): string[] {
    const context = this.context;
    return [
      `CPU: ${this.engine.cpu.id} PID: ${context?.pid ?? 0} Comm: ${context?.comm ?? 'swapper'}`,
      'Call Trace:',
      ...stackLines(this.stack()).map((line) => ` ${line}`),
    ];
  }

  checkpoint(): void {
    this.memory.checkpoint();
    this.slab.checkpoint();
    this.tracepoints.checkpoint();
    this.engine.trampolines.checkpoint();
  }

  /** Everything that the machine holds as it was at checkpoint(); the engine at its start. */
  rollback(): void {
    this.isDown = false;
    this.memory.rollback();
    this.slab.rollback();
    this.klog.reset();
    this.tracePipe.reset();
    this.tracepoints.reset();
    this.engine.trampolines.reset();
    this.engine.reset();
  }

  #line(kind: 'printk' | 'note' | 'syscall' | 'return' | 'report', text: string): void {
    const { engine } = this;
    engine.trace.line({
      step: engine.trace.stepCount,
      cpu: engine.cpu.id,
      path: engine.fiber?.path ?? '',
      pid: this.context?.pid ?? 0,
      atNs: engine.cpu.nowNs,
      kind,
      site: this.place(),
      object: '',
      nth: 0,
      choice: engine.choiceCount - 1,
      text,
    });
  }
}
