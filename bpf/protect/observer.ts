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

/** One run of a program, as it was seen from outside. */
export interface Observed {
  readonly program: string;
  readonly cpu: number;
  readonly beganNs: number;
  /** -1: it has not ended. */
  readonly endedNs: number;
  /** What it holds where it has not; what it has kept where it has: `1 task_struct`. */
  readonly holds: string;
}

/** The longest that one kind of thing was held. Spec 03 R5. */
export interface LongestHold {
  readonly type: string;
  readonly ns: number;
}

/**
 * Looks on while programs run, whatever policy watches them: what they hold, how long, and how long
 * they run. It changes nothing. For comparisons, spec 03 R5 and R36.
 */
export class Observer {
  readonly #kernel: Kernel;
  readonly #runs: ObservedRun[] = [];
  readonly #holds = new Map<string, number>();
  /** Calls that have acquired something. */
  acquireCount = 0;

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

  get runs(): readonly Observed[] {
    return this.#runs.map((run) => run.seen());
  }

  /** By kind, with what is held still counted up to now. */
  longestHolds(): readonly LongestHold[] {
    for (const run of this.#runs) run.noteHeld();
    return [...this.#holds].map(([type, ns]) => ({ type, ns }));
  }

  held(type: string, ns: number): void {
    this.#holds.set(type, Math.max(this.#holds.get(type) ?? 0, ns));
  }

  #enter(run: GuardedRun, guard: Guard | null): Guard {
    const observed = new ObservedRun(this, this.#kernel, run, guard);
    this.#runs.push(observed);
    return observed;
  }
}

/** A guard around a guard. */
class ObservedRun implements Guard {
  readonly #observer: Observer;
  readonly #kernel: Kernel;
  readonly #run: GuardedRun;
  readonly #guard: Guard | null;
  readonly #ledger = new Ledger();
  readonly #beganNs: number;
  #endedNs = -1;
  /** When what was acquired, newest last. */
  readonly #held: { readonly pair: number; readonly addr: number; readonly atNs: number }[] = [];

  constructor(observer: Observer, kernel: Kernel, run: GuardedRun, guard: Guard | null) {
    this.#observer = observer;
    this.#kernel = kernel;
    this.#run = run;
    this.#guard = guard;
    this.#beganNs = kernel.machine.engine.cpu.nowNs;
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

  get isAfter(): boolean {
    return this.#guard?.isAfter ?? true;
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

  seen(): Observed {
    const { prog, cpuId } = this.#run;
    return {
      program: prog.name,
      cpu: cpuId,
      beganNs: this.#beganNs,
      endedNs: this.#endedNs,
      holds: this.#ledger.text(),
    };
  }

  noteHeld(): void {
    for (const { pair, atNs } of this.#held) {
      this.#observer.held(pairAt(pair).type, this.#nowNs() - atNs);
    }
  }

  #nowNs(): number {
    return this.#kernel.cpus.all[this.#run.cpuId]!.sim.nowNs;
  }

  #end(): void {
    this.#endedNs = this.#nowNs();
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
    this.#observer.acquireCount++;
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
    this.#observer.held(pairAt(held!.pair).type, this.#nowNs() - held!.atNs);
  }
}
