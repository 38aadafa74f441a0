/** Litmus tests in C, and the verdicts of LKMM on them. */
import type { Observation } from '../../sim/litmus/run.ts';

/** A C test from the bodies of its threads: `x` and `y` and so on are their variables. */
export function c(threads: readonly string[], condition: string): string {
  const bodies = threads.map((body, i) => `P${i}(int *x, int *y, int *z)\n{\n${body}\n}\n`);
  return `C test\n\n{}\n\n${bodies.join('\n')}\nexists (${condition})\n`;
}

export const W = (v: string, n = 1) => `WRITE_ONCE(*${v}, ${n});`;
export const R = (r: string, v: string) => `int ${r} = READ_ONCE(*${v});`;
export const Wrel = (v: string, n = 1) => `smp_store_release(${v}, ${n});`;
export const Racq = (r: string, v: string) => `int ${r} = smp_load_acquire(${v});`;
export const mb = 'smp_mb();';
export const wmb = 'smp_wmb();';
export const rmb = 'smp_rmb();';
/** A store that depends on a register, whose value it does not change. */
const Wdata = (v: string, r: string) => `WRITE_ONCE(*${v}, 1 + (${r} ^ ${r}));`;
const Wctrl = (v: string, r: string) => `if (${r} == 1) { ${W(v)} }`;

export const N = 'Never';
export const S = 'Sometimes';

/** Name, threads, condition, and the verdicts under sc, tso and weak. */
export type Row = readonly [
  string,
  readonly string[],
  string,
  Observation,
  Observation,
  Observation,
];

const SB = '0:r0=0 /\\ 1:r0=0';
const MP = '1:r0=1 /\\ 1:r1=0';
const LB = '0:r0=1 /\\ 1:r0=1';
const RC = 'y=2 /\\ 1:r0=0';
const SC = 'x=2 /\\ 1:r0=1';
const IRIW = '2:r0=1 /\\ 2:r1=0 /\\ 3:r0=1 /\\ 3:r1=0';
const WRC = '1:r0=1 /\\ 2:r0=1 /\\ 2:r1=0';
const ISA2 = '1:r0=1 /\\ 2:r0=1 /\\ 2:r1=0';

/** tools/memory-model/litmus-tests, and the same shapes with other fences. */
export const ROWS: readonly Row[] = [
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
