/** Nothing but the schedule decides how a run goes: no clock, no process, nothing run before. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isFound } from '../../scenarios/judge.ts';
import { SCENARIOS } from '../../scenarios/registry.ts';
import { World } from '../../scenarios/world.ts';
import { defaultPlan, explore, sameFailureAs } from '../../sim/explore.ts';
import { shrink } from '../../sim/shrink.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import { headerOf, isTimed, TokenRun, tokenOf, tokenRow } from '../kit/tokens.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PINNED = fileURLToPath(new URL('../data/tokens.txt', import.meta.url));
const RUNS = 200;
const REPLAYS = 100;
/** Runs in simulated time that another process makes too. */
const TIMED_ELSEWHERE = 3;

const variants = SCENARIOS.flatMap((scenario) =>
  Object.entries(scenario.variants).map(([name, variant]) => ({ scenario, name, variant })),
);

const row = ({ scenario, name }: (typeof variants)[number]): string => `${scenario.name} ${name}`;

const rows = variants.map((each) => [row(each), each] as const);

describe('twice in simulated time', () => {
  const timed = rows.filter(([, { scenario }]) => scenario.timed);
  test.each(timed)('%s', (_, { scenario, name }) => {
    const world = new World(scenario, { variant: name });
    const hashes = [0, 1].map(() => world.run(new Stay()).traceHash);
    expect(hashes[1]).toBe(hashes[0]);
  });
});

describe.each(['random', 'pct:3:100', 'round-robin'])('twice:%s', (strategy) => {
  const explored = rows.filter(([, { scenario }]) => !scenario.timed);
  test.each(explored)('%s', (_, { scenario, name }) => {
    const outcome = explore(new World(scenario, { variant: name }), {
      strategy: strategyByName(`twice:${strategy}`, { seed: 7 }),
      runsMax: RUNS,
      isFound: ({ failures }) => failures.some(({ kind }) => kind === 'divergence'),
    });
    expect(outcome.found?.result.failures.at(-1)?.text).toBeUndefined();
    expect(outcome.runs).toBe(strategy === 'round-robin' ? 1 : RUNS);
  });
});

test('a world that has run anything runs a schedule as a new one does', () => {
  for (const { scenario, name } of variants) {
    if (scenario.timed) continue; // those are long: above
    const strategy = strategyByName('random', { seed: 11 });
    const used = new World(scenario, { variant: name });
    explore(used, { strategy, runsMax: 20, isFound: () => false });
    strategy.begin(20);
    const late = used.run(strategy);
    strategy.begin(20);
    const first = new World(scenario, { variant: name }).run(strategy);
    expect(late.traceHash, `${scenario.name} ${name}`).toBe(first.traceHash);
    expect(late.schedule).toEqual(first.schedule);
  }
});

/** What must fail, shrunk: a token for each variant that states a failure. */
function failingTokens(): string[] {
  return variants
    .filter(({ variant }) => variant.expect.length > 0)
    .map((each) => {
      const { scenario, name, variant } = each;
      const world = new World(scenario, { variant: name });
      const found = explore(world, {
        strategy: defaultPlan({ seed: 1, memoryModel: world.memoryModel }),
        runsMax: 20_000,
        isFound: isFound(variant),
      }).found;
      if (!found) throw new Error(`${row(each)}: no failure found`);
      const same = sameFailureAs(found.result);
      const asStated = isFound(variant);
      const shrunk = shrink(world, found.result, (result) => same(result) && asStated(result));
      return tokenOf(headerOf(scenario.name, name, world.memoryModel), shrunk.result);
    });
}

const HEAD = [
  '# Token, trace hash, kinds of failures, title: how these runs have always ended.',
  '# A change that means to alter runs: BOHRBUG_UPDATE_TOKENS=1 npx vitest run ' +
    'test/scenarios/determinism.test.ts',
];

const isUpdate = process.env['BOHRBUG_UPDATE_TOKENS'] === '1';
if (isUpdate) {
  writeFileSync(PINNED, [...HEAD, ...failingTokens().map(tokenRow), ''].join('\n'));
}
const pinned = readFileSync(PINNED, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const tokens = pinned.map((line) => line.split(' ', 1)[0]!);

describe('pinned tokens', () => {
  test('there is one for each hazard and for the flagship', () => {
    expect(tokens.length).toBeGreaterThanOrEqual(12);
    for (const { scenario, variant } of variants) {
      if (variant.expect.length === 0) continue;
      expect(
        tokens.some((token) => token.startsWith(`B1.${scenario.name}.`)),
        scenario.name,
      ).toBe(true);
    }
  });

  test.each(pinned.map((line) => line.split(' ')))('%s', (token, hash, kinds, ...title) => {
    const [, hashNow, kindsNow, ...titleNow] = tokenRow(token!).split(' ');
    expect([kindsNow, titleNow.join(' ')]).toEqual([kinds, title.join(' ')]);
    expect(hashNow, 'the trace; if that is meant: BOHRBUG_UPDATE_TOKENS=1').toBe(hash);
  });

  test(`give one trace hash in ${REPLAYS} replays`, () => {
    for (const token of tokens.filter((each) => !isTimed(each))) {
      const run = new TokenRun(token);
      const hashes = new Set(Array.from({ length: REPLAYS }, () => run.run().traceHash));
      expect([...hashes], token).toEqual([new TokenRun(token).run().traceHash]);
    }
  });
});

describe('another process', () => {
  let folder: string;
  let program: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bohrbug-replay-'));
    program = join(folder, 'replay.mjs');
    const source = `
      import { tokenRow } from './test/kit/tokens.ts';
      for (const token of process.argv.slice(2)) console.log(tokenRow(token));`;
    buildSync({
      stdin: { contents: source, resolveDir: ROOT, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
      target: 'node20',
      loader: { '.o': 'binary' },
      logLevel: 'warning',
    });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    { flags: [], TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    { flags: ['--no-opt', '--max-semi-space-size=1'], TZ: 'America/St_Johns', LANG: 'C' },
  ])('runs the tokens as this one does, with %j', ({ flags, ...more }) => {
    const long = flags.length > 0 ? [] : tokens.filter(isTimed).slice(0, TIMED_ELSEWHERE);
    const some = [...tokens.filter((token) => !isTimed(token)), ...long];
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, program, ...some], {
      encoding: 'utf8',
      cwd: folder,
      env: { ...process.env, ...more },
    });
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toEqual(some.map(tokenRow));
  });
});
