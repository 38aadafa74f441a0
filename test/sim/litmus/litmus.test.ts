/** Litmus tests: the published verdicts of LKMM and of BPF's model, and how the models nest. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { MODELS, type ModelName } from '../../../sim/litmus/models.ts';
import { parseLitmus, runLitmus, type Observation } from '../../../sim/litmus/run.ts';

/** A C test from the bodies of its threads: `x` and `y` and so on are their variables. */
function c(threads: readonly string[], condition: string): string {
  const bodies = threads.map((body, i) => `P${i}(int *x, int *y, int *z)\n{\n${body}\n}\n`);
  return `C test\n\n{}\n\n${bodies.join('\n')}\nexists (${condition})\n`;
}

function observe(source: string, model: ModelName): Observation {
  return runLitmus(parseLitmus(source, 'test.litmus'), model).observation;
}

const W = (v: string, n = 1) => `WRITE_ONCE(*${v}, ${n});`;
const R = (r: string, v: string) => `int ${r} = READ_ONCE(*${v});`;
const Wrel = (v: string, n = 1) => `smp_store_release(${v}, ${n});`;
const Racq = (r: string, v: string) => `int ${r} = smp_load_acquire(${v});`;
const mb = 'smp_mb();';
const wmb = 'smp_wmb();';
const rmb = 'smp_rmb();';
/** A store that depends on a register, whose value it does not change. */
const Wdata = (v: string, r: string) => `WRITE_ONCE(*${v}, 1 + (${r} ^ ${r}));`;
const Wctrl = (v: string, r: string) => `if (${r} == 1) { ${W(v)} }`;

const N = 'Never';
const S = 'Sometimes';

/** Name, threads, condition, and the verdicts under sc, tso and weak. */
type Row = readonly [string, readonly string[], string, Observation, Observation, Observation];

const SB = '0:r0=0 /\\ 1:r0=0';
const MP = '1:r0=1 /\\ 1:r1=0';
const LB = '0:r0=1 /\\ 1:r0=1';
const RC = 'y=2 /\\ 1:r0=0';
const SC = 'x=2 /\\ 1:r0=1';
const IRIW = '2:r0=1 /\\ 2:r1=0 /\\ 3:r0=1 /\\ 3:r1=0';
const WRC = '1:r0=1 /\\ 2:r0=1 /\\ 2:r1=0';
const ISA2 = '1:r0=1 /\\ 2:r0=1 /\\ 2:r1=0';

/** tools/memory-model/litmus-tests, and the same shapes with other fences. */
const ROWS: readonly Row[] = [
  ['SB', [W('x') + R('r0', 'y'), W('y') + R('r0', 'x')], SB, N, S, S],
  ['SB+mbs', [W('x') + mb + R('r0', 'y'), W('y') + mb + R('r0', 'x')], SB, N, N, N],
  ['SB+mb+po', [W('x') + mb + R('r0', 'y'), W('y') + R('r0', 'x')], SB, N, S, S],
  ['SB+rel-acq', [Wrel('x') + Racq('r0', 'y'), Wrel('y') + Racq('r0', 'x')], SB, N, S, S],
  ['MP', [W('x') + W('y'), R('r0', 'y') + R('r1', 'x')], MP, N, N, S],
  ['MP+wmb+rmb', [W('x') + wmb + W('y'), R('r0', 'y') + rmb + R('r1', 'x')], MP, N, N, N],
  ['MP+wmb+po', [W('x') + wmb + W('y'), R('r0', 'y') + R('r1', 'x')], MP, N, N, S],
  ['MP+po+rmb', [W('x') + W('y'), R('r0', 'y') + rmb + R('r1', 'x')], MP, N, N, S],
  ['MP+rel+acq', [W('x') + Wrel('y'), Racq('r0', 'y') + R('r1', 'x')], MP, N, N, N],
  [
    'MP+wmb+ctrl',
    [W('x') + wmb + W('y'), `${R('r0', 'y')} int r1; if (r0 == 1) { r1 = READ_ONCE(*x); }`],
    MP,
    N,
    N,
    S,
  ],
  ['LB', [R('r0', 'x') + W('y'), R('r0', 'y') + W('x')], LB, N, N, S],
  ['LB+mbs', [R('r0', 'x') + mb + W('y'), R('r0', 'y') + mb + W('x')], LB, N, N, N],
  ['LB+datas', [R('r0', 'x') + Wdata('y', 'r0'), R('r0', 'y') + Wdata('x', 'r0')], LB, N, N, N],
  ['LB+ctrls', [R('r0', 'x') + Wctrl('y', 'r0'), R('r0', 'y') + Wctrl('x', 'r0')], LB, N, N, N],
  ['LB+acq+po', [Racq('r0', 'x') + W('y'), R('r0', 'y') + W('x')], LB, N, N, S],
  ['LB+acq+ctrl', [Racq('r0', 'x') + W('y'), R('r0', 'y') + Wctrl('x', 'r0')], LB, N, N, N],
  ['R', [W('x') + W('y'), W('y', 2) + R('r0', 'x')], RC, N, S, S],
  ['R+mbs', [W('x') + mb + W('y'), W('y', 2) + mb + R('r0', 'x')], RC, N, N, N],
  ['R+wmb+mb', [W('x') + wmb + W('y'), W('y', 2) + mb + R('r0', 'x')], RC, N, N, S],
  ['S', [W('x', 2) + W('y'), R('r0', 'y') + W('x')], SC, N, N, S],
  ['S+wmb+data', [W('x', 2) + wmb + W('y'), R('r0', 'y') + Wdata('x', 'r0')], SC, N, N, N],
  ['S+rel+ctrl', [W('x', 2) + Wrel('y'), R('r0', 'y') + Wctrl('x', 'r0')], SC, N, N, N],
  ['2+2W', [W('x') + W('y', 2), W('y') + W('x', 2)], 'x=1 /\\ y=1', N, N, S],
  ['2+2W+mbs', [W('x') + mb + W('y', 2), W('y') + mb + W('x', 2)], 'x=1 /\\ y=1', N, N, N],
  ['2+2W+wmbs', [W('x') + wmb + W('y', 2), W('y') + wmb + W('x', 2)], 'x=1 /\\ y=1', N, N, S],
  [
    'IRIW',
    [W('x'), W('y'), R('r0', 'x') + R('r1', 'y'), R('r0', 'y') + R('r1', 'x')],
    IRIW,
    N,
    N,
    S,
  ],
  [
    'IRIW+mbs',
    [W('x'), W('y'), R('r0', 'x') + mb + R('r1', 'y'), R('r0', 'y') + mb + R('r1', 'x')],
    IRIW,
    N,
    N,
    N,
  ],
  [
    'IRIW+acqs',
    [W('x'), W('y'), Racq('r0', 'x') + Racq('r1', 'y'), Racq('r0', 'y') + Racq('r1', 'x')],
    IRIW,
    N,
    N,
    S,
  ],
  [
    'IRIW+rmbs',
    [W('x'), W('y'), R('r0', 'x') + rmb + R('r1', 'y'), R('r0', 'y') + rmb + R('r1', 'x')],
    IRIW,
    N,
    N,
    S,
  ],
  ['WRC', [W('x'), R('r0', 'x') + W('y'), R('r0', 'y') + R('r1', 'x')], WRC, N, N, S],
  [
    'WRC+rel+rmb',
    [W('x'), R('r0', 'x') + Wrel('y'), R('r0', 'y') + rmb + R('r1', 'x')],
    WRC,
    N,
    N,
    N,
  ],
  [
    'WRC+data+rmb',
    [W('x'), R('r0', 'x') + Wdata('y', 'r0'), R('r0', 'y') + rmb + R('r1', 'x')],
    WRC,
    N,
    N,
    S,
  ],
  ['WRC+mbs', [W('x'), R('r0', 'x') + mb + W('y'), R('r0', 'y') + mb + R('r1', 'x')], WRC, N, N, N],
  ['ISA2', [W('x') + W('y'), R('r0', 'y') + W('z'), R('r0', 'z') + R('r1', 'x')], ISA2, N, N, S],
  [
    'ISA2+rel+rel+acq',
    [W('x') + Wrel('y'), R('r0', 'y') + Wrel('z'), Racq('r0', 'z') + R('r1', 'x')],
    ISA2,
    N,
    N,
    N,
  ],
  [
    'ISA2+wmb+data+rmb',
    [W('x') + wmb + W('y'), R('r0', 'y') + Wdata('z', 'r0'), R('r0', 'z') + rmb + R('r1', 'x')],
    ISA2,
    N,
    N,
    S,
  ],
  [
    'ISA2+wmb+rel+rmb',
    [W('x') + wmb + W('y'), R('r0', 'y') + Wrel('z'), R('r0', 'z') + rmb + R('r1', 'x')],
    ISA2,
    N,
    N,
    N,
  ],
  ['CoRR', [W('x'), R('r0', 'x') + R('r1', 'x')], '1:r0=1 /\\ 1:r1=0', N, N, N],
  ['CoWW', [W('x') + W('x', 2)], 'x=1', N, N, N],
  ['CoWR', [W('x') + R('r0', 'x'), W('x', 2)], '0:r0=0', N, N, N],
  [
    'SB+xchgs',
    ['int r1 = xchg(x, 1);' + R('r0', 'y'), 'int r1 = xchg(y, 1);' + R('r0', 'x')],
    SB,
    N,
    N,
    N,
  ],
  [
    'SB+xchg_relaxed',
    ['int r1 = xchg_relaxed(x, 1);' + R('r0', 'y'), 'int r1 = xchg_relaxed(y, 1);' + R('r0', 'x')],
    SB,
    N,
    N,
    S,
  ],
  ['SB+incs', ['atomic_inc(x);' + R('r0', 'y'), 'atomic_inc(y);' + R('r0', 'x')], SB, N, N, S],
  [
    'SB+incs+after',
    [
      'atomic_inc(x); smp_mb__after_atomic();' + R('r0', 'y'),
      'atomic_inc(y); smp_mb__after_atomic();' + R('r0', 'x'),
    ],
    SB,
    N,
    N,
    N,
  ],
  ['incs', ['atomic_inc(x);', 'atomic_inc(x);'], '~(x=2)', N, N, N],
  [
    'RCU+sync',
    [
      'rcu_read_lock();' + R('r0', 'x') + R('r1', 'y') + 'rcu_read_unlock();',
      W('y') + 'synchronize_rcu();' + W('x'),
    ],
    '0:r0=1 /\\ 0:r1=0',
    N,
    N,
    N,
  ],
  [
    'RCU+no-section',
    [R('r0', 'x') + R('r1', 'y'), W('y') + 'synchronize_rcu();' + W('x')],
    '0:r0=1 /\\ 0:r1=0',
    N,
    N,
    S,
  ],
  [
    'locks',
    [
      'spin_lock(z);' + R('r0', 'x') + 'WRITE_ONCE(*x, r0 + 1); spin_unlock(z);',
      'spin_lock(z);' + R('r0', 'x') + 'WRITE_ONCE(*x, r0 + 1); spin_unlock(z);',
    ],
    '~(x=2)',
    N,
    N,
    N,
  ],
];

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
