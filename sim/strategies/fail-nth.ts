import type { Choice } from '../choice.ts';
import type { Strategy } from '../strategy.ts';

/**
 * One thing goes wrong in a run, and nothing else interferes: first nothing, then the first thing
 * that can (an allocation, the order of pages), then the second, …, until there is none. Every
 * error path along one schedule, as /proc/<pid>/fail-nth walks them
 * (Documentation/fault-injection/fault-injection.rst). A run cannot be made again from its number.
 */
export class FailNth implements Strategy {
  readonly name = 'fail-nth';
  /** Other schedules, and two things that go wrong, are left out. */
  readonly exhausted = false;
  /** The thing that goes wrong in the present run, from 1, and in which of its ways. */
  #nth = 0;
  #outcome = 0;
  /** Things that could go wrong so far in the present run, and the ways of the n-th. */
  #seen = 0;
  #ways = 1;
  /** Those of the first run: up to the n-th, the others are like it. */
  #total = 0;
  #isOver = false;

  get covered(): string | undefined {
    return this.#isOver ? `each of ${this.#total} faults alone` : undefined;
  }

  begin(run: number): boolean {
    if (this.#nth === 0) this.#total = this.#seen;
    if (run > 0 && ++this.#outcome >= this.#ways) {
      this.#isOver = this.#nth === this.#total;
      if (this.#isOver) return false;
      this.#nth++;
      this.#outcome = 1;
    }
    this.#seen = 0;
    return true;
  }

  choose({ kind, count, stay }: Choice): number {
    if (kind === 'sched' || ++this.#seen !== this.#nth) return stay;
    this.#ways = count;
    return this.#outcome;
  }

  end(): void {}
}
