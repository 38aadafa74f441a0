import type { Step } from './step.ts';

/** Two steps whose order matters, nothing between them, and which could have come the other way. */
export interface Reversible {
  readonly first: Step;
  readonly second: Step;
}

/**
 * The steps of one run and what comes before what among them: program order, conflicts, and who
 * enabled whom. Clocks are kept by step: how many steps of each actor come before it, itself
 * included.
 */
export class Execution {
  readonly steps: Step[] = [];
  /** Actors by first appearance, and each step's actor in these terms. */
  readonly #actors = new Map<number, number>();
  readonly #who: number[] = [];
  readonly #clocks: Int32Array[] = [];
  /** By actor: the indices of its steps. */
  readonly #own: number[][] = [];
  readonly #history = new History();

  /** Fills in what comes before what, for all steps. */
  constructor(steps: readonly Step[]) {
    this.steps.push(...steps);
    for (const { actor } of steps) {
      if (!this.#actors.has(actor)) this.#actors.set(actor, this.#actors.size);
    }
    for (let i = 0; i < this.#actors.size; i++) this.#own.push([]);
  }

  /**
   * Every reversible pair whose second step stands at index `from` or after.
   * Op. cit., section 4: races.
   */
  races(from: number): Reversible[] {
    const found: Reversible[] = [];
    const history = this.#history;
    for (let index = 0; index < this.steps.length; index++) {
      const step = this.steps[index]!;
      const before = this.#before(step, index, history);
      this.#tick(step, index, before);
      if (index >= from) found.push(...this.#racesWith(step, before, history));
      history.add(step);
    }
    return found;
  }

  /**
   * The same for steps that were not taken, given after races(): each comes after those of its own
   * actor, and could have come before those that stopped it.
   */
  *missed(steps: readonly Step[]): Generator<Reversible> {
    for (const step of steps) {
      const who = this.#actors.get(step.actor);
      const last = who === undefined ? undefined : this.#own[who]!.at(-1);
      const before = last === undefined ? [] : [last];
      for (const other of step.disablers) {
        if (!this.#isCovered(other, before)) yield { first: this.steps[other]!, second: step };
      }
      if (step.waits) yield* this.#waitRaces(step, before, this.#history);
    }
  }

  /** Whether the first step, the earlier one, comes before the second. */
  isBefore(first: number, second: number): boolean {
    if (first === second) return true;
    const who = this.#who[first]!;
    return this.#clocks[second]![who]! >= this.#clocks[first]![who]!;
  }

  /** What would be run to take `second` before `first`, from the state in which `first` was. */
  reversal({ first, second }: Reversible, end = this.steps.length): Step[] {
    const sequence: Step[] = [];
    for (let i = first.index + 1; i < end; i++) {
      const step = this.steps[i]!;
      if (!this.isBefore(first.index, i) && !step.endsRun) sequence.push(step);
    }
    sequence.push(second.without(first));
    return sequence;
  }

  /** Indices of the steps right before this one; some may be before others of them. */
  #before(step: Step, index: number, history: History): number[] {
    const who = this.#actors.get(step.actor)!;
    this.#who.push(who);
    const before: number[] = [];
    const last = this.#own[who]!.at(-1);
    if (last !== undefined) before.push(last);
    if (step.enabler >= 0 && !before.includes(step.enabler)) before.push(step.enabler);
    for (const other of step.disablers) if (!before.includes(other)) before.push(other);
    history.collect(step, before);
    this.#own[who]!.push(index);
    return before;
  }

  #tick(step: Step, index: number, before: readonly number[]): void {
    const clock = new Int32Array(this.#actors.size);
    for (const other of before) {
      const theirs = this.#clocks[other]!;
      for (let i = 0; i < theirs.length; i++) if (theirs[i]! > clock[i]!) clock[i] = theirs[i]!;
    }
    const who = this.#who[index]!;
    clock[who] = this.#own[who]!.length;
    this.#clocks.push(clock);
  }

  *#racesWith(step: Step, before: readonly number[], history: History): Generator<Reversible> {
    for (const other of before) {
      const first = this.steps[other]!;
      if (first.actor === step.actor || other === step.enabler) continue;
      if (step.waits && history.isLastWrite(first, step)) continue;
      if (!this.#isCovered(other, before)) yield { first, second: step };
    }
    for (const other of step.disablers) {
      const rest = before.filter((index) => index !== step.enabler);
      const first = this.steps[other]!;
      if (first.actor !== step.actor && !this.#isCovered(other, rest)) {
        yield { first, second: step };
      }
    }
    if (step.waits) yield* this.#waitRaces(step, before, history);
  }

  /**
   * A step that waits for a value can come before a write only if it could be taken there: so not
   * before the last one always, but before the last before which it could.
   */
  *#waitRaces(step: Step, before: readonly number[], history: History): Generator<Reversible> {
    const writes = history.writesOf(step);
    const rest = before.filter((index) => !writes.includes(index));
    for (let i = writes.length - 1; i >= 0; i--) {
      const first = this.steps[writes[i]!]!;
      if (first.actor === step.actor || rest.some((index) => this.isBefore(first.index, index))) {
        return;
      }
      if (!step.isReadyBefore(first)) continue;
      yield { first, second: step };
      return;
    }
  }

  /** Whether another of the steps before comes after it: then there is something between. */
  #isCovered(index: number, before: readonly number[]): boolean {
    return before.some((other) => other !== index && this.isBefore(index, other));
  }
}

/** Who touched each key last. */
class History {
  /** By key: the last write and what came after it. */
  readonly #recent = new Map<number, Step[]>();
  /** By key: every write, where somebody waits for values of it. */
  readonly #writes = new Map<number, number[]>();

  /** Adds to `before` the steps that this one depends on, less those behind a write. */
  collect(step: Step, before: number[]): void {
    for (let i = 0; i < step.keyCount; i++) {
      for (const other of this.#recent.get(step.keyAt(i)) ?? []) {
        if (!step.clashesAt(i, other) || before.includes(other.index)) continue;
        before.push(other.index);
      }
    }
  }

  add(step: Step): void {
    for (let i = 0; i < step.keyCount; i++) {
      const key = step.keyAt(i);
      const overwrites = step.overwritesAt(i);
      const recent = this.#recent.get(key);
      if (recent === undefined || overwrites) this.#recent.set(key, [step]);
      else addAmong(recent, step, i);
      if (!overwrites) continue;
      const writes = this.#writes.get(key);
      if (writes) writes.push(step.index);
      else this.#writes.set(key, [step.index]);
    }
  }

  /** The writes of what a step waits for, in order. */
  writesOf(step: Step): readonly number[] {
    return this.#writes.get(step.keyAt(0)) ?? [];
  }

  isLastWrite(write: Step, step: Step): boolean {
    return this.writesOf(step).at(-1) === write.index;
  }
}

/** In place of an earlier one of the same actor that did no more: that one comes before this. */
function addAmong(recent: Step[], step: Step, i: number): void {
  const at = recent.findIndex((other) => other.actor === step.actor && step.coversAt(i, other));
  if (at >= 0) recent.splice(at, 1);
  recent.push(step);
}
