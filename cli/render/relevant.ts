import type { Failure } from '../../sim/failure.ts';
import type { Schedule } from '../../sim/schedule.ts';
import type { TraceLine } from '../../sim/trace.ts';

export interface Run {
  readonly lines: readonly TraceLine[];
  readonly failures: readonly Failure[];
  readonly schedule: Schedule;
}

/** A system call in one run, with what happened inside. */
interface Call {
  readonly lines: TraceLine[];
  isOver: boolean;
}

/** What a reader should see first scores highest. */
const SCORE = {
  report: 100,
  /** Of a call that was going on when the failure was seen. */
  inProgress: 40,
  entry: 5,
  /** At a place that the report names. */
  named: 30,
  deviation: 25,
  note: 10,
} as const;

/**
 * The lines that explain the failures, at most `linesMax`, in order: system calls that were in
 * progress, remarks at places that the report names, what came after each deviation. Steps
 * without a remark, and what the kernel printed, are not among them.
 */
export function relevantLines(run: Run, linesMax: number): TraceLine[] {
  const told = run.lines.filter(({ kind }) => kind !== 'step' && kind !== 'printk');
  const calls = callsOf(told);
  const scores = scoresOf(told, calls, run);
  const lines = withoutEndings(told, scores).filter(
    (line) => line.kind !== 'return' || isError(line),
  );
  if (lines.length <= linesMax) return lines;
  return best(lines, scores, calls, linesMax);
}

/**
 * Leaves out what a run of any program ends with, where the failure has nothing to do with it: a
 * task's exit, and what interrupts do after that. An event stays with what comes of it.
 */
function withoutEndings(
  told: readonly TraceLine[],
  scores: ReadonlyMap<TraceLine, number>,
): TraceLine[] {
  const calls = callsOf(told.filter(({ kind }) => kind !== 'event'));
  const strangers = calls.filter(
    ({ lines }) =>
      (isExit(lines[0]!) || isOfInterrupt(lines[0]!)) &&
      !lines.some((line) => line.kind !== 'syscall' && scores.get(line)! >= SCORE.deviation),
  );
  const dropped = new Set(strangers.flatMap(({ lines }) => lines));
  let staysNext = false;
  return told
    .toReversed()
    .filter((line) => {
      if (line.kind !== 'event') staysNext = !dropped.has(line);
      return staysNext;
    })
    .toReversed();
}

function isExit({ text }: TraceLine): boolean {
  return /^exit(_group)?\(/.test(text);
}

function isOfInterrupt({ path }: TraceLine): boolean {
  return /^CPU\d/.test(path);
}

/** The lines of highest score, the later of equal ones; each brings the entry of its call along. */
function best(
  lines: readonly TraceLine[],
  scores: ReadonlyMap<TraceLine, number>,
  calls: readonly Call[],
  linesMax: number,
): TraceLine[] {
  const entries = new Map<TraceLine, TraceLine>();
  for (const call of calls) for (const line of call.lines) entries.set(line, call.lines[0]!);
  const known = new Set(lines);
  const kept = new Set<TraceLine>();
  for (const line of ranked(lines, scores)) {
    if (kept.size === linesMax) break;
    const wanted = [line, entries.get(line)!].filter((one) => !kept.has(one) && known.has(one));
    if (kept.size + wanted.length <= linesMax) for (const one of wanted) kept.add(one);
  }
  return lines.filter((line) => kept.has(line));
}

/** By score, and of equal ones the last first. There may be a million, and few scores. */
function* ranked(
  lines: readonly TraceLine[],
  scores: ReadonlyMap<TraceLine, number>,
): Iterable<TraceLine> {
  const byScore = new Map<number, TraceLine[]>();
  for (const line of lines) {
    const score = scores.get(line)!;
    const same = byScore.get(score);
    if (same) same.push(line);
    else byScore.set(score, [line]);
  }
  for (const score of [...byScore.keys()].toSorted((a, b) => b - a)) {
    yield* byScore.get(score)!.toReversed();
  }
}

/** A return with an errno: any other says only that the call went on. */
function isError({ text }: TraceLine): boolean {
  return /-1 E[A-Z]|-E[A-Z]/.test(text);
}

function scoresOf(
  lines: readonly TraceLine[],
  calls: readonly Call[],
  run: Run,
): Map<TraceLine, number> {
  const scores = new Map<TraceLine, number>();
  const add = (line: TraceLine, score: number) => scores.set(line, scores.get(line)! + score);
  const named = functionsIn(run.failures);
  const addresses = run.failures.flatMap(({ objects }) => objects.map(({ address }) => address));
  for (const line of lines) {
    scores.set(line, line.kind === 'note' ? SCORE.note : 0);
    if (line.kind === 'report') add(line, SCORE.report);
    if (named.has(line.site.split(':')[0]!)) add(line, SCORE.named);
    if (addresses.some((address) => line.text.includes(address.slice(2)))) add(line, SCORE.named);
  }
  for (const line of afterDeviations(lines, run.schedule)) add(line, SCORE.deviation);
  for (const call of calls) {
    if (!call.isOver) for (const line of call.lines) add(line, SCORE.inProgress);
    if (call.lines[0]!.kind === 'syscall') add(call.lines[0]!, SCORE.entry);
  }
  return scores;
}

/** `close_fd` of `close_fd+0x8/0x100`: every function that a call trace names. */
function functionsIn(failures: readonly Failure[]): Set<string> {
  const names = new Set<string>();
  for (const { text, sites } of failures) {
    // Every call trace ends in the entry code.
    for (const match of text.matchAll(/(\w+)\+0x[0-9a-f]+\//g)) names.add(match[1]!);
    for (const site of sites) names.add(site.split(':')[0]!);
  }
  names.delete('do_syscall_64');
  return names;
}

/** For each deviation, the first line written after it. */
function afterDeviations(lines: readonly TraceLine[], { at }: Schedule): TraceLine[] {
  return at.flatMap((index) => lines.find(({ choice }) => choice >= index) ?? []);
}

function callsOf(lines: readonly TraceLine[]): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Call>();
  for (const line of lines) {
    let call = open.get(line.path);
    if (call === undefined || line.kind === 'syscall') {
      call = { lines: [], isOver: isOfInterrupt(line) };
      calls.push(call);
      open.set(line.path, call);
    }
    call.lines.push(line);
    // exit() is over, but does not return.
    if (isExit(line)) call.isOver = true;
    if (line.kind === 'return') {
      call.isOver = true;
      open.delete(line.path);
    }
  }
  return calls;
}
