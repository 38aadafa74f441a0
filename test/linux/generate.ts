/**
 * Random programs. Operands that refer to earlier ops are drawn as "some earlier op of this kind",
 * and become numbers only when the program is whole, so that shrinking keeps them meaningful.
 */
import fc from 'fast-check';
import { callOf, CALLS, receive, send } from './calls.ts';
import {
  FD_LIMIT,
  O_CLOEXEC,
  O_NONBLOCK,
  anyFd,
  count,
  earlierPart,
  fileFlags,
  pointer,
  value,
  weighted,
  type Earlier,
  type Wanted,
} from './operands.ts';
import {
  mapOperands,
  operandsOf,
  type Call,
  type Op,
  type OpKind,
  type Program,
} from './program.ts';

const PROGRAM_MAX = 16;
const CHILD_MAX = 4;
const FORK_WEIGHT = 8;
const STORY_WEIGHT = 3;
const LARGE_BYTES = 4096;
/** How many large writes a program may have: the size of a socket's buffer is not modelled. */
const LARGE_WRITES_MAX = 3;

/** Kinds of ops that make descriptors. */
const MAKERS = new Set<OpKind>([
  'open',
  'dup',
  'dup2',
  'dup3',
  'fcntl',
  'pipe2',
  'socketpair',
  'eventfd2',
  'recvmsg',
]);

// Ops

/** What belongs together, and that ops drawn one by one would seldom put side by side. */
const STORIES: readonly fc.Arbitrary<readonly Op[]>[] = [
  fc.tuple(send.arbitrary, receive.arbitrary),
  fc.tuple(send.arbitrary, send.arbitrary, receive.arbitrary, receive.arbitrary),
  ...(['pipe2', 'socketpair', 'eventfd2'] as const).map((made) => {
    const [from, to] = made === 'eventfd2' ? [0, 0] : [1, 0];
    const write = callOf('write', { fd: earlierPart(made, from), value, buffer: pointer, count });
    const read = callOf('read', { fd: earlierPart(made, to), buffer: pointer, count });
    return fc.tuple(write, read);
  }),
  ...(['pipe2', 'socketpair'] as const).map((made) => {
    const close = callOf('close', { fd: earlierPart(made, 0) });
    const write = callOf('write', { fd: earlierPart(made, 1), value, buffer: pointer, count });
    const read = callOf('read', { fd: earlierPart(made, 1), buffer: pointer, count });
    return fc.tuple(write, close, write, read);
  }),
  fc.tuple(
    callOf('setrlimit', { soft: fc.integer({ min: 3, max: 7 }), hard: fc.constant(FD_LIMIT) }),
    callOf('dup', { fd: fc.nat(2) }),
    callOf('pipe2', { fds: fc.constant('ok'), flags: fileFlags }),
  ),
  fc.tuple(
    callOf('fcntl', { fd: anyFd, cmd: fc.constant(2), arg: fc.constant(1) }),
    callOf('exec', { path: fc.constant('self') }),
  ),
];

function opsOf(depth: number, maxLength: number): fc.Arbitrary<Op[]> {
  const arbitraries: { weight: number; arbitrary: fc.Arbitrary<readonly Op[]> }[] = [
    ...CALLS.map(({ weight, arbitrary }) => ({ weight, arbitrary: arbitrary.map((op) => [op]) })),
    ...STORIES.map((arbitrary) => ({ weight: STORY_WEIGHT, arbitrary })),
  ];
  if (depth > 0) {
    const fork = fc.record({
      kind: fc.constant('fork' as const),
      how: weighted([
        [2, 'wait'],
        [4, 'hold'],
      ] as const),
      files: weighted([
        [3, false],
        [1, true],
      ]),
      child: opsOf(depth - 1, CHILD_MAX),
    });
    arbitraries.push({ weight: FORK_WEIGHT, arbitrary: fork.map((op) => [op]) });
  }
  return fc
    .array(fc.oneof(...arbitraries), { maxLength, size: 'max' })
    .map((drawn) => drawn.flat());
}

const MADE: Readonly<Record<Exclude<Wanted, 'any'>, Op>> = {
  pipe2: { kind: 'pipe2', fds: 'ok', flags: O_NONBLOCK },
  socketpair: { kind: 'socketpair', fds: 'ok', domain: 1, type: 1, protocol: 0 },
  eventfd2: { kind: 'eventfd2', count: 2, flags: 0 },
};
const ZOMBIE: Op = {
  kind: 'fork',
  how: 'hold',
  files: false,
  child: [{ kind: 'exit', code: 3 }],
};

/** Something to work with, so that not every second op fails with EBADF. */
const PREPARED: readonly (readonly Op[])[] = [
  [],
  [MADE.pipe2],
  [MADE.socketpair],
  [MADE.eventfd2],
  [MADE.socketpair, MADE.pipe2],
  [
    { kind: 'socketpair', fds: 'ok', domain: 1, type: 1, protocol: 0 },
    { kind: 'pipe2', fds: 'ok', flags: O_CLOEXEC },
  ],
  [
    { kind: 'pipe2', fds: 'ok', flags: 0 },
    { kind: 'setrlimit', soft: 6, hard: FD_LIMIT },
  ],
];

// References

interface Maker {
  readonly at: number;
  readonly kind: OpKind;
}

/** What ops of a process can refer to; a child starts with a copy. */
interface Scope {
  readonly makers: Maker[];
  readonly forks: Maker[];
}

class Resolver {
  #next = 0;
  #largeWrites = 0;

  program(ops: readonly Op[], scope: Scope): Program {
    const resolved = ops.map((op) => this.#op(op, scope));
    if (ops.at(-1)?.kind === 'exit') return resolved;
    this.#next++;
    return [...resolved, { kind: 'survey' }];
  }

  #op(drawn: Op, scope: Scope): Op {
    const op = missing(drawn, scope) ?? drawn;
    const maker = { at: this.#next++, kind: op.kind };
    if (op.kind === 'fork') {
      const child = this.program(op.child, { makers: [...scope.makers], forks: [] });
      scope.forks.push(maker);
      return { ...op, child };
    }
    const resolved = mapOperands(op, (operand, type) => {
      if (type === 'fds') return (operand as unknown[]).map((fd) => resolve(fd, scope.makers));
      return resolve(operand, type === 'pid' ? scope.forks : scope.makers);
    });
    if (MAKERS.has(op.kind)) scope.makers.push(maker);
    return this.#small(resolved);
  }

  #small(op: Call): Call {
    if (op.kind !== 'write' || op.count < LARGE_BYTES) return op;
    return ++this.#largeWrites > LARGE_WRITES_MAX ? { ...op, count: 100 } : op;
  }
}

/**
 * What an op wants and nothing before it has made: mostly better than an op that can only fail,
 * and so it is taken in the op's place.
 */
function missing(op: Op, { makers, forks }: Scope): Op | undefined {
  if (op.kind === 'fork') return undefined;
  for (const { type, value: operand } of operandsOf(op)) {
    if (typeof operand !== 'object' || operand === null || !('wanted' in operand)) continue;
    const { op: drawn, wanted } = operand as Earlier;
    if (drawn % 5 === 0) continue;
    if (type === 'pid' && forks.length === 0) return ZOMBIE;
    if (wanted !== 'any' && !makers.some(({ kind }) => kind === wanted)) return MADE[wanted];
  }
  return undefined;
}

function resolve(operand: unknown, makers: readonly Maker[]): unknown {
  if (typeof operand !== 'object' || operand === null) return operand;
  const { op, part, wanted } = operand as Earlier;
  const of = makers.filter(({ kind }) => kind === wanted);
  const choice = of.length > 0 ? of : makers;
  if (choice.length === 0) return (Math.abs(op) % 6) + part;
  const chosen = choice.at(op % choice.length)!; // -1: the latest
  const parts = chosen.kind === 'pipe2' || chosen.kind === 'socketpair' ? 2 : 1;
  return { op: chosen.at, part: chosen.kind === 'recvmsg' ? part : part % parts };
}

/** Programs of up to about 25 ops, forks nested to depth 2; each process ends with a survey. */
export const programs: fc.Arbitrary<Program> = fc
  .tuple(fc.constantFrom(...PREPARED), opsOf(2, PROGRAM_MAX))
  .map(([prepared, ops]) =>
    new Resolver().program([...prepared, ...ops], { makers: [], forks: [] }),
  );
