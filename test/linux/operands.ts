/** Random operands: descriptors, pointers, flags; weighted so that calls often get somewhere. */
import fc from 'fast-check';
import type { Ref } from './program.ts';

const EARLIER_MAX = 1000;
const LATEST = -1;
export const FD_LIMIT = 1024;

export type Wanted = 'any' | 'pipe2' | 'socketpair' | 'eventfd2';
/**
 * A reference before it is resolved: the `op`-th, modulo their number, of the ops wanted;
 * -1 is the latest.
 */
export interface Earlier extends Ref {
  readonly wanted: Wanted;
}

export const weighted = <T>(rows: readonly (readonly [number, T])[]): fc.Arbitrary<T> =>
  fc.oneof(...rows.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
export const flagsOf = (...flags: number[]): fc.Arbitrary<number> =>
  fc.subarray(flags).map((some) => some.reduce((all, flag) => all | flag, 0));

// Operands

export function earlier(
  wanted: Wanted,
  part: fc.Arbitrary<number> = fc.nat(1),
): fc.Arbitrary<Earlier> {
  const op = fc.oneof(fc.nat(EARLIER_MAX), fc.constant(LATEST));
  return fc.record({ op, part, wanted: fc.constant(wanted) });
}

/** The latest one made. */
export const earlierPart = (wanted: Wanted, part: number): fc.Arbitrary<Earlier> =>
  fc.constant({ op: LATEST, part, wanted });

export const literal: fc.Arbitrary<number> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 3, max: 8 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 63, max: 66 }) },
  { weight: 1, arbitrary: fc.constantFrom(255, 1000, FD_LIMIT - 1, FD_LIMIT, -1, 1e9) },
);
export const anyFd = fc.oneof(
  { weight: 5, arbitrary: literal },
  { weight: 4, arbitrary: earlier('any') },
);
const fdOf = (wanted: Wanted, part?: fc.Arbitrary<number>) =>
  fc.oneof({ weight: 9, arbitrary: earlier(wanted, part) }, { weight: 1, arbitrary: anyFd });
export const pipeReader = fdOf(
  'pipe2',
  weighted([
    [6, 0],
    [1, 1],
  ]),
);
export const pipeWriter = fdOf(
  'pipe2',
  weighted([
    [6, 1],
    [1, 0],
  ]),
);
export const socket = fdOf('socketpair');
export const sender = fdOf(
  'socketpair',
  weighted([
    [4, 0],
    [1, 1],
  ]),
);
export const receiver = fdOf(
  'socketpair',
  weighted([
    [4, 1],
    [1, 0],
  ]),
);
export const eventfd = fdOf('eventfd2', fc.constant(0));

export const status = weighted([
  [8, 'ok'],
  [1, 'null'],
  [1, 'bad'],
] as const);
export const pointer = weighted([
  [40, 'ok'],
  [1, 'null'],
  [2, 'bad'],
  [1, 'kernel'],
] as const);
export const messagePointer = weighted([
  [40, 'ok'],
  [2, 'bad'],
  [1, 'kernel'],
  [1, 'msg'],
] as const);
export const path = weighted([
  [14, 'devnull'],
  [2, 'missing'],
  [1, 'empty'],
  [2, 'root'],
  [1, 'under'],
  [1, 'bad'],
  [1, 'null'],
  [1, 'kernel'],
] as const);
export const count = weighted([
  [3, 1],
  [2, 2],
  [3, 3],
  [1, 7],
  [5, 8],
  [1, 9],
  [2, 0],
  [1, 100],
  [1, 4096],
  [2, 65536],
]);
export const room = weighted([
  [2, 0],
  [1, 8],
  [1, 15],
  [1, 16],
  [1, 19],
  [3, 20],
  [1, 23],
  [3, 24],
  [1, 28],
  [8, 64],
]);
export const value = fc.oneof(
  { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 3n }) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 64n - 1n, 2n ** 64n - 2n, 0x64636261n) },
);

// Flags, as in the uapi headers of x86-64

export const O_NONBLOCK = 0x800;
export const O_APPEND = 0x400;
export const O_CLOEXEC = 0x80000;
const O_DIRECT = 0x4000;
const O_PATH = 0x200000;
const O_CREAT = 0x40;
const O_EXCL = 0x80;
const O_TRUNC = 0x200;
const O_DIRECTORY = 0x10000;
const O_NOATIME = 0x40000;
const O_SYNC = 0x100000; // without O_DSYNC
const O_TMPFILE = 0x400000; // without O_DIRECTORY
const BAD_FLAG = 0x1000000;

export const openFlags = fc
  .tuple(
    weighted([
      [3, 0],
      [2, 1],
      [4, 2],
      [1, 3],
    ]),
    flagsOf(O_NONBLOCK, O_CLOEXEC, O_APPEND),
    weighted([
      [16, 0],
      [4, O_PATH],
      [1, O_DIRECTORY],
      [1, O_PATH | O_DIRECTORY],
      [1, O_CREAT | O_EXCL],
      [1, O_CREAT | O_DIRECTORY],
      [1, O_CREAT | O_TRUNC],
      [1, O_SYNC],
      [1, O_NOATIME],
      [1, O_DIRECT],
      [1, O_TMPFILE],
      [1, BAD_FLAG * 0x40],
    ]),
  )
  .map((parts) => parts.reduce((all, part) => all | part, 0));
export const fileFlags = fc.oneof(
  { weight: 14, arbitrary: flagsOf(O_CLOEXEC, O_NONBLOCK) },
  { weight: 1, arbitrary: fc.constantFrom(1, BAD_FLAG, BAD_FLAG | O_CLOEXEC) },
  { weight: 1, arbitrary: fc.constantFrom(O_DIRECT, O_DIRECT | O_NONBLOCK) },
);
export const dup3Flags = weighted([
  [4, 0],
  [4, O_CLOEXEC],
  [1, O_NONBLOCK],
  [1, 1],
]);
export const eventfdFlags = fc.oneof(
  { weight: 8, arbitrary: flagsOf(O_CLOEXEC, O_NONBLOCK, 1) },
  { weight: 1, arbitrary: fc.constantFrom(2, BAD_FLAG) },
);
export const rangeFlags = weighted([
  [4, 0],
  [3, 4],
  [2, 2],
  [1, 6],
  [1, 1],
  [1, 8],
]);
export const messageFlags = weighted(
  [
    [8, 0],
    [2, 0x40],
    [1, 0x4000],
    [0.2, 0x80000000],
  ].map(([weight, flag]) => [Math.ceil(weight! * 5), flag!] as const),
);
export const receiveFlags = weighted([
  [16, 0],
  [4, 0x40],
  [8, 0x40000000],
  [2, 2],
  [1, 0x80000000],
]);

/** All of them fail for an unprivileged process. */
export const CLONE_FLAGS = [
  0x10000, // THREAD without SIGHAND
  0x10800, // THREAD, SIGHAND without VM
  0x10100, // THREAD, VM without SIGHAND
  0x800, // SIGHAND without VM
  0x20200, // NEWNS with FS
  0x10000200, // NEWUSER with FS
  0x20010900, // NEWPID with THREAD
  0x20000, // NEWNS: EPERM
  0x4000000, // NEWUTS: EPERM
  0x20000000, // NEWPID: EPERM
];
