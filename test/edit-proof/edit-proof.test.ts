/**
 * Tokens survive edits: failures are recorded, the sources are changed as people change them, and
 * each token is run again in the changed sources.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EDITS, type Edit } from './edits.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['base', 'sim', 'kernel', 'bpf', 'scenarios', 'test/edit-proof'];
const TOKENS = 50;
const TIMEOUT_MS = 240_000;

const work = mkdtempSync(join(tmpdir(), 'bohrbug-edit-proof-'));
const tokens = join(work, 'tokens.txt');

afterAll(() => rmSync(work, { recursive: true }));

/** The driver, built from a copy of the sources with an edit made. */
async function driverWith(edit: Edit | undefined, name: string): Promise<string> {
  const copy = join(work, name);
  for (const folder of SOURCES) cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  if (edit) {
    const file = join(copy, edit.file);
    writeFileSync(file, edit.apply(readFileSync(file, 'utf8')));
  }
  const outfile = join(copy, 'driver.mjs');
  await build({
    entryPoints: [join(copy, 'test/edit-proof/driver.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    loader: { '.o': 'binary' },
    logLevel: 'warning',
  });
  return outfile;
}

function run(driver: string, ...args: string[]): string {
  return execFileSync(process.execPath, [driver, ...args], { encoding: 'utf8' });
}

function sameOf(driver: string): { same: number; by: Record<string, number>; lost: string[] } {
  const lines = run(driver, 'replay', tokens).split('\n');
  const by: Record<string, number> = {};
  for (const line of lines) by[line.split(' ')[1]!] = (by[line.split(' ')[1]!] ?? 0) + 1;
  const lost = lines.filter((line) => !line.startsWith('same'));
  return { same: lines.length - lost.length, by, lost };
}

describe('tokens survive edits', () => {
  let pristine: string;

  beforeAll(async () => {
    pristine = await driverWith(undefined, 'pristine');
    run(pristine, 'record', tokens, String(TOKENS));
  }, TIMEOUT_MS);

  test(`${TOKENS} failures are recorded, and without an edit each is run exactly`, () => {
    expect(readFileSync(tokens, 'utf8').split('\n')).toHaveLength(TOKENS);
    expect(sameOf(pristine)).toEqual({ same: TOKENS, by: { exact: TOKENS }, lost: [] });
  });

  test.each(EDITS)(
    '$name: 95 % are found again',
    async (edit) => {
      const { same, by, lost } = sameOf(await driverWith(edit, edit.name.replaceAll(' ', '-')));
      if (process.env['BOHRBUG_VERBOSE']) console.log(edit.name, same, by, lost);
      expect(same / TOKENS, lost.join('\n')).toBeGreaterThanOrEqual(0.95);
    },
    TIMEOUT_MS,
  );
});
