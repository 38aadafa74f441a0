import { describe, expect, test } from 'vitest';
import { bohrbugWithFakes as bohrbug } from './kit.ts';

interface Summary {
  verdict: string;
  expected: boolean;
  exhausted: boolean;
  runs: number;
  failure: { kind: string } | null;
  token: string;
  shrunkToken: string;
  deviations: number;
  traceHash: string;
}

describe('the command line as such', () => {
  test('help names every command, and each command has an example', async () => {
    const { code, out } = await bohrbug(['--help']);
    expect(code).toBe(0);
    for (const name of ['list', 'run', 'explore', 'replay', 'hazards', 'trace']) {
      expect(out).toContain(`  ${name} `);
      const help = await bohrbug([name, '--help']);
      expect(help.code).toBe(0);
      expect(help.out).toContain(`Example:\n  $ bohrbug ${name}`);
      expect((await bohrbug(['help', name])).out).toBe(help.out);
    }
  });

  test('without arguments shows the help; --version the version', async () => {
    expect((await bohrbug([])).out).toContain('Usage: bohrbug');
    expect((await bohrbug(['--version'])).out).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test.each([
    [['explor'], 'bohrbug: no command "explor", did you mean explore? (there are list'],
    [['explore'], "bohrbug: explore: missing required argument 'scenario'"],
    [['explore', 'abba', 'abba'], 'bohrbug: explore: too many arguments'],
    [
      ['explore', 'abba', '--rnus', '5'],
      "bohrbug: explore: unknown option '--rnus', Did you mean --runs?",
    ],
    [['explore', 'abba', '--runs'], "bohrbug: explore: option '--runs <n>' argument missing"],
    [['explore', 'abba', '--runs', '-5'], 'bohrbug: --runs -5: expected a whole number from 1'],
    [['explore', 'abba', '--seed', 'x'], 'bohrbug: --seed x: expected a whole number from 0'],
    [['explore', 'abba', '--jobs', '0'], 'bohrbug: --jobs 0: expected a whole number from 1'],
    [
      ['explore', 'abba', '--max-time', '10x'],
      'bohrbug: --max-time 10x: expected a time such as 500ms, 10s, 2m or 1h',
    ],
    [
      ['explore', 'abba', '--profile', 'v7.3'],
      'bohrbug: no profile "v7.3", did you mean v7.2? (there are v6.1, v7.2)',
    ],
    [
      ['explore', 'abba', '--mutate', 'fget.skip-rechek'],
      'bohrbug: no mutation "fget.skip-rechek", did you mean fget.skip-recheck?',
    ],
    [['explore', 'abba', '--strategy', 'pc'], 'bohrbug: no strategy "pc", did you mean pct?'],
    [
      ['explore', 'abba', '--variant', 'god'],
      'bohrbug: no variant of abba: "god", did you mean good? (there are bad, good)',
    ],
    [
      ['explore', 'abba', '--memory-model', 'tso', '--strategy', 'dpor'],
      'bohrbug: strategy dpor knows the memory model sc only, found tso',
    ],
    [
      ['run', 'abba', '--memory-model', 'weak'],
      'bohrbug: run: --memory-model weak needs a --strategy, random say',
    ],
    [['explore', 'abba', '--memory-model', 'st'], 'bohrbug: no memory model "st"'],
    [['explore', 'abba', '--fault', 'enomem'], 'bohrbug: no fault "enomem"'],
    [['explore', 'abab'], 'bohrbug: no scenario abab'],
    [['explore', './nowhere.ts'], 'bohrbug: ./nowhere.ts: no such file'],
    [['replay', 'B1.abba'], 'bohrbug: token is cut off'],
    [['replay', './nowhere.json'], 'bohrbug: ./nowhere.json: no such file'],
    [['replay', 'abba'], 'bohrbug: expected a token such as'],
    [['hazards', '00-H3'], 'bohrbug: no hazard "00-H3", did you mean 00-H2?'],
    [
      ['trace', 'B1.abba', '--format', 'perfetto'],
      'bohrbug: format perfetto is not available yet, only text is',
    ],
  ])('%j exits with 2 and one line', async (args, line) => {
    const { code, out, err } = await bohrbug(args);
    expect([code, out], err).toEqual([2, '']);
    expect(err.startsWith(line), err).toBe(true);
    expect(err).not.toContain('\n');
  });

  test('an exception of our own exits with 70 and shows its stack', async () => {
    const { code, err } = await bohrbug(['run', 'abba'], {
      nowMs: () => {
        throw new Error('broken');
      },
    });
    expect(code).toBe(70);
    expect(err).toMatch(/this is a bug of Bohrbug[^]*Error: broken\n {4}at/);
  });
});

describe('explore', () => {
  test('finds, shrinks, and prints tokens that make both runs again', async () => {
    const ran = await bohrbug(['explore', 'lost-update', '--json']);
    const found = ran.json<Summary>();
    expect(ran.code, ran.err).toBe(0);
    expect(found).toMatchObject({
      scenario: 'lost-update',
      variant: 'bad',
      profile: 'v7.2',
      mutations: [],
      strategy: 'auto',
      memoryModel: 'sc',
      seed: 1,
      verdict: 'failure',
      expected: true,
      exhausted: false,
      failure: { kind: 'invariant' },
      deviations: 1,
    });
    const shrunk = await bohrbug(['replay', found.shrunkToken, '--json']);
    expect(shrunk.code).toBe(0);
    expect(shrunk.json()).toMatchObject({ verdict: 'failure', traceHash: found.traceHash });
    const asFound = await bohrbug(['replay', found.token, '--json']);
    expect(asFound.json()).toMatchObject({ verdict: 'failure', failure: found.failure });
  });

  test.each(['random', 'pct:3', 'twice:random', 'exhaustive'])(
    'a token as found by %s replays',
    async (strategy) => {
      const args = ['explore', 'abba', '--strategy', strategy, '--no-shrink', '--json'];
      const found = (await bohrbug(args)).json<Summary>();
      expect(found).toMatchObject({ verdict: 'failure', strategy, shrunkToken: null });
      const again = (await bohrbug(['replay', found.token, '--json'])).json();
      expect(again).toMatchObject({ verdict: 'failure', traceHash: found.traceHash });
    },
  );

  test('the same seed gives the same outcome', async () => {
    const args = ['explore', 'abba', '--strategy', 'random', '--seed', '9', '--json'];
    const once = (await bohrbug(args)).json<Record<string, unknown>>();
    const twice = (await bohrbug(args)).json<Record<string, unknown>>();
    expect({ ...twice, wallMs: 0 }).toEqual({ ...once, wallMs: 0 });
  });

  test('a clean variant is clean over all schedules', async () => {
    const ran = await bohrbug(['explore', 'abba', '--variant', 'good', '--json']);
    expect(ran.code, ran.err).toBe(0);
    expect(ran.json()).toMatchObject({
      verdict: 'clean',
      expected: true,
      exhausted: true,
      runs: 20,
      failure: null,
      token: null,
    });
    const text = await bohrbug(['explore', 'abba', '--variant', 'good']);
    expect(text.out).toMatch(/abba \(good, v7.2\): clean, as expected; 20 runs, every schedule/);
  });

  test('a failure that does not come is not as expected', async () => {
    const { code, out } = await bohrbug(['explore', 'not-there']);
    expect(code).toBe(1);
    expect(out).toContain('clean, not as expected, which is leak');
  });

  test('that is interrupted says so and proves nothing', async () => {
    let asked = 0;
    const isInterrupted = () => asked++ > 5;
    const args = ['explore', 'abba', '--variant', 'good'];
    const { code, out } = await bohrbug(args, { isInterrupted });
    expect(code).toBe(1);
    expect(out).toContain('clean, but interrupted');
  });

  test('a bounded search that has come to its end says its bound', async () => {
    const args = ['explore', 'abba', '--variant', 'good', '--strategy', 'exhaustive:1'];
    expect((await bohrbug(args)).out).toMatch(/every schedule of at most 1 deviation, \d/);
    const covered = 'every schedule of at most 1 deviation';
    expect((await bohrbug([...args, '--json'])).json()).toMatchObject({
      exhausted: false,
      covered,
    });
    const short = await bohrbug([...args, '--json', '--runs', '2']);
    expect(short.json()).toMatchObject({ exhausted: false, covered: null });
  });

  test('stops at --runs', async () => {
    const args = ['explore', 'not-there', '--strategy', 'random', '--runs', '7', '--json'];
    expect((await bohrbug(args)).json()).toMatchObject({ runs: 7, exhausted: false });
  });

  test('stops at --max-time, by the host clock', async () => {
    let now = 0;
    const args = ['explore', 'not-there', '--strategy', 'random', '--max-time', '1s', '--json'];
    const ran = await bohrbug(args, { nowMs: () => (now += 10) });
    expect(ran.json<Summary>().runs).toBeLessThan(200);
  });

  test('prints the report, the interleaving and how to replay', async () => {
    const { out } = await bohrbug(['explore', 'abba']);
    expect(out).toContain('BUG: deadlock in toy');
    expect(out).toMatch(/Interleaving \(1 of \d+ steps matter; --all shows every one\)/);
    expect(out).toMatch(/^replay: {4}bohrbug replay B2\.abba\.\S+$/m);
    expect(out).toMatch(/^as found: {2}bohrbug replay B1\.abba\.\S+$/m);
    for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  test('more than one job is accepted, and said to be one', async () => {
    const { code, err } = await bohrbug(['explore', 'abba', '--jobs', '2']);
    expect(code).toBe(0);
    expect(err).toContain('has work for one worker');
  });
});

describe('run', () => {
  test('is one run in simulated time', async () => {
    const { code, json } = await bohrbug(['run', 'abba', '--variant', 'good', '--json']);
    expect(code).toBe(0);
    expect(json()).toMatchObject({ verdict: 'clean', strategy: 'timed', runs: 1 });
  });

  test('with a strategy and a seed is that run', async () => {
    const args = ['run', 'abba', '--strategy', 'random', '--seed', '3', '--json'];
    const first = (await bohrbug(args)).json<Summary>();
    const again = (await bohrbug(['replay', first.token, '--json'])).json<Summary>();
    expect(again.traceHash).toBe(first.traceHash);
  });

  test('--log prints what the kernel printed, with simulated time', async () => {
    const { err } = await bohrbug(['run', 'abba', '--variant', 'good', '--log']);
    expect(JSON.parse(err)).toEqual({
      level: 40,
      virtualNs: 1_500,
      time: '0.000001500',
      cpu: 1,
      msg: 'careful',
    });
  });
});

test('list --json holds everything that can be named', async () => {
  const listed = (await bohrbug(['list', '--json'])).json<Record<string, { name: string }[]>>();
  expect(Object.keys(listed)).toEqual([
    'scenarios',
    'strategies',
    'profiles',
    'mutations',
    'policies',
    'faults',
    'memoryModels',
  ]);
  expect(listed['scenarios']![0]).toMatchObject({
    name: 'lost-update',
    hazard: '00-H2',
    variants: [{ name: 'bad' }, { name: 'good' }],
  });
  const { out } = await bohrbug(['list']);
  for (const rows of Object.values(listed))
    for (const { name } of rows) expect(out).toContain(name);
});

describe('hazards', () => {
  test('prints one object a line, in the order of the specs', async () => {
    const { code, out } = await bohrbug(['hazards', '--json']);
    const rows = out.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(code).toBe(0);
    expect(rows.map(({ hazard }) => hazard)).toEqual(['00-H2', '00-H10']);
    expect(rows[1]).toMatchObject({
      name: 'abba',
      profile: 'v7.2',
      bad: { expectedKinds: ['deadlock'], found: true },
      good: { clean: true, exhausted: true, runs: 20 },
      ok: true,
    });
  });

  test('takes hazards, specs and names', async () => {
    for (const args of [['00-h10'], ['abba']]) {
      const { out } = await bohrbug(['hazards', ...args]);
      expect(out).toMatch(
        /00-H10 +abba +bad +deadlock +\d+ +ok\n +good +clean, every schedule +20 +ok\n/,
      );
      expect(out).toContain('1 of 1 hazards as expected');
    }
    expect((await bohrbug(['hazards', '00'])).out).toContain('2 of 2 hazards');
  });
});
