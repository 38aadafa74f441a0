import { assert } from '../base/assert.ts';
import { keyOf, type Failure } from './failure.ts';
import { primaryFailure, type Model, type RunResult } from './model.ts';
import type { Estimate, Strategy } from './strategy.ts';
import { Auto, type AutoOptions } from './strategies/auto.ts';
import { modelFor } from './strategies/twice.ts';

export interface ExploreOptions {
  readonly strategy: Strategy;
  /** Runs after which the search ends, found or not. */
  readonly runsMax: number;
  /** The number of the run after that one, or after -1 the first's. Default: one more. */
  readonly runAfter?: (run: number) => number;
  /** Whether a run is what is being looked for, which ends the search. Default: any failure. */
  readonly isFound?: (result: RunResult) => boolean;
  /** Asked before each run, by its number, once there has been one: true ends the search. */
  readonly stop?: (run: number) => boolean;
  /** Told after each run. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** Runs made so far. */
  readonly runs: number;
  /** Steps in all of them. */
  readonly steps: number;
  /** Failures with different keys, up to DISTINCT_MAX. */
  readonly distinctCount: number;
  /** How far the strategy says it has come. */
  readonly estimate?: Estimate | undefined;
}

/** The run that was looked for, and how to make it again. */
export interface Found {
  readonly result: RunResult;
  /** What the strategy called itself in this run, and the run's number. */
  readonly strategyName: string;
  readonly run: number;
}

/** One bug, however often it was met. */
export interface DistinctFailure {
  readonly failure: Failure;
  /** The first run that had it. */
  readonly first: Found;
  /** How many runs had it. */
  readonly runs: number;
}

export interface Outcome {
  readonly verdict: 'clean' | 'failure';
  readonly runs: number;
  readonly steps: number;
  readonly found?: Found;
  /** Whether every schedule was run, up to the strategy's own equivalence. */
  readonly exhausted: boolean;
  /** The bound within which all was run, where that is not every schedule: Strategy.covered. */
  readonly covered: string | undefined;
  /** In the order in which they were first met, the found one included. */
  readonly distinct: readonly DistinctFailure[];
}

/** Bugs told apart in one search; a model with more of them has one fault in its `sites`. */
const DISTINCT_MAX = 1_000;

/** Runs a model until the failure is found, the strategy ends, or a limit is reached. */
export function explore(model: Model, options: ExploreOptions): Outcome {
  const exploration = new Exploration(model, options);
  let more = true;
  while (more) more = exploration.step();
  return exploration.outcome();
}

/** The strategy for who names none: exhaustive where it ends soon, else PCT. */
export function defaultPlan(options: AutoOptions): Strategy {
  return new Auto(options);
}

/** Whether two results show the same bug: what shrinking keeps. */
export function sameFailureAs(found: RunResult): (result: RunResult) => boolean {
  const failure = primaryFailure(found);
  if (failure === undefined) return (result) => result.failures.length === 0;
  const key = keyOf(failure);
  return (result) => result.failures.some((other) => keyOf(other) === key);
}

/** A search that can be stopped and continued between any two runs. */
export class Exploration implements Progress {
  /** What is run: the model given, or where the strategy is `twice`, two of its runs in one. */
  readonly model: Model;
  readonly #options: ExploreOptions;
  readonly #distinct = new Map<string, { failure: Failure; first: Found; runs: number }>();
  #runs = 0;
  #steps = 0;
  /** The number of the present run, or of the last. */
  #run = -1;
  #found: Found | undefined;
  #ended = false;

  constructor(model: Model, options: ExploreOptions) {
    assert(options.runsMax >= 0, `runsMax ${options.runsMax}`);
    this.model = modelFor(options.strategy, model);
    this.#options = options;
  }

  get runs(): number {
    return this.#runs;
  }

  /** Of the run that was made last, or would have come next when the search ended. */
  get run(): number {
    return this.#run;
  }

  get steps(): number {
    return this.#steps;
  }

  get distinctCount(): number {
    return this.#distinct.size;
  }

  get estimate(): Estimate | undefined {
    return this.#options.strategy.estimate;
  }

  /** Makes up to `runCount` more runs; false where the search is over. */
  step(runCount = 1): boolean {
    for (let left = runCount; left > 0 && !this.#ended; left--) this.#runOnce();
    return !this.#ended;
  }

  /** How the search stands; once step() said false, how it ended. */
  outcome(): Outcome {
    return {
      verdict: this.#found === undefined ? 'clean' : 'failure',
      runs: this.#runs,
      steps: this.#steps,
      ...(this.#found === undefined ? {} : { found: this.#found }),
      exhausted: this.#options.strategy.exhausted,
      covered: this.#options.strategy.covered,
      distinct: [...this.#distinct.values()],
    };
  }

  #runOnce(): void {
    const { strategy, runsMax, runAfter = (before) => before + 1, stop } = this.#options;
    const run = (this.#run = runAfter(this.#run));
    const stopped = this.#runs > 0 && stop?.(run) === true;
    // The strategy comes before the limit: whether nothing was left at the limit, only it knows.
    if (stopped || !strategy.begin(run) || this.#runs >= runsMax) {
      this.#ended = true;
      return;
    }
    const result = this.model.run(strategy);
    strategy.end(result.choiceCount);
    this.#runs++;
    this.#steps += result.stepCount;
    this.#judge({ result, strategyName: strategy.name, run });
    this.#options.onProgress?.(this);
  }

  #judge(found: Found): void {
    const { isFound = hasFailure } = this.#options;
    if (found.result.failures.length > 0) this.#note(found);
    if (!isFound(found.result)) return;
    this.#found = found;
    this.#ended = true;
  }

  #note(found: Found): void {
    const keys = new Set<string>();
    for (const failure of found.result.failures) {
      const key = keyOf(failure);
      if (keys.has(key)) continue;
      keys.add(key);
      const known = this.#distinct.get(key);
      if (known) known.runs++;
      else if (this.#distinct.size < DISTINCT_MAX) {
        this.#distinct.set(key, { failure, first: found, runs: 1 });
      }
    }
  }
}

function hasFailure(result: RunResult): boolean {
  return result.failures.length > 0;
}
