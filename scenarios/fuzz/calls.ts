import fc from 'fast-check';
import { AUTOFS_DEV_IOCTL_CLOSEMOUNT, AUTOFS_MODULE } from '../../kernel/fs/autofs.ts';
import { LOOPER_SERVE } from '../../kernel/fs/looper.ts';
import {
  CLONE_FILES,
  CLONE_VM,
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  O_APPEND,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
} from '../../kernel/fs/uapi.ts';
import { SOCK_DGRAM, SOCK_STREAM } from '../../kernel/fs/unix-structs.ts';
import {
  CLONE_VFORK,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  SIGCHLD,
  WNOHANG,
} from '../../kernel/process/uapi.ts';
import { closemountBlock, closemountSlowly } from '../autofs-device.ts';
import { type Proc, THREAD_FLAGS } from '../proc.ts';
import { BPF_CALLS } from './bpf-calls.ts';
import { FIRST, type CallRow } from './call-row.ts';
import type { Sim } from '../../sim/request.ts';

/** What makes a task of its body: the flags of clone(2). */
export const SPAWNS: Readonly<Record<string, number>> = {
  fork: SIGCHLD,
  clone_files: CLONE_FILES | SIGCHLD,
  thread: THREAD_FLAGS,
  vfork: CLONE_VM | CLONE_VFORK | SIGCHLD,
};

/** The named file is there from the start: none is made, so that none is left. */
export const NAMED_FILE = '/tmp/file';
const PATHS = [
  '/dev/null',
  NAMED_FILE,
  '/dev/zero',
  '/tmp',
  '/missing',
  '/dev/autofs',
  '/dev/looper',
] as const;
const OPEN_FLAGS = [0, O_RDWR, O_RDWR | O_TMPFILE, O_CLOEXEC, O_PATH, O_WRONLY | O_TRUNC] as const;
const FCNTLS = [
  [F_DUPFD, (arg: number) => arg],
  [F_DUPFD_CLOEXEC, (arg: number) => arg],
  [F_SETFD, (arg: number) => arg & FD_CLOEXEC],
  [F_GETFD, () => 0],
  [F_SETFL, (arg: number) => O_NONBLOCK | (arg & 1 ? O_APPEND : 0)],
  [F_GETFL, () => 0],
] as const;
/** Option and argument. PR_SET_PDEATHSIG, …_CHILD_SUBREAPER, …_DUMPABLE, …_NO_NEW_PRIVS, … */
const PRCTLS: readonly (readonly [number, number])[] = [
  [36, 1],
  [36, 0],
  [1, 0],
  [1, 9],
  [4, 0],
  [3, 0],
  [38, 1],
  [29, 1],
  [30, 0],
];
const SIGNALS = [9, 15, 17] as const;
const LIMITS = [6, 8, 12, 64] as const;

const bit = fc.nat(1);
const few = fc.nat(4);
const indexOf = (list: readonly unknown[]): fc.Arbitrary<number> => fc.nat(list.length - 1);

const cloexec = (on: number): number => (on ? O_CLOEXEC : 0);

/** What any kernel survives. */
export const SAFE_CALLS: Readonly<Record<string, CallRow>> = {
  open: {
    weight: 5,
    args: () => [indexOf(PATHS), indexOf(OPEN_FLAGS)],
    run: (p, [path, flags]) => p.open(PATHS[path!]!, OPEN_FLAGS[flags!]!, 0o600),
  },
  close: { weight: 9, args: ({ far }) => [far], run: (p, [at]) => p.close(at!) },
  close_range: {
    weight: 3,
    args: ({ far, fd }) => [fd, far, fc.nat(3)],
    run: (p, [first, last, how]) =>
      p.close_range(
        first!,
        last!,
        (how! & 1 ? CLOSE_RANGE_UNSHARE : 0) | (how! & 2 ? CLOSE_RANGE_CLOEXEC : 0),
      ),
  },
  dup: { weight: 5, args: ({ fd }) => [fd], run: (p, [from]) => p.dup(from!) },
  dup2: { weight: 7, args: ({ far, fd }) => [fd, far], run: (p, [from, to]) => p.dup2(from!, to!) },
  dup3: {
    weight: 2,
    args: ({ far, fd }) => [fd, far, bit],
    run: (p, [from, to, on]) => p.dup3(from!, to!, cloexec(on!)),
  },
  pipe: { weight: 4, args: () => [bit], run: (p, [on]) => p.pipe(O_NONBLOCK | cloexec(on!)) },
  eventfd: {
    weight: 3,
    args: () => [few, bit],
    run: (p, [count, on]) => p.eventfd(count!, O_NONBLOCK | cloexec(on!)),
  },
  socketpair: {
    weight: 3,
    args: () => [bit, bit],
    run: (p, [datagram, on]) =>
      p.socketpair((datagram ? SOCK_DGRAM : SOCK_STREAM) | O_NONBLOCK | cloexec(on!)),
  },
  send: {
    weight: 7,
    args: ({ sock }) => [sock, fc.nat(7), few],
    run: (p, [at, first, count]) =>
      p.sendFds(
        at!,
        Array.from({ length: count! }, (_, i) => first! + i),
      ),
  },
  recv: {
    weight: 7,
    args: ({ sock }) => [sock, few],
    run: (p, [at, max]) => p.recvFds(at!, max!, 4),
  },
  read: { weight: 4, args: ({ near }) => [near(1, 2, 4, 7)], run: (p, [at]) => p.read(at!, 8) },
  write: {
    weight: 4,
    args: ({ near }) => [near(1, 3, 5, 7)],
    run: (p, [at]) => p.write(at!, 'written.'),
  },
  shutdown: {
    weight: 1,
    args: ({ sock }) => [sock, fc.nat(2)],
    run: (p, [at, how]) => p.sys('shutdown', at!, how!),
  },
  fcntl: {
    weight: 5,
    args: ({ far, fd }) => [fd, indexOf(FCNTLS), far],
    run: (p, [at, which, arg]) => p.fcntl(at!, FCNTLS[which!]![0], FCNTLS[which!]![1](arg!)),
  },
  prctl: {
    weight: 3,
    args: () => [indexOf(PRCTLS)],
    run: (p, [which]) => p.prctl(...PRCTLS[which!]!),
  },
  limit: {
    weight: 1,
    args: () => [indexOf(LIMITS)],
    run: (p, [which]) => p.setrlimit(RLIMIT_NOFILE, LIMITS[which!]!, 1024),
  },
  wait: { weight: 4, args: () => [bit], run: (p, [hang]) => p.wait(-1, hang ? WNOHANG : 0) },
  kill: {
    weight: 2,
    args: () => [few, indexOf(SIGNALS)],
    run: (p, [child, which], children) => kill(p, children[child!], SIGNALS[which!]!),
  },
  pidfd_open: {
    weight: 4,
    args: () => [few],
    run: (p, [child], children) => openPidfd(p, children[child!]),
  },
  pidfd_getfd: {
    weight: 4,
    args: ({ fd, far }) => [fd, far],
    run: (p, [pidfd, fd]) => p.pidfd_getfd(pidfd!, fd!),
  },
  serve: {
    weight: 2,
    args: ({ near, fd }) => [near(FIRST.looper), fd],
    run: (p, [device, fd]) => p.ioctl(device!, LOOPER_SERVE, fd!),
  },
  storage: { weight: 2, args: () => [], run: (p) => p.taskStorageAdd(1) },
  no_children: { weight: 1, args: () => [], run: (p) => p.setrlimit(RLIMIT_NPROC, 0) },
  setuid: { weight: 1, args: () => [], run: (p) => p.setuid(1000) },
  rmmod: { weight: 2, args: () => [], run: (p) => p.delete_module(AUTOFS_MODULE) },
  exit: { weight: 2, args: () => [few], run: (p, [code]) => p.exit(code) },
};

/** Spec 00 R50: what no kernel survives. */
export const CLOSEMOUNT: Readonly<Record<string, CallRow>> = {
  closemount: {
    weight: 12,
    args: ({ near }) => [near(FIRST.autofs), near(FIRST.autofs)],
    run: (p, [device, at]) => p.ioctl(device!, AUTOFS_DEV_IOCTL_CLOSEMOUNT, closemountBlock(at!)),
  },
  closemount_slow: {
    weight: 12,
    args: ({ near }) => [near(FIRST.autofs), near(FIRST.autofs)],
    run: (p, [device, at]) => closemountSlowly(p, device!, at!),
  },
};

/** Spec 00 H8: an error of the program, in every kernel. */
const OWNERSHIP: Readonly<Record<string, CallRow>> = {
  close_mine: { weight: 3, args: ({ fd }) => [fd], run: (p, [at]) => closeMine(p, at!) },
};

/** Those of descriptors, whatever stands behind them. */
export const DESCRIPTOR_CALLS: Readonly<Record<string, CallRow>> = {
  ...SAFE_CALLS,
  ...CLOSEMOUNT,
  ...OWNERSHIP,
};

export const CALLS: Readonly<Record<string, CallRow>> = { ...DESCRIPTOR_CALLS, ...BPF_CALLS };

/** Of a child, or where there is none so far, of the process itself. */
function* openPidfd(p: Proc, pid: number | undefined): Sim<number> {
  return yield* p.pidfd_open(pid ?? (yield* p.getpid()));
}

/** A thread that takes a descriptor for its own, and closes it: H8 where it is no more. */
function* closeMine(p: Proc, fd: number): Sim<void> {
  const mine = p.handle(fd);
  if (mine) yield* p.closeMine(mine);
}

function* kill(p: Proc, pid: number | undefined, sig: number): Sim<void> {
  if (pid !== undefined) yield* p.kill(pid, sig);
}
