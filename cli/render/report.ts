import pc from 'picocolors';
import type { Failure } from '../../sim/failure.ts';
import type { RunResult } from '../../sim/model.ts';
import type { TraceLine } from '../../sim/trace.ts';
import type { Io } from '../command.ts';
import type { Summary } from '../summary.ts';
import { interleaving } from './interleaving.ts';
import { count, duration } from './status.ts';
import { wrap } from './text.ts';

export interface Shown {
  readonly summary: Summary;
  /** What the variant states. */
  readonly expect: readonly string[];
  /** The run in full; undefined where none was found. */
  readonly result: RunResult | undefined;
  readonly lines: readonly TraceLine[];
  /** Every step, rather than those that matter. */
  readonly all: boolean;
  /** The file with the types of another kernel, without which no token repeats the run. */
  readonly btf?: string | undefined;
}

const WIDTH_MAX = 100;

/** What `run`, `explore` and `replay` print for a person. */
export function reportText(shown: Shown, io: Io): string {
  const { summary, result } = shown;
  const text: string[] = [];
  if (result !== undefined && result.failures.length > 0) {
    text.push(...failureText(shown, result, io), '');
  }
  text.push(...outcomeText(shown, io));
  const under = shown.btf === undefined ? '' : ` --btf ${shown.btf}`;
  if (summary.token !== null && summary.shrunkToken !== null) {
    text.push(`as found:  bohrbug replay ${summary.token}${under}`);
  }
  const token = summary.shrunkToken ?? summary.token;
  if (token !== null && summary.verdict === 'failure') {
    text.push(`replay:    bohrbug replay ${token}${under}`);
  }
  return text.join('\n');
}

function failureText(shown: Shown, result: RunResult, io: Io): string[] {
  const colors = pc.createColors(io.hasColor);
  const text: string[] = [];
  for (const { title, text: report } of inOrder(result.failures)) {
    const [, ...body] = report.split('\n');
    text.push(colors.bold(colors.red(title)), ...body, '');
  }
  if (shown.lines.length === 0) return text.slice(0, -1);
  const width = Math.max(60, Math.min(io.width, WIDTH_MAX));
  const run = { lines: shown.lines, failures: result.failures, schedule: result.schedule };
  const made = interleaving(run, { all: shown.all, width, colors });
  const steps = count(result.stepCount, 'step');
  const matter = `${made.shownCount} of ${steps} matter; --all shows every one`;
  const left = `Interleaving (${shown.all ? steps : matter})`;
  const right = howFound(shown.summary);
  const gap = width - left.length - right.length;
  text.push(...(gap >= 2 ? [left + ' '.repeat(gap) + right] : [left, `  ${right}`]), ...made.text);
  return text;
}

/** The one that ended the run comes last. */
function inOrder(failures: readonly Failure[]): Failure[] {
  return failures.toSorted((a, b) => Number(a.fatal) - Number(b.fatal));
}

/** `found by pct:3 in 41 runs, shrunk to 1 deviation` */
function howFound({ foundBy, strategy, runs, shrunkToken, deviations }: Summary): string {
  if (foundBy === null) return strategy === 'timed' ? 'in simulated time' : `by ${strategy}`;
  const found = `found by ${foundBy} in ${count(runs, 'run')}`;
  if (shrunkToken === null) return found;
  return `${found}, shrunk to ${count(deviations ?? 0, 'deviation')}`;
}

function outcomeText({ summary, expect }: Shown, io: Io): string[] {
  const colors = pc.createColors(io.hasColor);
  const { scenario, variant, profile, verdict, expected, exhausted, runs, wallMs } = summary;
  const all = exhausted ? 'every schedule' : summary.covered;
  const what = `${scenario} (${variant}, ${profile})`;
  const kinds = [...new Set(summary.failures.map(({ kind }) => kind))].join(', ');
  const found = verdict === 'clean' ? 'clean' : kinds;
  const covered = all === null ? '' : `, ${all}`;
  const effort = `${count(runs, 'run')}${covered}, ${duration(wallMs)}`;
  const wanted = expect.length === 0 ? 'a clean run' : expect.join(', ');
  const judgement = summary.interrupted
    ? colors.yellow('but interrupted')
    : expected
      ? colors.green('as expected')
      : colors.red(`not as expected, which is ${wanted}`);
  return wrap(`${what}: ${found}, ${judgement}; ${effort}`, io.hasColor ? 1_000 : WIDTH_MAX);
}
