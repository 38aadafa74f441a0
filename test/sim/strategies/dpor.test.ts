/** Optimal and source DPOR: the published counts, and every class of random programs once. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLASSIC } from '../../../bench/search/classic.ts';
import { explore, type Outcome } from '../../../sim/explore.ts';
import { COMMUTING, NONE, READ, type Request, type Sim } from '../../../sim/request.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Dpor, type DporOptions } from '../../../sim/strategies/dpor.ts';
import type { Strategy } from '../../../sim/strategy.ts';
import { Threads, type Shared, type ThreadProgram } from '../../../sim/threads.ts';
import type { Word } from '../../../sim/words.ts';

/** Rows with more executions are left to `npm run bench:search`. */
const COUNT_MAX = 10_000;

function exploreAll(program: ThreadProgram, strategy: Strategy, runsMax = 200_000): Outcome {
  return explore(new Threads(program), { strategy, runsMax, isFound: () => false });
}

describe('the published counts', () => {
  const rows = CLASSIC.filter(({ count }) => count <= COUNT_MAX).map((row) => ({
    ...row,
    title: `${row.program.name}${row.commuting ? ', commuting' : ''}`,
  }));

  test.each(rows)('$title: $count executions, none of them blocked', (row) => {
    const strategy = new Dpor({ sets: 'optimal', commuting: row.commuting ?? false });
    const { runs, exhausted } = exploreAll(row.program, strategy);
    expect([runs, strategy.blockedRuns, exhausted]).toEqual([row.count, 0, true]);
  });

  test('source sets make 16,867 blocked runs on lastzero(10), as Nidhugg does', () => {
    const { program } = CLASSIC.find((row) => row.program.name === 'lastzero(10)')!;
    const strategy = new Dpor({ sets: 'source', commuting: false });
    const { runs } = exploreAll(program, strategy);
    expect([runs - strategy.blockedRuns, strategy.blockedRuns]).toEqual([3328, 16867]);
  });
});

/** What a thread of a random program does, and to which of the words. */
type Op = { readonly what: (typeof WHATS)[number]; readonly word: number };
const WHATS = ['read', 'write', 'add', 'cas', 'until', 'lock', 'unlock', 'draw'] as const;

const ops: fc.Arbitrary<readonly Op[]> = fc.array(
  fc.record({ what: fc.constantFrom(...WHATS), word: fc.nat(1) }),
  { minLength: 1, maxLength: 4 },
);
const programs = fc.array(ops, { minLength: 2, maxLength: 3 }).filter((threads) => {
  const steps = threads.reduce((sum, each) => sum + each.length, 0);
  return steps <= 8;
});

function* perform({ what, word: which }: Op, words: readonly Word[], shared: Shared): Sim<void> {
  const word = words[which]!;
  if (what === 'read') yield* word.read();
  else if (what === 'write') yield* word.write(1);
  else if (what === 'add') yield* word.add(1);
  else if (what === 'cas') yield* word.cmpxchg(0, 2);
  else if (what === 'until') yield* word.until((value) => value > 0);
  else if (what === 'lock') yield* word.take(0, 7);
  else if (what === 'unlock') yield* word.give(0);
  else if (shared.draw(2) === 1) yield* word.write(3);
  else yield* word.read();
}

function randomProgram(threads: readonly (readonly Op[])[]): ThreadProgram {
  return {
    name: 'random',
    build(shared) {
      const words = [shared.word('x'), shared.word('y')];
      return {
        threads: Object.fromEntries(
          threads.map((each, i) => [
            `T${i}`,
            function* () {
              for (const op of each) yield* perform(op, words, shared);
            },
          ]),
        ),
      };
    },
  };
}

interface Seen {
  readonly actor: number;
  readonly addr: number;
  readonly reads: boolean;
  readonly adds: boolean;
}

/** The classes of a strategy's runs: for each step, the earlier ones that its order matters to. */
function classesOf(program: ThreadProgram, inner: Strategy, commuting: boolean): string[] {
  const classes: string[] = [];
  let steps: Seen[] = [];
  const strategy: Strategy = {
    name: inner.name,
    get exhausted() {
      return inner.exhausted;
    },
    begin: (run) => {
      steps = [];
      return inner.begin(run);
    },
    choose: (choice) => inner.choose(choice),
    end: (count) => {
      classes.push(classOf(steps));
      inner.end(count);
    },
    observer: {
      acting: (actor, options, count, nameOf) => {
        steps.push({ actor, addr: 0, reads: false, adds: false });
        return inner.observer?.acting(actor, options, count, nameOf) ?? true;
      },
      touched: () => {},
      acted: (request: Request | null) => {
        const { actor } = steps.pop()!;
        const { addr, access, order } = request!;
        const adds = commuting && (order & COMMUTING) !== 0;
        steps.push({ actor, addr: access === NONE ? 0 : addr, reads: access === READ, adds });
        inner.observer?.acted(request);
      },
      cutShort: () => inner.observer?.cutShort(),
      stuck: (actor, request) => inner.observer?.stuck(actor, request),
    },
  };
  const { exhausted } = exploreAll(program, strategy);
  expect(exhausted).toBe(true);
  return classes;
}

function classOf(steps: readonly Seen[]): string {
  const counts = new Map<number, number>();
  const names = steps.map(({ actor }) => {
    const nth = (counts.get(actor) ?? 0) + 1;
    counts.set(actor, nth);
    return `${actor}.${nth}`;
  });
  return names
    .map((name, i) => {
      const { addr, reads, adds } = steps[i]!;
      const before = names.slice(0, i).filter((_, j) => {
        const other = steps[j]!;
        return (
          addr !== 0 && other.addr === addr && !(reads && other.reads) && !(adds && other.adds)
        );
      });
      return `${name}${reads ? 'r' : ''}<${before.toSorted().join()}`;
    })
    .toSorted()
    .join(' ');
}

describe('random programs', () => {
  const every: readonly DporOptions[] = [
    { sets: 'optimal', commuting: true },
    { sets: 'optimal', commuting: false },
    { sets: 'source', commuting: true },
  ];

  test.each(every)('each class of schedules is run, and once: %o', (options) => {
    fc.assert(
      fc.property(programs, (threads) => {
        const program = randomProgram(threads);
        const awaits = threads.flat().some(({ what }) => what === 'until' || what === 'lock');
        const commuting = options.commuting && !awaits;
        const all = new Set(classesOf(program, new Bounded(), commuting));
        const dpor = new Dpor({ ...options, commuting });
        const classes = classesOf(program, dpor, commuting);
        expect([...all].filter((each) => !classes.includes(each))).toEqual([]);
        if (options.sets === 'optimal') expect(dpor.blockedRuns).toBe(0);
        expect(classes.length - dpor.blockedRuns).toBe(all.size);
      }),
      { numRuns: 400, seed: 7 },
    );
  });
});

const op = (what: Op['what'], word: number): Op => ({ what, word });

/** Where something was missed once: the first thread ends the run. */
const LOST: readonly (readonly (readonly Op[])[])[] = [
  [[op('read', 1)], [op('add', 0)], [op('write', 0), op('read', 0)]],
  [[op('write', 0)], [op('read', 1)], [op('until', 0), op('draw', 1)]],
  [[op('read', 1)], [op('read', 0)], [op('read', 0), op('read', 0), op('draw', 0)]],
];

describe('programs that somebody ends', () => {
  /** Each value that some step of some run has seen. */
  const seenBy = (threads: readonly (readonly Op[])[], strategy: Strategy): readonly string[] => {
    const seen = new Set<string>();
    const program: ThreadProgram = {
      name: 'ended',
      build(shared) {
        const words = [shared.word('x'), shared.word('y')];
        const body = function* (name: string, own: readonly Op[]): Sim<void> {
          for (const [i, op] of own.entries()) {
            const word = words[op.word]!;
            if (op.what === 'write') yield* word.write(2 + i);
            else if (op.what === 'read') seen.add(`${name}.${i} reads ${yield* word.read()}`);
            else yield* perform(op, words, shared);
          }
        };
        const [first, ...others] = threads;
        const bodies = others.map((own, i) => [`T${i}`, () => body(`T${i}`, own)] as const);
        const ending = function* (): Sim<void> {
          yield* body('E', first!);
          yield* shared.work();
          shared.stop();
          for (;;) yield* shared.work();
        };
        return { threads: { E: ending, ...Object.fromEntries(bodies) } };
      },
    };
    expect(exploreAll(program, strategy).exhausted).toBe(true);
    return [...seen].toSorted();
  };

  test.each(['optimal', 'source'] as const)('what others do until then is all seen: %s', (sets) => {
    fc.assert(
      fc.property(programs, (threads) => {
        const dpor = seenBy(threads, new Dpor({ sets, commuting: true }));
        expect(dpor).toEqual(seenBy(threads, new Bounded()));
      }),
      { numRuns: 300, seed: 7, examples: LOST.map((threads) => [threads]) },
    );
  });
});
