/**
 * Random programs along random schedules: an unmutated kernel reports nothing, keeps spec 00 R4,
 * and runs a schedule the same way again. BOHRBUG_PROPERTY_CASES says how many,
 * BOHRBUG_PROPERTY_SEED from where on (`random`: another one each time).
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FailureKind } from '../../sim/failure.ts';
import type { RunResult } from '../../sim/model.ts';
import { ProgramWorlds } from '../../scenarios/fuzz/worlds.ts';
import { caseText, parseProgram, reportOf } from '../kit/program-text.ts';
import { autofsCases, cases, type Case } from '../../scenarios/fuzz/arbitraries.ts';
import { programText } from '../../scenarios/fuzz/program.ts';

const COUNT = Number(process.env['BOHRBUG_PROPERTY_CASES'] ?? 3_000);
const SEED_TEXT = process.env['BOHRBUG_PROPERTY_SEED'] ?? '20260401';
const SEED = SEED_TEXT === 'random' ? Date.now() >>> 0 : Number(SEED_TEXT);
const TIMEOUT_MS = 120_000 + 60 * COUNT;
/** Schedules on which a smaller program is tried before it counts as clean. */
const SHRINK_SCHEDULES = 60;
/** One case in so many also runs in a world that nothing has run in before. */
const FRESH_ONE_IN = 100;

/** What of R50 may come where CLOSEMOUNT is called: the rule is broken first. */
const AUTOFS_KINDS: readonly FailureKind[] = ['borrow-rule', 'use-after-free', 'recycled-object'];

interface Bad {
  readonly drawn: Case;
  readonly result: RunResult;
  readonly complaint: string;
}

type Judge = (result: RunResult) => string | undefined;

const noFailure: Judge = ({ failures }) => failures[0]?.title;

const onlyAutofs: Judge = ({ failures }) => {
  const odd = failures.find(({ kind }) => !AUTOFS_KINDS.includes(kind));
  if (odd) return odd.title;
  return failures.length > 0 && failures[0]!.kind !== 'borrow-rule'
    ? `${failures[0]!.title}, without a broken rule before it`
    : undefined;
};

/** One run of a program, and what is wrong with it. */
function runOf(worlds: ProgramWorlds, judge: Judge, drawn: Case): Bad | undefined {
  const result = worlds.run(drawn);
  const bad = (complaint: string): Bad => ({ drawn, result, complaint });
  const failure = judge(result);
  if (failure !== undefined) return bad(failure);
  if (!result.failures.some(({ fatal }) => fatal)) {
    const left = worlds.leftBy(drawn);
    if (left.length > 0) return bad(left.join('\n'));
  }
  const again = worlds.replay(drawn, result);
  if (again.traceHash === result.traceHash) return undefined;
  return bad(`trace ${result.traceHash} became ${again.traceHash} on replay`);
}

/** The smallest failing program that fast-check can find, or undefined. */
function findBad(
  arbitrary: fc.Arbitrary<Case>,
  count: number,
  how: {
    readonly judge: Judge;
    readonly worlds?: ProgramWorlds;
  },
): Bad | undefined {
  const worlds = how.worlds ?? new ProgramWorlds();
  let smallest: Bad | undefined;
  let drawnCount = 0;
  const property = fc.property(arbitrary, (drawn) => {
    let bad = runOf(worlds, how.judge, drawn);
    for (let seed = 1; !bad && smallest && seed <= SHRINK_SCHEDULES; seed++) {
      const strategy = seed % 2 === 0 ? 'random' : 'pct:3:100';
      bad = runOf(worlds, how.judge, { ...drawn, strategy, seed });
    }
    if (!bad && ++drawnCount % FRESH_ONE_IN === 0) bad = differsInFreshWorld(worlds, drawn);
    if (bad) smallest = bad;
    return !bad;
  });
  fc.check(property, { numRuns: count, seed: SEED });
  return smallest;
}

function differsInFreshWorld(worlds: ProgramWorlds, drawn: Case): Bad | undefined {
  const result = worlds.run(drawn);
  const fresh = worlds.fresh().run(drawn);
  if (fresh.traceHash === result.traceHash) return undefined;
  const complaint = `trace ${fresh.traceHash} in a new world, ${result.traceHash} after other runs`;
  return { drawn, result, complaint };
}

function expectNone(bad: Bad | undefined, worlds: ProgramWorlds): void {
  if (!bad) return;
  expect.fail(
    `${bad.complaint}\n(BOHRBUG_PROPERTY_SEED=${SEED})\n\n` +
      reportOf(worlds, bad.drawn, bad.result),
  );
}

describe('random programs', () => {
  test(
    `00 R4: ${COUNT} of them are clean and can be replayed`,
    () => {
      const worlds = new ProgramWorlds();
      expectNone(findBad(cases, COUNT, { judge: noFailure, worlds }), worlds);
    },
    TIMEOUT_MS,
  );

  test(
    'there is no data race in them',
    () => {
      const worlds = new ProgramWorlds({ races: true });
      expectNone(findBad(cases, Math.ceil(COUNT / 6), { judge: noFailure, worlds }), worlds);
    },
    TIMEOUT_MS,
  );

  test(
    '00 R50: with CLOSEMOUNT nothing comes but what it is known for',
    () => {
      const worlds = new ProgramWorlds();
      expectNone(findBad(autofsCases, Math.ceil(COUNT / 6), { judge: onlyAutofs, worlds }), worlds);
    },
    TIMEOUT_MS,
  );

  test(
    '00 R52: with CLOSEMOUNT and the remedy nothing comes',
    () => {
      const worlds = new ProgramWorlds({ mutations: ['autofs.keep-file'] });
      expectNone(findBad(autofsCases, Math.ceil(COUNT / 6), { judge: noFailure, worlds }), worlds);
    },
    TIMEOUT_MS,
  );
});

const small = (text: string): Case => ({
  profile: 'v7.2',
  cpus: 2,
  shared: true,
  faults: [],
  strategy: 'random',
  seed: 0,
  processes: parseProgram(text),
});

/** Programs whose bug a mutation brings in, with what must be found in so many schedules. */
const MUTATED: readonly { name: string; kind: FailureKind; program: string }[] = [
  {
    name: 'dup2.skip-reserved',
    kind: 'leak',
    program: `
    A
      close 1
      dup 0
    B
      dup2 0 1`,
  },
  {
    name: 'fget.skip-recheck',
    kind: 'fd-misuse',
    program: `
    A
      fcntl 1 5 0
    B
      close 0
      close 1
      eventfd 0 0`,
  },
  {
    name: 'fdget.hoist-slot',
    kind: 'use-after-free',
    program: `
    A
      fcntl 1 5 0
    B
      close 1`,
  },
];

describe('the property notices', () => {
  test('a freed file, and shrinks the program to the one call that frees it', () => {
    const worlds = new ProgramWorlds({ mutations: ['close_fd.synchronous'] });
    const judge: Judge = ({ failures }) =>
      failures.find(({ kind }) => kind === 'use-after-free')?.title;
    const bad = findBad(autofsCases, 300, { judge, worlds })!;
    expect(programText(bad.drawn).split('\n').length, caseText(bad.drawn)).toBeLessThanOrEqual(4);
    expect(programText(bad.drawn)).toContain('closemount');
    const report = reportOf(worlds, bad.drawn, bad.result);
    expect(report).toContain('KASAN: slab-use-after-free');
    expect(report).toMatch(/B1\.fuzz\/\S+/);
  });

  test.each(MUTATED)('$name', ({ name, kind, program }) => {
    const drawn = small(program);
    const found = (worlds: ProgramWorlds): RunResult | undefined => {
      for (let seed = 0; seed < 4_000; seed++) {
        const strategy = seed % 2 === 0 ? 'random' : 'pct:3:60';
        const result = worlds.run({ ...drawn, strategy, seed });
        if (result.failures.some((failure) => failure.kind === kind)) return result;
      }
      return undefined;
    };
    const result = found(new ProgramWorlds({ mutations: [name] }));
    expect(result, caseText(drawn)).toBeDefined();
    expect(found(new ProgramWorlds())).toBeUndefined();
  });

  test('an object that is left', () => {
    const worlds = new ProgramWorlds();
    const drawn = small('A\n  open 0 0');
    worlds.run(drawn);
    expect(worlds.leftBy(drawn)).toEqual([]);
    const two = small('A\n  send 4 4 2\n  close 4\n  send 5 5 1');
    worlds.run(two);
    expect(worlds.leftBy(two)).toEqual([]);
  });
});

/** Programs that once raced with themselves, by what they share. */
const RACED: readonly { what: string; shared: boolean; program: string }[] = [
  {
    what: 'close_on_exec, set beside dup()',
    shared: true,
    program: `
    A
      fcntl 0 2 1
    B
      dup3 0 9 1`,
  },
  {
    what: 'f_flags',
    shared: false,
    program: `
    A
      fcntl 1 4 1
      fcntl 1 5 0
    B
      fcntl 1 4 0`,
  },
  {
    what: 'i_count of an inode',
    shared: false,
    program: `
    A
      open 1 0
    B
      open 1 0
      close 8`,
  },
  {
    what: 'the list of sockets',
    shared: false,
    program: `
    A
      send 4 0 1
    B
      socketpair 0 0`,
  },
  {
    what: 'the queue of a socket that is collected',
    shared: false,
    program: `
    A
      fork
        send 4 4 2
    B
      socketpair 0 0`,
  },
  {
    what: 'the position of a file whose other user has gone',
    shared: true,
    program: `
    A
      fork
        write 7
      read 7`,
  },
];

describe('there is no race over', () => {
  test.each(RACED)('$what', ({ shared, program }) => {
    const worlds = new ProgramWorlds({ races: true });
    for (let seed = 0; seed < 200; seed++) {
      const strategy = seed % 2 === 0 ? 'random' : 'pct:3:100';
      const drawn = { ...small(program), shared, strategy, seed };
      const result = worlds.run(drawn);
      if (result.failures.length > 0) expect.fail(reportOf(worlds, drawn, result));
    }
  });
});

test('programs are the same after programText() and parseProgram()', () => {
  for (const drawn of fc.sample(cases, { numRuns: 200, seed: SEED })) {
    const text = programText(drawn);
    expect(programText({ processes: parseProgram(text) })).toBe(text);
  }
});
