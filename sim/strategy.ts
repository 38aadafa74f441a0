import type { Choice } from './choice.ts';

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
  /** Index into `choice.options` of the option taken. */
  choose(choice: Choice): number;
  /** The run is over, after `choiceCount` choices. */
  end(choiceCount: number): void;
  /** Whether every schedule has been run (up to the strategy's own equivalence). */
  readonly exhausted: boolean;
}
