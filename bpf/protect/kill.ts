import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Call } from '../helpers/prototype.ts';
import { kernelAddress } from '../vm/frame.ts';
import { ATOMIC_CLASSES, pairAt } from './pairs.ts';
import type { Invocation, ReleaseCall, Released } from './invocation.ts';
import { HELD, type Held } from './record.ts';

const KILL1 = site('bpf_prog_kill', 'KILL1');
const KILL2 = site('bpf_prog_kill', 'KILL2');
const KILL3 = site('bpf_prog_kill', 'KILL3');
const KILL4 = site('bpf_prog_kill', 'KILL4');

/**
 * What a killed invocation held is given back: newest first, by the very calls by which the program
 * would have done it. Spec 03 R19, R20.
 */
export class HeldReleases implements Released {
  /** What was held when the kill came, newest first. */
  held: readonly Held[] = [];
  /** Where the run stood when it was ended. */
  pc = 0;
  /** Releases that a worker had to do. */
  deferredCount = 0;
  hasBegun = false;
  readonly #guard: Invocation;
  /** What may sleep, and came up within an atomic section: newest first. */
  readonly #setAside: Held[] = [];

  constructor(guard: Invocation) {
    this.#guard = guard;
  }

  *unwind(mark: number): Sim<void> {
    yield* step(KILL1);
    const { policy } = this.#guard;
    const record = policy.recordOf(this.#guard);
    if (!this.hasBegun) {
      this.held = record?.entries() ?? [];
      this.pc = this.#guard.run.pc;
    }
    this.hasBegun = true;
    policy.asked(this.#guard); // what is given back may sleep again
    if (!record) return;
    const isOldestFirst = policy.is('record-kill.oldest-first');
    while (record.count > mark) {
      const index = isOldestFirst ? mark : record.count - 1;
      const entry = record.at(index);
      record.release(index);
      yield* this.#give(entry, record.entries().slice(1));
      record.erase(index);
    }
    this.#guard.run.kernel.machine.remark(() => (record.count === 0 ? 'table empty' : 'unwound'));
  }

  /** The r0 of the killed run. */
  *finish(): Sim<bigint> {
    const { run } = this.#guard;
    const isAtomic = this.#mustNotSleep();
    if (this.#setAside.length > 0) yield* step(KILL3);
    for (const entry of this.#setAside.splice(0)) {
      if (isAtomic) this.#later(entry);
      else yield* this.#call(entry, run.call, run.args);
    }
    yield* step(KILL4);
    this.#check();
    return this.#guard.policy.concluded(this.#guard);
  }

  /** Spec 03 R20: not where somebody older has switched sleeping off. */
  *#give(entry: Held, older: readonly Held[]): Sim<void> {
    const { run, policy, ledger } = this.#guard;
    yield* step(KILL2);
    if (entry.state !== HELD) return; // its own release has dealt with it
    const pair = pairAt(entry.pair);
    run.kernel.machine.remark(() => releaseLine(entry, pair.release));
    ledger.released(entry.pair);
    const isInside =
      older.some((each) => ATOMIC_CLASSES.has(pairAt(each.pair).class)) || this.#mustNotSleep();
    if (pair.maySleep && isInside && !policy.is('record-kill.no-deferral')) {
      this.#setAside.push(entry);
      return;
    }
    yield* this.#call(entry, run.call, run.args);
  }

  /** With the registers that the program has no use for any more. */
  *#call(entry: Held, call: Call, args: number): Sim<void> {
    const { memory } = call;
    const acquiring = this.#guard.run.prog.calls.get(entry.insn);
    if (acquiring?.giveBack) {
      yield* acquiring.giveBack(call, entry.addr);
      return;
    }
    const helper = this.#guard.policy.releaseOf(pairAt(entry.pair).release);
    memory.rawStore(args, 8, kernelAddress(entry.addr));
    memory.rawStore(args + 8, 8, kernelAddress(entry.flags));
    const result = helper.invoke(call, args);
    if (typeof result === 'object') yield* result;
  }

  #later(entry: Held): void {
    this.deferredCount++;
    const { policy, run } = this.#guard;
    run.kernel.workqueues.schedule_work('bpf_deferred_release', () =>
      this.#release(policy.releaseCall(run.prog), entry),
    );
  }

  *#release(call: ReleaseCall, entry: Held): Sim<void> {
    yield* this.#call(entry, call.call, call.args);
    call.done();
  }

  /** Whether the invocation itself has been called where nobody may sleep. */
  #mustNotSleep(): boolean {
    const { context } = this.#guard;
    return context !== 'sleepable';
  }

  /** Spec 03 R25. */
  #check(): void {
    const { run, policy, ledger, depths } = this.#guard;
    const record = policy.recordOf(this.#guard);
    const { machine } = run.kernel;
    const { name } = run.prog;
    const left = ledger.left();
    if ((record?.count ?? 0) > 0 || left.length > 0) {
      const isOver = left.some(({ count }) => count < 0);
      machine.fail({
        kind: 'leak-after-kill',
        title: `BUG: bpf: ${isOver ? 'unbalanced release' : 'leak'} after kill of ${name}`,
        lines: [`left: ${ledger.text() || 'the record is not empty'}`, ...machine.traceLines()],
        sites: [`kill of ${name}`],
        fatal: false,
      });
    }
    const changes = depths.changes();
    if (changes.length === 0) return;
    machine.fail({
      kind: 'unbalanced-section',
      title: `BUG: bpf: unbalanced section after kill of ${name}`,
      lines: [...changes, ...machine.traceLines()],
      sites: [`kill of ${name}`],
      fatal: false,
    });
  }
}

kernelText(HeldReleases);

/** As the proof of concept printed it. Spec 03 R26. */
function releaseLine({ seq, addr, pair }: Held, release: string): string {
  const what = `obj ${seq}, obj addr = ${addr.toString(16)}, btf id = ${pair}`;
  return `${what}, can be released by ${release}`;
}
