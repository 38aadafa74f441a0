import type { NameOf } from './names.ts';
import type { Request } from './request.ts';

/**
 * What is being chosen. `sched`: who steps next, the options being actors. Any other name is the
 * outcome of one thing (`alloc-fail`, `wake-order`, …), the options being 0, 1, 2, …, where 0 is
 * what happens where nothing interferes.
 */
export type ChoiceKind = 'sched' | (string & {});

/** What choose() returns where the run has nothing new: it ends there and counts for nothing. */
export const ABANDON = -1;

/**
 * One point at which a run could go more than one way. The engine reuses a single object for
 * all of them: a strategy reads it during choose() and does not keep it.
 */
export interface Choice {
  /** Position among the choices of this run, from 0. Points with one option are not choices. */
  index: number;
  kind: ChoiceKind;
  /** How many options there are, at least 2. */
  count: number;
  /** The first `count` entries: for `sched` the actors, stable small integers; else 0, 1, …. */
  options: Int32Array;
  /**
   * Index into `options` of what happens without interference: for `sched`, the actor that
   * stepped last; where that one cannot step, the first.
   */
  stay: number;
  /** `sched`: whoever stepped last cannot step now, so that no switch is a preemption. */
  isForced: boolean;
  /** What an actor below PREEMPT does when it next steps; null for other actors. */
  requestOf(actor: number): Request | null;
  /** The same by name; of PRESENT: who is stepping, where the choice is not about that. */
  readonly nameOf: NameOf;
}
