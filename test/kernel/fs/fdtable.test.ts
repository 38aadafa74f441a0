import { describe, expect, test } from 'vitest';
import { EBADF, EBUSY, EINVAL, EMFILE, ENOMEM } from '../../../kernel/errno.ts';
import { files_struct } from '../../../kernel/fs/structs.ts';
import {
  CLONE_FILES,
  CLOSE_RANGE_UNSHARE,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_SETFD,
} from '../../../kernel/fs/uapi.ts';
import { PROFILES } from '../../../kernel/profile.ts';
import { RLIMIT_NOFILE, SIGCHLD } from '../../../kernel/process/uapi.ts';
import type { Proc } from '../../../scenarios/proc.ts';
import { intAt } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld, solo } from '../../kit/fd-world.ts';
import { FsKernel } from '../../kit/fs-kernel.ts';

const NR_OPEN = 1_048_576;

/** Has descriptors 0 to `count` - 1. */
function* openAll(p: Proc, count: number): Sim<void> {
  for (let fd = 0; fd < count; fd++) p.ok(yield* p.eventfd());
}

test('00 R1: a table has one sharer, 64 slots inside of it, and nothing open', () => {
  const k = new FsKernel();
  const { memory } = k.machine;
  const files = files_struct.at(memory, k.fs.tables.newFiles());
  const table = k.fs.tables.tableOf(files.addr);
  expect([files.count, files.next_fd, files.resize_in_progress]).toEqual([1, 0, 0]);
  expect([files.fdt, table.max_fds, table.fd]).toEqual([files.fdtab, 64, files.fd_array]);
  expect(k.fs.tables.lastOpen(files.addr)).toBe(-1);
  expect(k.fs.tables.installed(files.addr)).toEqual([]);
});

describe('00 R2: a reserved slot', () => {
  test.each([false, true])('is -EBADF for every lookup, with a sharer: %s', (shared) => {
    const k = new FsKernel();
    k.do(function* (task) {
      if (shared) k.process('T', function* () {}, task);
      const open = yield* k.call('eventfd2', 0, 0);
      const fd = yield* k.fs.tables.get_unused_fd_flags(0);
      const { tables } = k.fs;
      for (const [name, ...args] of [
        ['read', fd, 0, 8],
        ['close', fd],
        ['dup', fd],
        ['dup2', fd, fd],
        ['dup2', fd, 9],
        ['fcntl', fd, F_GETFD],
        ['fcntl', fd, F_DUPFD, 0],
      ] as [string, ...number[]][]) {
        expect(yield* k.call(name, ...args), name).toBe(-EBADF);
        expect(tables.isOpen(task.s.files, fd), name).toBe(true);
        expect(tables.slot(task.s.files, fd), name).toBe(0);
      }
      expect(yield* k.call('dup2', open, fd)).toBe(-EBUSY);
      expect(yield* k.call('dup', open)).toBe(fd + 1); // it is taken
    });
  });

  test('is free again once it is put back, and found once it is installed', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { tables, files } = k.fs;
      const open = yield* k.call('eventfd2', 0, 0);
      const fd = yield* tables.get_unused_fd_flags(0);
      yield* tables.put_unused_fd(fd);
      expect(tables.isOpen(task.s.files, fd)).toBe(false);
      expect(yield* tables.get_unused_fd_flags(0)).toBe(fd);
      const file = tables.slot(task.s.files, open);
      yield* files.get_file(file);
      yield* tables.fd_install(fd, file);
      expect(yield* k.call('dup2', fd, fd)).toBe(fd);
    });
  });
});

describe('00 R19: which number', () => {
  test('the lowest that is free, however it became so', () => {
    solo('v7.2', function* (p) {
      yield* openAll(p, 6);
      for (const fd of [4, 1, 2]) p.ok(yield* p.close(fd));
      expect(yield* p.eventfd()).toBe(1);
      expect(yield* p.fcntl(0, F_DUPFD, 3)).toBe(4);
      expect(yield* p.eventfd()).toBe(2);
      expect(yield* p.eventfd()).toBe(6);
    });
  });

  test.each([70, 64, 63, 3, 1])('and below the soft limit of %i', (limit) => {
    const w = solo('v7.2', function* (p) {
      p.ok(yield* p.eventfd());
      p.ok(yield* p.setrlimit(RLIMIT_NOFILE, limit, 4_096));
      for (const [from, expected] of [
        [limit, -EINVAL],
        [-1, -EINVAL],
        [limit - 1, limit === 1 ? -EMFILE : limit - 1],
        [limit - 1, -EMFILE],
      ] as const) {
        expect(yield* p.fcntl(0, F_DUPFD, from), `from ${from}`).toBe(expected);
      }
      expect(yield* p.dup2(0, limit)).toBe(-EBADF);
      expect(yield* p.dup2(0, -1)).toBe(-EBADF);
      expect(yield* p.dup2(0, limit - 1)).toBe(limit - 1);
      let opened = 0;
      while ((yield* p.dup(0)) >= 0) opened++;
      expect(opened).toBe(Math.max(0, limit - 2));
      expect(yield* p.dup(0)).toBe(-EMFILE);
      expect(yield* p.eventfd()).toBe(-EMFILE);
      expect(yield* p.pipe()).toBe(-EMFILE);
      expect(yield* p.open('/dev/null')).toBe(-EMFILE);
    });
    expect(w.points('G').length > 0).toBe(limit > 64);
  });

  test('what stands above a lowered limit goes on working', () => {
    solo('v7.2', function* (p) {
      const fd = p.ok(yield* p.dup2(p.ok(yield* p.eventfd(7)), 9));
      p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 2, 4_096));
      expect(intAt(p.ok(yield* p.read(fd, 8)), 0)).toBe(7);
      expect(yield* p.dup2(fd, 1)).toBe(1);
      expect(yield* p.dup(fd)).toBe(-EMFILE);
      expect(yield* p.close(fd)).toBe(0);
    });
  });

  test('the largest table has as many slots as the system allows, and not one more', () => {
    const w = solo('v7.2', function* (p, world) {
      const fd = p.ok(yield* p.eventfd());
      p.ok(yield* p.setrlimit(RLIMIT_NOFILE, NR_OPEN));
      expect(yield* p.setrlimit(RLIMIT_NOFILE, NR_OPEN + 1)).toBe(-1);
      expect(yield* p.dup2(fd, NR_OPEN)).toBe(-EBADF);
      expect(yield* p.dup2(fd, NR_OPEN - 1)).toBe(NR_OPEN - 1);
      expect(world.size).toBe(NR_OPEN);
      expect(yield* p.fcntl(fd, F_DUPFD, NR_OPEN - 1)).toBe(-EMFILE);
      p.ok(yield* p.close(NR_OPEN - 1));
    });
    expect(w.points('G')).toHaveLength(5);
  });
});

describe('00 R20: growth', () => {
  const FIRST = ['G1', 'G2', 'G3', 'G4', 'G6'];
  const LATER = ['G1', 'G2', 'G3', 'G4', 'G5', 'G6']; // the embedded table is never freed

  test.each(PROFILES)('%s: its order; only a table that is not embedded is freed', (profile) => {
    const w = solo(profile, function* (p, world) {
      const fd = p.ok(yield* p.eventfd());
      for (const [to, size] of [
        [63, 64],
        [64, 128],
        [127, 128],
        [128, 256],
        [1_000, 1_024],
      ] as const) {
        expect(yield* p.dup2(fd, to)).toBe(to);
        expect(world.size).toBe(size);
        expect(world.refs(to)).toBe(world.refs(fd));
      }
    });
    expect(w.points('G')).toEqual([...FIRST, ...LATER, ...LATER]);
  });

  test.each([true, false])('waits for a grace period where there is a sharer: %s', (shared) => {
    const w = new FdWorld({
      processes: {
        *A(p) {
          const [done, tell] = p.ok(yield* p.pipe());
          const flags = shared ? CLONE_FILES : 0;
          p.ok(
            yield* p.clone(flags | SIGCHLD, function* (child) {
              yield* child.read(done, 1);
            }),
          );
          p.ok(yield* p.dup2(done, 64));
          p.note('grown', true);
          p.ok(yield* p.write(tell, '.'));
        },
      },
      cpus: 2,
    });
    w.run();
    const { lines } = w.world.trace;
    const [from, to] = ['expand_files:G2', 'expand_files:G3'].map((point) =>
      lines.findIndex(({ site, kind }) => kind === 'step' && site === point),
    );
    const waits = lines.slice(from, to).filter(({ text }) => text === 'rcu').length;
    expect(waits).toBe(shared ? 1 : 0);
  });

  /** Two sharers: A installs while B makes room; what either has opened is there at the end. */
  const race = {
    *setup(init: Proc): Sim<void> {
      init.ok(yield* init.dup2(init.ok(yield* init.eventfd(1)), 3));
      init.ok(yield* init.close(0));
      yield* init.start('A', CLONE_FILES);
      yield* init.start('B', CLONE_FILES);
      init.ok(yield* init.close_range(0, NR_OPEN, CLOSE_RANGE_UNSHARE));
    },
    processes: {
      *A(p: Proc): Sim<void> {
        const fd = p.ok(yield* p.eventfd(2));
        p.check((yield* p.fcntl(fd, F_SETFD, 1)) === 0, 'what was installed is there');
        p.check((yield* p.fcntl(fd, F_GETFD)) === 1, 'and its flag');
        p.check(intAt(p.ok(yield* p.read(fd, 8)), 0) === 2, 'and it is what was opened');
      },
      *B(p: Proc): Sim<void> {
        p.check((yield* p.dup2(3, 100)) === 100, 'dup2() makes room');
        p.check((yield* p.fcntl(100, F_GETFD)) === 0, 'and its descriptor is there');
      },
    },
  };

  test.each(PROFILES)('%s: loses nothing that a sharer installs meanwhile', (profile) => {
    const w = new FdWorld(race, { profile });
    for (const strategy of ['exhaustive:1', 'pct:4', 'random']) {
      const outcome = w.explore(strategy, 1_000);
      expect(outcome.found?.result.failures[0]?.text, strategy).toBeUndefined();
    }
  });

  test('00 R21: a sharer that installs while the table grows takes the lock', () => {
    const w = new FdWorld(race);
    const ways = new Set<boolean>();
    w.everyRun('random', () => ways.add(w.sites(/^fd_install:lock$/, 'A').length > 0), 300);
    expect([...ways].toSorted()).toEqual([false, true]);
  });

  test('one sharer waits for the growth of another, and looks again', () => {
    const grows = (to: number) =>
      function* (p: Proc): Sim<void> {
        p.check((yield* p.dup2(3, to)) === to, 'there is room');
        p.check((yield* p.fcntl(to, F_GETFD)) === 0, 'which stays');
      };
    const w = new FdWorld({ ...race, processes: { A: grows(100), B: grows(130) } });
    const grown = new Set<string>();
    const waited = new Set<boolean>();
    w.everyRun(
      'random',
      () => {
        grown.add(
          w
            .points('G')
            .filter((point) => point === 'G4')
            .join(),
        );
        waited.add(w.sites(/^expand_files:wait$/).length > 0);
      },
      300,
    );
    expect([...waited].toSorted()).toEqual([false, true]);
    expect([...grown].toSorted()).toEqual(['G4', 'G4,G4']);
  });
});

describe('00 R21: fd_install', () => {
  test('takes over the reference of its caller', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { tables, files } = k.fs;
      const made = yield* k.fs.files.alloc_file({ ops: k.fs.pidfds.ops, flags: 0 });
      const fd = yield* tables.get_unused_fd_flags(0);
      yield* tables.fd_install(fd, made);
      expect(files.count(made)).toBe(1);
      expect(tables.slot(task.s.files, fd)).toBe(made);
    });
  });

  test.each(['installed', 'free'])('warns where the slot is %s', (state) => {
    const k = new FsKernel();
    k.process('A', function* () {
      const { tables, files } = k.fs;
      const ops = k.fs.pidfds.ops;
      const fd = yield* tables.get_unused_fd_flags(0);
      if (state === 'installed') {
        yield* tables.fd_install(fd, yield* files.alloc_file({ ops, flags: 0 }));
      } else {
        yield* tables.put_unused_fd(fd);
      }
      yield* tables.fd_install(fd, yield* files.alloc_file({ ops, flags: 0 }));
    });
    expect(k.run().map(({ title }) => title)).toEqual(['WARNING: fd_install: slot 0 not NULL']);
  });
});

describe('00 R35: the table of a child', () => {
  test.each(PROFILES)('%s: is a copy, with one more reference on each file', (profile) => {
    const w = solo(profile, function* (p, world) {
      const fd = p.ok(yield* p.eventfd());
      p.ok(yield* p.fcntl(fd, F_DUPFD_CLOEXEC, 70));
      const table = world.files;
      const pid = p.ok(
        yield* p.fork(function* (child) {
          expect(world.files).not.toBe(table);
          expect([world.refs(fd), world.refs(70)]).toEqual([4, 4]);
          expect(yield* child.fcntl(fd, F_GETFD)).toBe(0);
          expect(yield* child.fcntl(70, F_GETFD)).toBe(1);
          expect(yield* child.dup(fd)).toBe(1);
          expect(yield* child.close(70)).toBe(0);
        }),
      );
      p.ok(yield* p.wait(pid));
      expect([world.refs(fd), world.refs(70)]).toEqual([2, 2]);
      expect(yield* p.fcntl(1, F_GETFD)).toBe(-EBADF);
    });
    expect(w.points('K', 'A').filter((point) => point === 'K5')).toHaveLength(1);
  });

  test('is the same one with CLONE_FILES', () => {
    solo('v7.2', function* (p, world) {
      const fd = p.ok(yield* p.eventfd());
      const { memory } = world.kernel.machine;
      const table = world.files;
      const sharers = (): number => memory.unwatched(() => files_struct.at(memory, table).count);
      const pid = p.ok(
        yield* p.clone(CLONE_FILES | SIGCHLD, function* (child) {
          expect(world.files).toBe(table);
          expect([sharers(), world.refs(fd)]).toEqual([2, 1]);
          expect(yield* child.dup(fd)).toBe(1);
        }),
      );
      p.ok(yield* p.wait(pid));
      expect(sharers()).toBe(1);
      expect(yield* p.fcntl(1, F_GETFD)).toBe(0);
    });
  });

  test('has free what its parent has only reserved', () => {
    const k = new FsKernel();
    k.do(function* (task) {
      const { tables, closing } = k.fs;
      yield* k.call('eventfd2', 0, 0);
      const fd = yield* tables.get_unused_fd_flags(0);
      const copy = yield* closing.dup_fd(task.s.files);
      expect(tables.isOpen(task.s.files, fd)).toBe(true);
      expect(tables.isOpen(copy, fd)).toBe(false);
      expect(tables.installed(copy)).toEqual(tables.installed(task.s.files));
      yield* closing.put_files_struct(copy);
    });
  });

  test.each(PROFILES)('%s: has room however the parent grows meanwhile', (profile) => {
    const sizes = new Set<number>();
    const w: FdWorld = new FdWorld(
      {
        *setup(init) {
          init.ok(yield* init.eventfd());
          yield* init.start('A', CLONE_FILES);
          yield* init.start('B', CLONE_FILES);
          init.ok(yield* init.close_range(0, NR_OPEN, CLOSE_RANGE_UNSHARE));
        },
        processes: {
          *A(p) {
            p.ok(
              yield* p.fork(function* (child) {
                sizes.add(w.size);
                const has = (yield* child.fcntl(100, F_GETFD)) === 0;
                child.check(!has || w.size >= 128, 'what is copied has a slot');
              }),
            );
          },
          *B(p) {
            p.ok(yield* p.dup2(0, 100));
            p.ok(yield* p.dup2(0, 200));
            p.ok(yield* p.close(200));
          },
        },
      },
      { profile },
    );
    const outcome = w.explore('random', 500);
    expect(outcome.found?.result.failures[0]?.text).toBeUndefined();
    expect([...sizes].toSorted((a, b) => a - b)).toEqual([64, 128, 256]);
  });
});

test.each(PROFILES)('%s: whatever allocation fails, nothing is left of it', (profile) => {
  const results = new Set<number>();
  const w: FdWorld = new FdWorld(
    {
      faults: ['alloc-fail'],
      processes: {
        *A(p) {
          const fd = yield* p.eventfd();
          if (fd < 0) return;
          yield* p.dup2(fd, 100);
          yield* p.pipe();
          results.add(yield* p.fork(function* () {}));
          results.add(
            yield* p.clone(CLONE_FILES | SIGCHLD, function* (child) {
              results.add(yield* child.close_range(60, 90, CLOSE_RANGE_UNSHARE));
              results.add(yield* child.dup2(fd, 300));
              yield* child.pidfd_open(yield* child.getpid());
            }),
          );
        },
      },
    },
    { profile },
  );
  const left = new Set<string>();
  const census = (): string => {
    const { slab } = w.kernel.machine;
    return ['filp', 'files_cache', 'task_struct', '']
      .map((cache) => (cache === '' ? slab.liveCount : [...slab.live(cache)].length))
      .join();
  };
  const runs = w.everyRun('exhaustive:2', () => left.add(census()), 800);
  expect(runs).toBe(800);
  expect([...left]).toHaveLength(1);
  expect(results).toContain(-ENOMEM);
});
