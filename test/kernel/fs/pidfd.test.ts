import { describe, expect, test } from 'vitest';
import { EBADF, EFAULT, EINVAL, EMFILE, ENOENT, EPERM, ESRCH } from '../../../kernel/errno.ts';
import { PIDFD_NONBLOCK, PIDFD_THREAD } from '../../../kernel/fs/pidfd.ts';
import { CLONE_FILES, F_GETFD, F_GETFL, O_NONBLOCK, O_RDWR } from '../../../kernel/fs/uapi.ts';
import { CLONE_PIDFD, RLIMIT_NOFILE, SIGCHLD } from '../../../kernel/process/uapi.ts';
import { PROFILES } from '../../../kernel/profile.ts';
import { THREAD_FLAGS, type Proc } from '../../../scenarios/proc.ts';
import { intAt } from '../../../scenarios/user-memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { FdWorld, inBoth, solo } from '../../kit/fd-world.ts';

const PR_SET_DUMPABLE = 4;

/** Runs `body` while a child is there that has an eventfd of 5 as descriptor 9; its pid. */
function* withChild(p: Proc, body: (pid: number) => Sim<void>, act?: (c: Proc) => Sim<void>) {
  const [done, tell] = p.ok(yield* p.pipe());
  const [ready, say] = p.ok(yield* p.pipe());
  const pid = p.ok(
    yield* p.fork(function* (child) {
      const fd = child.ok(yield* child.eventfd(5));
      child.ok(yield* child.dup2(fd, 9));
      if (act) yield* act(child);
      child.ok(yield* child.write(say, '.'));
      yield* child.read(done, 1);
    }),
  );
  p.ok(yield* p.read(ready, 1));
  yield* body(pid);
  p.ok(yield* p.write(tell, '.'));
  p.ok(yield* p.wait(pid));
}

describe.each(PROFILES)('%s', (profile) => {
  test("00 R18: gives a descriptor of one's own for that of another", () => {
    const w = solo(profile, function* (p, world) {
      yield* withChild(p, function* (pid) {
        const pidfd = p.ok(yield* p.pidfd_open(pid));
        expect(yield* p.fcntl(pidfd, F_GETFD)).toBe(1);
        expect(yield* p.fcntl(pidfd, F_GETFL)).toBe(O_RDWR);
        const fd = p.ok(yield* p.pidfd_getfd(pidfd, 9));
        expect(yield* p.fcntl(fd, F_GETFD)).toBe(1);
        expect(world.refs(fd)).toBe(3); // its two, and this
        const bytes = p.ok<Uint8Array>(yield* p.read(fd, 8));
        expect(intAt(bytes, 0)).toBe(5);
      });
    });
    // Alone on its table or not, the other's is looked up with a reference, under its lock.
    const sites = w.sites(/^(fget_task|fget):/, 'A');
    const at = sites.indexOf('fget_task:lock');
    expect(sites.slice(at, at + 7)).toEqual([
      'fget_task:lock',
      'fget:L2',
      'fget:L3',
      'fget:L4',
      'fget:L5',
      'fget:L6',
      'fget_task:unlock',
    ]);
  });

  test('00 R18: what is refused', () => {
    solo(profile, function* (p, w) {
      yield* withChild(p, function* (pid) {
        const pidfd = p.ok(yield* p.pidfd_open(pid));
        const other = p.ok(yield* p.eventfd());
        const rows: [[number, number, number], number][] = [
          [[pidfd, 9, 1], -EINVAL],
          [[-1, 9, 0], -EBADF],
          [[99, 9, 0], -EBADF],
          [[other, 9, 0], -EBADF],
          [[pidfd, 99, 0], -EBADF],
          [[pidfd, -1, 0], -EBADF],
        ];
        for (const [args, expected] of rows) {
          expect(yield* p.pidfd_getfd(...args), String(args)).toBe(expected);
        }
        const limit = p.ok(yield* p.dup(0));
        p.ok(yield* p.close(limit));
        p.ok(yield* p.setrlimit(RLIMIT_NOFILE, limit, 4_096));
        expect(yield* p.pidfd_getfd(pidfd, 9)).toBe(-EMFILE);
        expect(yield* p.pidfd_open(pid)).toBe(-EMFILE);
        p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 1_024, 4_096));
        expect(w.refs(p.ok(yield* p.pidfd_getfd(pidfd, 9)))).toBe(3);
      });
    });
  });

  test('a process that is reaped is gone, whoever has its number now', () => {
    solo(profile, function* (p) {
      const pid = p.ok(yield* p.fork(function* () {}));
      const pidfd = p.ok(yield* p.pidfd_open(pid));
      p.ok(yield* p.wait(pid));
      expect(yield* p.pidfd_getfd(pidfd, 0)).toBe(-ESRCH);
      expect(yield* p.pidfd_open(pid)).toBe(-ESRCH);
      for (const bad of [0, -1]) expect(yield* p.pidfd_open(bad)).toBe(-EINVAL);
    });
  });

  test('a thread is no process', () => {
    const old = profile === 'v6.1';
    solo(profile, function* (p) {
      const [done, tell] = p.ok(yield* p.pipe());
      const tid = p.ok(
        yield* p.thread(function* (thread) {
          yield* thread.read(done, 1);
        }),
      );
      expect(yield* p.pidfd_open(tid)).toBe(old ? -EINVAL : -ENOENT);
      const made = yield* p.pidfd_open(tid, PIDFD_THREAD);
      if (old) expect(made).toBe(-EINVAL);
      else expect(yield* p.fcntl(made, F_GETFL)).toBe(O_RDWR | PIDFD_THREAD);
      const nonblocking = p.ok(yield* p.pidfd_open(yield* p.getpid(), PIDFD_NONBLOCK));
      expect(yield* p.fcntl(nonblocking, F_GETFL)).toBe(O_RDWR | O_NONBLOCK);
      expect(yield* p.pidfd_open(yield* p.getpid(), 1)).toBe(-EINVAL);
      p.ok(yield* p.write(tell, '.'));
    });
  });

  test('00 R18: along every schedule of a target that closes, grows, and exits', () => {
    const seen = new Set<unknown>();
    const w: FdWorld = new FdWorld(
      {
        processes: {
          *A(p) {
            const target = [...w.kernel.tasks.all()].find(({ path }) => path === 'B');
            const pidfd = target ? yield* p.pidfd_open(target.pid) : -ESRCH;
            if (pidfd < 0) return;
            const fd = yield* p.pidfd_getfd(pidfd, 0);
            p.note('fd', fd);
            if (fd >= 0) p.check((yield* p.fcntl(fd, F_GETFD)) === 1, "it is one's own");
          },
          *B(p) {
            p.ok(yield* p.eventfd());
            p.ok(yield* p.dup2(0, 64));
            p.ok(yield* p.close(0));
          },
        },
      },
      { profile },
    );
    for (const strategy of ['exhaustive:1', 'pct:3', 'random']) {
      w.everyRun(strategy, () => seen.add(w.world.notes.get('fd')), 400);
    }
    const gone = profile === 'v6.1' ? [] : [-ESRCH];
    expect(seen).toEqual(new Set([undefined, 1, -EBADF, -ESRCH, ...gone]));
  });

  test('CLONE_PIDFD: the number is stored before the child is made, and then stands for it', () => {
    solo(profile, function* (p) {
      const made = p.ok(
        yield* p.clonePidfd(SIGCHLD, function* (child) {
          expect(yield* child.fcntl(0, F_GETFD)).toBe(-EBADF); // copied before it was made
          child.ok(yield* child.eventfd());
        }),
      );
      expect(made.pidfd).toBe(0);
      expect(yield* p.fcntl(0, F_GETFD)).toBe(1);
      p.ok(yield* p.wait(made.pid));
      expect(yield* p.pidfd_getfd(0, 0)).toBe(-ESRCH);
    });
  });

  test('CLONE_PIDFD: fails without a child, and without a trace', () => {
    const w = solo(profile, function* (p) {
      const none = function* (): Sim<void> {};
      expect(yield* p.clone(CLONE_PIDFD | SIGCHLD, none)).toBe(-EFAULT); // nowhere to store it
      expect(yield* p.clone(CLONE_PIDFD | CLONE_FILES | SIGCHLD, none)).toBe(-EFAULT);
      p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 0, 4_096));
      expect(yield* p.clonePidfd(SIGCHLD, none)).toBe(-EMFILE);
      p.ok(yield* p.setrlimit(RLIMIT_NOFILE, 9, 4_096));
      expect(yield* p.eventfd()).toBe(0);
      p.ok(yield* p.close(0));
      const thread = yield* p.clonePidfd(THREAD_FLAGS, none);
      if (profile === 'v6.1') expect(thread).toBe(-EINVAL);
      else expect(yield* p.fcntl(p.ok(thread).pidfd, F_GETFL)).toBe(O_RDWR | PIDFD_THREAD);
    });
    expect([...w.kernel.machine.slab.live('filp')]).toHaveLength(0);
  });
});

/** Who asks, what the target does to itself, and what comes of it. */
const ACCESS: [string, (p: Proc) => Sim<unknown>, (c: Proc) => Sim<unknown>, boolean][] = [
  ['root, of root', (p) => p.getpid(), (c) => c.getpid(), true],
  ['root, of a user', (p) => p.getpid(), (c) => c.setuid(1_000), true],
  ['a user, of root', (p) => p.setuid(1_000), (c) => c.getpid(), false],
  ['a user, of another', (p) => p.setuid(1_000), (c) => dumpable(c, 1_001), false],
  ['a user, of the same', (p) => p.setuid(1_000), (c) => dumpable(c, 1_000), true],
  ['a user, of what cannot be dumped', (p) => p.setuid(1_000), (c) => c.setuid(1_000), false],
];

function* dumpable(p: Proc, uid: number): Sim<void> {
  p.ok(yield* p.setuid(uid));
  p.ok(yield* p.prctl(PR_SET_DUMPABLE, 1));
}

test.each(inBoth(ACCESS))('00 R18: %s: %s', (profile, _who, become, target, allowed) => {
  solo(profile, function* (p) {
    yield* withChild(
      p,
      function* (pid) {
        const pidfd = p.ok(yield* p.pidfd_open(pid));
        yield* become(p);
        const fd = yield* p.pidfd_getfd(pidfd, 9);
        expect(allowed ? fd > 0 : fd === -EPERM, String(fd)).toBe(true);
        const self = p.ok(yield* p.pidfd_open(yield* p.getpid()));
        expect(yield* p.pidfd_getfd(self, 0)).toBeGreaterThan(0);
      },
      function* (child) {
        yield* target(child);
      },
    );
  });
});
