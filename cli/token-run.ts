import { decodeToken, type Token } from '../sim/token.ts';
import { InputError } from '../base/errors.ts';
import { align, type Aligned } from '../sim/align.ts';
import type { RunResult } from '../sim/model.ts';
import type { NamedDeviation } from '../sim/names.ts';
import type { Schedule } from '../sim/schedule.ts';
import { strategyByName } from '../sim/strategies/by-name.ts';
import type { World } from './catalog.ts';
import type { Io } from './command.ts';
import { readSaved, type Saved } from './saved.ts';
import { guardedModel, rerun, runNumber, type Detailed } from './search.ts';
import { subjectOfToken, worldOf, type Subject } from './subject.ts';

export interface TokenRun {
  readonly token: Token;
  readonly text: string;
  readonly subject: Subject;
  readonly world: World;
  readonly result: RunResult;
  readonly detailed: Detailed;
}

/** Runs what a token, or a saved failure, names. */
export async function runToken(tokenOrFile: string, io: Io): Promise<TokenRun> {
  const isToken = /^B\d+\./.test(tokenOrFile.trim());
  const saved = isToken ? undefined : readSaved(tokenOrFile, io);
  if (!isToken && saved === undefined && /[/\\]|\.json$/.test(tokenOrFile)) {
    throw new InputError(`${tokenOrFile}: no such file, expected a token or a saved failure`);
  }
  const text = (saved?.token ?? tokenOrFile).trim();
  const token = decodeToken(text);
  const subject = await subjectOfToken(token.header, io);
  const world = worldOf(subject, token.header.mode);
  const { result, detailed, aligned } = runAs(token, subject, world);
  if (aligned && aligned.by !== 'exact') io.err(`bohrbug: ${alignmentText(aligned)}`);
  else warnOfChange(saved, subject, detailed, io);
  return { token, text, subject, world, result, detailed };
}

function runAs(token: Token, subject: Subject, world: World) {
  if (token.form === 'schedule') {
    const aligned = token.names && alignedRun(token.schedule, token.names, subject, world);
    const detailed = rerun(subject, world, aligned?.result ?? token);
    return { result: detailed.result, detailed, aligned };
  }
  const { strategy, seed, run } = token;
  const result = runNumber(
    subject,
    world,
    strategyByName(strategy, { seed, memoryModel: subject.memoryModel }),
    run,
  );
  if (result === undefined) throw new InputError(`token: strategy ${strategy} has no run ${run}`);
  return { result, detailed: rerun(subject, world, result), aligned: undefined };
}

/** Found again by the names of its deviations, where the code has changed. */
function alignedRun(
  schedule: Schedule,
  names: readonly NamedDeviation[],
  subject: Subject,
  world: World,
): Aligned {
  const { catalog, variant } = subject;
  const isSame = (result: RunResult) =>
    variant.expect.length > 0 ? catalog.expected(variant, result) : result.failures.length > 0;
  return align(guardedModel(subject, world), schedule, names, isSame);
}

function alignmentText({ by, fittedCount, count, runs }: Aligned): string {
  const fitted = `${fittedCount} of ${count} deviations`;
  const changed = 'the code has changed since';
  if (by === 'lost') return `${changed}: ${fitted} found by name, and nothing near in ${runs} runs`;
  if (by === 'near') return `${changed}: found near the recorded schedule, in ${runs} runs`;
  return `${changed}: ${fitted} found by name (${by})`;
}

/** Says why a run may not be the one that was saved. */
function warnOfChange(
  saved: Saved | undefined,
  subject: Subject,
  { result, misfitCount }: Detailed,
  io: Io,
): void {
  const { sourceHash = null } = subject;
  if (saved?.sourceHash && sourceHash !== saved.sourceHash) {
    io.err(`bohrbug: ${subject.ref} is not as it was when this was saved`);
  }
  if (misfitCount > 0) {
    io.err(
      `bohrbug: ${misfitCount} deviations have no place in this run: ` +
        'the scenario or the kernel has changed since',
    );
  } else if (saved?.traceHash && saved.traceHash !== result.traceHash) {
    io.err(`bohrbug: the run differs from the saved one (trace ${saved.traceHash})`);
  }
}
