// Not all of seedrandom: its other generators load node:crypto, which takes 15 ms.
import alea from 'seedrandom/lib/alea.js';
import { Bug } from './errors.ts';

/** Draws are 32 bits wide, so a count above this could not be reached evenly. */
const BELOW_MAX = 2 ** 32;

/**
 * A stream of random integers that depends on its seed alone: Baagøe's Alea, as packaged by
 * seedrandom. Seeds are texts, and Alea's own Mash mixes them, so that neighbours such as
 * `random 1 7` and `random 1 8` have nothing in common. Cheap to make: one a run is fine.
 */
export class Prng {
  readonly #seed: string;
  readonly #draw: () => number;

  constructor(seed: string | number) {
    this.#seed = String(seed);
    this.#draw = alea(this.#seed);
  }

  /** 32 random bits, as an integer from 0. */
  next32(): number {
    return (this.#draw() * 0x1_0000_0000) >>> 0;
  }

  /** An integer from 0 to `count` - 1, each as likely as the next to within `count` / 2^32. */
  below(count: number): number {
    // No assert(): its message would be built at every draw.
    if (!(count >= 1 && count <= BELOW_MAX)) throw new Bug(`below(${count}): expected 1 to 2^32`);
    return Math.floor(this.#draw() * count);
  }

  /** Puts `items` in random order, in place. Fisher and Yates. */
  shuffle<T>(items: T[]): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const item = items[last]!;
      items[last] = items[other]!;
      items[other] = item;
    }
  }

  /**
   * The stream called `name` below this one. It depends on the seed and the name, not on what was
   * drawn before, so that one purpose drawing more does not change what another one gets.
   */
  split(name: string): Prng {
    return new Prng(`${this.#seed}/${name.length}:${name}`);
  }
}
