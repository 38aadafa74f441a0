import fc from 'fast-check';
import { PROFILES, type Profile } from '../../kernel/profile.ts';
import { CALLS, CLOSEMOUNT, descriptorsTo, type Descriptors, SPAWNS } from './program-calls.ts';

/** A call of CALLS; or one of SPAWNS, whose body is what the new task does; or `exec`. */
export interface Op {
  readonly call: string;
  readonly args: readonly number[];
  readonly body?: readonly Op[];
}

/** What is run, and along which schedule. */
export interface Case {
  readonly profile: Profile;
  readonly cpus: number;
  /** Whether the processes start with one table among them. */
  readonly shared: boolean;
  /** Whether allocations may fail. */
  readonly faults: boolean;
  /** What each of the processes A, B and C does. */
  readonly processes: readonly (readonly Op[])[];
  /** By strategyByName(). */
  readonly strategy: string;
  readonly seed: number;
}

export const PROCESS_NAMES = ['A', 'B', 'C'] as const;
/** Most ops in one body; a body stands in another at most so many times. */
const OPS_MAX = 9;
const DEPTH_MAX = 3;

/** What may be in a program. */
interface Vocabulary {
  readonly calls: typeof CALLS;
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

function casesOf(vocabulary: Vocabulary, faults: fc.Arbitrary<boolean>): fc.Arbitrary<Case> {
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
    { calls: CALLS, fds: descriptorsTo(11) },
    fc.nat(3).map((n) => n === 3),
  ),
  fc
    .tuple(fc.subarray(Object.keys(CALLS), { minLength: 1, maxLength: 2 }), fc.nat(2))
    .chain(([names, most]) => {
      const chosen = new Set(['open', 'close', ...names]);
      const calls = Object.fromEntries([...chosen].map((name) => [name, CALLS[name]!]));
      return casesOf({ calls, fds: descriptorsTo(most) }, fc.constant(false));
    }),
);

/** With calls of CLOSEMOUNT on the device of autofs, which is descriptor 6. */
export const autofsCases = casesOf(
  { calls: { ...CALLS, ...CLOSEMOUNT }, fds: descriptorsTo(11) },
  fc.constant(false),
);

// Text

export function programText({ processes }: Pick<Case, 'processes'>): string {
  return processes.flatMap((body, i) => [PROCESS_NAMES[i]!, ...linesOf(body, '  ')]).join('\n');
}

function linesOf(body: readonly Op[], indent: string): string[] {
  return body.flatMap(({ call, args, body: inner = [] }) => [
    indent + [call, ...args].join(' '),
    ...linesOf(inner, `${indent}  `),
  ]);
}

/** The reverse of programText(): bodies are told by their indentation. */
export function parseProgram(text: string): Op[][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map(indentOf));
  const processes: Op[][] = [];
  let open: Op[][] = [];
  for (const line of lines) {
    const depth = (indentOf(line) - margin) / 2;
    const [call, ...args] = line.trim().split(/\s+/);
    const body: Op[] = [];
    if (depth === 0) {
      processes.push(body);
      open = [body];
      continue;
    }
    const hasBody = call! in SPAWNS || call === 'exec';
    open[depth - 1]!.push({ call: call!, args: args.map(Number), ...(hasBody && { body }) });
    open = [...open.slice(0, depth), body];
  }
  return processes;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export function caseText(drawn: Case): string {
  const { profile, cpus, shared, faults, strategy, seed } = drawn;
  const how = [
    profile,
    `${cpus} CPUs`,
    shared ? 'one table' : 'own tables',
    ...(faults ? ['allocations fail'] : []),
    strategy,
    `seed ${seed}`,
  ];
  return `${how.join(', ')}\n${programText(drawn)}`;
}
