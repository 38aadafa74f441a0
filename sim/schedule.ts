/**
 * A run as what it did differently from staying: at choice number `at[i]` the option taken stood
 * `skip[i]` places after the one that stays, counted round (1 ≤ skip < count). `at` ascends.
 * An empty schedule is the run in which nothing interferes.
 */
export interface Schedule {
  readonly at: readonly number[];
  readonly skip: readonly number[];
}

export const STAY: Schedule = { at: [], skip: [] };
