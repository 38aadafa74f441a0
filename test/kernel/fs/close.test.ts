import { describe, expect, test } from 'vitest';
import { EBADF, EINTR, EINVAL, EIO, ERESTARTNOINTR, ERESTARTSYS } from '../../../kernel/errno.ts';
import { file as fileStruct, files_struct } from '../../../kernel/fs/structs.ts';
import {
  CLONE_FILES,
  CLOSE_RANGE_CLOEXEC,
  CLOSE_RANGE_UNSHARE,
  F_GETFD,
  O_CLOEXEC,
} from '../../../kernel/fs/uapi.ts';
import type { FileOps } from '../../../kernel/hooks.ts';
import { FILE_REF_DEAD } from '../../../kernel/locks/file-ref.ts';
import { SIGCHLD } from '../../../kernel/process/uapi.ts';
import { PROFILES, type Profile } from '../../../kernel/profile.ts';
import { FD_MAX } from '../../../scenarios/common.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { bytesOf } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld, inBoth, solo } from '../../kit/fd-world.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

/** A file kind whose flush gives `result`; says what is asked of it. */
class Flushed {
  readonly log: string[] = [];
  readonly ops: FileOps;

  constructor(result: number) {
    const { log } = this;
    this.ops = {
      name: 'test_fops',
      module: '',
      *flush(_file, files) {
        log.push(`flush ${files === 0 ? 'of nobody' : 'of a table'}`);
        return result;
      },
      *release() {
        log.push('release');
        return 0;
      },
    };
  }

  /** As a descriptor of the current task. */
  *open(k: FsKernel): Sim<number> {
    const file = yield* k.fs.files.alloc_file({ ops: this.ops, flags: 0 });
    const fd = yield* k.fs.tables.get_unused_fd_flags(0);
    yield* k.fs.tables.fd_install(fd, file);
    return fd;
  }
}

/** A kernel that knows the kind. */
function withKind(profile: Profile, kind: Flushed): FsKernel {
  const k = new FsKernel({ profile });
  k.fs.files.registerOps(kind.ops);
  return k;
}

describe.each(PROFILES)('%s', (profile) => {
  test('00 R25: the order, and the number is free as soon as the lock is dropped', () => {
    const w = solo(profile, function* (p) {
      for (let i = 0; i < 3; i++) p.ok(yield* p.eventfd());
      for (const fd of [1, 0]) p.ok(yield* p.close(fd));
      expect([yield* p.eventfd(), yield* p.eventfd(), yield* p.eventfd()]).toEqual([0, 1, 3]);
    });
    expect(w.points('C').slice(0, 6)).toEqual(['C1', 'C2', 'C3', 'C4', 'C5', 'C6']);
    const seen = new Set<number>();
    const shared: FdWorld = new FdWorld(
      {
        *setup(init) {
          init.ok(yield* init.open('/dev/slow'));
          yield* init.start('A', CLONE_FILES);
          yield* init.start('B', CLONE_FILES);
          init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
        },
        processes: {
          *A(p) {
            p.ok(yield* p.close(0));
          },
          *B(p) {
            p.note('fd', p.ok(yield* p.eventfd()));
          },
        },
      },
      { profile },
    );
    let early = 0;
    shared.everyRun('exhaustive:1', () => {
      const fd = shared.world.notes.get('fd') as number;
      seen.add(fd);
      const sites = shared.sites(/^(close_fd:C4|alloc_fd:I1|slow_flush:flush)$/);
      if (sites.join() === 'close_fd:C4,alloc_fd:I1,slow_flush:flush') {
        early++;
        expect(fd).toBe(0); // although the file is not flushed yet
      }
    });
    expect([...seen].toSorted()).toEqual([0, 1]);
    expect(early).toBeGreaterThan(0);
  });

  test('00 R26: the flush goes by the table, before the put; its error is the result', () => {
    const kind = new Flushed(-EIO);
    const k = withKind(profile, kind);
    k.do(function* () {
      const fd = yield* kind.open(k);
      expect(yield* k.call('dup', fd)).toBe(1);
      expect(yield* k.call('close', fd)).toBe(-EIO);
      expect(kind.log).toEqual(['flush of a table']);
      expect(yield* k.call('close', 1)).toBe(-EIO);
      expect(kind.log).toEqual(['flush of a table', 'flush of a table', 'release']);
    });
  });

  test('00 R26: a file whose count is zero is reported, and left alone', () => {
    const kind = new Flushed(-EIO);
    const k = withKind(profile, kind);
    const { memory, klog } = k.machine;
    k.process('A', function* (task) {
      const fd = yield* kind.open(k);
      const file = fileStruct.at(memory, k.fs.tables.slot(task.s.files, fd));
      file.f_count = profile === 'v6.1' ? 0n : FILE_REF_DEAD;
      expect(yield* k.call('close', fd)).toBe(0);
      expect(file.f_count).toBe(profile === 'v6.1' ? 0n : FILE_REF_DEAD);
    });
    // v7.2 goes on to the put, which finds the same.
    const imbalanced = ['imbalanced put on file reference count'];
    expect(k.run().map(({ title }) => title)).toEqual(profile === 'v6.1' ? [] : imbalanced);
    expect(klog.lines.map(({ text }) => text)).toEqual([
      'VFS: Close: file count is 0 (f_op=test_fops)',
    ]);
    expect(kind.log).toEqual([]);
  });

  test.each([
    [0, 0],
    [-EIO, -EIO],
    [-ERESTARTSYS, -EINTR],
    [-ERESTARTNOINTR, -EINTR],
  ])(
    '00 R29: a flush that gives %i makes close %i, and the descriptor is gone',
    (flush, result) => {
      const kind = new Flushed(flush);
      const k = withKind(profile, kind);
      k.do(function* (task) {
        const fd = yield* kind.open(k);
        expect(yield* k.call('close', fd)).toBe(result);
        expect(k.fs.tables.isOpen(task.s.files, fd)).toBe(false);
        expect(kind.log).toContain('release');
        expect(yield* k.call('close', fd)).toBe(-EBADF);
      });
    },
  );

  test('00 R40: flush in the old address space, release in the new one', () => {
    const w = solo(profile, function* (p) {
      p.ok(yield* p.open('/dev/slow', O_CLOEXEC));
      yield* p.exec('/bin/true');
    });
    const sites = w.sites(/:(E\d|C[5689]|T5|T7)$|^slow_(flush|release)/, 'A');
    const points = sites.map((site) => site.split(':')[1]);
    expect(points.slice(0, points.indexOf('E8') + 1)).toEqual([
      'E1',
      'E2',
      'E3',
      'E4',
      'C5',
      'flush',
      'C6',
      'C8',
      'E5',
      'E6',
      'E7',
      'C9',
      'T5',
      'release',
      'T7',
      'E8',
    ]);
  });

  test('00 R38, R40: exec closes in a table of its own; the sharer keeps everything', () => {
    const w: FdWorld = new FdWorld(
      {
        *setup(init) {
          init.ok(yield* init.open('/dev/slow', O_CLOEXEC));
          init.ok(yield* init.eventfd());
          yield* init.start('A', CLONE_FILES);
          yield* init.start('B', CLONE_FILES);
          init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
        },
        images: {
          *'/bin/look'(p) {
            p.check((yield* p.fcntl(0, F_GETFD)) === -EBADF, 'close-on-exec is closed');
            p.check((yield* p.fcntl(1, F_GETFD)) === 0, 'the other is not');
          },
        },
        processes: {
          *A(p) {
            yield* p.exec('/bin/look');
          },
          *B(p) {
            p.check((yield* p.fcntl(0, F_GETFD)) === 1, 'the sharer keeps it');
            p.ok(yield* p.dup2(0, 2));
          },
        },
      },
      { profile },
    );
    expect(w.explore('exhaustive:1', 3_000).distinct).toEqual([]);
  });

  test('00 R43: at the exit tracepoint the address space is there, and PF_EXITING is set', () => {
    const seen: unknown[] = [];
    const w: FdWorld = new FdWorld(
      {
        processes: {
          *A(p) {
            p.ok(yield* p.eventfd());
            p.note('page', p.mmap({ content: bytesOf('hello') }));
          },
        },
      },
      { profile },
    );
    w.kernel.hooks.sched_process_exit = function* (task) {
      const page = w.world.notes.get('page') as number;
      const bytes = yield* w.kernel.mm.copy_from_user(page, 5);
      seen.push(String.fromCharCode(...bytes!), task.s.flags & 4, w.file(0) !== 0);
    };
    w.run();
    expect(seen).toEqual(['hello', 4, true]);
    const points = w.points('XCT').filter((point) => /X|C5|C9|T5/.test(point));
    expect(points).toEqual(['X1', 'X2', 'X3', 'X4', 'C5', 'X5', 'C9', 'T5', 'X6', 'X7']);
  });
});

test.each([-1, 1, 63, 64, 65, 1_048_576, 0x7fff_ffff])('00 R29: close(%i) is -EBADF', (fd) => {
  solo('v7.2', function* (p) {
    p.ok(yield* p.eventfd());
    expect(yield* p.close(fd)).toBe(-EBADF);
  });
});

/** Open are 0 to 4 and 70. What is open afterwards; `+` behind what is close-on-exec. */
const RANGES: [number, number, number, string][] = [
  [3, FD_MAX, 0, '0 1 2'],
  [0, FD_MAX, 0, ''],
  [1, 2, 0, '0 3 4 70'],
  [2, 2, 0, '0 1 3 4 70'],
  [4, 70, 0, '0 1 2 3'],
  [5, 69, 0, '0 1 2 3 4 70'],
  [71, FD_MAX, 0, '0 1 2 3 4 70'],
  [FD_MAX, FD_MAX, 0, '0 1 2 3 4 70'],
  [3, FD_MAX, CLOSE_RANGE_CLOEXEC, '0 1 2 3+ 4+ 70+'],
  [1, 2, CLOSE_RANGE_CLOEXEC, '0 1+ 2+ 3 4 70'],
  [3, FD_MAX, CLOSE_RANGE_UNSHARE, '0 1 2'],
  [1, 2, CLOSE_RANGE_UNSHARE, '0 3 4 70'],
  [1, 70, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC, '0 1+ 2+ 3+ 4+ 70+'],
];
const ALL = '0 1 2 3 4 70';

function* openRange(p: Proc): Sim<void> {
  for (let i = 0; i < 5; i++) p.ok(yield* p.eventfd());
  p.ok(yield* p.dup2(0, 70));
}

function* openOnes(p: Proc): Sim<string> {
  const open: string[] = [];
  for (let fd = 0; fd < 130; fd++) {
    const flag = yield* p.fcntl(fd, F_GETFD);
    if (flag >= 0) open.push(`${fd}${flag === 1 ? '+' : ''}`);
  }
  return open.join(' ');
}

describe('00 R24: close_range', () => {
  test.each(RANGES)('(%i, %i, %i) leaves %j', (first, last, flags, expected) => {
    solo('v7.2', function* (p) {
      yield* openRange(p);
      expect(yield* p.close_range(first, last, flags)).toBe(0);
      expect(yield* openOnes(p)).toBe(expected);
    });
  });

  test.each([
    [2, 1, 0],
    [2, 1, CLOSE_RANGE_UNSHARE],
    [0, 1, 1],
    [0, 1, 8],
  ])('(%i, %i, %i) is -EINVAL, and closes nothing', (first, last, flags) => {
    solo('v7.2', function* (p) {
      yield* openRange(p);
      expect(yield* p.close_range(first, last, flags)).toBe(-EINVAL);
      expect(yield* openOnes(p)).toBe(ALL);
    });
  });

  test.each(inBoth(RANGES))('%s: a sharer, of (%i, %i, %i)', (...row) => {
    const [profile, first, last, flags, expected] = row;
    const unshare = (flags & CLOSE_RANGE_UNSHARE) !== 0;
    solo(profile, function* (p, w) {
      yield* openRange(p);
      const { memory } = w.kernel.machine;
      const table = w.files;
      const sharers = (): number => memory.unwatched(() => files_struct.at(memory, table).count);
      const pid = yield* p.clone(CLONE_FILES | SIGCHLD, function* (child) {
        child.ok(yield* child.close_range(first, last, flags));
        expect(yield* openOnes(child)).toBe(expected);
        expect(w.files === table).toBe(!unshare);
        expect(sharers()).toBe(unshare ? 1 : 2);
      });
      p.ok(yield* p.wait(pid));
      expect(yield* openOnes(p)).toBe(unshare ? ALL : expected);
    });
  });

  test.each([
    [5, FD_MAX, 64], // no room for what goes
    [5, 69, 128],
    [0, 70, 64],
    [0, 69, 128],
  ])('UNSHARE of (%i, %i) makes a table of %i slots', (first, last, size) => {
    solo('v7.2', function* (p, w) {
      yield* openRange(p);
      const pid = yield* p.clone(CLONE_FILES | SIGCHLD, function* (child) {
        child.ok(yield* child.close_range(first, last, CLOSE_RANGE_UNSHARE));
        expect(w.size).toBe(size);
      });
      p.ok(yield* p.wait(pid));
    });
  });

  test('of a table that a sharer fills and empties meanwhile loses nothing', () => {
    for (const flags of [0, CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC]) {
      const w = new FdWorld({
        *setup(init) {
          for (let i = 0; i < 3; i++) init.ok(yield* init.eventfd());
          yield* init.start('A', CLONE_FILES);
          yield* init.start('B', CLONE_FILES);
          init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
        },
        processes: {
          *A(p) {
            p.check((yield* p.close_range(0, FD_MAX, flags)) === 0, 'close_range() cannot fail');
          },
          *B(p) {
            p.ok(yield* p.eventfd());
            yield* p.close(1);
            yield* p.dup2(2, 100);
          },
        },
      });
      expect(w.explore('exhaustive:1', 2_000).distinct, String(flags)).toEqual([]);
      expect(w.explore('random', 500).distinct, String(flags)).toEqual([]);
    }
  });
});
