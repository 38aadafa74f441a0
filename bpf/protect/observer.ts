import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import type { Result } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { Ledger } from './balance.ts';
import type { Effect } from './effects.ts';
import { pairAt } from './pairs.ts';
import type { Guard, GuardedCall, GuardedRun, Policy } from './policy.ts';

const SECOND = 8;
const FOURTH = 24;

/** The longest that one kind of thing was held. Spec 03 R5. */
export interface LongestHold {
  readonly type: string;
  readonly ns: number;
}

/** What was seen of one program's runs. */
export class ObservedProgram {
  readonly prog: ExecProgram;
  runCount = 0;
  /** Of the run that the kernel has reported something in, else of the first. */
  cpu: number;
  /** From the begin of a run until the kernel reported something; null: it never did. */
  reportedAfterNs: number | null = null;
  /** The longest of the runs that are over. */
  longestNs = 0;
  /** Calls that have acquired something. */
  acquireCount = 0;
  /** Those that are not over. */
  readonly running = new Set<ObservedRun>();
  readonly #left = new Set<string>();
  readonly #holds = new Map<string, number>();

  constructor(prog: ExecProgram, cpu: number) {
    this.prog = prog;
    this.cpu = cpu;
  }

  /** What runs have kept that are over, and what those hold that are not: `1 task_struct`. */
  left(): readonly string[] {
    const texts = [...this.#left, ...[...this.running].map((run) => run.holds())];
    return [...new Set(texts)].filter((text) => text !== '');
  }

  /** By kind, with what is held still counted up to now. */
  longestHolds(): readonly LongestHold[] {
    for (const run of this.running) run.noteHeld();
    return [...this.#holds].map(([type, ns]) => ({ type, ns }));
  }

  held(type: string, ns: number): void {
    this.#holds.set(type, Math.max(this.#holds.get(type) ?? 0, ns));
  }

  ended(run: ObservedRun, forNs: number): void {
    this.running.delete(run);
    this.longestNs = Math.max(this.longestNs, forNs);
    const holds = run.holds();
    if (holds !== '') this.#left.add(holds);
  }
}

/**
 * Looks on while programs run, whatever policy watches them: what they hold, how long, and how long
 * they run. It changes nothing. For comparisons, spec 03 R5 and R36.
 */
export class Observer {
  readonly #kernel: Kernel;
  /** By the program's name and the address of its struct. */
  readonly #programs = new Map<string, ObservedProgram>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The same policy, looked on at. */
  around(policyOf: (prog: ExecProgram) => Policy | undefined): (prog: ExecProgram) => Policy {
    return (prog) => {
      const policy = policyOf(prog);
      return {
        mayRun: (each) => policy?.mayRun?.(each) ?? true,
        failValue: (each, isTestRun) => policy?.failValue?.(each, isTestRun) ?? 0n,
        enter: (run) => this.#enter(run, policy?.enter(run) ?? null),
      };
    };
  }

  /** Every program that has run, in order. */
  programs(): readonly ObservedProgram[] {
    for (const program of this.#programs.values()) {
      for (const run of program.running) run.noteReport();
    }
    return [...this.#programs.values()];
  }

  #enter(run: GuardedRun, guard: Guard | null): Guard {
    const { prog } = run;
    const key = `${prog.name} ${prog.addr}`;
    let program = this.#programs.get(key);
    if (!program) this.#programs.set(key, (program = new ObservedProgram(prog, run.cpuId)));
    return new ObservedRun(program, this.#kernel, run, guard);
  }
}

/** A guard around a guard. */
export class ObservedRun implements Guard {
  readonly #program: ObservedProgram;
  readonly #kernel: Kernel;
  readonly #run: GuardedRun;
  readonly #guard: Guard | null;
  readonly #ledger = new Ledger();
  readonly #beganNs: number;
  /** Reports of the kernel before it began. */
  readonly #failuresBefore: number;
  /** When what was acquired, newest last. */
  readonly #held: { readonly pair: number; readonly addr: number; readonly atNs: number }[] = [];

  constructor(program: ObservedProgram, kernel: Kernel, run: GuardedRun, guard: Guard | null) {
    this.#program = program;
    this.#kernel = kernel;
    this.#run = run;
    this.#guard = guard;
    const { engine } = kernel.machine;
    this.#beganNs = engine.cpu.nowNs;
    this.#failuresBefore = engine.failures.length;
    program.runCount++;
    program.running.add(this);
  }

  get isStopping(): boolean {
    return this.#guard?.isStopping ?? false;
  }

  get isCounting(): boolean {
    return this.#guard?.isCounting ?? false;
  }

  get isDue(): boolean {
    return this.#guard?.isDue ?? false;
  }

  stopsHere(): boolean {
    return this.#guard?.stopsHere() ?? false;
  }

  get recordsAfter(): boolean {
    return this.#guard?.recordsAfter ?? true;
  }

  after(callee: GuardedCall, pc: number, result: Result | Sim<Result>): Result | Sim<Result> {
    return this.#observed(callee, this.#guard?.after(callee, pc, result) ?? result);
  }

  around(callee: GuardedCall, pc: number): Result | Sim<Result> {
    const result =
      this.#guard?.around(callee, pc) ?? callee.helper.invoke(this.#run.call, this.#run.args);
    return this.#observed(callee, result);
  }

  /** Its arguments still stand where the call has left them. */
  #observed({ effect }: GuardedCall, result: Result | Sim<Result>): Result | Sim<Result> {
    const first = this.#arg(0);
    const second = this.#arg(SECOND);
    if (typeof result === 'object') return this.#afterwards(effect, result, first, second);
    this.#note(effect, result, first, second);
    return result;
  }

  began(): void {
    this.#guard?.began();
  }

  mark(): number {
    return this.#guard?.mark() ?? 0;
  }

  *unwind(mark: number): Sim<void> {
    if (this.#guard) yield* this.#guard.unwind(mark);
  }

  /** Whoever has killed it has given everything back: that is his to check. */
  *killed(): Sim<bigint> {
    const r0 = yield* this.#guard!.killed();
    this.noteHeld();
    for (const { pair } of this.#held.splice(0)) this.#ledger.released(pair);
    this.#end();
    return r0;
  }

  left(): Sim<void> | undefined {
    this.#end();
    return this.#guard?.left();
  }

  entered(prog: ExecProgram): void {
    this.#guard?.entered(prog);
  }

  holds(): string {
    return this.#ledger.text();
  }

  noteHeld(): void {
    for (const { pair, atNs } of this.#held) {
      this.#program.held(pairAt(pair).type, this.#nowNs() - atNs);
    }
  }

  /** Whether the kernel has reported anything since it began, and when first. */
  noteReport(): void {
    const { failures } = this.#kernel.machine.engine;
    const first = failures.slice(this.#failuresBefore).find(({ kind }) => kind !== 'invariant');
    if (first?.atNs === undefined || this.#program.reportedAfterNs !== null) return;
    this.#program.reportedAfterNs = first.atNs - this.#beganNs;
    this.#program.cpu = this.#run.cpuId;
  }

  #nowNs(): number {
    return this.#kernel.cpus.all[this.#run.cpuId]!.sim.nowNs;
  }

  #end(): void {
    this.noteReport();
    this.#program.ended(this, this.#nowNs() - this.#beganNs);
  }

  #arg(offset: number): number {
    return this.#kernel.machine.memory.rawPtr(this.#run.args + offset);
  }

  *#afterwards(effect: Effect, pending: Sim<Result>, first: number, second: number): Sim<Result> {
    const result = yield* pending;
    this.#note(effect, result, first, second);
    return result;
  }

  #note(effect: Effect, result: Result, first: number, second: number): void {
    if (effect.kind === 'release') this.#drop(first, effect.pairs);
    else if (effect.kind === 'move') this.#drop(second, undefined);
    else if (effect.kind === 'exchange') {
      if (second !== 0) this.#drop(second, undefined);
      if (result !== 0) this.#take(effect.pair, Number(result));
    } else if (effect.kind === 'acquire') {
      const { when, where } = pairAt(effect.pair);
      if (when !== 'always' && (result === 0) !== (when === 'zero')) return;
      const addr = where === 'r0' ? Number(result) : where === 'r4' ? this.#arg(FOURTH) : first;
      this.#take(effect.pair, where === 'nowhere' ? 0 : addr);
    }
  }

  #take(pair: number, addr: number): void {
    this.#program.acquireCount++;
    this.#ledger.acquired(pair);
    this.#held.push({ pair, addr, atNs: this.#nowNs() });
  }

  #drop(addr: number, pairs: readonly number[] | undefined): void {
    const isIt = ({ pair, addr: own }: { pair: number; addr: number }): boolean =>
      (pairs === undefined || pairs.includes(pair)) &&
      (own === addr || pairAt(pair).where === 'nowhere');
    const { slab } = this.#kernel.machine;
    let index = this.#held.findLastIndex(isIt);
    // Lists and trees are about nodes of objects.
    index =
      index >= 0
        ? index
        : this.#held.findLastIndex(
            ({ addr: own }) => own !== 0 && slab.objectOf(own)?.addr === slab.objectOf(addr)?.addr,
          );
    if (index < 0) return;
    const [held] = this.#held.splice(index, 1);
    this.#ledger.released(held!.pair);
    this.#program.held(pairAt(held!.pair).type, this.#nowNs() - held!.atNs);
  }
}
