import { Exploration, type Found } from '../sim/explore.ts';
import { Auto, TURNS, type Turn } from '../sim/strategies/auto.ts';
import { isBySeed } from '../sim/strategies/by-name.ts';
import type { Estimate, Strategy } from '../sim/strategy.ts';
import type { Io } from './command.ts';
import { withForeignTypes } from './foreign.ts';
import type { SubjectFlags } from './options.ts';
import { makeStrategy } from './plan.ts';
import { searchSlice } from './search.ts';
import { subjectOf, worldOf } from './subject.ts';

/** A search that several workers share: each makes the runs whose numbers are its own. */
export interface SharedSearch {
  readonly ref: string;
  readonly flags: SubjectFlags;
  readonly strategy: string | undefined;
  readonly seed: number;
  readonly timeMaxMs: number;
  readonly index: number;
  readonly of: number;
}

/** What a worker says as it goes, and at its end. */
export interface ShareProgress {
  readonly runs: number;
  readonly distinctCount: number;
  readonly estimate: Estimate | undefined;
}

export interface ShareOutcome extends ShareProgress {
  readonly steps: number;
  /** The run in which it found something, or before which there was nothing left to run. */
  readonly endedAt: number | undefined;
  readonly found: Found | undefined;
}

/** Who makes the runs of `auto`, by the number of workers: DPOR is as much work as the rest. */
const SHARES: readonly (readonly (readonly Turn[])[])[] = [
  [TURNS],
  [['fewest', 'sampler'], ['dpor']],
  [['fewest'], ['dpor'], ['sampler']],
];

/** How many workers can share a search by this strategy; 1: each run follows from those before. */
export function sharesOf(name: string | undefined): number {
  if (name === undefined || name === 'auto') return SHARES.length;
  // The length of pct is estimated, unless it is given, from all runs before.
  const goesByNumber = isBySeed(name) && !/^(twice:)?pct(:\d+)?$/.test(name);
  return goesByNumber ? Infinity : 1;
}

function runAfter(strategy: Strategy, index: number, of: number): (run: number) => number {
  if (!(strategy instanceof Auto)) return (run) => (run < 0 ? index : run + of);
  return (run) => strategy.runAfter(run, SHARES[of - 1]![index]!);
}

/**
 * A worker's part. `limit` is the number at which the search ends, for all of them: whoever finds
 * something, or comes to the end, makes it that of the run, and the others only go up to there. So
 * the run that is found is the one that a single worker would find.
 */
export async function searchShare(
  task: SharedSearch,
  limit: Limit,
  io: Io,
  tell: (progress: ShareProgress) => void,
): Promise<ShareOutcome> {
  return withForeignTypes(task.flags, io, async () => {
    const { seed, index, of, timeMaxMs } = task;
    const subject = await subjectOf(task.ref, task.flags, io);
    const strategy = makeStrategy(task.strategy, { seed, memoryModel: subject.memoryModel });
    const world = worldOf(subject, 'explore');
    const beganMs = io.nowMs();
    const isLate = () => io.isInterrupted() || io.nowMs() - beganMs >= timeMaxMs;
    const exploration = new Exploration(world, {
      strategy,
      runsMax: Number.MAX_SAFE_INTEGER,
      runAfter: runAfter(strategy, index, of),
      isFound: subject.catalog.isFound(subject.variant),
      stop: (run) => run >= limit.get() || isLate(),
    });
    while (searchSlice(exploration, subject, world, io)) {
      const { runs, distinctCount, estimate } = exploration;
      tell({ runs, distinctCount, estimate });
    }
    const { runs, steps, distinctCount, estimate, run } = exploration;
    const { found, exhausted } = exploration.outcome();
    const endedAt = found ? found.run : exhausted ? run : undefined;
    if (endedAt !== undefined) limit.lower(endedAt);
    return { runs, steps, distinctCount, estimate, endedAt, found };
  });
}

/** One number that all workers see, and that only becomes less. */
export class Limit {
  readonly cell: Int32Array;

  constructor(cell: Int32Array) {
    this.cell = cell;
  }

  get(): number {
    return Atomics.load(this.cell, 0);
  }

  lower(to: number): void {
    let now = this.get();
    while (to < now) now = Atomics.compareExchange(this.cell, 0, now, to) === now ? to : this.get();
  }
}
