import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Io } from '../../cli/command.ts';
import { moduleNames, moduleOf } from '../../cli/package.ts';
import { isScenarioPath, loadScenario } from '../../cli/scenario-file.ts';
import { Replay } from '../../sim/strategies/replay.ts';
import { bohrbug } from './kit.ts';

const dir = mkdtempSync(join(tmpdir(), 'bohrbug-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

function write(name: string, text: string): string {
  mkdirSync(dirname(join(dir, name)), { recursive: true });
  writeFileSync(join(dir, name), text);
  return name;
}

const io = {
  cwd: dir,
  readStdin: () => Promise.resolve(new Uint8Array()),
  mapStacks: () => process.setSourceMapsEnabled(true),
} as Io;

const load = (name: string, text: string) => loadScenario(write(name, text), io);

/** As good as a scenario for who only loads it. */
const BARE = "export default { isScenario: true, name: 'x' };";

const RACE = `
  import { scenario, type Body } from 'bohrbug';
  const task: Body = function* (p) {
    const fd = p.ok(yield* p.open('/dev/null'));
    p.ok(yield* p.close(fd));
  };
  export default scenario({ name: 'mine', about: 'two tasks', processes: { A: task, B: task } });
`;

test('a path is told from a name', () => {
  for (const path of ['./x.ts', 'x.ts', 'x.js', 'x.mts', '../a/b', 'C:\\x.ts']) {
    expect(isScenarioPath(path), path).toBe(true);
  }
  for (const name of ['autofs-closemount', 'abba']) expect(isScenarioPath(name), name).toBe(false);
});

describe('a file that can be loaded', () => {
  test('may be TypeScript or JavaScript, and import files beside it', async () => {
    write('lib/name.ts', "export const name: string = 'from beside';");
    const text =
      "import { name } from './lib/name.ts';\n" +
      'export default { isScenario: true as const, name };';
    const { scenario } = await load('typed.ts', text);
    expect(scenario.name).toBe('from beside');
    expect((await load('plain.js', BARE)).scenario.name).toBe('x');
  });

  test('may use what Node has, and knows where it is', async () => {
    write('beside.txt', 'read me');
    const { scenario } = await load(
      'reads.ts',
      `
      import { readFileSync } from 'node:fs';
      const name = readFileSync(new URL('beside.txt', import.meta.url), 'utf8');
      export default { isScenario: true, name };`,
    );
    expect(scenario.name).toBe('read me');
  });

  test('shares the classes of the code that runs', async () => {
    const replay = new URL('../../sim/strategies/replay.ts', import.meta.url);
    const { scenario } = await load(
      'shares.ts',
      `
      import { Replay } from '${replay.pathname}';
      export default { isScenario: true, Replay };`,
    );
    expect(scenario).toMatchObject({ Replay });
  });

  test('has a hash that changes with what it imports', async () => {
    const text = "import './dep.ts';\n" + BARE;
    write('dep.ts', 'export const a = 1;\nconsole.assert(a);');
    const first = await load('hashed.ts', text);
    expect((await load('hashed.ts', text)).sourceHash).toBe(first.sourceHash);
    write('dep.ts', 'export const a = 2;\nconsole.assert(a);');
    expect((await load('hashed.ts', text)).sourceHash).not.toBe(first.sourceHash);
  });
});

describe('what is wrong with a file is said in one line', () => {
  test.each([
    ['syntax.ts', 'const a = 1;\nconst b = = 2;', /^syntax.ts:2:11: Unexpected "="$/],
    [
      'import.ts',
      "import { x } from './not-there.ts';\nx();" + BARE,
      /^import.ts:1:19: Could not resolve ".\/not-there.ts"$/,
    ],
    [
      'module.ts',
      "import { x } from 'bohrbug/nothing';\nx();" + BARE,
      /^module.ts:1:19: no module bohrbug\/nothing \(there are bohrbug, /,
    ],
    ['none.ts', 'export const a = 1;', /^none.ts: no default export, expected export default/],
    ['number.ts', 'export default 7;', /^number.ts: the default export is no scenario/],
    [
      'throws.ts',
      '\ninterface A {}\nthrow new TypeError("so it is");\n' + BARE,
      /^throws.ts:3:7: so it is$/,
    ],
    ['await.ts', 'await null;\n' + BARE, /^await.ts:1:1: await outside of a function/],
  ])('%s', async (name, text, message) => {
    await expect(load(name, text)).rejects.toThrow(message);
    await expect(load(name, text)).rejects.toMatchObject({ name: 'InputError' });
  });

  test('a directory, or a file that is not there', async () => {
    mkdirSync(join(dir, 'folder.ts'));
    await expect(loadScenario('folder.ts', io)).rejects.toMatchObject({ name: 'InputError' });
    await expect(loadScenario('nowhere.ts', io)).rejects.toThrow('nowhere.ts: no such file');
  });
});

test('every export of the package is found', () => {
  expect(moduleNames()).toContain('bohrbug');
  for (const name of moduleNames()) {
    expect(moduleOf(name)).toMatch(/^file:.*\/(index|api\/[\w-]+)\.ts$/);
  }
});

describe('a scenario by path', () => {
  test('is explored, replayed and saved as a registered one is', async () => {
    const path = `./${write('race.ts', RACE)}`;
    const explored = await bohrbug(['explore', path, '--json', '--runs', '50'], { cwd: dir });
    expect(explored.err).toBe('');
    expect(explored.json()).toMatchObject({ scenario: 'mine', variant: 'only', verdict: 'clean' });
    expect(explored.code).toBe(0);
    const run = await bohrbug(['run', path, '--strategy', 'random', '--json'], { cwd: dir });
    const { token, traceHash } = run.json<{ token: string; traceHash: string }>();
    const again = await bohrbug(['replay', token, '--json'], { cwd: dir });
    expect(again.json()).toMatchObject({ traceHash });
  });

  test('that throws is the fault of its file and line', async () => {
    write('bad.ts', RACE.replace('p.ok(yield* p.close(fd))', 'throw new Error("my mistake")'));
    const { code, err } = await bohrbug(['explore', './bad.ts'], { cwd: dir });
    expect(code).toBe(2);
    expect(err).toMatch(/^bohrbug: .*my mistake.*bad\.ts/);
    expect(err).not.toContain('\n');
  });
});
