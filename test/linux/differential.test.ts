/**
 * The same programs on the Linux of this machine and on the simulated kernel. README.md says what
 * a program is and what is known of Linux; BOHRBUG_DIFF_PROGRAMS says how many random ones to run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  buildRunner,
  compare,
  whyNotComparable,
  whyNotLinux,
  type LinuxExecutor,
  type ProgramExecutor,
} from './executor.ts';
import { programs } from './generate.ts';
import { readKnown } from './known.ts';
import { numbered, OP_KINDS, parse, serialise, type OpKind, type Program } from './program.ts';
import { dataOut, patternOf, type Results } from './report.ts';
import { createExecutor } from './simulated.ts';

const COUNT = Number(process.env['BOHRBUG_DIFF_PROGRAMS'] ?? 500);
const SEED = 20260401;
const TIMEOUT_MS = 60_000 + 20 * COUNT;
const BATCH = 500;
/** Each must be the answer to something among 500 random programs. */
const ERRNOS = [
  'EBADF',
  'EMFILE',
  'EINVAL',
  'EAGAIN',
  'EPIPE',
  'ESPIPE',
  'ECHILD',
  'EFAULT',
  'ENOENT',
  'ENOTSOCK',
  'EPERM',
];
/** How the name of a known program begins whose answer the simulated kernel cannot give. */
const ONLY_ON_LINUX = 'only on Linux: ';

const absence = whyNotLinux();
if (absence !== null) console.log(`skipped: the comparison with Linux: ${absence}`);

const sample = (count: number): Program[] => fc.sample(programs, { numRuns: count, seed: SEED });

interface Executors {
  readonly linux: ProgramExecutor;
  readonly simulated: ProgramExecutor;
}

/** Draws the same programs again, one at a time, and shrinks the first on which the two part. */
function smallestDifference(
  { linux, simulated }: Executors,
  draw: { seed: number; numRuns: number },
): string | null {
  const differenceOf = (program: Program): string | null =>
    compare(program, { real: linux.run(program), simulated: simulated.run(program) });
  const agree = fc.property(programs, (program) => differenceOf(program) === null);
  const { counterexample } = fc.check(agree, draw);
  return counterexample && differenceOf(counterexample[0]);
}

/** `since 6.12: …` of a known program: whether this kernel is as new. */
function isKnownHere(about: string): boolean {
  const since = /^since (\d+)\.(\d+):/.exec(about);
  if (!since) return true;
  const [major, minor] = release().split('.').map(Number);
  const [sinceMajor, sinceMinor] = [Number(since[1]), Number(since[2])];
  return major! > sinceMajor || (major === sinceMajor && minor! >= sinceMinor);
}

const byNumber = (results: Results): Results => results.toSorted((a, b) => a.at - b.at);

describe('programs', () => {
  test('are the same after serialise and parse', () => {
    for (const program of sample(200)) {
      const text = serialise(program);
      expect(serialise(parse(text))).toBe(text);
      expect(parse(text)).toEqual(program);
    }
  });

  test('number ops in the order of the text', () => {
    const program = parse('fork wait\n  getpid\nend\nsurvey');
    expect([...numbered(program)].map(([at, { kind }]) => [at, kind])).toEqual([
      [0, 'fork'],
      [1, 'getpid'],
      [2, 'survey'],
    ]);
  });

  test('refer only to ops before them', () => {
    for (const program of sample(200)) {
      for (const [at, op] of numbered(program)) {
        const refs = op.kind === 'fork' ? [] : serialise([op]).matchAll(/@(\d+)/g);
        for (const [, ref] of refs) expect(Number(ref)).toBeLessThan(at);
      }
    }
  });

  test('are refused where they do not parse', () => {
    for (const text of ['dup', 'dup 1 2', 'nop', 'dup x', 'end', 'fork wait']) {
      expect(() => parse(text), text).toThrow();
    }
  });
});

describe('reports', () => {
  test('shorten data to a hash', () => {
    expect(dataOut(patternOf(0x636261n, 3))).toBe('data=616263');
    expect(dataOut(patternOf(1n, 65536))).toBe('data=#545e9dc5');
  });

  test('are compared up to the first difference', () => {
    const program = parse('dup 0\ndup 0');
    const real = [
      { at: 0, ret: '3', errno: '-', out: [] },
      { at: 1, ret: '4', errno: '-', out: [] },
    ];
    expect(compare(program, { real, simulated: real })).toBeNull();
    const simulated = [real[0]!, { at: 1, ret: '-1', errno: 'EBADF', out: [] }];
    expect(compare(program, { real, simulated })).toMatch(/simulated +1 +dup 0 +-1 EBADF/);
    expect(compare(program, { real, simulated: [real[0]!] })).toMatch('simulated   nothing more');
  });
});

describe('the simulated kernel', () => {
  const known = readKnown().filter(({ about }) => !about.startsWith(ONLY_ON_LINUX));
  let simulated: ProgramExecutor;

  beforeAll(() => {
    simulated = createExecutor();
  });

  test.each(known)('$about', ({ program, answers }) => {
    const results = byNumber(simulated.run(program));
    expect(compare(program, { real: answers, simulated: results })).toBeNull();
  });

  test('answers the same each time', () => {
    const once = sample(100);
    const first = once.map((program) => simulated.run(program));
    for (const [i, program] of [...once.entries()].toReversed()) {
      const again = simulated.run(program);
      expect(compare(program, { real: first[i]!, simulated: again })).toBeNull();
    }
  });
});

describe.skipIf(absence !== null)('Linux', () => {
  let folder: string;
  let linux: LinuxExecutor;
  let unlike: string | null;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bohrbug-linux-'));
    linux = buildRunner(folder);
    unlike = whyNotComparable(linux);
    if (unlike !== null) console.log(`skipped: the comparison with Linux: ${unlike}`);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(readKnown())('$about', ({ about, program, answers }) => {
    if (unlike !== null || !isKnownHere(about)) return;
    const real = byNumber(linux.run(program));
    expect(compare(program, { real, simulated: answers })).toBeNull();
  });

  test('answers the same each time', () => {
    const once = sample(100);
    const first = linux.runAll(once);
    const again = linux.runAll(once.toReversed()).toReversed();
    for (const [i, program] of once.entries()) {
      expect(compare(program, { real: first[i]!, simulated: again[i]! })).toBeNull();
    }
  });

  test('meets every op and the usual errors in 500 random programs', () => {
    const some = sample(500);
    const kinds = new Set<OpKind>();
    const errors = new Set<string>();
    for (const [i, results] of linux.runAll(some).entries()) {
      const ops = new Map(numbered(some[i]!));
      for (const { at, errno } of results) {
        kinds.add(ops.get(at)!.kind);
        errors.add(errno);
      }
    }
    expect(OP_KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(ERRNOS.filter((name) => !errors.has(name))).toEqual([]);
  });

  test(
    `answers as the simulated kernel does, ${COUNT} random programs`,
    () => {
      if (unlike !== null) return;
      const simulated = createExecutor();
      for (let from = 0; from < COUNT; from += BATCH) {
        const draw = { seed: SEED + from, numRuns: Math.min(BATCH, COUNT - from) };
        const batch = fc.sample(programs, draw);
        for (const [i, real] of linux.runAll(batch).entries()) {
          const difference = compare(batch[i]!, { real, simulated: simulated.run(batch[i]!) });
          if (difference === null) continue;
          expect.fail(smallestDifference({ linux, simulated }, draw) ?? difference);
        }
      }
    },
    TIMEOUT_MS,
  );
});
