import { describe, expect, test } from 'vitest';
import { EBADF, EBUSY, EINVAL, EMFILE } from '../../../kernel/errno.ts';
import {
  CLONE_FILES,
  CLOSE_RANGE_UNSHARE,
  F_CREATED_QUERY,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_DUPFD_QUERY,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  O_CLOEXEC,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
} from '../../../kernel/fs/uapi.ts';
import { PROFILES } from '../../../kernel/profile.ts';
import { RLIMIT_NOFILE } from '../../../kernel/process/uapi.ts';
import { FD_MAX } from '../../../scenarios/common.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld, solo } from '../../kit/fd-world.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

/** Open are 0 and 1, one file, and 2, another; the limit is 80. */
function* prepared(p: Proc): Sim<void> {
  p.ok(yield* p.eventfd());
  p.ok(yield* p.dup(0));
  p.ok(yield* p.eventfd());
  p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 80));
}

/** Call, arguments, result. */
const TABLE: [string, number[], number][] = [
  ['dup', [0], 3],
  ['dup', [3], -EBADF],
  ['dup', [-1], -EBADF],
  ['dup2', [0, 0], 0],
  ['dup2', [3, 3], -EBADF],
  ['dup2', [-1, -1], -EBADF],
  ['dup2', [80, 80], -EBADF],
  ['dup2', [0, 2], 2],
  ['dup2', [0, 1], 1], // the same file again
  ['dup2', [0, 3], 3],
  ['dup2', [0, 79], 79],
  ['dup2', [0, 80], -EBADF],
  ['dup2', [0, -1], -EBADF],
  ['dup2', [3, 2], -EBADF],
  ['dup2', [3, 80], -EBADF],
  ['dup3', [0, 0, 0], -EINVAL],
  ['dup3', [3, 3, 0], -EINVAL],
  ['dup3', [0, 2, 1], -EINVAL],
  ['dup3', [0, 80, O_NONBLOCK], -EINVAL],
  ['dup3', [0, 2, O_CLOEXEC], 2],
  ['dup3', [3, 2, O_CLOEXEC], -EBADF],
  ['fcntl', [0, F_DUPFD, 0], 3],
  ['fcntl', [0, F_DUPFD, 79], 79],
  ['fcntl', [0, F_DUPFD, 80], -EINVAL],
  ['fcntl', [0, F_DUPFD_CLOEXEC, -1], -EINVAL],
  ['fcntl', [3, F_DUPFD, 80], -EBADF],
];

describe('00 R22: what is given, and what is refused', () => {
  test.each(TABLE)('%s(%j) gives %i', (name, args, expected) => {
    solo('v7.2', function* (p, w) {
      yield* prepared(p);
      const before = [0, 1, 2].map((fd) => w.refs(fd));
      expect(yield* p.sys(name, ...args)).toBe(expected);
      if (expected < 0) {
        expect([0, 1, 2].map((fd) => w.refs(fd))).toEqual(before);
        expect(yield* p.dup(0)).toBe(3); // nothing is reserved
      } else if (name !== 'dup2' || args[0] !== args[1]) {
        expect(w.file(expected)).toBe(w.file(args[0]!));
        const cloexec = args[2] === O_CLOEXEC && name === 'dup3';
        expect(yield* p.fcntl(expected, F_GETFD)).toBe(cloexec ? 1 : 0);
      }
    });
  });

  test('at the limit there is none, and the file is as it was', () => {
    solo('v7.2', function* (p, w) {
      yield* prepared(p);
      p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 3));
      for (const call of [p.dup(0), p.fcntl(0, F_DUPFD, 2)]) expect(yield* call).toBe(-EMFILE);
      expect(w.refs(0)).toBe(2);
    });
  });

  test('a reserved target is busy, and stays reserved', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      expect(yield* k.call('eventfd2', 0, 0)).toBe(0);
      const fd = yield* k.fs.tables.get_unused_fd_flags(0);
      expect(yield* k.call('dup2', 0, fd)).toBe(-EBUSY);
      expect(yield* k.call('dup3', 0, fd, O_CLOEXEC)).toBe(-EBUSY);
      expect(k.fs.tables.isOpen(task.s.files, fd)).toBe(true);
      expect(k.fs.files.count(k.fs.tables.slot(task.s.files, 0))).toBe(1);
    });
  });

  test.each(PROFILES)('%s: what is displaced is flushed, and torn down later', (profile) => {
    const w = solo(profile, function* (p) {
      p.ok(yield* p.open('/dev/slow'));
      p.ok(yield* p.eventfd());
      expect(yield* p.dup2(1, 0)).toBe(0);
    });
    const sites = w.sites(/^(do_dup2|slow_\w+|fput|____fput):/);
    expect(sites.slice(0, 9)).toEqual([
      'slow_open:open',
      'do_dup2:lock',
      'do_dup2:slot',
      'do_dup2:unlock',
      'slow_flush:flush',
      'fput:C6',
      'fput:C8',
      '____fput:C9',
      'slow_release:release',
    ]);
  });

  test.each(PROFILES)('%s: the number is open at every moment of it', (profile) => {
    const w = new FdWorld(
      {
        *setup(init) {
          yield* prepared(init);
          yield* init.start('A', CLONE_FILES);
          yield* init.start('B', CLONE_FILES);
          init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
        },
        processes: {
          *A(p) {
            p.check((yield* p.dup2(0, 2)) === 2, 'dup2() goes through');
          },
          *B(p) {
            p.check((yield* p.fcntl(2, F_GETFD)) === 0, 'the target is open');
            p.check((yield* p.dup(2)) === 3, 'and there is one number less only');
          },
        },
      },
      { profile },
    );
    expect(w.explore('exhaustive:2', 3_000).distinct).toEqual([]);
  });

  test('two onto one: the last one stays, and nothing is lost', () => {
    const w: FdWorld = new FdWorld({
      *setup(init) {
        yield* prepared(init);
        yield* init.start('A', CLONE_FILES);
        yield* init.start('B', CLONE_FILES);
        init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
      },
      processes: {
        *A(p) {
          p.ok(yield* p.dup2(0, 70));
        },
        *B(p) {
          p.ok(yield* p.dup2(2, 70));
        },
      },
    });
    expect(w.explore('exhaustive:1', 3_000).distinct).toEqual([]);
    expect(w.explore('pct:3', 500).distinct).toEqual([]);
  });
});

describe('fcntl', () => {
  test('F_SETFD goes by the descriptor, F_GETFL by the file', () => {
    solo('v7.2', function* (p) {
      yield* prepared(p);
      expect(yield* p.fcntl(0, F_SETFD, 3)).toBe(0);
      expect([yield* p.fcntl(0, F_GETFD), yield* p.fcntl(1, F_GETFD)]).toEqual([1, 0]);
      expect([yield* p.fcntl(0, F_GETFL), yield* p.fcntl(1, F_GETFL)]).toEqual([O_RDWR, O_RDWR]);
      expect(yield* p.fcntl(0, F_SETFD, 2)).toBe(0);
      expect(yield* p.fcntl(0, F_GETFD)).toBe(0);
    });
  });

  test.each([
    ['v6.1', [-EINVAL, -EINVAL, -EINVAL, -EBADF, -EBADF]],
    ['v7.2', [1, 0, -EBADF, 0, 0]],
  ] as const)('%s: whether two are one file: %j', (profile, expected) => {
    solo(profile, function* (p) {
      yield* prepared(p);
      expect(yield* p.open('/dev/null', O_PATH)).toBe(3);
      const results = [];
      for (const [fd, cmd, arg] of [
        [0, F_DUPFD_QUERY, 1],
        [0, F_DUPFD_QUERY, 2],
        [0, F_DUPFD_QUERY, 9],
        [3, F_DUPFD_QUERY, 0],
        [3, F_CREATED_QUERY, 0],
      ] as const) {
        results.push(yield* p.fcntl(fd, cmd, arg));
      }
      expect(results).toEqual(expected);
    });
  });
});
