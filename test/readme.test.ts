import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commandsOf } from './readme.mjs';

const SCRIPT = fileURLToPath(new URL('readme.mjs', import.meta.url));
const README = new URL('../README.md', import.meta.url);

const text = (...lines: string[]): string => lines.join('\n');

/** Runs the script on a made-up README. */
function runOn(readme: string, ...args: string[]): { status: number | null; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), 'bohrbug-readme-'));
  try {
    const path = join(folder, 'README.md');
    writeFileSync(path, readme);
    return spawnSync('node', [SCRIPT, ...args, path], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('commands are the lines of marked fences, with their exit codes', () => {
  const readme = text(
    '```sh run',
    '# a remark',
    'true && \\',
    '  true  # why',
    'false  # exits 1',
    '```',
    '```sh',
    'rm -rf everything',
    '```',
    '```ts',
    'true',
    '```',
  );
  expect(commandsOf(readme)).toEqual([
    { line: 4, command: 'true &&   true', expected: 0 },
    { line: 5, command: 'false', expected: 1 },
  ]);
});

test('a wrong exit code fails, and one marked as done does not run', () => {
  const good = runOn(
    text('```sh run', 'exit 3 # exits 3', 'exit 4', '```'),
    '--done',
    '0',
    'exit 4',
  );
  expect(good).toMatchObject({ status: 0 });
  expect(good.stdout).toContain('readme: 2 passed, 0 failed');
  const bad = runOn(text('```sh run', 'echo why; exit 3', 'true # exits 1', 'true', '```'));
  expect(bad).toMatchObject({ status: 1 });
  expect(bad.stdout).toContain('exits 3, not 0\nwhy');
  expect(bad.stdout).toContain('readme: 1 passed, 2 failed');
});

test('every sh fence of README.md says whether it is run', () => {
  const readme = readFileSync(README, 'utf8');
  expect(commandsOf(readme)).not.toEqual([]);
  expect(readme.match(/^ *```(?:sh|bash|shell|console)(?! (?:no-)?run$).*$/gm)).toBeNull();
});

test('the code that README.md shows is that of its examples', () => {
  const example = (name: string): string =>
    readFileSync(new URL(`../docs/examples/${name}`, import.meta.url), 'utf8');
  const [unitTest, scenario, ...more] = [
    ...readFileSync(README, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g),
  ].map(([, shown]) => shown!);
  expect(more).toEqual([]);
  expect(scenario).toBe(example('two-counters.ts'));
  // The test is shown without what comes around it: each paragraph is there, in order.
  const paragraphs = unitTest!.trimEnd().split('\n\n');
  const whole = example('opens.test.ts');
  const places = paragraphs.map((paragraph) => whole.indexOf(paragraph));
  expect(places).not.toContain(-1);
  expect(places.toSorted((a, b) => a - b)).toEqual(places);
});
