import { describe, expect, test } from 'vitest';
import { EBADF } from '../../../kernel/errno.ts';
import { NO_FD, type Fd } from '../../../kernel/fs/checkers.ts';
import { CLONE_FILES, CLOSE_RANGE_UNSHARE, F_GETFD, O_PATH } from '../../../kernel/fs/uapi.ts';
import { PROFILES } from '../../../kernel/profile.ts';
import { FD_MAX } from '../../../scenarios/common.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { intAt } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

/** A and B share a table in which only these are open: eventfds, 5 with a count of 5, and so on. */
function sharing(fds: readonly number[]) {
  return function* (init: Proc): Sim<void> {
    for (const fd of fds) {
      const made = init.ok(yield* init.eventfd(fd));
      if (made === fd) continue;
      init.ok(yield* init.dup2(made, fd));
      init.ok(yield* init.close(made));
    }
    yield* init.start('A', CLONE_FILES);
    yield* init.start('B', CLONE_FILES);
    init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
  };
}

/** What an eventfd had in it, or -errno. */
function* take(p: Proc, fd: number): Sim<number> {
  const bytes = yield* p.read(fd, 8);
  return typeof bytes === 'number' ? bytes : intAt(bytes, 0);
}

describe.each(PROFILES)('%s', (profile) => {
  /** The points of one lookup in a shared table: a read of an eventfd, or of a path-only file. */
  function lookedUp(flags: number): string[] {
    const w: FdWorld = new FdWorld(
      {
        *setup(init) {
          init.ok(yield* init.open('/dev/zero', flags));
          yield* init.start('A', CLONE_FILES);
        },
        processes: {
          *A(p) {
            expect(yield* take(p, 0)).toBe(flags === 0 ? 0 : -EBADF);
          },
        },
      },
      { profile },
    );
    w.run();
    return [
      ...w.points('L'),
      ...w
        .sites(/^fput:C6/)
        .slice(0, 1)
        .map(() => 'put'),
    ];
  }

  test('00 R12: the order: table, slot, reference, slot and table again', () => {
    expect(lookedUp(0)).toEqual(['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L8', 'L9', 'put']);
  });

  test('00 R12, R54: where the mode is tested', () => {
    const expected = {
      'v6.1': ['L1', 'L2', 'L3'],
      'v7.2': ['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7', 'put'],
    };
    expect(lookedUp(O_PATH)).toEqual(expected[profile]);
  });

  test('00 R7, R12: a file that dies meanwhile is not found, or found alive', () => {
    const seen = new Set<string>();
    const w: FdWorld = new FdWorld(
      {
        setup: sharing([5]),
        processes: {
          *A(p) {
            p.note('read', yield* take(p, 5));
          },
          *B(p) {
            p.ok(yield* p.close(5));
          },
        },
      },
      { profile },
    );
    w.everyRun('exhaustive:2', () => {
      const attempts = w.points('L', 'A').filter((point) => point === 'L3').length;
      const refused = attempts > 1 && !w.points('L', 'A').includes('L5') ? ', refused' : '';
      seen.add(`${w.world.notes.get('read')} after ${attempts}${refused}`);
    });
    expect([...seen].toSorted()).toEqual([
      `-${EBADF} after 1`,
      `-${EBADF} after 2`, // the re-check
      `-${EBADF} after 2, refused`, // the count
      '5 after 1',
    ]);
  });

  test('00 R12, R13: what is found is what stood in the slot at some moment', () => {
    const seen = new Set<unknown>();
    const w = new FdWorld(
      {
        setup: sharing([5, 6]),
        processes: {
          *A(p) {
            p.note('read', yield* take(p, 5));
          },
          *B(p) {
            p.ok(yield* p.dup2(6, 5));
            p.ok(yield* p.open('/dev/zero', O_PATH)); // may be where 5 was
          },
        },
      },
      { profile },
    );
    w.everyRun('exhaustive:2', () => seen.add(w.world.notes.get('read')));
    expect([...seen].toSorted()).toEqual([5, 6]);
  });

  test('00 R12: a table that grows meanwhile makes no difference', () => {
    const w = new FdWorld(
      {
        setup: sharing([5]),
        processes: {
          *A(p) {
            p.check((yield* p.fcntl(5, F_GETFD)) === 0, '5 is open');
          },
          *B(p) {
            p.ok(yield* p.dup2(5, 64));
            p.ok(yield* p.dup2(5, 128));
          },
        },
      },
      { profile },
    );
    let retries = 0;
    w.everyRun('pct:4', () => {
      if (w.points('L', 'A').filter((point) => point === 'L2').length > 1) retries++;
    });
    expect(retries).toBeGreaterThan(0);
  });
});

test('00 R13: without the second look at the slot, another file comes back', () => {
  const definition = {
    setup: sharing([5]),
    processes: {
      *A(p: Proc): Sim<void> {
        yield* take(p, 5);
      },
      *B(p: Proc): Sim<void> {
        p.ok(yield* p.close(5));
        p.ok(yield* p.eventfd(9));
      },
    },
  };
  const kinds = (profile: (typeof PROFILES)[number], mutations: string[]): string[] => {
    const w = new FdWorld(definition, { profile, mutations });
    const outcome = w.explore('exhaustive:2', 5_000);
    return [...new Set(outcome.distinct.map(({ failure }) => failure.kind))];
  };
  expect(kinds('v7.2', [])).toEqual([]);
  expect(kinds('v7.2', ['fget.skip-recheck'])).toContain('fd-misuse');
  // Where a grace period keeps the memory, the file is at least the right one.
  expect(kinds('v6.1', ['fget.skip-recheck'])).not.toContain('fd-misuse');
});

describe('00 R14, R15: fdget', () => {
  test.each(PROFILES)('%s: borrows where nobody shares the table, else takes', (profile) => {
    for (const shared of [false, true]) {
      const k = new FsKernel({ profile });
      k.do(function* (task) {
        if (shared) k.process('T', function* () {}, task);
        const { lookup, tables, files, checkers } = k.fs;
        const fd = yield* k.call('eventfd2', 0, 0);
        const file = tables.slot(task.s.files, fd);
        const found = yield* lookup.fdget(fd);
        expect(found).toMatchObject({ file, fd, cloned: shared });
        expect(files.count(file)).toBe(shared ? 2 : 1);
        expect(checkers.outstanding(task)).toEqual(shared ? [] : [found]);
        yield* lookup.fdput(found);
        expect(files.count(file)).toBe(1);
        expect(checkers.outstanding(task)).toEqual([]);
      });
    }
  });

  test('finds nothing in a bad descriptor, and putting that is nothing', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      for (const shared of [false, true]) {
        if (shared) k.process('T', function* () {}, task);
        for (const fd of [-1, 0, 63, 64, 1_048_576, 0x7fff_ffff]) {
          const found = yield* k.fs.lookup.fdget(fd);
          expect(found, String(fd)).toEqual(NO_FD);
          yield* k.fs.lookup.fdput(found);
        }
      }
    });
  });

  test.each(PROFILES)('%s: a path-only file is for fdget_raw() alone', (profile) => {
    for (const shared of [false, true]) {
      const k = new FsKernel({ profile });
      k.do(function* (task) {
        if (shared) k.process('T', function* () {}, task);
        const { lookup, files, tables } = k.fs;
        const buf = k.map(task, 4_096);
        yield* k.put(buf, '/dev/null\0');
        const fd = yield* k.call('open', buf, O_PATH);
        const file = tables.slot(task.s.files, fd);
        expect((yield* lookup.fdget(fd)).file).toBe(0);
        expect(yield* lookup.fget(fd)).toBe(0);
        expect(files.count(file)).toBe(1);
        const found = yield* lookup.fdget_raw(fd);
        expect(found.file).toBe(file);
        yield* lookup.fdput(found);
      });
    }
  });
});

describe('00 R17: what a borrower must not do', () => {
  type Act = (p: Proc, w: FdWorld, found: Fd) => Sim<unknown>;
  const rows: [string, RegExp, Act][] = [
    ['(a) leave', /return to user mode inside fdget\(0\)/, (p) => p.getpid()],
    [
      '(b) close',
      /descriptor 0 removed from the table inside fdget\(0\)/,
      (_, w) => w.kernel.fs.closing.close_fd(0),
    ],
    [
      '(b) close another',
      /descriptor 1 removed from the table inside fdget\(0\)/,
      (_, w) => w.kernel.fs.closing.close_fd(1),
    ],
    [
      '(c) share',
      /table shared inside fdget\(0\)/,
      (_, w) => w.kernel.fs.closing.copy_files(w.kernel.sched.current, CLONE_FILES),
    ],
  ];
  const run = (shared: boolean, titles: RegExp[], act: Act): void => {
    const w: FdWorld = new FdWorld({
      *setup(init) {
        init.ok(yield* init.eventfd());
        init.ok(yield* init.eventfd());
        yield* init.start('A', shared ? CLONE_FILES : 0);
      },
      processes: {
        *A(p) {
          const { lookup, closing } = w.kernel.fs;
          const found = yield* lookup.fdget(0);
          yield* act(p, w, found);
          if (titles.length > 0 && /shared/.test(titles[0]!.source)) {
            yield* closing.put_files_struct(w.files); // what nobody has after all
          }
          yield* lookup.fdput(found);
        },
      },
    });
    w.run(titles);
  };

  test.each(rows)('%s', (_, title, act) => {
    run(false, [title], act);
  });

  test.each([rows[0]!, rows[1]!, rows[2]!])('%s is right with a reference', (_, title, act) => {
    run(true, [], act);
    expect(title).toBeDefined();
  });

  test('(b) is right where a reference is kept until after the bracket', () => {
    run(false, [], (_, w) => w.kernel.fs.closing.close_fd_after_ioctl(0));
  });

  test('none of it is wrong after the bracket', () => {
    const w: FdWorld = new FdWorld({
      processes: {
        *A(p) {
          p.ok(yield* p.eventfd());
          yield* w.kernel.fs.lookup.fdput(yield* w.kernel.fs.lookup.fdget(0));
          p.ok(yield* p.close(0));
          p.ok(yield* p.thread(function* () {}));
        },
      },
    });
    w.run();
  });
});
