import { sameFailureAs, explore } from '../../sim/explore.ts';
import type { RunResult } from '../../sim/model.ts';
import { FITS, type NamedDeviation } from '../../sim/names.ts';
import { shrink } from '../../sim/shrink.ts';
import { Auto } from '../../sim/strategies/auto.ts';
import { Bounded } from '../../sim/strategies/bounded.ts';
import { NamedReplay, NamingReplay } from '../../sim/strategies/named-replay.ts';
import { Pos } from '../../sim/strategies/pos.ts';
import { Surw } from '../../sim/strategies/surw.ts';
import type { Strategy } from '../../sim/strategy.ts';
import { hasBody, type Op, type Program } from './program.ts';
import type { ProgramWorlds } from './worlds.ts';

/** A program that fails, along the schedule of the run. */
export interface Failing {
  readonly program: Program;
  readonly result: RunResult;
}

export interface ShrunkProgram extends Failing {
  /**
   * Whether leaving out any one process, call, body or deviation made the failure go away, as far
   * as a search of so many runs can tell.
   */
  readonly minimal: boolean;
  readonly runs: number;
}

/** Runs that look for the failure in a smaller program, after the old schedule has been tried. */
const SEARCH_RUNS = 160;
/** Deviations that are few enough; runs of each strategy that looks for fewer than that. */
const FEW = 3;
const FEWER_RUNS = 2_000;
const FEWER_SEEDS = 6;
/** Runs in all, after which the smallest so far has to do. */
const RUNS_MAX = 40_000;

/**
 * The same failure (kind and sites) from fewer processes, calls, faults and deviations. A smaller
 * program is first run along the old schedule, its deviations found by name; then searched anew.
 * Simplest first: whole processes, then calls with their bodies, then calls alone, then flags.
 */
export function shrinkProgram(
  worlds: ProgramWorlds,
  found: Failing,
  stop: () => boolean = () => false,
): ShrunkProgram {
  const search = new Search(worlds, found, stop);
  let improved = true;
  while (improved && !search.isOver) {
    improved = false;
    for (const smaller of smallerThan(search.best.program)) {
      if (!search.attempt(smaller)) continue;
      improved = true;
      break;
    }
  }
  if (!search.isOver) search.lookForFewer();
  const isMinimal = search.shrinkSchedule();
  return { ...search.best, minimal: isMinimal && !search.isOver, runs: search.runs };
}

class Search {
  best: Failing;
  runs = 0;
  readonly #worlds: ProgramWorlds;
  readonly #isSame: (result: RunResult) => boolean;
  readonly #stop: () => boolean;
  #names: readonly NamedDeviation[];

  constructor(worlds: ProgramWorlds, found: Failing, stop: () => boolean) {
    this.#worlds = worlds;
    this.best = found;
    this.#isSame = sameFailureAs(found.result);
    this.#stop = stop;
    this.#names = this.#named(found);
    this.shrinkSchedule();
  }

  get isOver(): boolean {
    return this.runs >= RUNS_MAX || this.#stop();
  }

  /** Whether the program fails in the same way; then it is the best from now on. */
  attempt(program: Program): boolean {
    const result = this.#alongOld(program) ?? this.#anew(program);
    if (!result) return false;
    this.best = { program, result };
    this.shrinkSchedule();
    return true;
  }

  /** Whether no single deviation can be left out. */
  shrinkSchedule(): boolean {
    const { program, result } = this.best;
    const model = this.#worlds.model(program);
    const shrunk = shrink(model, result, this.#isSame, { runsMax: 1_000, stop: this.#stop });
    this.runs += shrunk.runs;
    this.best = { program, result: shrunk.result };
    this.#names = this.#named(this.best);
    return shrunk.minimal;
  }

  /**
   * What is left when nothing single can be left out may still be far from the fewest: where it
   * takes many deviations, it is looked for anew, and each time shrunk anew.
   */
  lookForFewer(): void {
    for (const strategy of fewerStrategies()) {
      const { program, result } = this.best;
      const before = result.schedule.at.length;
      if (before <= FEW || this.isOver) return;
      const { found, runs } = explore(this.#worlds.model(program), {
        strategy,
        runsMax: FEWER_RUNS,
        isFound: this.#isSame,
        stop: this.#stop,
      });
      this.runs += runs;
      if (!found) continue;
      this.best = { program, result: found.result };
      this.shrinkSchedule();
      if (this.best.result.schedule.at.length >= before) this.best = { program, result };
    }
    this.#names = this.#named(this.best);
  }

  #alongOld(program: Program): RunResult | undefined {
    const model = this.#worlds.model(program);
    for (const fit of FITS) {
      const strategy = new NamedReplay(this.#names, fit);
      strategy.begin(0);
      const result = model.run(strategy);
      this.runs++;
      if (this.#isSame(result)) return result;
    }
    return undefined;
  }

  #anew(program: Program): RunResult | undefined {
    const { found, runs } = explore(this.#worlds.model(program), {
      strategy: new Auto({ seed: 1, fewestFirst: SEARCH_RUNS / 2 }),
      runsMax: SEARCH_RUNS,
      isFound: this.#isSame,
      stop: this.#stop,
    });
    this.runs += runs;
    return found?.result;
  }

  #named({ program, result }: Failing): readonly NamedDeviation[] {
    const naming = new NamingReplay(result.schedule);
    naming.begin(0);
    this.#worlds.model(program).run(naming);
    this.runs++;
    return [...naming.named];
  }
}

function* fewerStrategies(): Generator<Strategy> {
  yield new Bounded();
  for (let seed = 1; seed <= FEWER_SEEDS; seed++) yield new Pos(seed);
  for (let seed = 1; seed <= FEWER_SEEDS; seed++) yield new Surw(seed);
}

/** Programs with one thing less, those that leave out most first. */
function* smallerThan(program: Program): Generator<Program> {
  const { processes } = program;
  for (let i = processes.length - 1; i >= 0 && processes.length > 1; i--) {
    yield { ...program, processes: processes.toSpliced(i, 1) };
  }
  for (let i = processes.length - 1; i >= 0; i--) {
    for (const body of smallerBodies(processes[i]!)) {
      yield { ...program, processes: processes.with(i, body) };
    }
  }
  for (const kind of program.faults) {
    yield { ...program, faults: program.faults.filter((other) => other !== kind) };
  }
  if (program.shared) yield { ...program, shared: false };
  if (program.cpus > 1) yield { ...program, cpus: program.cpus - 1 };
}

function* smallerBodies(body: readonly Op[]): Generator<readonly Op[]> {
  for (let i = body.length - 1; i >= 0; i--) yield body.toSpliced(i, 1);
  for (let i = body.length - 1; i >= 0; i--) {
    const op = body[i]!;
    if (!hasBody(op.call) || !op.body) continue;
    yield body.toSpliced(i, 1, ...op.body); // what the child did, the parent does
    for (const inner of smallerBodies(op.body)) yield body.with(i, { ...op, body: inner });
  }
}
