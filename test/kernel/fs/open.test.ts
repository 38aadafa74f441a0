import { describe, expect, test } from 'vitest';
import { EBADF, EMFILE, ENODEV, ENOENT, ENOMEM } from '../../../kernel/errno.ts';
import {
  F_DUPFD,
  F_GETFD,
  F_GETFL,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDWR,
} from '../../../kernel/fs/uapi.ts';
import { RLIMIT_NOFILE } from '../../../kernel/process/uapi.ts';
import { PROFILES } from '../../../kernel/profile.ts';
import { FdWorld, solo } from '../../kit/fd-world.ts';

describe.each(PROFILES)('%s', (profile) => {
  test('00 R30: what was never opened is freed without a teardown', () => {
    const seen = new Set<string>();
    const w: FdWorld = new FdWorld(
      {
        faults: ['alloc-fail'],
        processes: {
          *A(p) {
            p.note('fd', yield* p.open('/dev/slow'));
            p.note('users', w.kernel.modules.refcount('slowdev'));
          },
        },
      },
      { profile },
    );
    w.everyRun('exhaustive', () => {
      const { notes } = w.world;
      const released = w.sites(/^slow_release/).length;
      seen.add(`${notes.get('fd')} users ${notes.get('users')} released ${released}`);
      expect([...w.kernel.machine.slab.live('filp')]).toHaveLength(0);
    });
    expect([...seen].toSorted()).toEqual([`-${ENOMEM} users 0 released 0`, '0 users 1 released 1']);
  });

  test('00 R14: a path-only file has no operations: not opened, not flushed, not released', () => {
    const w = solo(profile, function* (p, world) {
      const fd = p.ok(yield* p.open('/dev/slow', O_PATH | O_RDWR | O_CLOEXEC));
      expect(world.kernel.modules.refcount('slowdev')).toBe(0);
      expect(yield* p.fcntl(fd, F_GETFL)).toBe(O_PATH);
      expect(yield* p.fcntl(fd, F_GETFD)).toBe(1);
      expect(yield* p.read(fd, 8)).toBe(-EBADF);
      expect(yield* p.write(fd, 'x')).toBe(-EBADF);
      expect(yield* p.ioctl(fd, 1)).toBe(-EBADF);
      expect(yield* p.fcntl(fd, F_DUPFD, 5)).toBe(5);
      expect(yield* p.close(fd)).toBe(0);
      expect(yield* p.close(5)).toBe(0);
    });
    expect(w.sites(/^slow_/)).toEqual([]);
    expect(w.points('T')).toHaveLength(10);
  });

  test('00 R45: a device whose module is gone cannot be opened', () => {
    const results = new Set<unknown>();
    const w = new FdWorld(
      {
        processes: {
          *A(p) {
            p.note('open', yield* p.open('/dev/slow'));
          },
          *B(p) {
            p.note('unload', yield* p.delete_module('slowdev'));
          },
        },
      },
      { profile },
    );
    w.everyRun('exhaustive:1', () => {
      const { notes } = w.world;
      results.add(`open ${notes.get('open')}, unload ${notes.get('unload')}`);
    });
    expect([...results].toSorted()).toEqual(
      [
        'open 0, unload -11',
        'open 0, unload 0', // after A has exited
        `open -${ENODEV}, unload 0`,
      ].toSorted(),
    );
  });
});

test.each([
  ['/tmp/none', 0, -ENOENT],
  ['', 0, -ENOENT],
  ['/dev/null', O_CREAT | O_DIRECTORY, -22],
  ['/dev/null/x', 0, -20],
])('00 R19: open(%j) gives back what it has reserved', (path, flags, error) => {
  solo('v7.2', function* (p) {
    expect(yield* p.open(path, flags)).toBe(error);
    expect(yield* p.open('/dev/null')).toBe(0);
    p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 1));
    expect(yield* p.open('/dev/null')).toBe(-EMFILE);
  });
});
