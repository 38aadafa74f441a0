/** Whatever is given to the command line: one clear line and exit 2, or a clean report. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bohrbug, type Ran } from './kit.ts';

const dir = mkdtempSync(join(tmpdir(), 'bohrbug-bad-'));
afterAll(() => rmSync(dir, { recursive: true }));

const run = (...args: string[]): Promise<Ran> => bohrbug(args, { cwd: dir });

function expectOneLine({ code, out, err }: Ran, message: RegExp | string): void {
  expect(err).toMatch(message);
  expect(err).toMatch(/^bohrbug: [^\n]{1,300}$/);
  expect(out).toBe('');
  expect(code).toBe(2);
}

const DEFINE = "import { scenario } from 'bohrbug';\nexport default scenario(";

/** A scenario file with one process. */
const withBody = (body: string): string =>
  `${DEFINE}{ name: 'x', about: 'y', processes: { *A(p) { ${body} } } });`;
/** The same with what setup does. */
const withSetup = (body: string): string =>
  `${DEFINE}{ name: 'x', about: 'y', *setup(p) { ${body} }, processes: { *A() {} } });`;

let files = 0;
function runFile(content: string | Uint8Array, ...flags: string[]): Promise<Ran> {
  const name = `./file${files++}.ts`;
  writeFileSync(join(dir, name), content);
  return run('run', name, ...flags);
}

describe('a token', () => {
  let token = '';
  beforeAll(async () => {
    token = (await run('run', 'autofs-closemount', '--json')).json<{ token: string }>().token;
  });

  test('that is cut off, anywhere', async () => {
    for (let length = 0; length < token.length; length += 3) {
      expectOneLine(await run('replay', token.slice(0, length)), 'token');
    }
  });

  test('with one character changed, anywhere', async () => {
    for (let at = 0; at < token.length; at += 2) {
      const other = token[at] === 'x' ? 'y' : 'x';
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      expectOneLine(await run('replay', changed), 'token');
    }
  });

  test.each(['hello', '', ' ', 'B1...', 'B9.x.AA.00000000', 'eyJhbGciOi.eyJzdWIi.SflKxw'])(
    'of another make: %j',
    async (text) => expectOneLine(await run('replay', text), 'token'),
  );

  test('of a scenario that there is not', async () => {
    const { encodeToken } = await import('../../sim/token.ts');
    const header = { variant: 'bad', profile: 'v7.2', mutations: [] };
    const modes = { mode: 'explore', memoryModel: 'sc' } as const;
    for (const [scenario, message] of [
      ['not-there', /unknown scenario 'not-there'/],
      ['./not-there.ts', /not-there\.ts: no such file/],
    ] as const) {
      const foreign = encodeToken({
        form: 'schedule',
        header: { ...header, ...modes, scenario },
        schedule: { at: [], skip: [] },
      });
      expectOneLine(await run('replay', foreign), message);
    }
  });

  test('of 100 MB, in a file', async () => {
    writeFileSync(join(dir, 'huge.txt'), `B1.x.${'A'.repeat(100 << 20)}.00000000`);
    expectOneLine(await run('replay', './huge.txt'), /token of \d+ characters/);
    rmSync(join(dir, 'huge.txt'));
  });

  test.each([
    ['[]', /token/],
    ['{', /JSON/],
    ['{}', /no token in it/],
    ['{"token": 5}', /no token in it/],
  ])('in a file that holds %s', async (content, message) => {
    writeFileSync(join(dir, 'saved.json'), content);
    expectOneLine(await run('replay', './saved.json'), message);
  });
});

describe('a flag', () => {
  test.each([
    [['--runs', '-5'], /--runs -5: expected a whole number from 1/],
    [['--runs=-5'], /--runs -5/],
    [['--runs', '1.5'], /--runs 1.5/],
    [['--seed', '1e99'], /--seed 1e99: expected a whole number from 0/],
    [['--seed', '9007199254740993'], /--seed/],
    [['--max-time', '-1'], /--max-time -1: expected a time such as 500ms/],
    [['--max-time', '0'], /--max-time 0/],
    [['--jobs', '0'], /--jobs 0/],
    [['--strategy', 'pct:99999999999'], /DEPTH is "99999999999"/],
    [['--variant', '__proto__'], /no variant/],
    [['--variant', 'god'], /did you mean good/],
    [['--memory-model', 'pso'], /no memory model "pso"/],
    [['--nonsense'], /unknown option '--nonsense'/],
    [['more'], /too many arguments/],
  ])('%j', async (flags, message) => {
    expectOneLine(await run('explore', 'autofs-closemount', ...flags), message);
  });

  test('to save where nothing can be', async () => {
    const { code, err } = await run('explore', 'autofs-closemount', '--save', '/proc/x');
    expect(err).toMatch(/^bohrbug: --save \/proc\/x: /);
    expect(code).toBe(2);
  });
});

describe('the name of a scenario', () => {
  test.each([
    ['autofs-closemoutn', /did you mean autofs-closemount\?/],
    ['constructor', /unknown scenario/],
    ['./folder.ts', /no file/],
    ['./nowhere.ts', /no such file/],
    ['.', /./],
  ])('%s', async (name, message) => {
    mkdirSync(join(dir, 'folder.ts'), { recursive: true });
    expectOneLine(await run('run', name), message);
  });
});

describe('a scenario file', () => {
  test.each([
    ['empty', '', /no default export/],
    ['binary', Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) % 251), /file\d+\.ts/],
    ['cut off', withBody('').slice(0, -10), /\.ts:2:\d+: /],
    ['throwing', `throw new Error('no luck');${withBody('')}`, /\.ts:1:\d+: no luck/],
    ['with a getter that throws', withBody('').replace("about: 'y'", GETTER('about')), /no luck/],
    [
      'with a process that cannot be got',
      withBody('').replace('*A(p) {  }', GETTER('A')),
      /no luck/,
    ],
    ['that lies', 'export default { isScenario: true };', /scenario name undefined/],
    ['that lies and throws', `export default { isScenario: true, ${GETTER('name')} };`, /no luck/],
    ['without variants', withBody('').replace('about', 'variants: {}, about'), /no variants/],
    [
      'with an unknown failure',
      withBody('').replace('about', 'variants: { a: { expect: [1] } }, about'),
      /unknown failure kind/,
    ],
    [
      'that throws in a process',
      withBody("throw new Error('no luck');"),
      /x, A: Error: no luck \(/,
    ],
    ['that throws null', withBody('throw null;'), /x, A: null/],
    ['whose process is no generator', withBody('').replace('*A', 'A'), /A is no generator/],
    ['whose process is async', withBody('').replace('*A', 'async *A'), /yields what is no call/],
    ['that yields anything', withBody('yield 7;'), /A yields what is no call/],
    ['that recurses without end', withBody('const f = () => f(); f();'), /call stack/],
    ['that asks for too much memory', withBody('yield* p.read(0, 1e9);'), /no user memory/],
    [
      'with 10,000 processes',
      `${DEFINE}{ name: 'x', about: 'y', processes: Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => ['P' + i, function* () {}])) });`,
      /expected at most/,
    ],
    ['whose setup never ends', withSetup('for (;;) yield* p.getpid();'), /endless loop: init:1/],
  ] as const)('%s', async (_, content, message) => {
    expectOneLine(await runFile(content), message);
  });

  // Ten seconds each: the guard's own limit. test/cli/guard.test.ts has the cases in which it acts.
  test('whose process never comes back', async () => {
    expectOneLine(
      await runFile(withBody('while (true) {}')),
      /process A of scenario x did not yield for 10 s/,
    );
  });

  test('whose process makes system calls for ever is reported, in bounded memory', async () => {
    const { code, out, err } = await runFile(withBody('for (;;) yield* p.getpid();'));
    expect(err).toBe('');
    expect(out).toMatch(/^INFO: endless loop: A:101\n/);
    expect(code).toBe(1);
  });

  test('that uses descriptor 10^9 gets EBADF, as from Linux', async () => {
    const calls = `
      const fd = p.ok(yield* p.open('/dev/null'));
      const far = 1e9;
      const results = [yield* p.close(far), yield* p.dup2(fd, far), yield* p.dup2(far, fd),
        yield* p.fcntl(far, 1), yield* p.read(far, 1), yield* p.close(-1)];
      for (const result of results) p.check(result === -9, 'EBADF, not ' + result);
      p.check((yield* p.fcntl(fd, 0, far)) === -22, 'EINVAL');
      p.ok(yield* p.close_range(far, 2 * far));
      p.ok(yield* p.close(fd));`;
    const { code, out, err } = await runFile(withBody(calls));
    expect(out + err).toMatch(/: clean, as expected/);
    expect(code).toBe(0);
  });

  test.each([
    ['10,000 processes', 'yield* p.fork(function* (c) { yield* c.nanosleep(1e9); })'],
    ['10,000 threads', 'yield* p.thread(function* (c) { yield* c.nanosleep(1e9); })'],
  ])('that makes %s at run time runs into a limit', async (_, make) => {
    const body = `for (let i = 0; i < 10_000; i++) if ((${make}) < 0) return;
      p.check(false, 'there is no limit');`;
    const { code, out, err } = await runFile(withBody(body));
    expect(out + err).toMatch(/: clean, as expected/);
    expect(code).toBe(0);
  });

  test('that is a fork bomb is reported', async () => {
    const body = `const bomb = function* (c) { while ((yield* c.fork(bomb)) >= 0); };
      yield* bomb(p);`;
    const { code, out } = await runFile(withBody(body));
    expect(code).toBeLessThan(2);
    expect(out).toContain('x (only, v7.2): ');
    for (const line of out.split('\n')) expect(line.length).toBeLessThan(200);
  });
});

function GETTER(name: string): string {
  return `get ${name}() { throw new Error('no luck'); }`;
}
