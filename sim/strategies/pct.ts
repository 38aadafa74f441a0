import { assert } from '../../base/assert.ts';
import { Prng } from '../../base/prng.ts';
import { EVENT, PREEMPT } from '../actors.ts';
import type { Choice } from '../choice.ts';
import type { Strategy } from '../strategy.ts';

export const PCT_DEPTH_MAX = 64;
export const PCT_LENGTH_MAX = 2 ** 30;

/** Priorities at first sight are drawn from this many values, so that ties are rare. */
const PRIORITY_RANGE = 2 ** 30;

/**
 * How often a choice other than `sched` is drawn evenly instead of staying: one time in so many,
 * 0 being never. One of these is drawn a run, as in swarm testing (Groce et al., ISSTA 2012).
 */
const DEVIATE_ONE_IN = [0, 0, 8, 64] as const;

export interface PctOptions {
  readonly seed: number;
  /** How many ordering constraints a bug has: d of the paper, from 1. */
  readonly depth: number;
  /** How many choices a run has, from 1: k of the paper. Default: as many as any so far had. */
  readonly length?: number;
}

/**
 * Probabilistic concurrency testing: the actor of highest priority steps; at `depth` - 1 random
 * choices the one about to step falls below all others. A bug of depth d among n actors and k
 * choices is found with probability at least 1 / (n * k^(d-1)) a run. A new actor gets its
 * priority when first seen. A preemption puts another task on its CPU, so both draw anew once it
 * has happened: otherwise one of high priority would be the only thing ever to happen.
 *
 * Choices of other kinds have no priorities. Half of the runs stay at all of them, for which the
 * bound holds as it is; the others deviate from time to time, so that faults are met as well.
 *
 * Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic
 * Guarantees of Finding Bugs, ASPLOS 2010, section 3.
 */
export class Pct implements Strategy {
  readonly exhausted = false;
  readonly #seed: number;
  readonly #depth: number;
  readonly #isEstimated: boolean;
  #length: number;
  #longest = 1;
  #prng: Prng;
  /** By actor; 0: not seen in this run. Values below `depth` belong to the change points. */
  #priorities = new Int32Array(16);
  /** Change points in ascending order, each `index * depth + priority`. */
  readonly #changes: Float64Array;
  #changesDone = 0;
  #deviateOneIn = 0;

  constructor({ seed, depth, length }: PctOptions) {
    assert(depth >= 1 && depth <= PCT_DEPTH_MAX, `pct: depth ${depth}`);
    const first = length ?? 1;
    assert(first >= 1 && first <= PCT_LENGTH_MAX, `pct: length ${first}`);
    this.#seed = seed;
    this.#depth = depth;
    this.#isEstimated = length === undefined;
    this.#length = first;
    this.#changes = new Float64Array(depth - 1);
    this.#prng = new Prng(`pct ${seed}`);
  }

  /** With the length of the present run, so that the name makes it again. */
  get name(): string {
    return `pct:${this.#depth}:${this.#length}`;
  }

  begin(run: number): boolean {
    if (this.#isEstimated) this.#length = this.#longest;
    this.#prng = new Prng(`pct ${this.#seed} ${run}`);
    this.#priorities.fill(0);
    this.#deviateOneIn = DEVIATE_ONE_IN[this.#prng.below(DEVIATE_ONE_IN.length)]!;
    // As in the paper, which priority a change point gives has nothing to do with when it comes.
    for (let i = 0; i < this.#changes.length; i++) {
      this.#changes[i] = this.#prng.below(this.#length) * this.#depth + (i + 1);
    }
    this.#changes.sort();
    this.#changesDone = 0;
    return true;
  }

  choose(choice: Choice): number {
    if (choice.kind !== 'sched') return this.#chooseOutcome(choice);
    let highest = this.#highest(choice);
    while (this.#changesDone < this.#changes.length) {
      const change = this.#changes[this.#changesDone]!;
      if (Math.floor(change / this.#depth) > choice.index) break;
      this.#priorities[choice.options[highest]!] = change % this.#depth;
      this.#changesDone++;
      highest = this.#highest(choice);
    }
    const actor = choice.options[highest]!;
    if (actor >= PREEMPT) {
      this.#priorities[actor] = 0;
      if (actor < EVENT) this.#priorities[actor - PREEMPT] = 0;
    }
    return highest;
  }

  end(choiceCount: number): void {
    this.#longest = Math.min(Math.max(this.#longest, choiceCount), PCT_LENGTH_MAX);
  }

  #chooseOutcome(choice: Choice): number {
    if (this.#deviateOneIn === 0) return choice.stay;
    if (this.#prng.below(this.#deviateOneIn) !== 0) return choice.stay;
    return this.#prng.below(choice.count);
  }

  /** Index of the option of highest priority: of equal ones, the first. */
  #highest(choice: Choice): number {
    let highest = 0;
    let highestPriority = 0;
    for (let i = 0; i < choice.count; i++) {
      const priority = this.#priorityOf(choice.options[i]!);
      if (priority <= highestPriority) continue;
      highest = i;
      highestPriority = priority;
    }
    return highest;
  }

  #priorityOf(actor: number): number {
    if (actor >= this.#priorities.length) this.#makeRoomFor(actor);
    const priority = this.#priorities[actor]!;
    if (priority !== 0) return priority;
    return (this.#priorities[actor] = this.#depth + this.#prng.below(PRIORITY_RANGE));
  }

  #makeRoomFor(actor: number): void {
    const larger = new Int32Array(2 * actor + 1);
    larger.set(this.#priorities);
    this.#priorities = larger;
  }
}
