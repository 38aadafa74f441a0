import { describe, expect, test } from 'vitest';
import { ECHILD, EFAULT, EINTR, EINVAL, ESRCH } from '../../../kernel/errno.ts';
import * as uapi from '../../../kernel/process/uapi.ts';
import type { Sim } from '../../../sim/request.ts';
import { ProcessKernel } from '../../kit/process-kernel.ts';

const { CLONE_VM, CLONE_SIGHAND, CLONE_THREAD, CLONE_FS, CLONE_FILES, SIGCHLD, WNOHANG } = uapi;
const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

/** Runs `body` as a child of init, and gives what it logged. */
function inChild(body: (k: ProcessKernel, log: unknown[]) => Sim<number | void>): unknown[] {
  const k = new ProcessKernel();
  const log: unknown[] = [];
  let status = -1;
  const failures = k.boot(function* () {
    status = (yield* k.wait(yield* k.fork(() => body(k, log))))[1];
  });
  expect(failures).toEqual([]);
  expect(status).toBe(0);
  return log;
}

const sleepForever = (k: ProcessKernel) =>
  function* (): Sim<void> {
    for (;;) yield* k.nap();
  };

describe('wait', () => {
  test('00 R44: what is refused', () => {
    inChild(function* (k) {
      expect(yield* k.wait(-1)).toEqual([-ECHILD, -1]);
      expect(yield* k.wait(-1, WNOHANG)).toEqual([-ECHILD, -1]);
      expect(yield* k.wait(-1, uapi.WEXITED)).toEqual([-EINVAL, -1]);
      expect(yield* k.wait(-1, uapi.WNOWAIT)).toEqual([-EINVAL, -1]);
      expect(yield* k.wait(-(2 ** 31))).toEqual([-ESRCH, -1]);
      expect(yield* k.wait(-(2 ** 31), 0x40)).toEqual([-EINVAL, -1]);
      expect(yield* k.wait(1)).toEqual([-ECHILD, -1]); // not a child
      const pid = yield* k.fork(function* () {});
      for (const option of [uapi.WUNTRACED, uapi.WCONTINUED, uapi.__WNOTHREAD, uapi.__WALL]) {
        expect((yield* k.wait(pid + 1, option))[0]).toBe(-ECHILD);
      }
      expect((yield* k.wait(pid, uapi.__WCLONE))[0]).toBe(-ECHILD);
      expect(yield* k.wait(pid)).toEqual([pid, 0]);
      expect(yield* k.wait(pid)).toEqual([-ECHILD, -1]); // reaped
    });
  });

  test('00 R44: WNOHANG gives 0 while none is ready; then the status', () => {
    inChild(function* (k) {
      const pid = yield* k.fork(function* () {
        yield* k.nap();
        return 0x1ff;
      });
      expect(yield* k.wait(pid, WNOHANG)).toEqual([0, -1]);
      while ((yield* k.wait(0, WNOHANG | uapi.__WALL))[0] === 0) yield* k.nap();
      expect(k.task(pid)).toBeUndefined();
    });
  });

  test('status: the exit code, cut to 8 bits; or the signal', () => {
    inChild(function* (k) {
      expect(
        yield* k.wait(
          yield* k.fork(function* () {
            return 0x1ff;
          }),
        ),
      ).toEqual([expect.any(Number), 0xff00]);
      const killed = yield* k.fork(sleepForever(k));
      yield* k.sys('kill', killed, 15);
      expect(yield* k.wait(killed)).toEqual([killed, 15]);
      const itself = yield* k.fork(function* () {
        yield* k.sys('kill', yield* k.sys('getpid'), 9);
        throw new Error('alive');
      });
      expect(yield* k.wait(itself)).toEqual([itself, 9]);
    });
  });

  test('the eldest zombie first; a bad address, and the child is gone all the same', () => {
    inChild(function* (k) {
      const pids = [
        yield* k.fork(function* () {}),
        yield* k.fork(function* () {}),
        yield* k.fork(function* () {}),
      ];
      while (pids.some((pid) => k.task(pid).s.exit_state === 0)) yield* k.nap();
      expect((yield* k.wait(-1))[0]).toBe(pids[0]);
      expect(yield* k.sys('wait4', -1, 8, 0, 0)).toBe(-EFAULT);
      expect(yield* k.sys('wait4', pids[1]!, 0, 0, 0)).toBe(-ECHILD);
      expect(yield* k.sys('wait4', -1, 0, 0, 8)).toBe(-EFAULT);
      expect((yield* k.wait(-1))[0]).toBe(-ECHILD);
    });
  });

  test('waitid: WNOWAIT leaves the zombie, WEXITED takes it', () => {
    inChild(function* (k) {
      const pid = yield* k.fork(function* () {
        return 3;
      });
      const { P_ALL, P_PID, WEXITED, WNOWAIT } = uapi;
      const waitid = (which: number, id: number, options: number) =>
        k.sys('waitid', which, id, k.at(0), options, 0);
      expect(yield* waitid(P_PID, pid, WNOWAIT)).toBe(-EINVAL);
      expect(yield* waitid(P_PID, 0, WEXITED)).toBe(-EINVAL);
      expect(yield* waitid(9, pid, WEXITED)).toBe(-EINVAL);
      expect(yield* waitid(P_PID, pid, WEXITED | WNOWAIT)).toBe(0);
      expect([0, 8, 16, 24].map((at) => k.int(k.at(at)))).toEqual([SIGCHLD, 1, pid, 3]);
      expect(yield* waitid(P_ALL, 0, WEXITED)).toBe(0);
      expect(yield* waitid(P_ALL, 0, WEXITED)).toBe(-ECHILD);
    });
  });

  test('a child with another exit signal is for __WCLONE and __WALL', () => {
    inChild(function* (k) {
      const pid = yield* k.clone(0, function* () {});
      expect((yield* k.wait(-1))[0]).toBe(-ECHILD);
      expect((yield* k.wait(-1, uapi.__WCLONE))[0]).toBe(pid);
    });
  });

  test('a signal with a handler ends it with -EINTR; one without starts it again', () => {
    inChild(function* (k) {
      const parent = yield* k.sys('getpid');
      k.signals.do_sigaction(10, 'handler');
      const child = yield* k.fork(function* () {
        yield* k.nap();
        yield* k.sys('kill', parent, 10);
        yield* k.nap();
        yield* k.sys('kill', parent, 23); // SIGURG, ignored by default
        yield* k.nap();
      });
      expect((yield* k.wait(child))[0]).toBe(-EINTR);
      expect((yield* k.wait(child))[0]).toBe(child);
    });
  });
});

describe('exit', () => {
  test('00 R42: the order, with the address space there at the tracepoint', () => {
    const k = new ProcessKernel();
    const log: string[] = [];
    const { exit_files } = k.files;
    k.boot(function* () {
      k.files.exit_files = function* (task) {
        log.push(`files, mm ${task.s.mm === 0 ? 'gone' : 'there'}`);
        k.works.task_work_add(task, 'late', function* () {
          log.push(`work, ${k.task(task.pid).s.exit_state}`);
        });
        return yield* exit_files.call(k.files, task);
      };
      k.hooks.sched_process_exit = function* (task, code) {
        const mm = task.s.mm === 0 ? 'gone' : 'there';
        log.push(`exit ${code >> 8}, mm ${mm}, ${task.s.flags & 4}`);
      };
      k.hooks.dying = (task) => {
        log.push(`dying, later work ${k.works.task_work_add(task, 'x', function* () {})}`);
      };
      k.hooks.freeing = (task) => void log.push(`free ${task.path}`);
      yield* k.wait(
        yield* k.fork(function* () {
          return 2;
        }),
      );
    });
    expect(log).toEqual([
      'exit 2, mm there, 4',
      'files, mm gone',
      'work, 0',
      `dying, later work ${-ESRCH}`,
      'free init/child#1',
    ]);
  });

  test('the heap is as it was once a process is reaped and the grace period over', () => {
    const k = new ProcessKernel();
    let before = 0;
    k.boot(function* () {
      before = k.machine.slab.liveCount;
      yield* k.wait(
        yield* k.fork(function* () {
          yield* k.clone(THREAD, function* () {});
          yield* k.nap();
        }),
      );
    });
    expect(k.machine.slab.liveCount).toBe(before);
    expect(k.processes.tasks.threadCount).toBe(1);
  });

  test('orphans go to the nearest subreaper, behind its own children; else to init', () => {
    const log = inChild(function* (k, out) {
      const reaper = yield* k.sys('getpid');
      yield* k.sys('prctl', 36, 1);
      const orphans: number[] = [];
      const middle = yield* k.fork(function* () {
        for (let i = 0; i < 2; i++) {
          orphans.push(
            yield* k.fork(function* () {
              while ((yield* k.sys('getppid')) !== reaper) yield* k.nap();
            }),
          );
        }
      });
      const younger = yield* k.fork(function* () {
        yield* k.nap();
      });
      while (k.task(middle).s.exit_state === 0) yield* k.nap();
      const children = k.processes.tasks.childrenOf(k.sched.current).map(({ pid }) => pid);
      out.push(children.join() === [middle, younger, ...orphans].join());
      for (let i = 0; i < 4; i++) out.push((yield* k.wait(-1))[0] > 0);
      out.push((yield* k.wait(-1))[0]);
    });
    expect(log).toEqual([true, true, true, true, true, -ECHILD]);
  });

  test('init reaps by itself what it adopts, after its body', () => {
    const k = new ProcessKernel();
    k.boot(function* () {
      yield* k.fork(function* () {
        yield* k.fork(function* () {
          yield* k.nap();
        });
      });
      yield* k.fork(function* () {}); // nobody waits
    });
    expect(k.processes.tasks.threadCount).toBe(1);
  });

  test('who ignores SIGCHLD has no zombies', () => {
    inChild(function* (k) {
      k.signals.do_sigaction(SIGCHLD, 'ignore');
      const pid = yield* k.fork(function* () {
        yield* k.nap();
      });
      expect(yield* k.wait(pid)).toEqual([-ECHILD, -1]);
      expect(k.task(pid)).toBeUndefined();
    });
  });

  test('the parent-death signal comes when the parent exits', () => {
    const log = inChild(function* (k, out) {
      yield* k.sys('prctl', 36, 1);
      const parent = yield* k.fork(function* () {
        out.push(
          yield* k.fork(function* () {
            yield* k.sys('prctl', 1, 15);
            for (;;) yield* k.nap();
          }),
        );
        yield* k.nap();
      });
      out.push(yield* k.wait(parent), yield* k.wait(-1));
    });
    expect(log).toEqual([103, [102, 0], [103, 15]]);
  });

  test('exit_group ends all threads, exit only one; the leader waits for the last', () => {
    const log = inChild(function* (k, out) {
      const all = yield* k.fork(function* () {
        yield* k.clone(THREAD, sleepForever(k));
        yield* k.sys('exit_group', 5);
      });
      out.push(yield* k.wait(all));
      const leader = yield* k.fork(function* () {
        yield* k.clone(THREAD, function* () {
          yield* k.nap();
        });
        yield* k.sys('exit', 6);
      });
      while (k.task(leader).s.exit_state === 0) yield* k.nap();
      out.push((yield* k.wait(leader, WNOHANG))[0], yield* k.wait(leader));
    });
    expect(log).toEqual([[102, 5 << 8], 0, [104, 6 << 8]]);
  });

  test('init must not exit', () => {
    const k = new ProcessKernel();
    const failures = k.boot(function* () {
      yield* k.sys('exit_group', 3);
    });
    expect(failures[0]!.title).toMatch(/Attempted to kill init! exitcode=0x00000300/);
  });

  test('children of a thread that exits go to another thread of its group', () => {
    inChild(function* (k) {
      let child = 0;
      const tid = yield* k.clone(THREAD, function* () {
        child = yield* k.fork(function* () {
          yield* k.nap();
          return 8;
        });
      });
      while (k.task(tid)) yield* k.nap();
      expect(yield* k.wait(child)).toEqual([child, 8 << 8]);
    });
  });

  test('any schedule: every process is reaped once and all memory comes back', () => {
    for (let run = 0; run < 80; run++) {
      const k = new ProcessKernel();
      const { tasks } = k.processes;
      let before = 0;
      const reaped: number[] = [];
      const init = tasks.create_init(function* () {
        before = k.machine.slab.liveCount;
        for (let i = 0; i < 3; i++) {
          yield* k.fork(function* () {
            yield* k.clone(THREAD, function* () {
              return i;
            });
            const pid = yield* k.fork(function* () {
              return 1;
            });
            if (i > 0) yield* k.wait(pid);
            return i;
          });
        }
        for (;;) {
          const [pid] = yield* k.wait(-1);
          if (pid < 0) break;
          reaped.push(pid);
        }
      });
      tasks.initMm(init, k.user.create());
      init.s.files = k.files.create();
      k.sched.wakeNew(init);
      expect(k.runRandomly(run)).toEqual([]);
      expect(reaped.length).toBeGreaterThanOrEqual(3);
      expect(new Set(reaped).size).toBe(reaped.length);
      expect(tasks.threadCount).toBe(1);
      expect(k.machine.slab.liveCount).toBe(before);
    }
  });
});
