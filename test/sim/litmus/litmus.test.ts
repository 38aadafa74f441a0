/** Litmus tests: the published verdicts of LKMM and of BPF's model, and how the models nest. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { MODELS, type ModelName } from '../../../sim/litmus/models.ts';
import { parseLitmus, runLitmus, type Observation } from '../../../sim/litmus/run.ts';
import { c, mb, N, R, Racq, rmb, ROWS, S, W, wmb, Wrel, type Row } from '../../kit/litmus.ts';

function observe(source: string, model: ModelName): Observation {
  return runLitmus(parseLitmus(source, 'test.litmus'), model).observation;
}

describe('LKMM', () => {
  test.each(
    ROWS.map(([name, threads, condition, ...verdicts]) => ({ name, threads, condition, verdicts })),
  )('$name', ({ threads, condition, verdicts }) => {
    const source = c(threads, condition);
    expect(MODELS.map((model) => observe(source, model))).toEqual(verdicts);
  });
});

/** BPF: r0 is the address of x, r1 of y. */
function bpf(threads: readonly (readonly string[])[], condition: string): string {
  const registers = threads.map((_, i) => `${i}:r0=x; ${i}:r1=y;`).join(' ');
  const length = Math.max(...threads.map((each) => each.length));
  const rows = Array.from({ length }, (_, i) => threads.map((each) => each[i] ?? '').join(' | '));
  const head = threads.map((_, i) => `P${i}`).join(' | ');
  return `BPF test\n{ ${registers} }\n${[head, ...rows].join(' ;\n')} ;\nexists (${condition})\n`;
}

const BPF_ROWS: readonly Row[] = (
  [
    [
      'SB',
      [
        ['*(u32 *)(r0 + 0) = 1', 'r2 = *(u32 *)(r1 + 0)'],
        ['*(u32 *)(r1 + 0) = 1', 'r2 = *(u32 *)(r0 + 0)'],
      ],
      '0:r2=0 /\\ 1:r2=0',
      N,
      S,
      S,
    ],
    [
      'SB+fetch',
      [
        ['r3 = 1', 'r3 = xchg_64(r0 + 0, r3)', 'r2 = *(u32 *)(r1 + 0)'],
        ['r3 = 1', 'r3 = xchg_64(r1 + 0, r3)', 'r2 = *(u32 *)(r0 + 0)'],
      ],
      '0:r2=0 /\\ 1:r2=0',
      N,
      N,
      N,
    ],
    [
      'SB+no-fetch',
      [
        ['r3 = 1', 'lock *(u64 *)(r0 + 0) += r3', 'r2 = *(u32 *)(r1 + 0)'],
        ['r3 = 1', 'lock *(u64 *)(r1 + 0) += r3', 'r2 = *(u32 *)(r0 + 0)'],
      ],
      '0:r2=0 /\\ 1:r2=0',
      N,
      N,
      S,
    ],
    [
      'MP',
      [
        ['*(u32 *)(r0 + 0) = 1', '*(u32 *)(r1 + 0) = 1'],
        ['r2 = *(u32 *)(r1 + 0)', 'r3 = *(u32 *)(r0 + 0)'],
      ],
      '1:r2=1 /\\ 1:r3=0',
      N,
      N,
      S,
    ],
    [
      'MP+rel+acq',
      [
        ['*(u32 *)(r0 + 0) = 1', 'store_release((u32 *)(r1 + 0), 1)'],
        ['r2 = load_acquire((u32 *)(r1 + 0))', 'r3 = *(u32 *)(r0 + 0)'],
      ],
      '1:r2=1 /\\ 1:r3=0',
      N,
      N,
      N,
    ],
    [
      'LB',
      [
        ['r2 = *(u32 *)(r0 + 0)', '*(u32 *)(r1 + 0) = 1'],
        ['r2 = *(u32 *)(r1 + 0)', '*(u32 *)(r0 + 0) = 1'],
      ],
      '0:r2=1 /\\ 1:r2=1',
      N,
      N,
      S,
    ],
    [
      'LB+datas',
      [
        ['r2 = *(u32 *)(r0 + 0)', '*(u32 *)(r1 + 0) = r2'],
        ['r2 = *(u32 *)(r1 + 0)', '*(u32 *)(r0 + 0) = r2'],
      ],
      '0:r2=1 /\\ 1:r2=1',
      N,
      N,
      N,
    ],
    [
      'LB+ctrl',
      [
        ['r2 = *(u32 *)(r0 + 0)', 'if r2 == 0 goto LC00', '*(u32 *)(r1 + 0) = 1', 'LC00:'],
        ['r2 = *(u32 *)(r1 + 0)', 'if r2 == 0 goto LC01', '*(u32 *)(r0 + 0) = 1', 'LC01:'],
      ],
      '0:r2=1 /\\ 1:r2=1',
      N,
      N,
      N,
    ],
    [
      'fetch_add',
      [
        ['r2 = 1', 'r2 = atomic_fetch_add((u64 *)(r0 + 0), r2)'],
        ['r2 = 1', 'r2 = atomic_fetch_add((u64 *)(r0 + 0), r2)'],
      ],
      '~(x=2)',
      N,
      N,
      N,
    ],
  ] as const
).map(([name, threads, condition, ...verdicts]): Row => [
  name,
  [bpf(threads, condition)],
  condition,
  ...verdicts,
]);

describe('BPF', () => {
  test.each(
    BPF_ROWS.map(([name, [source], , ...verdicts]) => ({ name, source: source!, verdicts })),
  )('$name', ({ source, verdicts }) => {
    expect(MODELS.map((model) => observe(source, model))).toEqual(verdicts);
  });
});

describe('the models', () => {
  const statement = fc.constantFrom(
    ...['x', 'y'].flatMap((v) => [
      (i: number) => W(v, i + 1),
      (i: number) => Wrel(v, i + 1),
      (i: number) => R(`r${i}`, v),
      (i: number) => Racq(`r${i}`, v),
      (i: number) => `int r${i} = xchg(${v}, ${i + 3});`,
      () => mb,
      () => wmb,
      () => rmb,
    ]),
  );
  const programs = fc.array(fc.array(statement, { minLength: 1, maxLength: 3 }), {
    minLength: 2,
    maxLength: 3,
  });

  test('nest: what sc shows, tso shows, and what tso shows, weak does', () => {
    fc.assert(
      fc.property(programs, (threads) => {
        const bodies = threads.map((body) => body.map((make, i) => make(i)).join(' '));
        const names = threads.flatMap((body, t) => body.map((_, i) => `${t}:r${i}=0`));
        const source = c(bodies, [...names, 'x=0', 'y=0'].join(' \\/ '));
        const test_ = parseLitmus(source, 'random.litmus');
        const [sc, tso, weak] = MODELS.map((model) => new Set(runLitmus(test_, model).states));
        expect([...sc!].filter((state) => !tso!.has(state))).toEqual([]);
        expect([...tso!].filter((state) => !weak!.has(state))).toEqual([]);
        expect(sc!.size).toBeGreaterThan(0);
      }),
      { numRuns: 60, seed: 11 },
    );
  });
});

describe('what is wrong is told by its line', () => {
  test.each([
    ['', 'expected a litmus test'],
    ['C x\n{}\nP0(int *x) { frob(x); }\nexists (x=1)', 'x.litmus:3: frob() is not known here'],
    ['C x\n{}\nP0(int *x) { WRITE_ONCE(*x, 1) }\nexists (x=1)', "expected ';'"],
    ['C x\n{}\nexists (x=1)', 'expected P0'],
    ['C x\n{}\nP0(int *x) { }\nperhaps (x=1)', 'expected exists'],
    ['C x\n{}\nP0(int *x) { int r0 = READ_ONCE(*r9); }\nexists (x=1)', 'uses 0 as an address'],
    ['C x\n{ x=@ }\nP0(int *x) { }\nexists (x=1)', "x.litmus:2: '@' has no meaning"],
    ['BPF x\n{ 0:r0=x; }\nP0 ;\nr1 := 3 ;\nexists (x=1)', "'r1 := 3' is no instruction"],
    ['BPF x\n{ 0:r0=x; }\nQ0 ;\nr1 = 3 ;\nexists (x=1)', 'expected P0'],
    ['BPF x\n{ 0:r0=x; }\nP0 ;\nr1 = 3 ;\n', 'no condition'],
  ])('%j', (source, message) => {
    const act = () => runLitmus(parseLitmus(source, 'x.litmus'), 'weak');
    expect(act).toThrow(InputError);
    expect(act).toThrow(message);
  });
});
