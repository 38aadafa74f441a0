import type { Memory } from '../../kernel/memory.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Trace } from '../../sim/trace.ts';
import type { Result } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import { runContext, type RunContext } from './budgets.ts';
import { Depths, Ledger } from './balance.ts';
import { Detection } from './detect.ts';
import { HeldReleases } from './kill.ts';
import type { Effect } from './effects.ts';
import { pairAt, type Pair } from './pairs.ts';
import type { Guard, GuardedCall, GuardedRun } from './policy.ts';
import type { Invocation, KillPolicy } from './invocation.ts';
import { bpf_held_record, HELD, type HeldRecord } from './record.ts';
import type { Settings } from './settings.ts';

// The points of spec 03 section 6.
const INV2 = site('bpf_prog_record', 'INV2');
const INV3 = site('bpf_prog_record', 'INV3');
const INV4 = site('bpf_prog_record', 'INV4');
const INV6 = site('bpf_prog_record', 'INV6');
const INV7 = site('bpf_prog_record', 'INV7');
const INV8 = site('bpf_prog_record', 'INV8');

/** Where an acquiring call's second argument stands, behind the first. */
const SECOND = 8;
const FOURTH = 24;

/** Keeps the record of one invocation, and ends it when it is asked to. Spec 03 R6 to R25. */
export class RecordGuard implements Guard, Invocation {
  readonly run: GuardedRun;
  readonly policy: KillPolicy;
  readonly settings: Settings;
  readonly context: RunContext;
  readonly detection: Detection;
  /** Null where the program can hold nothing. */
  record: HeldRecord | null;
  readonly ledger = new Ledger();
  readonly depths: Depths;
  readonly releases: HeldReleases;
  isDue = false;
  /** The record says each step to the strategy: also where nothing can go wrong in between. */
  readonly #isFine: boolean;
  readonly #trace: Trace;
  readonly #memory: Memory;
  readonly #args: number;
  #killPoints = 0;

  constructor(policy: KillPolicy, run: GuardedRun, settings: Settings) {
    this.policy = policy;
    this.run = run;
    this.settings = settings;
    const { kernel, prog } = run;
    const { machine } = kernel;
    this.context = runContext(kernel, prog.sleepable);
    this.#trace = machine.engine.trace;
    this.#memory = machine.memory;
    this.#args = run.args;
    this.#isFine = machine.engine.mode === 'explore' || policy.isMutated;
    this.record = this.#newRecord(prog);
    this.depths = new Depths(kernel);
    this.detection = new Detection(this);
    this.releases = new HeldReleases(this);
  }

  get isStopping(): boolean {
    if (this.detection.isKilled) return true;
    const { record } = this;
    if (record === null) return false;
    return this.run.kernel.machine.memory.u32(record.addr + bpf_held_record.off.kill) !== 0;
  }

  get isCounting(): boolean {
    return this.settings.killAt > 0 && !this.isStopping;
  }

  stopsHere(): boolean {
    if (this.isStopping) return true;
    this.#killPoints++;
    if (this.#killPoints !== this.settings.killAt) return false;
    this.detection.request('kill-at');
    return true;
  }

  began(): void {
    this.detection.arm();
  }

  mark(): number {
    return this.record?.count ?? 0;
  }

  unwind(mark: number): Sim<void> {
    return this.releases.unwind(mark);
  }

  *killed(): Sim<bigint> {
    this.detection.stop();
    const r0 = yield* this.releases.finish();
    this.#over();
    return r0;
  }

  left(): Sim<void> | undefined {
    this.detection.stop();
    this.#over();
    return undefined;
  }

  /** Before a tail call everything is given back, so the record is empty. Spec 03 R21. */
  entered(prog: ExecProgram): void {
    if ((prog.heldMax ?? 0) <= (this.run.prog.heldMax ?? 0)) return;
    const old = this.record;
    this.record = this.#newRecord(prog);
    if (old) this.policy.give(old);
  }

  get recordsAfter(): boolean {
    return !this.#isFine;
  }

  around(callee: GuardedCall, pc: number): Result | Sim<Result> {
    if (!this.#isFine && callee.effect.isRecordedAfter)
      return this.after(callee, pc, this.#invoke(callee));
    return this.#finely(callee);
  }

  /** The two most usual calls; any other is written down by #afterOther(). */
  after({ effect }: GuardedCall, pc: number, result: Result | Sim<Result>): Result | Sim<Result> {
    const { record } = this;
    if (record !== null && typeof result === 'number') {
      if (effect.kind === 'acquire' && effect.isPlain) {
        if (result !== 0) this.#push(record, effect.pair, pc, result);
        return result;
      }
      if (effect.kind === 'release' && record.pop(effect.pair, this.#memory.rawU32(this.#args))) {
        this.ledger.released(effect.pair);
        return result;
      }
    }
    return this.#afterOther(effect, result);
  }

  #afterOther(effect: Effect, result: Result | Sim<Result>): Result | Sim<Result> {
    if (effect.kind === 'acquire') {
      if (typeof result === 'object') return this.#acquired(effect.pair, result);
      this.#reserve(effect.pair);
      this.#commit(effect.pair, result);
      return result;
    }
    const pairs = effect.kind === 'release' ? effect.pairs : undefined;
    const index = this.#find(pairs, this.#memory.rawU32(this.#args));
    if (typeof result !== 'object') {
      this.#erase(index);
      return result;
    }
    if (index >= 0) this.record!.release(index); // before its first step
    return this.#released(index, result);
  }

  /** What was acquired at once: between room and entry nobody can come. */
  #push(record: HeldRecord, pair: number, pc: number, addr: number): void {
    const top = record.push(pair, pc, addr);
    this.ledger.acquired(pair);
    this.detection.stamp(record, top, pair);
    if (this.#trace.detailed) this.#remarkAcquired(pair, addr);
  }

  *#acquired(pair: number, pending: Sim<Result>): Sim<Result> {
    this.#reserve(pair);
    const result = yield* pending;
    this.#commit(pair, result);
    return result;
  }

  *#released(index: number, pending: Sim<Result>): Sim<Result> {
    const result = yield* pending;
    this.#erase(index);
    return result;
  }

  // With every point at which others may come in between.

  #finely(callee: GuardedCall): Sim<Result> {
    const { effect } = callee;
    switch (effect.kind) {
      case 'acquire':
        return this.#acquire(callee, effect.pair);
      case 'exchange':
        return this.#exchange(callee, effect.pair);
      case 'move':
        return this.#move(callee);
      default:
        return this.#release(callee, effect.kind === 'release' ? effect.pairs : undefined);
    }
  }

  *#acquire(callee: GuardedCall, pair: number): Sim<Result> {
    const isLate = this.policy.is('record-kill.late-record');
    yield* step(INV2);
    if (!isLate) this.#reserve(pair);
    yield* step(INV3);
    const result = yield* resolved(this.#invoke(callee));
    if (!isLate) {
      this.#commit(pair, result);
      return result;
    }
    const has = hasAcquired(pairAt(pair), result);
    if (has) this.ledger.acquired(pair);
    yield* step(INV4);
    if (this.isStopping) {
      this.isDue = true; // the bug: what has just been acquired stands in no record yet
      return result;
    }
    this.#reserve(pair);
    this.#commit(pair, result, has);
    return result;
  }

  *#release(callee: GuardedCall, pairs: readonly number[] | undefined): Sim<Result> {
    const isMarked = !this.policy.is('record-kill.no-releasing-mark');
    const addr = this.#arg(0);
    yield* step(INV6);
    const index = this.#find(pairs, addr);
    const seq = index >= 0 ? this.#current()!.at(index).seq : -1;
    if (isMarked && index >= 0) this.#current()!.release(index);
    yield* step(INV7);
    const result = yield* resolved(this.#invoke(callee));
    if (!isMarked && index >= 0) {
      yield* step(INV8);
      if (this.isStopping) {
        this.ledger.released(this.#current()!.pairOf(index));
        this.isDue = true; // the bug: it looks as if it were still held
        return result;
      }
    }
    this.#erase(seq < 0 ? -1 : this.#bySeq(seq));
    return result;
  }

  /** The node belongs to the list or tree also where it could not be put there: it is dropped. */
  *#move(callee: GuardedCall): Sim<Result> {
    yield* step(INV6);
    const index = this.#findObjectOf(this.#arg(SECOND));
    const seq = index >= 0 ? this.#current()!.at(index).seq : -1;
    if (index >= 0) this.#current()!.release(index);
    yield* step(INV7);
    const result = yield* resolved(this.#invoke(callee));
    this.#erase(seq < 0 ? -1 : this.#bySeq(seq));
    return result;
  }

  /** One entry goes, and one comes, in the step of the exchange. Spec 03 R12. */
  *#exchange(callee: GuardedCall, pair: number): Sim<Result> {
    const given = this.#arg(SECOND);
    yield* step(INV2);
    const index = given === 0 ? -1 : this.#find(undefined, given);
    const seq = index >= 0 ? this.#current()!.at(index).seq : -1;
    if (index < 0) this.#reserve(pair);
    yield* step(INV3);
    const result = yield* resolved(this.#invoke(callee));
    const keeps = this.policy.is('record-kill.keep-stashed');
    if (index < 0) {
      this.#commit(pair, result);
      return result;
    }
    const own = this.#bySeq(seq);
    if (own >= 0) {
      this.ledger.released(this.#current()!.pairOf(own));
      if (!keeps) this.#forget(own);
    }
    if (result !== 0 && !keeps) {
      this.#reserve(pair);
      this.#commit(pair, result);
    }
    return result;
  }

  // The record.

  #invoke({ helper }: GuardedCall): Result | Sim<Result> {
    return helper.invoke(this.run.call, this.run.args);
  }

  #arg(offset: number): number {
    return this.#memory.rawPtr(this.run.args + offset);
  }

  #reserve(pair: number): void {
    const record = this.#current();
    if (record) record.reserve(pair, this.run.pc);
  }

  /** `isNew`: the ledger does not have it yet. */
  #commit(index: number, result: Result, isKnown = false): void {
    const pair = pairAt(index);
    const record = this.#current();
    if (!record) return;
    if (!hasAcquired(pair, result)) {
      record.abort();
      return;
    }
    const addr = this.#addressOf(pair, result);
    const flags = pair.withFlags ? this.#arg(SECOND) : 0;
    const atNs = this.detection.runNs();
    record.commit(addr, flags, atNs);
    if (!isKnown) this.ledger.acquired(index);
    this.detection.held(index, atNs);
    if (this.#trace.detailed) this.#remarkAcquired(index, addr);
  }

  /** As the proof of concept printed it. Spec 03 R26. */
  #remarkAcquired(pair: number, addr: number): void {
    const text = `bpf prog acquire obj addr = ${addr.toString(16)}, btf id = ${pair}`;
    this.run.kernel.machine.remark(() => text);
  }

  #addressOf({ where }: Pair, result: Result): number {
    switch (where) {
      case 'r0':
        return Number(result);
      case 'r1':
        return this.#arg(0);
      case 'r4':
        return this.#arg(FOURTH);
      default:
        return 0;
    }
  }

  /** The newest holding of the address, among these pairs; -1 where there is none. */
  #find(pairs: readonly number[] | undefined, addr: number): number {
    const record = this.#current();
    if (!record) return -1;
    for (let i = record.count - 1; i >= 0; i--) {
      if (record.stateAt(i) !== HELD) continue;
      const pair = record.pairOf(i);
      if (pairs && !pairs.includes(pair)) continue;
      if (pairAt(pair).where === 'nowhere' || record.addrOf(i) === addr) return i;
    }
    // Lists and trees give a node of the object.
    return this.#findObjectOf(addr);
  }

  /** The holding of the object in which the address lies. */
  #findObjectOf(addr: number): number {
    const record = this.#current();
    const { slab } = this.run.kernel.machine;
    const object = slab.objectOf(addr);
    if (!record || !object) return -1;
    for (let i = record.count - 1; i >= 0; i--) {
      if (record.stateAt(i) !== HELD) continue;
      const own = slab.objectOf(record.addrOf(i));
      if (own?.addr === object.addr) return i;
    }
    return -1;
  }

  #bySeq(seq: number): number {
    const record = this.#current();
    for (let i = (record?.count ?? 0) - 1; i >= 0; i--) if (record!.at(i).seq === seq) return i;
    return -1;
  }

  /** It is held no longer. */
  #erase(index: number): void {
    const record = this.#current();
    if (index < 0 || !record) return;
    this.ledger.released(record.pairOf(index));
    this.#forget(index);
  }

  #forget(index: number): void {
    const record = this.#current();
    if (!record) return;
    const addr = record.addrOf(index);
    record.erase(index);
    if (this.policy.is('record-kill.erase-by-address') && addr !== 0) {
      for (let i = record.count - 1; i >= 0; i--) if (record.addrOf(i) === addr) record.erase(i);
    }
    if (this.#trace.detailed && record.count === 0) {
      this.run.kernel.machine.remark(() => 'table empty');
    }
  }

  /** The record that is written to: this invocation's own. Spec 03 R6, H6. */
  #current(): HeldRecord | null {
    return this.policy.isMutated ? this.policy.recordOf(this) : this.record;
  }

  #newRecord(prog: ExecProgram): HeldRecord | null {
    const capacity = prog.heldMax ?? 0;
    return capacity === 0 ? null : this.policy.take(prog.addr, capacity);
  }

  #over(): void {
    this.policy.left(this);
    if (this.record) this.policy.give(this.record);
    this.record = null;
  }
}

kernelText(RecordGuard);

/** Whether the call has acquired what its pair is about. */
function hasAcquired({ when }: Pair, result: Result): boolean {
  if (when === 'always') return true;
  return (result === 0) === (when === 'zero');
}

function* resolved(result: Result | Sim<Result>): Sim<Result> {
  return typeof result === 'object' ? yield* result : result;
}
