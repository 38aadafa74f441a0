import { Prng } from '../../base/prng.ts';
import type { Choice } from '../choice.ts';
import type { Strategy } from '../strategy.ts';

/**
 * Every option of every choice is equally likely. Good at short races. Poor where one actor must
 * stand still for long: n steps of the other have probability 2^-n.
 */
export class Random implements Strategy {
  readonly name = 'random';
  readonly exhausted = false;
  readonly #seed: number;
  #prng: Prng;

  constructor(seed: number) {
    this.#seed = seed;
    this.#prng = new Prng(`random ${seed}`);
  }

  begin(run: number): boolean {
    this.#prng = new Prng(`random ${this.#seed} ${run}`);
    return true;
  }

  choose(choice: Choice): number {
    return this.#prng.below(choice.count);
  }

  end(): void {}
}
