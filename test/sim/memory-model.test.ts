/**
 * The engine's memory models against the axioms: what they reach, the axioms allow; under sc, and
 * for the usual tests under tso, also the other way round.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLitmus, runLitmus } from '../../sim/litmus/run.ts';
import { c, mb, N, R, Racq, rmb, ROWS, wmb } from '../kit/litmus.ts';
import { statesReached } from '../kit/litmus-threads.ts';

const WITHOUT_RCU = ROWS.filter(([name]) => !name.startsWith('RCU'));

describe('LKMM', () => {
  test.each(WITHOUT_RCU.map(([name, threads, condition]) => ({ name, threads, condition })))(
    '$name',
    ({ threads, condition }) => {
      const litmus = parseLitmus(c(threads, condition), 'test.litmus');
      for (const model of ['sc', 'tso'] as const) {
        expect(statesReached(litmus, model)).toEqual(runLitmus(litmus, model).states);
      }
      const allowed = runLitmus(litmus, 'weak').states;
      expect(statesReached(litmus, 'weak').filter((state) => !allowed.includes(state))).toEqual([]);
    },
  );
});

/** What `weak` shows of what LKMM allows and tso does not. */
test('weak reaches stores out of order, and reads that miss what is visible', () => {
  const reached = WITHOUT_RCU.filter(([, threads, condition, , tso]) => {
    if (tso !== N) return false;
    const litmus = parseLitmus(c(threads, condition), 'test.litmus');
    const more = statesReached(litmus, 'tso');
    return statesReached(litmus, 'weak').some((state) => !more.includes(state));
  });
  expect(reached.map(([name]) => name)).toMatchInlineSnapshot(`
    [
      "MP",
      "MP+wmb+po",
      "MP+po+rmb",
      "MP+wmb+ctrl",
      "IRIW",
      "WRC",
      "ISA2",
      "SB+xchg_relaxed",
      "SB+incs",
    ]
  `);
});

describe('random programs', () => {
  /** `@` stands for its place in the thread. */
  const statement = fc.constantFrom(
    ...['x', 'y'].flatMap((v) => [
      `WRITE_ONCE(*${v}, @ + 1);`,
      `WRITE_ONCE(*${v}, @ + 1);`,
      `smp_store_release(${v}, @ + 1);`,
      R('r@', v),
      R('r@', v),
      Racq('r@', v),
      `int r@ = xchg(${v}, @ + 3);`,
      `int r@ = xchg_relaxed(${v}, @ + 5);`,
      `atomic_inc(${v});`,
      mb,
      wmb,
      rmb,
    ]),
  );
  const programs = fc.oneof(
    fc.array(fc.array(statement, { minLength: 2, maxLength: 4 }), { minLength: 2, maxLength: 2 }),
    fc.array(fc.array(statement, { minLength: 1, maxLength: 2 }), { minLength: 3, maxLength: 3 }),
  );

  test('reach under sc all that the axioms allow, under tso and weak nothing else', () => {
    fc.assert(
      fc.property(programs, (threads) => {
        const bodies = threads.map((body) =>
          body.map((text, i) => text.replaceAll('@', String(i))).join(' '),
        );
        const names = threads.flatMap((body, t) => body.map((_, i) => `${t}:r${i}=0`));
        const litmus = parseLitmus(c(bodies, [...names, 'x=0', 'y=0'].join(' \\/ ')), 'random');
        expect(statesReached(litmus, 'sc')).toEqual(runLitmus(litmus, 'sc').states);
        for (const model of ['tso', 'weak'] as const) {
          const allowed = new Set(runLitmus(litmus, model).states);
          expect(statesReached(litmus, model).filter((state) => !allowed.has(state))).toEqual([]);
        }
      }),
      { numRuns: 25, seed: 5 },
    );
  });
});
