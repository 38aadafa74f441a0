/** Random ops, one at a time. */
import fc from 'fast-check';
import {
  CLONE_FLAGS,
  FD_LIMIT,
  O_APPEND,
  O_CLOEXEC,
  O_NONBLOCK,
  anyFd,
  count,
  dup3Flags,
  earlier,
  eventfd,
  eventfdFlags,
  fileFlags,
  flagsOf,
  literal,
  messageFlags,
  messagePointer,
  openFlags,
  path,
  pipeReader,
  pipeWriter,
  pointer,
  rangeFlags,
  receiveFlags,
  receiver,
  room,
  sender,
  socket,
  status,
  value,
  weighted,
} from './operands.ts';
import type { Call } from './program.ts';

type Arbitraries = readonly { weight: number; arbitrary: fc.Arbitrary<Call> }[];
type Fields = Record<string, fc.Arbitrary<unknown>>;

/** An op of a kind; that its fields are what they must be, the test of the round trip shows. */
export function callOf(kind: Call['kind'], fields: Fields): fc.Arbitrary<Call> {
  return fc.record({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<Call>;
}

const call = (weight: number, kind: Call['kind'], fields: Fields): Arbitraries[number] => ({
  weight,
  arbitrary: callOf(kind, fields),
});

const transfer = (weight: number, kind: 'read' | 'write', fd: fc.Arbitrary<unknown>) =>
  call(weight, kind, {
    fd,
    buffer: pointer,
    count,
    ...(kind === 'write' ? { value } : {}),
  });

const fcntlOf = (weight: number, cmd: fc.Arbitrary<number>, arg: fc.Arbitrary<number>) =>
  call(weight, 'fcntl', { fd: anyFd, cmd, arg });

export const send = call(7, 'sendmsg', {
  fd: sender,
  buffer: messagePointer,
  count: fc.constantFrom(0, 1, 1, 2, 4, 4, 8),
  value,
  flags: messageFlags,
  control: weighted([
    [14, 'rights'],
    [2, 'none'],
    [1, 'unknown'],
    [1, 'other'],
    [1, 'short'],
    [1, 'long'],
  ]),
  copies: weighted([
    [20, 1],
    [1, 2],
    [1, 253],
    [1, 254],
  ]),
  fds: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.nat(2) },
      { weight: 2, arbitrary: pipeWriter },
      { weight: 2, arbitrary: eventfd },
      { weight: 1, arbitrary: anyFd },
    ),
    { maxLength: 3 },
  ),
});

export const receive = call(8, 'recvmsg', {
  fd: receiver,
  buffer: messagePointer,
  count: fc.constantFrom(0, 1, 2, 4, 8, 8, 100),
  flags: receiveFlags,
  room,
});

const FILES: Arbitraries = [
  call(5, 'open', { path, flags: openFlags }),
  call(3, 'dup', { fd: anyFd }),
  call(5, 'dup2', { from: anyFd, to: anyFd }),
  call(4, 'dup3', { from: anyFd, to: anyFd, flags: dup3Flags }),
  call(7, 'close', { fd: anyFd }),
  call(3, 'close_range', {
    first: anyFd,
    last: fc.oneof(anyFd, fc.constantFrom(12, 64, 0xffffffff)),
    flags: rangeFlags,
  }),
  fcntlOf(4, fc.constantFrom(0, 1030), literal), // F_DUPFD, F_DUPFD_CLOEXEC
  fcntlOf(2, fc.constant(1), fc.constant(0)), // F_GETFD
  fcntlOf(3, fc.constant(2), fc.constantFrom(0, 1, 2, 3)), // F_SETFD
  fcntlOf(3, fc.constant(3), fc.constant(0)), // F_GETFL
  fcntlOf(4, fc.constant(4), flagsOf(O_NONBLOCK, O_APPEND, 1)), // F_SETFL
  fcntlOf(1, fc.constant(4), fc.constantFrom(0x2000, 0x4000, 0x40000)), // ASYNC, DIRECT, NOATIME
  fcntlOf(1, fc.constantFrom(9999, -1), fc.constant(0)),
  call(6, 'pipe2', { fds: pointer, flags: fileFlags }),
  call(4, 'eventfd2', { count: fc.constantFrom(0, 0, 1, 5, 0xffffffff), flags: eventfdFlags }),
  call(5, 'socketpair', {
    fds: pointer,
    domain: weighted([
      [12, 1],
      [1, 2],
      [1, 99],
      [1, 0],
    ]),
    type: fc.oneof(
      { weight: 8, arbitrary: flagsOf(O_CLOEXEC, O_NONBLOCK).map((flags) => 1 | flags) },
      { weight: 1, arbitrary: fc.constantFrom(11, 4, 0x101) },
      { weight: 1, arbitrary: fc.constantFrom(2, 5, 0x802, 0x80005) },
    ),
    protocol: weighted([
      [8, 0],
      [1, 1],
      [1, 99],
    ]),
  }),
  transfer(4, 'read', pipeReader),
  transfer(5, 'write', pipeWriter),
  transfer(3, 'read', eventfd),
  transfer(3, 'write', eventfd),
  transfer(2, 'read', socket),
  transfer(2, 'write', socket),
  transfer(2, 'read', anyFd),
  transfer(2, 'write', anyFd),
  call(3, 'lseek', {
    fd: anyFd,
    offset: fc.constantFrom(0, 5, -5),
    whence: fc.constantFrom(0, 1, 2, 3, 4, 5, 99),
  }),
  send,
  receive,
];

const zero = fc.constant(0n);
const unused = weighted([
  [8, 0n],
  [1, 1n],
  [1, 2n ** 64n - 1n],
]);
const prctl = (weight: number, option: number, arg2: fc.Arbitrary<unknown>) =>
  call(weight, 'prctl', {
    option: fc.constant(option),
    arg2,
    arg3: unused,
    arg4: unused,
    arg5: unused,
  });
const output = weighted([
  [6, 'buf'],
  [1, 'bad'],
  [1, 'null'],
  [1, 'kernel'],
]);
const NAMES = ['=a', '=', '=worker/0:1', '=a-name-of-more-than-fifteen'];

const wait = call(6, 'wait4', {
  pid: fc.oneof(
    { weight: 6, arbitrary: earlier('any') },
    { weight: 4, arbitrary: fc.constantFrom(-1, -1, -1, 0, 1, -(2 ** 31), -5) },
  ),
  status,
  options: weighted([
    [6, 0],
    [3, 1],
    [1, 2],
    [1, 4],
    [1, 0x80000000],
    [1, 0x40000000],
    [1, 0x1000000],
  ]),
  usage: weighted([
    [6, 'null'],
    [1, 'ok'],
    [1, 'bad'],
  ]),
});

const PROCESS: Arbitraries = [
  wait,
  call(1, 'exit', { code: fc.constantFrom(0, 1, 7, 255, 256, -1) }),
  call(1, 'getpid', {}),
  call(1, 'getppid', {}),
  call(1, 'clone', { flags: fc.constantFrom(...CLONE_FLAGS) }),
  call(3, 'exec', { path: fc.oneof({ weight: 6, arbitrary: fc.constant('self') }, path) }),
  call(3, 'setrlimit', {
    soft: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 3, max: 8 }) },
      { weight: 3, arbitrary: fc.constant(FD_LIMIT) },
      { weight: 1, arbitrary: fc.constantFrom(0, 2, 64, FD_LIMIT + 1) },
    ),
    hard: weighted([
      [9, FD_LIMIT],
      [1, 2 * FD_LIMIT],
    ]),
  }),
  call(1, 'survey', {}),
  prctl(1, 1, fc.constantFrom(0n, 9n, 64n, 65n, 2n ** 64n - 1n)),
  prctl(1, 2, output),
  prctl(1, 3, zero),
  prctl(1, 4, fc.constantFrom(0n, 1n, 2n, 3n)),
  prctl(1, 7, zero),
  prctl(1, 8, fc.constantFrom(0n, 1n, 2n)),
  prctl(
    1,
    15,
    fc.oneof(
      output.filter((word) => word !== 'buf'),
      fc.constantFrom(...NAMES),
    ),
  ),
  prctl(2, 16, output),
  prctl(1, 21, zero),
  prctl(1, 29, fc.constantFrom(0n, 1n, 100n, 55555n)),
  prctl(1, 30, zero),
  prctl(2, 36, fc.constantFrom(0n, 1n, 5n)),
  prctl(1, 37, output),
  prctl(1, 38, fc.constantFrom(0n, 1n, 1n, 2n)),
  prctl(1, 39, unused),
  prctl(1, 99999, output),
];

/** Every op but fork, each as often as it is worth. */
export const CALLS: Arbitraries = [...FILES, ...PROCESS];
