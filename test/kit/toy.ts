/**
 * A machine small enough to reason about by hand: actors that take atomic steps on one shared
 * state. It shows the search, without the kernel, what a Model is.
 */
import { Fingerprint } from '../../base/hash.ts';
import type { Choice } from '../../sim/choice.ts';
import type { Failure, FailureKind } from '../../sim/failure.ts';
import type { Model, RunResult } from '../../sim/model.ts';
import type { StepName } from '../../sim/names.ts';
import { Request, RMW, STEP } from '../../sim/request.ts';
import type { Schedule } from '../../sim/schedule.ts';
import type { Strategy } from '../../sim/strategy.ts';

/** Asks for the outcome, from 0 to count - 1, of something that is not who steps. */
export type Pick = (kind: string, count: number) => number;

export interface Step<S> {
  /** Whether the step can be taken now. Default: always. */
  readonly when?: (state: S) => boolean;
  readonly act: (state: S, pick: Pick) => void;
}

export interface Toy<S> {
  readonly state: () => S;
  readonly tasks: readonly (readonly Step<S>[])[];
  /** What is wrong at the end, as a site; undefined where nothing is. */
  readonly check?: (state: S) => string | undefined;
  /** Called with the actors in the order in which they stepped, at the end of each run. */
  readonly seen?: (order: readonly number[]) => void;
}

/** What each step does, for whoever goes by dependency: anything at all to the one state. */
const ANYTHING = new Request<void>(STEP, 0, 8, 4, RMW);

export function toyModel<S>(toy: Toy<S>): Model {
  return { run: (strategy) => new ToyRun(toy, strategy).toEnd() };
}

export function failureOf(kind: FailureKind, site: string, step: number): Failure {
  const title = `BUG: ${kind} in ${site}`;
  return { kind, title, text: title, sites: [site], objects: [], step, fatal: false };
}

class ToyRun<S> {
  readonly #toy: Toy<S>;
  readonly #strategy: Strategy;
  readonly #state: S;
  readonly #nextStep: number[];
  readonly #order: number[] = [];
  readonly #at: number[] = [];
  readonly #skip: number[] = [];
  readonly #hash = new Fingerprint();
  readonly #choice: Choice;
  #choiceCount = 0;
  #lastActor = -1;

  constructor(toy: Toy<S>, strategy: Strategy) {
    this.#toy = toy;
    this.#strategy = strategy;
    this.#state = toy.state();
    this.#nextStep = toy.tasks.map(() => 0);
    const options = new Int32Array(Math.max(8, toy.tasks.length));
    const requestOf = () => null;
    const nameOf = (actor: number) => this.#nameOf(actor);
    this.#choice = {
      index: 0,
      kind: 'sched',
      count: 0,
      options,
      stay: 0,
      isForced: false,
      requestOf,
      nameOf,
    };
  }

  toEnd(): RunResult {
    for (let actor = this.#whoSteps(); actor >= 0; actor = this.#whoSteps()) {
      const step = this.#toy.tasks[actor]![this.#nextStep[actor]!++]!;
      this.#lastActor = actor;
      this.#order.push(actor);
      this.#hash.add(actor);
      step.act(this.#state, (kind, count) => this.#pick(kind, count));
      this.#strategy.observer?.acted(ANYTHING);
    }
    const stuck = this.#toy.tasks.findIndex((task, i) => this.#nextStep[i]! < task.length);
    const site = stuck >= 0 ? 'toy' : this.#toy.check?.(this.#state);
    const failures =
      site === undefined
        ? []
        : [failureOf(stuck >= 0 ? 'deadlock' : 'invariant', site, this.#order.length)];
    this.#toy.seen?.(this.#order);
    return {
      failures,
      schedule: { at: this.#at, skip: this.#skip } satisfies Schedule,
      choiceCount: this.#choiceCount,
      stepCount: this.#order.length,
      traceHash: this.#hash.digest(),
      virtualNs: this.#order.length,
    };
  }

  #whoSteps(): number {
    const { options } = this.#choice;
    let count = 0;
    let stay = 0;
    let isForced = true;
    for (let actor = 0; actor < this.#toy.tasks.length; actor++) {
      const step = this.#toy.tasks[actor]![this.#nextStep[actor]!];
      if (step === undefined || step.when?.(this.#state) === false) continue;
      if (actor === this.#lastActor) {
        stay = count;
        isForced = false;
      }
      options[count++] = actor;
    }
    if (count === 0) return -1;
    const taken = count < 2 ? options[0]! : options[this.#choose('sched', count, stay, isForced)]!;
    if (this.#strategy.observer?.acting(taken, options, count, this.#choice.nameOf) === false)
      return -1;
    return taken;
  }

  #nameOf(actor: number): StepName {
    const path = String(actor < 0 ? this.#lastActor : actor);
    return { path, site: `step:${this.#nextStep[Number(path)]!}`, object: '' };
  }

  #pick(kind: string, count: number): number {
    if (count < 2) return 0;
    for (let i = 0; i < count; i++) this.#choice.options[i] = i;
    const picked = this.#choose(kind, count, 0);
    this.#hash.add(picked);
    return picked;
  }

  #choose(kind: string, count: number, stay: number, isForced = false): number {
    const choice = this.#choice;
    choice.index = this.#choiceCount++;
    choice.kind = kind;
    choice.count = count;
    choice.stay = stay;
    choice.isForced = isForced;
    const taken = this.#strategy.choose(choice);
    if (taken < 0 || taken >= count) throw new Error(`took ${taken} of ${count}`);
    if (taken !== stay) {
      this.#at.push(choice.index);
      this.#skip.push((taken - stay + count) % count);
    }
    return taken;
  }
}

// The programs

const nothing = { act: () => {} };

/** `count` steps that touch nothing. */
export function idle<S>(count: number): Step<S>[] {
  return Array.from({ length: count }, () => nothing);
}

/** Tasks of so many steps that touch nothing: n and m of them interleave in C(n + m, n) ways. */
export function independent(stepCounts: readonly number[], seen?: Toy<null>['seen']): Model {
  const tasks = stepCounts.map((count) => idle<null>(count));
  return toyModel({ state: () => null, tasks, ...(seen && { seen }) });
}

/** Two increments by load and store, with `padding` steps before, between and after. */
export function lostUpdate(padding = 0): Model {
  const increment = (own: 'a' | 'b') => [
    ...idle<Counter>(padding),
    { act: (s: Counter) => void (s[own] = s.value) },
    ...idle<Counter>(padding),
    { act: (s: Counter) => void (s.value = s[own] + 1) },
    ...idle<Counter>(padding),
  ];
  return toyModel({
    state: () => ({ value: 0, a: 0, b: 0 }),
    tasks: [increment('a'), increment('b')],
    check: (s) => (s.value === 2 ? undefined : 'increment'),
  });
}

interface Counter {
  value: number;
  a: number;
  b: number;
}

/** Two locks taken in opposite orders. */
export function abba(): Model {
  const lock = (name: 'a' | 'b') => ({
    when: (s: Locks) => !s[name],
    act: (s: Locks) => void (s[name] = true),
  });
  const unlock = (name: 'a' | 'b') => ({ act: (s: Locks) => void (s[name] = false) });
  return toyModel({
    state: () => ({ a: false, b: false }),
    tasks: [
      [lock('a'), lock('b'), unlock('b'), unlock('a')],
      [lock('b'), lock('a'), unlock('a'), unlock('b')],
    ],
  });
}

interface Locks {
  a: boolean;
  b: boolean;
}

/**
 * A bug of depth 3: the second task must look during the one step of the first in which the
 * window is open, and then stand still until the first is done: `padding` steps before and after.
 */
export function depthThree(padding: number): Model {
  return toyModel({
    state: () => ({ open: false, done: false, saw: false, wrong: false }),
    tasks: [
      [
        ...idle<Window>(padding),
        { act: (s: Window) => void (s.open = true) },
        { act: (s: Window) => void (s.open = false) },
        ...idle<Window>(padding),
        { act: (s: Window) => void (s.done = true) },
      ],
      [
        { act: (s: Window) => void (s.saw = s.open) },
        { act: (s: Window) => void (s.wrong = s.saw && s.done) },
      ],
    ],
    check: (s) => (s.wrong ? 'window' : undefined),
  });
}

interface Window {
  open: boolean;
  done: boolean;
  saw: boolean;
  wrong: boolean;
}

/** One allocation after another, of which any may fail; two failures in a row are a bug. */
export function failingAllocations(count: number): Model {
  const allocate = {
    act: (s: { inRow: number; wrong: boolean }, pick: Pick) => {
      s.inRow = pick('alloc-fail', 2) === 1 ? s.inRow + 1 : 0;
      s.wrong ||= s.inRow === 2;
    },
  };
  return toyModel({
    state: () => ({ inRow: 0, wrong: false }),
    tasks: [Array.from({ length: count }, () => allocate)],
    check: (s) => (s.wrong ? 'allocate' : undefined),
  });
}

/**
 * A model made up from a number: which tasks can step, how many outcomes there are and what fails
 * hang on a hash of what went before, so that no two branches look alike.
 */
export function madeUp(seed: number, stepCount: number, seen?: Toy<MadeUp>['seen']): Model {
  const step = {
    when: (s: MadeUp) => s.mix % 5 !== 0,
    act: (s: MadeUp, pick: Pick) => {
      const outcome = s.mix % 3 === 0 ? pick('outcome', 2 + (s.mix % 2)) : 0;
      s.mix = (Math.imul(s.mix ^ (outcome + 1), 0x9e3779b1) >>> 7) + 1;
    },
  };
  const tasks = [0, 1, 2].map((actor) =>
    Array.from({ length: stepCount }, () => ({
      when: actor === 0 ? () => true : step.when,
      act: (s: MadeUp, pick: Pick) => {
        s.mix += actor;
        step.act(s, pick);
      },
    })),
  );
  return toyModel({
    state: () => ({ mix: seed + 1 }),
    tasks,
    check: (s) => (s.mix % 7 === 0 ? 'made-up' : undefined),
    ...(seen && { seen }),
  });
}

interface MadeUp {
  mix: number;
}

/** One run by itself. */
export function runOnce(model: Model, strategy: Strategy, run = 0): RunResult {
  if (!strategy.begin(run)) throw new Error(`${strategy.name} has no run ${run}`);
  const result = model.run(strategy);
  strategy.end(result.choiceCount);
  return result;
}

/** A schedule as a text, to tell schedules apart. */
export function spell({ at, skip }: Schedule): string {
  return at.map((index, i) => `${index}:${skip[i]!}`).join(' ');
}
