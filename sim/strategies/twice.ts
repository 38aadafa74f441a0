import type { Choice } from '../choice.ts';
import { keyOf, type Failure } from '../failure.ts';
import type { Model, RunResult } from '../model.ts';
import type { Estimate, Strategy } from '../strategy.ts';
import { Replay } from './replay.ts';

/**
 * Another strategy's schedules, each of them run twice and compared: proves that nothing but the
 * choices decides how a run goes. The strategy itself only says so; `modelFor` does the work.
 */
export class Twice implements Strategy {
  readonly #inner: Strategy;

  constructor(inner: Strategy) {
    this.#inner = inner;
  }

  get name(): string {
    return `twice:${this.#inner.name}`;
  }

  get exhausted(): boolean {
    return this.#inner.exhausted;
  }

  get covered(): string | undefined {
    return this.#inner.covered;
  }

  get estimate(): Estimate | undefined {
    return this.#inner.estimate;
  }

  begin(run: number): boolean {
    return this.#inner.begin(run);
  }

  choose(choice: Choice): number {
    return this.#inner.choose(choice);
  }

  end(choiceCount: number): void {
    this.#inner.end(choiceCount);
  }
}

/** The model that a strategy is to be run on: for Twice, the one that runs twice. */
export function modelFor(strategy: Strategy, model: Model): Model {
  return strategy instanceof Twice ? runTwice(model) : model;
}

/**
 * A model whose run is two of `model`'s: the second follows the schedule of the first. Where they
 * differ, the result has a `divergence` among its failures that says from where on.
 */
export function runTwice(model: Model): Model {
  const first = new ChoiceLog();
  const second = new ChoiceLog();
  return {
    run(strategy: Strategy): RunResult {
      const result = model.run(first.logging(strategy));
      const replay = new Replay(result.schedule);
      replay.begin(0);
      const again = model.run(second.logging(replay));
      replay.end();
      const difference = differenceOf(result, again);
      if (difference === undefined) return result;
      const where = describeParting(first, second);
      const failures = [...result.failures, divergence(difference, where, result.stepCount)];
      return { ...result, failures };
    },
  };
}

/** What differs between two results of one schedule, in words; undefined where nothing does. */
function differenceOf(first: RunResult, second: RunResult): string | undefined {
  if (first.traceHash !== second.traceHash) {
    return `trace ${first.traceHash} became ${second.traceHash}`;
  }
  for (const count of ['choiceCount', 'stepCount', 'virtualNs'] as const) {
    if (first[count] !== second[count]) return `${count} ${first[count]} became ${second[count]}`;
  }
  const failures = first.failures.map(keyOf).join(', ') || 'no failure';
  const failuresAgain = second.failures.map(keyOf).join(', ') || 'no failure';
  return failures === failuresAgain ? undefined : `${failures} became ${failuresAgain}`;
}

function describeParting(first: ChoiceLog, second: ChoiceLog): string {
  const index = first.partsFrom(second);
  if (index === undefined) return `after the last of ${first.count} choices, all of them alike`;
  return `at choice ${index}: ${first.describe(index)}; then ${second.describe(index)}`;
}

/** Every divergence of a model is one bug, wherever it shows: hence no sites. */
function divergence(difference: string, where: string, step: number): Failure {
  const title = 'BUG: two runs of one schedule differ';
  const text = [
    title,
    `  ${difference}`,
    `  they part ${where}`,
    '  something outside the simulation decides: a clock, Math.random, state kept between runs',
  ].join('\n');
  return { kind: 'divergence', title, text, sites: [], objects: [], step, fatal: false };
}

/** The choices that one run put before its strategy. */
class ChoiceLog {
  readonly #kinds: string[] = [];
  readonly #stays: number[] = [];
  /** Where each choice's options end in `#options`. */
  readonly #ends: number[] = [];
  readonly #options: number[] = [];

  get count(): number {
    return this.#kinds.length;
  }

  /** `strategy`, with what it is asked written down here. */
  logging(strategy: Strategy): Strategy {
    this.#kinds.length = this.#stays.length = this.#ends.length = this.#options.length = 0;
    return {
      name: strategy.name,
      exhausted: false,
      begin: (run) => strategy.begin(run),
      choose: (choice) => {
        this.#add(choice);
        return strategy.choose(choice);
      },
      end: (choiceCount) => strategy.end(choiceCount),
    };
  }

  /** Index of the first choice that differs, or undefined where all are alike. */
  partsFrom(other: ChoiceLog): number | undefined {
    const longest = Math.max(this.count, other.count);
    for (let index = 0; index < longest; index++) {
      if (this.describe(index) !== other.describe(index)) return index;
    }
    return undefined;
  }

  /** `sched among 0 2 3, staying with 2` */
  describe(index: number): string {
    if (index >= this.count) return 'no choice';
    const options = this.#options.slice(this.#ends[index - 1] ?? 0, this.#ends[index]);
    const stay = options[this.#stays[index]!]!;
    return `${this.#kinds[index]!} among ${options.join(' ')}, staying with ${stay}`;
  }

  #add(choice: Choice): void {
    this.#kinds.push(choice.kind);
    this.#stays.push(choice.stay);
    for (let i = 0; i < choice.count; i++) this.#options.push(choice.options[i]!);
    this.#ends.push(this.#options.length);
  }
}
