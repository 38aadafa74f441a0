import { setImmediate } from 'node:timers/promises';
import { Exploration, sameFailureAs, type Found, type Outcome } from '../sim/explore.ts';
import type { Model, RunResult } from '../sim/model.ts';
import { shrink, type Shrunk } from '../sim/shrink.ts';
import type { NamedDeviation } from '../sim/names.ts';
import { NamingReplay } from '../sim/strategies/named-replay.ts';
import type { Strategy } from '../sim/strategy.ts';
import type { TraceLine } from '../sim/trace.ts';
import type { World } from './catalog.ts';
import type { Io } from './command.ts';
import { guarded } from './guard.ts';
import { statusLine } from './render/status.ts';
import { runningIn, type Subject } from './subject.ts';

/** Between two of these the terminal and Ctrl-C are looked after. */
const SLICE_MS = 50;

export interface SearchOptions {
  readonly subject: Subject;
  readonly world: World;
  readonly strategy: Strategy;
  readonly runsMax: number;
  /** Host time after which the search ends; Infinity: none. */
  readonly timeMaxMs: number;
  readonly isFound: (result: RunResult) => boolean;
  /** What the status line begins with. */
  readonly label: string;
}

/** A search in slices, none of which a user's endless loop can make endless. */
export async function search(options: SearchOptions, io: Io): Promise<Outcome> {
  const { subject, world, strategy, runsMax, timeMaxMs, isFound, label } = options;
  const beganMs = io.nowMs();
  const isOver = () => io.isInterrupted() || io.nowMs() - beganMs >= timeMaxMs;
  const exploration = new Exploration(world, { strategy, runsMax, isFound, stop: isOver });
  while (searchSlice(exploration, subject, world, io)) {
    if (io.isTerminal) {
      const spentMs = io.nowMs() - beganMs;
      io.status(statusLine({ label, progress: exploration, runsMax, spentMs, timeMaxMs }));
    }
    await setImmediate();
  }
  io.status('');
  return exploration.outcome();
}

/** Runs for a moment, guarded as one; false where the search is over. */
export function searchSlice(
  exploration: Exploration,
  subject: Subject,
  world: World,
  io: Io,
): boolean {
  const slice = () => {
    const endMs = io.nowMs() + SLICE_MS;
    let more = true;
    while (more && io.nowMs() < endMs) more = exploration.step();
    return more;
  };
  return guarded(slice, () => runningIn(world, subject));
}

/** The same failures from as few deviations as can be; guarded run by run. */
export async function shrinkFound(
  subject: Subject,
  world: World,
  found: Found,
  io: Io,
): Promise<Shrunk> {
  io.status(`shrinking: ${found.result.schedule.at.length} deviations`);
  await setImmediate();
  const model = guardedModel(subject, world);
  const shrunk = shrink(model, found.result, isSame(subject, found.result), {
    stop: () => io.isInterrupted(),
  });
  io.status('');
  return shrunk;
}

/** Where a run shows what the variant states, its shrunk form has to show all of it too. */
function isSame(subject: Subject, found: RunResult): (result: RunResult) => boolean {
  const { catalog, variant } = subject;
  const same = sameFailureAs(found);
  if (!catalog.expected(variant, found)) return same;
  return (result) => same(result) && catalog.expected(variant, result);
}

export function guardedModel(subject: Subject, world: World): Model {
  return {
    run: (strategy) =>
      guarded(
        () => world.run(strategy),
        () => runningIn(world, subject),
      ),
  };
}

/** One run with every step and its names. */
export interface Detailed {
  readonly result: RunResult;
  readonly lines: readonly TraceLine[];
  /** What its deviations are called. */
  readonly names: readonly NamedDeviation[];
  /** Deviations that had no place in the run. */
  readonly misfitCount: number;
}

/** The run of a schedule, in full. */
export function rerun(
  subject: Subject,
  world: World,
  { schedule }: Pick<RunResult, 'schedule'>,
): Detailed {
  const replay = new NamingReplay(schedule);
  replay.begin(0);
  world.detailed = true;
  const result = guardedModel(subject, world).run(replay);
  world.detailed = false;
  replay.end();
  const { named: names, misfitCount } = replay;
  return { result, lines: world.trace.lines, names, misfitCount };
}

/** Run number `run` of a strategy. */
export function runNumber(
  subject: Subject,
  world: Model,
  strategy: Strategy,
  run: number,
): RunResult | undefined {
  let result: RunResult | undefined;
  const exploration = new Exploration(world, {
    strategy,
    runsMax: 1,
    runAfter: () => run,
    isFound: (shown) => {
      result = shown;
      return true;
    },
  });
  guarded(
    () => exploration.step(),
    () => runningIn(world as World, subject),
  );
  return result;
}
