import type { Choice } from '../choice.ts';
import type { Schedule } from '../schedule.ts';
import type { Strategy } from '../strategy.ts';

/**
 * One run, along a schedule: deviates where it does, stays elsewhere. A deviation that does not
 * fit the run, as after an edit of the model, is passed over and counted; nothing is thrown.
 */
export class Replay implements Strategy {
  /** Not a name for strategyByName(): a schedule is no text of its own. */
  readonly name = 'replay';
  readonly exhausted = false;
  readonly #schedule: Schedule;
  #next = 0;
  #misfitCount = 0;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Deviations that had no place in the run: too few options there, or too few choices. */
  get misfitCount(): number {
    return this.#misfitCount;
  }

  /** Whether the run, now over, took every deviation of the schedule. */
  get fitted(): boolean {
    return this.#misfitCount === 0;
  }

  begin(run: number): boolean {
    this.#next = 0;
    this.#misfitCount = 0;
    return run === 0;
  }

  choose(choice: Choice): number {
    if (this.#schedule.at[this.#next] !== choice.index) return choice.stay;
    const skip = this.#schedule.skip[this.#next++]!;
    if (skip < choice.count) return (choice.stay + skip) % choice.count;
    this.#misfitCount++;
    return choice.stay;
  }

  end(): void {
    this.#misfitCount += this.#schedule.at.length - this.#next;
  }
}
