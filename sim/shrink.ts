import type { Model, RunResult } from './model.ts';
import { STAY, type Schedule } from './schedule.ts';
import { Replay } from './strategies/replay.ts';

export interface ShrinkOptions {
  /** Runs after which the best so far has to do. Default: 5,000. */
  readonly runsMax?: number;
  /** Asked before each run: true ends the work. */
  readonly stop?: () => boolean;
}

export interface Shrunk {
  /** A run that is the same, with no more deviations than the one given. */
  readonly result: RunResult;
  /** Runs that it took. */
  readonly runs: number;
  /** Whether no single deviation can be left out: tried for each, within the limits. */
  readonly minimal: boolean;
}

const RUNS_MAX = 5_000;

/** Steps that work on pairs take time quadratic in the deviations, or nearly, and stop here. */
const FEW = 32;

/** How far a deviation is moved when its neighbour is left out, in choices to either side. */
const SHIFT_MAX = 4;

/**
 * The same failure from fewer deviations. Cuts off the tail; leaves out halves, quarters, … and
 * single deviations (ddmin by complements: Zeller and Hildebrandt, TSE 28(2), 2002); then
 * neighbours in pairs, or one of two while the other moves; and moves what is left to earlier
 * choices, so that equal failures come out equal. What a candidate really did replaces it, so
 * that a deviation which no longer fits is gone at once. Deterministic.
 */
export function shrink(
  model: Model,
  found: RunResult,
  isSame: (result: RunResult) => boolean,
  options: ShrinkOptions = {},
): Shrunk {
  const search = new Search(model, found, isSame, options);
  if (!search.reproduces()) return { result: found, runs: search.runs, minimal: false };
  if (!search.attempt(STAY)) {
    cutTail(search);
    dropChunks(search);
    let improved = true;
    while (improved) {
      improved = dropSingles(search) || dropPairs(search) || dropAndShift(search) || slide(search);
    }
  }
  return { result: search.best, runs: search.runs, minimal: !search.isOver };
}

/** The best run so far, and the one way to better it. */
class Search {
  best: RunResult;
  runs = 0;
  isOver = false;
  readonly #model: Model;
  readonly #isSame: (result: RunResult) => boolean;
  readonly #runsMax: number;
  readonly #stop: () => boolean;
  readonly #tried = new Set<string>();

  constructor(
    model: Model,
    found: RunResult,
    isSame: (result: RunResult) => boolean,
    options: ShrinkOptions,
  ) {
    this.best = found;
    this.#model = model;
    this.#isSame = isSame;
    this.#runsMax = options.runsMax ?? RUNS_MAX;
    this.#stop = options.stop ?? (() => false);
  }

  /** Deviations of the best run. */
  get count(): number {
    return this.best.schedule.at.length;
  }

  /** Whether the schedule given does what it is said to do. */
  reproduces(): boolean {
    const result = this.#run(this.best.schedule);
    return result !== undefined && this.#isSame(result);
  }

  /** Runs a schedule; where it shows the same and is simpler, it is the best from now on. */
  attempt(schedule: Schedule): boolean {
    if (schedule.at.length <= FEW) {
      const key = `${schedule.at.join()} ${schedule.skip.join()}`;
      if (this.#tried.has(key)) return false;
      this.#tried.add(key);
    }
    const result = this.#run(schedule);
    if (result === undefined || !isSimpler(result.schedule, this.best.schedule)) return false;
    if (!this.#isSame(result)) return false;
    this.best = result;
    return true;
  }

  #run(schedule: Schedule): RunResult | undefined {
    this.isOver ||= this.runs >= this.#runsMax || this.#stop();
    if (this.isOver) return undefined;
    this.runs++;
    const replay = new Replay(schedule);
    replay.begin(0);
    const result = this.#model.run(replay);
    replay.end();
    return result;
  }
}

/** Fewer deviations; else earlier ones; else shorter skips. */
function isSimpler(a: Schedule, b: Schedule): boolean {
  if (a.at.length !== b.at.length) return a.at.length < b.at.length;
  const difference = sum(a.at) - sum(b.at);
  return difference === 0 ? sum(a.skip) < sum(b.skip) : difference < 0;
}

/** The shortest head of the schedule that still fails, as bisection finds it. */
function cutTail(search: Search): void {
  let tooShort = 0;
  let enough = search.count;
  while (enough - tooShort > 1 && !search.isOver) {
    const middle = (tooShort + enough) >> 1;
    if (search.attempt(without(search.best.schedule, middle, search.count))) {
      enough = search.count;
    } else {
      tooShort = middle;
    }
  }
}

/**
 * Halves, quarters, …. Of even size, and where that fails one deviation earlier: between two
 * actors the tail then keeps its meaning, and either of them has the gap to itself.
 */
function dropChunks(search: Search): void {
  for (let half = search.count >> 1; half > 1; half >>= 1) {
    const size = half & ~1;
    dropEach(search, size);
    dropEach(search, size, 1);
  }
}

function dropSingles(search: Search): boolean {
  return dropEach(search, 1);
}

/**
 * Leaves out `size` deviations at a time, from the end: the head keeps its meaning. The last
 * `spared` are left alone.
 */
function dropEach(search: Search, size: number, spared = 0): boolean {
  let improved = false;
  let end = search.count - spared;
  while (end > 0 && !search.isOver) {
    const start = Math.max(0, end - size);
    if (search.attempt(without(search.best.schedule, start, end))) improved = true;
    end = Math.min(start, search.count);
  }
  return improved;
}

/** Leaves out two deviations that stand close: away and back again. */
function dropPairs(search: Search): boolean {
  if (dropEach(search, 2) || dropEach(search, 2, 1)) return true;
  if (search.count > FEW) return false;
  for (let distance = 2; distance <= 3; distance++) {
    for (let i = search.count - distance - 1; i >= 0; i--) {
      const once = without(search.best.schedule, i + distance, i + distance + 1);
      if (search.attempt(without(once, i, i + 1))) return true;
    }
  }
  return false;
}

/** Leaves out a deviation while a neighbour of it moves, or goes to another option. */
function dropAndShift(search: Search): boolean {
  if (search.count > FEW) return false;
  for (let dropped = search.count - 1; dropped >= 0; dropped--) {
    const droppedAt = search.best.schedule.at[dropped]!;
    const rest = without(search.best.schedule, dropped, dropped + 1);
    for (const neighbour of [dropped - 1, dropped]) {
      if (neighbour < 0 || neighbour >= rest.at.length) continue;
      for (const candidate of shifted(rest, neighbour, droppedAt)) {
        if (search.attempt(candidate)) return true;
      }
    }
  }
  return false;
}

/** The schedule with one deviation moved to free choices near its own and near `otherAt`. */
function* shifted(schedule: Schedule, index: number, otherAt: number): Generator<Schedule> {
  const least = (schedule.at[index - 1] ?? -1) + 1;
  const most = (schedule.at[index + 1] ?? Infinity) - 1;
  for (const skip of new Set(schedule.skip)) {
    for (const near of [schedule.at[index]!, otherAt]) {
      for (let at = near - SHIFT_MAX; at <= near + SHIFT_MAX; at++) {
        if (at >= least && at <= most) yield replaced(schedule, index, at, skip);
      }
    }
  }
}

/** Moves deviations to earlier choices, alone or with all after them, and to nearer options. */
function slide(search: Search): boolean {
  if (search.count > FEW) return false;
  let improved = false;
  for (let i = 0; i < search.count; i++) {
    if (slideOne(search, i, search.count)) improved = true;
    if (slideOne(search, i, i + 1)) improved = true;
    for (let skip = 1; skip < (search.best.schedule.skip[i] ?? 0); skip++) {
      const at = search.best.schedule.at[i]!;
      if (search.attempt(replaced(search.best.schedule, i, at, skip))) improved = true;
    }
  }
  return improved;
}

/** Moves those from number `start` to before `end` towards the one before: by all, by half, …. */
function slideOne(search: Search, start: number, end: number): boolean {
  let improved = false;
  let gap = Infinity;
  while (gap > 0 && start < search.count && !search.isOver) {
    const { at, skip } = search.best.schedule;
    gap = Math.min(gap, at[start]! - (at[start - 1] ?? -1) - 1);
    const moved = at.map((index, i) => (i >= start && i < end ? index - gap : index));
    if (gap > 0 && search.attempt({ at: moved, skip })) improved = true;
    else gap >>= 1;
  }
  return improved;
}

/** The schedule less its deviations from number `start` up to but not including `end`. */
function without({ at, skip }: Schedule, start: number, end: number): Schedule {
  return {
    at: [...at.slice(0, start), ...at.slice(end)],
    skip: [...skip.slice(0, start), ...skip.slice(end)],
  };
}

function replaced(schedule: Schedule, index: number, at: number, skip: number): Schedule {
  return { at: schedule.at.with(index, at), skip: schedule.skip.with(index, skip) };
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
