import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../base/errors.ts';
import { keyOf } from '../sim/failure.ts';
import type { Io } from './command.ts';
import { readSaved } from './saved.ts';
import { runToken } from './token-run.ts';

/**
 * What has become of a saved failure. FAILED: it is still there, the same kind at the same sites;
 * FIXED: the run is clean; DIVERGED: something else happens, or it cannot be run any more.
 */
export type Recheck = 'FAILED' | 'FIXED' | 'DIVERGED';

export interface RecheckRow {
  readonly file: string;
  readonly status: Recheck;
  /** What was saved, and what there is now: kind and sites; null where nothing. */
  readonly was: string | null;
  readonly now: string | null;
  readonly title: string;
  readonly wallMs: number;
}

export function isFolder(path: string, io: Io): boolean {
  if (path === '') return false;
  return statSync(resolve(io.cwd, path), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Runs every saved failure of a folder again, in the order of their names. */
export async function* recheckAll(folder: string, io: Io): AsyncGenerator<RecheckRow> {
  const files = readdirSync(resolve(io.cwd, folder))
    .filter((name) => name.endsWith('.json'))
    .toSorted();
  if (files.length === 0) throw new InputError(`${folder}: no saved failure in it`);
  for (const file of files) yield recheck(join(folder, file), io);
}

async function recheck(file: string, io: Io): Promise<RecheckRow> {
  const beganMs = io.nowMs();
  const row = { file, was: null, now: null, title: '' };
  const done = () => ({ wallMs: Math.round(io.nowMs() - beganMs) });
  try {
    const saved = readSaved(file, io);
    const { result } = await runToken(file, { ...io, err: () => {} });
    const now = result.failures.map(keyOf);
    const was = saved?.key ?? null;
    const title = result.failures[0]?.title ?? '';
    const said = { ...row, was, now: now[0] ?? null, title, ...done() };
    if (now.length === 0) return { ...said, status: 'FIXED' };
    const isSame = was === null || now.includes(was);
    return { ...said, status: isSame ? 'FAILED' : 'DIVERGED' };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { ...row, status: 'DIVERGED', title: error.message, ...done() };
  }
}
