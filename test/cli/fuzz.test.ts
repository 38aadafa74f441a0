/** `bohrbug fuzz` and `merge` on folders: what is kept, what is refused. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FuzzFailure } from '../../cli/fuzz-failure.ts';
import { decodeToken } from '../../sim/token.ts';
import { bohrbug, type Ran } from './kit.ts';

const dir = mkdtempSync(join(tmpdir(), 'bohrbug-fuzz-'));
const run = (...args: string[]): Promise<Ran> => bohrbug(args, { cwd: dir });
const state = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(dir, folder, 'campaign.json'), 'utf8')) as Record<string, unknown>;

beforeAll(async () => {
  await run('fuzz', '--runs', '500', '--seed', '6', '--corpus', 'one');
});
afterAll(() => rmSync(dir, { recursive: true }));

test('the state says what a campaign is, and nothing of where it ran', () => {
  expect(Object.keys(state('one')).toSorted()).toEqual([
    'bohrbug',
    'failures',
    'mutations',
    'seed',
    'shard',
    'state',
  ]);
});

test('parts merge, and what was saved is replayed', async () => {
  const merged = await run('merge', 'one', '-o', 'all', '--json');
  const { failures } = merged.json<{ failures: unknown[] }>();
  expect(failures).toEqual(state('one')['failures']);
  expect(failures.length).toBeGreaterThan(0);
  const again = await run('merge', 'all', 'one', '-o', 'twice', '--json');
  expect(again.json<{ failures: unknown[] }>().failures).toEqual(failures);
  const { out } = await run('replay', 'all/failures');
  expect(
    out
      .split('\n')
      .slice(0, -1)
      .every((line) => line.startsWith('FAILED')),
  ).toBe(true);
});

test('what was found and not yet made simple before a kill is made so after it', async () => {
  const { failures, ...rest } = state('one') as { failures: FuzzFailure[] };
  const unshrunk = failures.map(({ key, unit, program, shrunkToken }) => {
    const token = decodeToken(shrunkToken);
    return { key, unit, program, schedule: token.form === 'schedule' && token.schedule };
  });
  mkdirSync(join(dir, 'killed'));
  const killed = JSON.stringify({ ...rest, failures: [], unshrunk });
  writeFileSync(join(dir, 'killed', 'campaign.json'), killed);
  await run('fuzz', '--runs', '1', '--seed', '6', '--corpus', 'killed');
  const after = state('killed') as { failures: FuzzFailure[] };
  expect(after).not.toHaveProperty('unshrunk');
  expect(after.failures.map(({ key }) => key)).toEqual(failures.map(({ key }) => key));
});

test('parts of different campaigns do not merge', async () => {
  mkdirSync(join(dir, 'other'));
  const other = JSON.stringify({ ...state('one'), mutations: ['task_work.no-notify'] });
  writeFileSync(join(dir, 'other', 'campaign.json'), other);
  const { code, err } = await run('merge', 'one', 'other', '-o', 'none');
  expect(err).toMatch(/^bohrbug: other: seed 6, mutations task_work.no-notify, but one: /);
  expect(code).toBe(2);
});

describe('a state that is none is one line and exit 2', () => {
  const good = () => state('one');
  const inner = () => good()['state'] as Record<string, unknown>;
  test.each([
    ['no JSON', () => '{'],
    ['null', () => null],
    ['failures to be shrunk without a program', () => ({ ...good(), unshrunk: [{ key: 'x' }] })],
    ['no failures', () => ({ ...good(), failures: undefined })],
    ['a failure that is null', () => ({ ...good(), failures: [null] })],
    ['a failure without a key', () => ({ ...good(), failures: [{ kind: 'leak' }] })],
    [
      'a kind that is a path',
      () => {
        const [first] = good()['failures'] as object[];
        return { ...good(), failures: [{ ...first, kind: '../../etc' }] };
      },
    ],
    ['a corpus of numbers', () => ({ ...good(), state: { ...inner(), corpus: [7] } })],
    ['no pairs', () => ({ ...good(), state: { ...inner(), pairs: undefined } })],
    ['odd units', () => ({ ...good(), state: { ...inner(), nextUnit: -1 } })],
  ])('%s', async (_, content) => {
    const made = content();
    mkdirSync(join(dir, 'bad'), { recursive: true });
    const text = typeof made === 'string' ? made : JSON.stringify(made);
    writeFileSync(join(dir, 'bad', 'campaign.json'), text);
    const more = await run('fuzz', '--runs', '10', '--corpus', 'bad');
    const merged = await run('merge', 'bad', '-o', 'none');
    for (const { code, err } of [more, merged]) {
      expect(err).toMatch(/^bohrbug: [^\n]*campaign\.json: [^\n]*$/);
      expect(code).toBe(2);
    }
  });

  test('nor is a program that cannot be read', async () => {
    const content = { ...good(), state: { ...inner(), corpus: ['fuzz/none'] } };
    writeFileSync(join(dir, 'bad', 'campaign.json'), JSON.stringify(content));
    const { code, err } = await run('fuzz', '--runs', '5000', '--corpus', 'bad');
    expect(err).toMatch(/^bohrbug: [^\n]+$/);
    expect(code).toBe(2);
  });
});
