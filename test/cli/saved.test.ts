/** What becomes of a failure once it is found: a file, a test, a line for CI; and later, DIR. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { githubError, junitXml } from '../../cli/render/ci.ts';
import { bohrbug, type Ran } from './kit.ts';

const dir = mkdtempSync(join(tmpdir(), 'bohrbug-saved-'));
const FOLDER = '.bohrbug/failures';
const run = (...args: string[]): Promise<Ran> => bohrbug(args, { cwd: dir });
const read = (path: string): string => readFileSync(join(dir, path), 'utf8');

afterAll(() => rmSync(dir, { recursive: true }));

describe('explore', () => {
  let ran: Ran;
  beforeAll(async () => {
    ran = await run('explore', 'number-reuse', '--emit-test', 'one.test.ts', '--junit', 'one.xml');
  });

  test('keeps a failure without being asked, and says where', () => {
    const [file, ...others] = readdirSync(join(dir, FOLDER));
    expect(others).toEqual([]);
    expect(ran.err).toBe(`saved: ${FOLDER}/${file}`);
    expect(JSON.parse(read(join(FOLDER, file!)))).toMatchObject({
      scenario: 'number-reuse',
      failure: { kind: 'fd-misuse' },
      token: expect.stringMatching(/^B1\.number-reuse\./),
      shrunkToken: expect.stringMatching(/^B2\.number-reuse\./),
    });
  });

  test('writes a test of it, with the shrunk token', () => {
    const token = /B2\.number-reuse\.[\w.-]+/.exec(ran.out)![0];
    expect(read('one.test.ts').split('\n').slice(4)).toEqual([
      expect.stringMatching(/^test\("number-reuse bad: BUG: fd misuse: close\(\d+\) by .*\{$/),
      `  const token = "${token}";`,
      '  expect(replayToken(token)).toBeClean();',
      '});',
      '',
    ]);
  });

  test('a failure that the scenario states passes in JUnit', () => {
    expect(read('one.xml')).toContain('tests="1" failures="0"');
  });

  test('keeps nothing where it is told so, nor of what is clean', async () => {
    const cwd = join(dir, 'empty');
    mkdirSync(cwd);
    await bohrbug(['explore', 'number-reuse', '--no-save'], { cwd });
    await bohrbug(['explore', 'synchronous-close', '--variant', 'good'], { cwd });
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('a failure that is not stated is told to CI', async () => {
    const flags = ['--junit', 'two.xml', '--github', '--no-save', '--no-shrink'];
    const mutated = ['--variant', 'good', '--mutate', 'task_work.no-notify'];
    const { code, out } = await run('explore', 'task-work-starved', ...mutated, ...flags);
    expect(code).toBe(1);
    expect(read('two.xml')).toMatch(/<failure message="\w/);
    expect(out).toMatch(/^::error title=task-work-starved good%3A .*%0A/m);
  });
});

describe('replay DIR', () => {
  test('FAILED where it is still there, DIVERGED where it is another or cannot run', async () => {
    const folder = join(dir, 'all');
    mkdirSync(folder);
    const [file] = readdirSync(join(dir, FOLDER));
    const saved = JSON.parse(read(join(FOLDER, file!))) as Record<string, unknown>;
    const write = (name: string, content: unknown) =>
      writeFileSync(join(folder, name), JSON.stringify(content));
    write('a.json', saved);
    write('b.json', { ...saved, failure: { kind: 'leak', sites: [] } });
    write('c.json', { ...saved, shrunkToken: 'B1.gone.BwNiYWQA.00000000' });
    write('d.json', { ...saved, shrunkToken: await tokenOf('synchronous-close') });
    const { code, out } = await run('replay', 'all', '--junit', 'all.xml');
    expect(out.split('\n').map((line) => line.split(/\s+/).slice(0, 2).join(' '))).toEqual([
      'FAILED all/a.json',
      'DIVERGED all/b.json',
      'DIVERGED all/c.json',
      'FIXED all/d.json',
      '4 saved:',
    ]);
    expect(out).toContain('4 saved: 1 FIXED, 1 FAILED, 2 DIVERGED');
    expect(read('all.xml')).toContain('tests="4" failures="3"');
    expect(code).toBe(1);
  });

  test('is 0 where all are fixed, and refuses a folder without any', async () => {
    const folder = join(dir, 'fixed');
    mkdirSync(folder);
    const empty = await run('replay', 'fixed');
    expect(empty).toMatchObject({ code: 2, err: expect.stringMatching(/^bohrbug: fixed: no /) });
    writeFileSync(
      join(folder, 'a.json'),
      JSON.stringify({ token: await tokenOf('synchronous-close') }),
    );
    expect(await run('replay', 'fixed', '--json')).toMatchObject({ code: 0 });
  });

  async function tokenOf(scenario: string): Promise<string> {
    const ran = await run('run', scenario, '--variant', 'good', '--json');
    const { token } = ran.json<{ token: string }>();
    return token;
  }
});

test('titles are escaped as JUnit and GitHub want them', () => {
  const wrong = { title: 'a < b & "c"', text: 'one\n\u0007two' };
  const xml = junitXml('s', [
    { name: 'good', seconds: 1 },
    { name: 'bad', seconds: 0.5, wrong },
  ]);
  expect(xml).toContain('<testsuite name="s" tests="2" failures="1" time="1.500">');
  expect(xml).toContain('message="a &lt; b &amp; &quot;c&quot;">one&#10;\uFFFDtwo</failure>');
  expect(githubError('n, m', { title: '100%', text: 'x: y\r\nz' })).toBe(
    '::error title=n%2C m%3A 100%25::x: y%0D%0Az',
  );
});
