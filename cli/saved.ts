import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '../base/errors.ts';
import type { Io } from './command.ts';
import { packageVersion } from './package.ts';
import type { Subject } from './subject.ts';
import type { Summary } from './summary.ts';

/** Writes a failure as a file that `replay` takes; its path. */
export function saveFailure(dir: string, summary: Summary, subject: Subject, io: Io): string {
  const { scenario, variant, failure, traceHash } = summary;
  const name = `${scenario}-${variant}-${failure?.kind ?? 'clean'}-${traceHash ?? ''}.json`;
  const path = join(dir, name);
  const content = { bohrbug: packageVersion(), sourceHash: subject.sourceHash ?? null, ...summary };
  try {
    makeFolder(resolve(io.cwd, dir));
    writeFileSync(resolve(io.cwd, path), `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    throw new InputError(`--save ${dir}: ${messageOf(error)}`);
  }
  return path;
}

/** Not mkdirSync()'s `recursive`, which does not come back where a parent refuses: /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

export interface Saved {
  readonly token: string;
  /** As they were when it was saved; null where not known. */
  readonly sourceHash: string | null;
  readonly traceHash: string | null;
}

/** A saved failure, or what is in a text file as a token; undefined where there is no such file. */
export function readSaved(path: string, io: Io): Saved | undefined {
  const file = resolve(io.cwd, path);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  const text = readFileSync(file, 'utf8').trim();
  if (!text.startsWith('{')) return { token: text, sourceHash: null, traceHash: null };
  const content = parseJson(text, path);
  const token = content['shrunkToken'] ?? content['token'];
  if (typeof token !== 'string') {
    throw new InputError(`${path}: no token in it, expected a file that explore --save wrote`);
  }
  return {
    token,
    sourceHash: textOrNull(content['sourceHash']),
    traceHash: textOrNull(content['traceHash']),
  };
}

function parseJson(text: string, path: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new InputError(`${path}: ${messageOf(error)}`);
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
