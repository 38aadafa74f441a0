import fc from 'fast-check';
import type { FaultKind } from '../../kernel/faults.ts';
import { DEFAULT_PROFILE, PROFILES } from '../../kernel/profile.ts';
import { BPF_CALLS } from './bpf-calls.ts';
import { descriptors, NEXT, type Descriptors } from './call-row.ts';
import { CALLS, CLOSEMOUNT, DESCRIPTOR_CALLS, SAFE_CALLS, SPAWNS } from './calls.ts';
import { PROCESS_NAMES, type Op, type Program } from './program.ts';

/** What is run, and along which schedule. */
export interface Case extends Program {
  /** By strategyByName(). */
  readonly strategy: string;
  readonly seed: number;
}

/** Most ops in one body; a body stands in another at most so many times. */
const OPS_MAX = 9;
const DEPTH_MAX = 3;

/** What may be in a program. */
interface Vocabulary {
  readonly calls: typeof SAFE_CALLS;
  readonly fds: Descriptors;
}

function ops(vocabulary: Vocabulary, depth: number): fc.Arbitrary<Op[]> {
  const { calls, fds } = vocabulary;
  const maxLength = OPS_MAX >> depth;
  const rows = Object.entries(calls).map(([call, { args, weight }]) => ({
    weight,
    arbitrary: fc.tuple(...args(fds)).map((drawn): Op => ({ call, args: drawn })),
  }));
  if (depth === DEPTH_MAX) return fc.array(fc.oneof(...rows), { maxLength });
  const inner = ops(vocabulary, depth + 1);
  const weight = Math.ceil(rows.reduce((sum, row) => sum + row.weight, 0) / 16);
  const withBody = [...Object.keys(SPAWNS), 'exec'].map((call) => ({
    weight,
    arbitrary: inner.map((body): Op => ({ call, args: [], body })),
  }));
  return fc.array(fc.oneof({ withCrossShrink: true }, ...rows, ...withBody), { maxLength });
}

const strategies = fc.oneof(
  { weight: 4, arbitrary: fc.constant('random') },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(50, 200, 800))
      .map(([depth, length]) => `pct:${depth}:${length}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('round-robin', 'stay') },
);

function casesOf(vocabulary: Vocabulary, faults: fc.Arbitrary<FaultKind[]>): fc.Arbitrary<Case> {
  return fc.record({
    profile: fc.constantFrom(...PROFILES),
    cpus: fc.integer({ min: 1, max: 3 }),
    shared: fc.boolean(),
    faults,
    processes: fc.array(ops(vocabulary, 0), { minLength: 1, maxLength: PROCESS_NAMES.length }),
    strategy: strategies,
    seed: fc.nat(1_000_000),
  });
}

/**
 * Of two kinds, after Groce et al., Swarm Testing, ISSTA 2012: every call on any descriptor; and a
 * few kinds of calls on a few descriptors, so that they meet. These open and close in any case.
 */
export const cases: fc.Arbitrary<Case> = fc.oneof(
  casesOf(
    { calls: SAFE_CALLS, fds: descriptors(12) },
    fc.nat(3).map((n): FaultKind[] => (n === 3 ? ['alloc-fail'] : [])),
  ),
  fc
    .tuple(fc.subarray(Object.keys(SAFE_CALLS), { minLength: 1, maxLength: 2 }), fc.nat(2))
    .chain(([names, most]) => {
      const chosen = new Set(['open', 'close', ...names]);
      const calls = Object.fromEntries([...chosen].map((name) => [name, SAFE_CALLS[name]!]));
      return casesOf({ calls, fds: descriptors(most + 1) }, fc.constant([]));
    }),
);

/** With calls of CLOSEMOUNT on the device of autofs, which is descriptor 6. */
export const autofsCases = casesOf(
  { calls: { ...SAFE_CALLS, ...CLOSEMOUNT }, fds: descriptors(12) },
  fc.constant([]),
);

const SMALL_OPS_MAX = 4;
/** What most bugs of descriptors are made of. */
const COMMON = ['open', 'close', 'dup', 'dup2', 'fcntl', 'eventfd', 'close_mine'] as const;

/** Kinds of calls, and the first of the descriptors that they are about. */
interface Theme {
  readonly names: readonly string[];
  readonly first: number;
}

/** A few calls that open, close and copy, and a few of any kind, on what is open from the start. */
const onDescriptors: fc.Arbitrary<Theme> = fc
  .tuple(
    fc.subarray([...COMMON], { minLength: 2, maxLength: 4 }),
    fc.subarray(Object.keys(DESCRIPTOR_CALLS), { minLength: 0, maxLength: 2 }),
  )
  .map(([common, others]) => ({ names: [...common, ...others], first: 0 }));

/** Maps with who uses them, or programs that are run, on what they open themselves. */
const onBpf: fc.Arbitrary<Theme> = fc
  .oneof(
    fc
      .subarray(
        Object.keys(BPF_CALLS).filter((name) => name !== 'map_create' && name !== 'prog_run'),
        { minLength: 1, maxLength: 3 },
      )
      .map((names) => ['map_create', ...names]),
    fc.constant(['prog_load', 'prog_run']),
  )
  .map((names) => ({ names: ['close', 'dup', ...names], first: NEXT }));

/** One kind at a time: more of them only draw the search away from each other's places. */
const someFaults: fc.Arbitrary<FaultKind[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<FaultKind[]>([]) },
  { weight: 4, arbitrary: fc.constant<FaultKind[]>(['alloc-fail']) },
  { weight: 1, arbitrary: fc.constant<FaultKind[]>(['eintr']) },
  { weight: 1, arbitrary: fc.constant<FaultKind[]>(['short-copy']) },
);

/**
 * Programs of a few calls of few kinds on few descriptors, so that they meet and every schedule
 * with few deviations can be tried: most bugs show in a small program (Jackson and Damon, 1996).
 */
export const smallPrograms: fc.Arbitrary<Program> = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: onDescriptors }, { weight: 1, arbitrary: onBpf }),
    fc.nat(2),
    fc.integer({ min: 1, max: 3 }),
  )
  .chain(([{ names, first }, most, count]) => {
    const calls = Object.fromEntries(names.map((name) => [name, CALLS[name]!]));
    const vocabulary = { calls, fds: descriptors(most + 1, first) };
    return fc.record({
      profile: fc.constant(DEFAULT_PROFILE),
      cpus: fc.constant(count),
      shared: fc.boolean(),
      faults: someFaults,
      processes: fc.array(shortBody(vocabulary), { minLength: count, maxLength: count }),
    });
  });

/** Of few kinds, each is as likely as the others. */
function shortBody(vocabulary: Vocabulary): fc.Arbitrary<Op[]> {
  const rows = Object.entries(vocabulary.calls).map(([call, { args }]) =>
    fc.tuple(...args(vocabulary.fds)).map((drawn): Op => ({ call, args: drawn })),
  );
  const plain = fc.oneof(...rows);
  const inner = fc.array(plain, { maxLength: 2 });
  const withBody = fc
    .tuple(fc.constantFrom(...Object.keys(SPAWNS), 'exec'), inner)
    .map(([call, body]): Op => ({ call, args: [], body }));
  return fc.array(fc.oneof({ weight: 5, arbitrary: plain }, { weight: 1, arbitrary: withBody }), {
    minLength: 1,
    maxLength: SMALL_OPS_MAX,
  });
}
