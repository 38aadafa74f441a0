import type { Failure } from './failure.ts';
import type { Schedule } from './schedule.ts';
import type { Strategy } from './strategy.ts';

/** How one run went. */
export interface RunResult {
  /** In the order in which they were seen; empty where the run is clean. */
  readonly failures: readonly Failure[];
  /** What the strategy answered, as deviations from staying. Exact: replaying it gives this run. */
  readonly schedule: Schedule;
  readonly choiceCount: number;
  readonly stepCount: number;
  /** Fingerprint of the whole trace, 16 hex digits. */
  readonly traceHash: string;
  readonly virtualNs: number;
  /** Whether the strategy gave it up before its end: then it says nothing. */
  readonly abandoned?: boolean;
}

/** What can be run again and again, each time as the strategy says: a scenario in its world. */
export interface Model {
  /**
   * One run, from the initial state to the end. Calls strategy.choose() only: begin() and end()
   * are the caller's.
   */
  run(strategy: Strategy): RunResult;
}

/** The failure that names a run: the fatal one, else the first; undefined where clean. */
export function primaryFailure(result: RunResult): Failure | undefined {
  return result.failures.find((failure) => failure.fatal) ?? result.failures[0];
}
