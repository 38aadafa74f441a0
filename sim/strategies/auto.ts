import type { Choice } from '../choice.ts';
import type { MemoryModelName } from '../memory-model.ts';
import type { Estimate, Observer, Strategy } from '../strategy.ts';
import { Bounded } from './bounded.ts';
import { Dpor } from './dpor.ts';
import { Pct } from './pct.ts';
import { Pos } from './pos.ts';
import { Random } from './random.ts';
import { Stay } from './stay.ts';
import { Surw } from './surw.ts';

export interface AutoOptions {
  readonly seed: number;
  /** Default `sc`. Under another, DPOR has no turn: it knows only one order of the accesses. */
  readonly memoryModel?: MemoryModelName;
  /** Runs that go to schedules with few deviations before anything else. */
  readonly fewestFirst?: number;
  /** Runs that go to them in all. */
  readonly fewestMax?: number;
}

const FEWEST_FIRST = 250;
const FEWEST_MAX = 20_000;

/** Most races hang on one or two ordering constraints; each more divides the odds by the length. */
const DEPTH = 3;

/**
 * The default: exhaustive where it ends soon, else sampling. Run 0 stays; then come all schedules
 * with one deviation, with two, …: the first failure that they show is as simple as any. If 250 of
 * those do not end it, three take turns: these schedules, until 20,000 of them are through; DPOR,
 * which may end it by showing every behaviour; and the samplers `pct:3`, `surw`, `pos` and
 * `random`, one after the other. Which run is whose depends on its number alone.
 *
 * Has no name of its own: at any time its name is that of the strategy of the present run, which
 * with the seed and the run's number is what a token needs.
 */
export class Auto implements Strategy {
  readonly #fewestFirst: number;
  readonly #fewestMax: number;
  readonly #fewest = new Bounded();
  readonly #dpor = new Dpor();
  readonly #samplers: readonly Strategy[];
  #present: Strategy = new Stay();
  #fewestRuns = 0;
  #dporRuns = 0;
  #sampledRuns = 0;
  #dporIsOver: boolean;

  constructor(options: AutoOptions) {
    const { seed } = options;
    this.#fewestFirst = options.fewestFirst ?? FEWEST_FIRST;
    this.#fewestMax = options.fewestMax ?? FEWEST_MAX;
    this.#dporIsOver = (options.memoryModel ?? 'sc') !== 'sc';
    this.#samplers = [
      new Pct({ seed, depth: DEPTH }),
      new Surw(seed),
      new Pos(seed),
      new Random(seed),
    ];
  }

  get name(): string {
    return this.#present.name;
  }

  get exhausted(): boolean {
    return this.#fewest.exhausted || this.#dpor.exhausted;
  }

  get estimate(): Estimate | undefined {
    const dpor = this.#dporIsOver || this.#dporRuns < 2 ? undefined : this.#dpor.estimate;
    return dpor ?? this.#fewest.estimate;
  }

  get observer(): Observer | undefined {
    return this.#present.observer;
  }

  begin(run: number): boolean {
    this.#present = this.#nextStrategy();
    if (this.#present !== this.#dpor) return this.#present.begin(run);
    // DPOR goes by its own runs: its first has no other before it.
    if (this.#dpor.begin(this.#dporRuns++)) return true;
    if (this.#dpor.exhausted) return false;
    this.#dporIsOver = true; // and may have missed something
    this.#present = this.#nextStrategy();
    return this.#present.begin(run);
  }

  choose(choice: Choice): number {
    return this.#present.choose(choice);
  }

  end(choiceCount: number): void {
    this.#present.end(choiceCount);
  }

  #nextStrategy(): Strategy {
    const turn = this.#fewestRuns < this.#fewestFirst ? 0 : this.#turn();
    if (turn === 0) {
      this.#fewestRuns++;
      return this.#fewest;
    }
    if (turn === 1) return this.#dpor;
    return this.#samplers[this.#sampledRuns++ % this.#samplers.length]!;
  }

  /** 0: few deviations, 1: DPOR, 2: a sampler. Whoever has had least goes first. */
  #turn(): number {
    const fewest = this.#fewestRuns - this.#fewestFirst;
    if (this.#fewestRuns < this.#fewestMax && fewest < this.#sampledRuns) return 0;
    return this.#dporRuns <= this.#sampledRuns && !this.#dporIsOver ? 1 : 2;
  }
}
