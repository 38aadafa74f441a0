import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { InputError } from '../base/errors.ts';
import type { Io } from './command.ts';
import { codeHash, packageVersion } from './package.ts';
import type { Subject } from './subject.ts';
import type { Summary } from './summary.ts';

/** Where failures go that nobody said where to put. */
export const DEFAULT_FOLDER = '.bohrbug/failures';

/** Writes a failure as a file that `replay` takes; its path. */
export function saveFailure(dir: string, summary: Summary, subject: Subject, io: Io): string {
  const { scenario, variant, failure, traceHash } = summary;
  const name = `${scenario}-${variant}-${failure?.kind ?? 'clean'}-${traceHash ?? ''}.json`;
  const path = join(dir, name);
  const sourceHash = subject.sourceHash ?? null;
  const content = { bohrbug: packageVersion(), codeHash: codeHash(), sourceHash, ...summary };
  try {
    makeFolder(resolve(io.cwd, dir));
    writeFileSync(resolve(io.cwd, path), `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    throw new InputError(`--save ${dir}: ${messageOf(error)}`);
  }
  return path;
}

/** A vitest test that fails as long as the failure is there. */
export function writeTest(file: string, summary: Summary, io: Io): void {
  const { scenario, variant, failure, shrunkToken, token } = summary;
  const path = resolve(io.cwd, file);
  const isFile = /\.[cm]?[jt]s$/.test(scenario);
  const from = relative(dirname(path), resolve(io.cwd, scenario)).replaceAll('\\', '/');
  const lines = [
    "import { replayToken } from 'bohrbug';",
    "import 'bohrbug/vitest';",
    "import { expect, test } from 'vitest';",
    ...(isFile ? [`import scenario from '${from.startsWith('.') ? from : `./${from}`}';`] : []),
    '',
    `test(${JSON.stringify(`${scenario} ${variant}: ${failure?.title ?? ''}`)}, () => {`,
    `  const token = ${JSON.stringify(shrunkToken ?? token)};`,
    `  expect(replayToken(token${isFile ? ', scenario' : ''})).toBeClean();`,
    '});',
    '',
  ];
  try {
    writeFileSync(path, lines.join('\n'));
  } catch (error) {
    throw new InputError(`--emit-test ${file}: ${messageOf(error)}`);
  }
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
  /** Kind and sites of the failure: keyOf(). */
  readonly key: string | null;
}

/** A saved failure, or what is in a text file as a token; undefined where there is no such file. */
export function readSaved(path: string, io: Io): Saved | undefined {
  const file = resolve(io.cwd, path);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  const text = readFileSync(file, 'utf8').trim();
  if (!text.startsWith('{')) return { token: text, sourceHash: null, traceHash: null, key: null };
  const content = parseJson(text, path);
  const token = content['shrunkToken'] ?? content['token'];
  if (typeof token !== 'string') {
    throw new InputError(`${path}: no token in it, expected a file that explore --save wrote`);
  }
  return {
    token,
    sourceHash: textOrNull(content['sourceHash']),
    traceHash: textOrNull(content['traceHash']),
    key: keyIn(content),
  };
}

function keyIn(content: Record<string, unknown>): string | null {
  const failure = content['failure'] as { kind?: unknown; sites?: unknown } | null | undefined;
  if (typeof failure?.kind !== 'string') return textOrNull(content['key']);
  const sites = Array.isArray(failure.sites) ? failure.sites.join(' ') : '';
  return `${failure.kind} ${sites}`.trimEnd();
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
