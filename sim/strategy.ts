import type { Choice } from './choice.ts';
import type { NameOf } from './names.ts';
import type { Access, Request } from './request.ts';

/**
 * What a strategy that goes by dependency is told of a run beside its choices: every transition,
 * also where there was nothing to choose.
 */
export interface Observer {
  /** Whether touched() is to be told of every access, which costs. */
  readonly goesByBytes?: boolean;
  /** `actor` is about to act; the first `count` of `options` could. False: the run is given up. */
  acting(actor: number, options: Int32Array, count: number, nameOf: NameOf): boolean;
  /** The present transition touches `size` bytes at `addr`, beyond what its request says. */
  touched(addr: number, size: number, access: Access): void;
  /**
   * The transition is over. Its request, null where it was no step of a fiber, has the access that
   * it turned out to be: a compare-and-swap that failed is a READ.
   */
  acted(request: Request | null): void;
  /** The run ends here, though there was more to do. */
  cutShort(): void;
  /** The present transition ends the run, by what it does: nobody else acts any more. */
  stopped?(): void;
  /** At the end: an actor that waits in vain, and for what. */
  stuck(actor: number, request: Request): void;
}

/** Of the runs that are there to be made, in all or of one kind. */
export interface Estimate {
  /** Whose they are: `2 deviations`, `dpor`. */
  readonly of: string;
  readonly done: number;
  readonly total: number;
  /** Whether `total` is a count, and not derived from how the search has branched so far. */
  readonly isExact: boolean;
}

/**
 * Answers every choice of a run. A strategy keeps no reference to the engine and draws randomness
 * from (seed, run) alone, so that any run can be made again without those before it. Exhaustive
 * ones are the exception, since each of their runs follows from the one before: `isBySeed` tells.
 */
export interface Strategy {
  /** The text that `strategyByName` turns into this strategy again: `pct:3:120`. */
  readonly name: string;
  /** Prepares run number `run`, from 0, ascending; false where there is nothing left to try. */
  begin(run: number): boolean;
  /** Index into `choice.options` of the option taken, or ABANDON. */
  choose(choice: Choice): number;
  /** The run is over, after `choiceCount` choices. */
  end(choiceCount: number): void;
  /** Whether every schedule has been run (up to the strategy's own equivalence). */
  readonly exhausted: boolean;
  /** What was run instead, once all of it was: `every schedule of at most 2 deviations`. */
  readonly covered?: string | undefined;
  /** How far it has come, where it can say. */
  readonly estimate?: Estimate | undefined;
  readonly observer?: Observer | undefined;
}
