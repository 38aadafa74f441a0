/**
 * What one thread knows of the time of all: by thread number, 0 where it knows nothing.
 * Mattern, Virtual Time and Global States of Distributed Systems, 1988.
 */
export class VectorClock {
  #times: number[] = [];

  get(thread: number): number {
    return thread < this.#times.length ? this.#times[thread]! : 0;
  }

  /** Advances one entry by 1. */
  tick(thread: number): void {
    this.#reach(thread + 1);
    this.#times[thread]!++;
  }

  /** Knows from here on whatever `other` knows. */
  join(other: VectorClock): void {
    const theirs = other.#times;
    this.#reach(theirs.length);
    const mine = this.#times;
    for (let i = 0; i < theirs.length; i++) {
      if (theirs[i]! > mine[i]!) mine[i] = theirs[i]!;
    }
  }

  /** Knows what `other` knows, and no more. */
  assign(other: VectorClock): void {
    this.#times = other.#times.slice();
  }

  #reach(length: number): void {
    while (this.#times.length < length) this.#times.push(0);
  }
}
