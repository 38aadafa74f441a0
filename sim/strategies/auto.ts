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

/** Whose run it is: few deviations, DPOR, or a sampler. */
export const TURNS = ['fewest', 'dpor', 'sampler'] as const;
export type Turn = (typeof TURNS)[number];
/** Once the first runs are over, and once those of few deviations are. */
const THREE: readonly Turn[] = ['dpor', 'sampler', 'fewest'];
const TWO: readonly Turn[] = ['dpor', 'sampler'];

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
  /** Has the turns of DPOR once that has ended without having seen all. */
  readonly #instead: Strategy;
  #present: Strategy = new Stay();
  #dporRuns = 0;
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
    this.#instead = new Random(seed);
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
    this.#present = this.#strategyOf(run);
    if (this.#present !== this.#dpor) return this.#present.begin(run);
    // DPOR goes by its own runs: its first has no other before it.
    if (this.#dpor.begin(this.#dporRuns++)) return true;
    if (this.#dpor.exhausted) return false;
    this.#dporIsOver = true; // and may have missed something
    this.#present = this.#instead;
    return this.#present.begin(run);
  }

  /** The first run after that one that is one of theirs: what goes before is left to others. */
  runAfter(run: number, turns: readonly Turn[]): number {
    let next = run + 1;
    while (!turns.includes(this.#turn(next).of)) next++;
    return next;
  }

  choose(choice: Choice): number {
    return this.#present.choose(choice);
  }

  end(choiceCount: number): void {
    this.#present.end(choiceCount);
  }

  #strategyOf(run: number): Strategy {
    const { of, nth } = this.#turn(run);
    if (of === 'fewest') return this.#fewest;
    if (of === 'dpor') return this.#dporIsOver ? this.#instead : this.#dpor;
    return this.#samplers[nth % this.#samplers.length]!;
  }

  /** Depends on nothing but the number, so that workers can share the runs. */
  #turn(run: number): { readonly of: Turn; readonly nth: number } {
    const later = run - this.#fewestFirst;
    if (later < 0) return { of: 'fewest', nth: run };
    const rounds = this.#fewestMax - this.#fewestFirst;
    if (later < 3 * rounds) return { of: THREE[later % 3]!, nth: Math.floor(later / 3) };
    const last = later - 3 * rounds;
    return { of: TWO[last % 2]!, nth: rounds + Math.floor(last / 2) };
  }
}
