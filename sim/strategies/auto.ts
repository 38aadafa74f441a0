import type { Choice } from '../choice.ts';
import type { Strategy } from '../strategy.ts';
import { Bounded } from './bounded.ts';
import { Pct } from './pct.ts';
import { Random } from './random.ts';
import { Stay } from './stay.ts';

export interface AutoOptions {
  readonly seed: number;
  /** Runs that go to exhaustive search before anything else. */
  readonly exhaustiveRunsFirst?: number;
  /** Runs that go to it in all: after the first ones, every second run. */
  readonly exhaustiveRunsMax?: number;
}

const EXHAUSTIVE_RUNS_FIRST = 1_000;
const EXHAUSTIVE_RUNS_MAX = 50_000;

/** Most races hang on one or two ordering constraints; each more divides the odds by the length. */
const DEPTH = 3;

/**
 * The default: exhaustive where it ends soon, else PCT. Run 0 stays; then come all schedules with
 * one deviation, with two, …. If the first thousand runs do not end it, every second run is taken
 * from sampling, by `pct:3` (its length being the longest run so far) and `random` in turn; after
 * 50,000 exhaustive runs all are. Which run is whose depends on its number alone.
 *
 * Has no name of its own: at any time its name is that of the strategy of the present run, which
 * with the seed and the run's number is what a token needs.
 */
export class Auto implements Strategy {
  readonly #seed: number;
  readonly #exhaustiveRunsFirst: number;
  readonly #exhaustiveRunsMax: number;
  readonly #bounded = new Bounded();
  readonly #random: Random;
  #pct: Pct | undefined;
  #present: Strategy = new Stay();
  #longest = 1;
  #exhaustiveRuns = 0;
  #sampledRuns = 0;

  constructor(options: AutoOptions) {
    this.#seed = options.seed;
    this.#exhaustiveRunsFirst = options.exhaustiveRunsFirst ?? EXHAUSTIVE_RUNS_FIRST;
    this.#exhaustiveRunsMax = options.exhaustiveRunsMax ?? EXHAUSTIVE_RUNS_MAX;
    this.#random = new Random(options.seed);
  }

  get name(): string {
    return this.#present.name;
  }

  get exhausted(): boolean {
    return this.#bounded.exhausted;
  }

  begin(run: number): boolean {
    this.#present = this.#nextStrategy();
    return this.#present.begin(run);
  }

  choose(choice: Choice): number {
    return this.#present.choose(choice);
  }

  end(choiceCount: number): void {
    this.#longest = Math.max(this.#longest, choiceCount);
    this.#present.end(choiceCount);
  }

  #nextStrategy(): Strategy {
    if (this.#isExhaustiveTurn()) {
      this.#exhaustiveRuns++;
      return this.#bounded;
    }
    if (this.#sampledRuns++ % 2 === 1) return this.#random;
    return (this.#pct ??= new Pct({ seed: this.#seed, depth: DEPTH, length: this.#longest }));
  }

  #isExhaustiveTurn(): boolean {
    if (this.#exhaustiveRuns < this.#exhaustiveRunsFirst) return true;
    if (this.#exhaustiveRuns >= this.#exhaustiveRunsMax) return false;
    return this.#exhaustiveRuns - this.#exhaustiveRunsFirst < this.#sampledRuns;
  }
}
