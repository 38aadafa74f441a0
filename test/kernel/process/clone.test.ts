import { describe, expect, test } from 'vitest';
import { EAGAIN, EFAULT, EINTR, EINVAL, EMFILE, ENOMEM, EPERM } from '../../../kernel/errno.ts';
import * as uapi from '../../../kernel/process/uapi.ts';
import type { Machine } from '../../../kernel/machine.ts';
import { Stay } from '../../../sim/strategies/stay.ts';
import { ProcessKernel } from '../../kit/process-kernel.ts';

const { CLONE_VM, CLONE_SIGHAND, CLONE_THREAD, CLONE_FS, CLONE_FILES, SIGCHLD } = uapi;
const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
const NOBODY = 1_000;
const UNSUPPORTED = [EINVAL, EPERM];

/** A strategy by which one allocation fails, counted from 0 among those of a run. */
class FailAlloc extends Stay {
  count = 0;
  readonly which: number;

  constructor(which: number) {
    super();
    this.which = which;
  }

  override choose(choice: Parameters<Stay['choose']>[0]): number {
    if (!choice.kind.startsWith('alloc-fail')) return super.choose(choice);
    return this.count++ === this.which ? 1 : 0;
  }
}

/** Everything alive on the heap, by cache. */
function census({ slab }: Machine): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cache } of slab.live()) counts[cache] = (counts[cache] ?? 0) + 1;
  return counts;
}

describe('clone', () => {
  test('00 R33: flags that do not go together are refused, and cost nothing', () => {
    const rows: [flags: number, errno: number | readonly number[]][] = [
      [CLONE_THREAD, EINVAL],
      [CLONE_THREAD | CLONE_VM, EINVAL],
      [CLONE_SIGHAND, EINVAL],
      [CLONE_SIGHAND | CLONE_FS, EINVAL],
      [uapi.CLONE_NEWNS | CLONE_FS, EINVAL],
      [uapi.CLONE_NEWUSER | CLONE_FS, EINVAL],
      [THREAD | uapi.CLONE_NEWPID, EINVAL],
      [uapi.CLONE_PIDFD | uapi.CLONE_DETACHED, EINVAL],
      [uapi.CLONE_PIDFD | uapi.CLONE_PARENT_SETTID, EINVAL],
      [uapi.CLONE_PIDFD, EMFILE],
      [uapi.CLONE_NEWNS, EPERM],
      [uapi.CLONE_NEWPID, EPERM],
      [uapi.CLONE_NEWNET, EPERM],
      [uapi.CLONE_NEWUSER, UNSUPPORTED],
    ];
    const k = new ProcessKernel();
    const failures = k.boot(function* () {
      yield* k.sys('setuid', NOBODY);
      const before = census(k.machine);
      for (const [flags, errno] of rows) {
        const result = yield* k.sys('clone', flags | SIGCHLD, 0, 0, 0, 0);
        expect([errno].flat(), flags.toString(16)).toContain(-result);
        expect(census(k.machine), flags.toString(16)).toEqual(before);
      }
    });
    expect(failures).toEqual([]);
  });

  test('00 R33: CLONE_PARENT by init is refused', () => {
    const k = new ProcessKernel();
    k.boot(function* () {
      expect(yield* k.clone(uapi.CLONE_PARENT | SIGCHLD, function* () {})).toBe(-EINVAL);
    });
  });

  test('pids: the first is 101; the child knows its parent; its path its ancestry', () => {
    const k = new ProcessKernel();
    const log: unknown[] = [];
    k.boot(function* () {
      const pid = yield* k.fork(function* () {
        log.push(yield* k.sys('getpid'), yield* k.sys('gettid'), yield* k.sys('getppid'));
        log.push(k.sched.current.path, k.sched.current.comm);
      });
      yield* k.wait(pid);
      log.push(pid, yield* k.fork(function* () {}));
    });
    expect(log).toEqual([101, 101, 1, 'init/child#1', 'init', 101, 102]);
  });

  test('a thread shares pid, address space, table, handlers; its return ends only itself', () => {
    const k = new ProcessKernel();
    const log: unknown[] = [];
    k.boot(function* () {
      const child = yield* k.fork(function* () {
        const { s } = k.sched.current;
        const tid = yield* k.clone(THREAD | uapi.CLONE_PARENT_SETTID, function* (task) {
          log.push(yield* k.sys('getpid'), yield* k.sys('gettid'), yield* k.sys('getppid'));
          const shared = (['mm', 'files', 'fs', 'signal', 'sighand', 'cred'] as const).map(
            (field) => task.s[field] === s[field],
          );
          log.push(shared.every(Boolean));
          return 7;
        });
        log.push(k.int(k.at(64)) === tid);
        while (k.task(tid)) yield* k.nap();
        return 3;
      });
      log.push(yield* k.wait(child));
    });
    expect(log).toEqual([true, 101, 102, 1, true, [101, 3 << 8]]);
  });

  test('00 R34, R36: whatever allocation fails, nothing is left, and the parent is whole', () => {
    const errors: number[] = [];
    for (let which = 0; which < 20; which++) {
      const k = new ProcessKernel();
      const strategy = new FailAlloc(which);
      let result = 0;
      const failures = k.boot(function* () {
        const before = census(k.machine);
        const state = k.machine.memory.copyOut(k.sched.current.addr, 64);
        k.machine.faults = new Set(['alloc-fail']);
        result = yield* k.fork(function* () {});
        k.machine.faults = new Set();
        if (result < 0) {
          expect(census(k.machine), `allocation ${which}`).toEqual(before);
          expect(k.machine.memory.copyOut(k.sched.current.addr, 64)).toEqual(state);
        }
        expect(
          (yield* k.wait(
            yield* k.fork(function* () {
              return 5;
            }),
          ))[1],
        ).toBe(5 << 8);
      }, strategy);
      expect(failures).toEqual([]);
      if (result > 0) break;
      errors.push(result);
    }
    expect(errors.length).toBeGreaterThanOrEqual(6); // task, cred, fs, sighand, signal, mm
    expect(new Set(errors)).toEqual(new Set([-ENOMEM]));
  });

  test('00 R34: failure in files, at the limits and for a dying parent leaks nothing', () => {
    const k = new ProcessKernel();
    const failures = k.boot(function* () {
      const before = census(k.machine);
      k.files.failCopy = -ENOMEM;
      expect(yield* k.fork(function* () {})).toBe(-ENOMEM);
      k.files.failCopy = 0;
      expect(census(k.machine)).toEqual(before);
    });
    expect(failures).toEqual([]);
  });

  test('00 R34.8: a parent that is killed meanwhile makes no child', () => {
    const k = new ProcessKernel();
    let result: number | undefined;
    k.boot(function* () {
      const child = yield* k.fork(function* () {
        const { copy_files } = k.files;
        k.files.copy_files = function* (task, flags) {
          k.signals.send_sig(9, k.sched.current);
          return yield* copy_files.call(k.files, task, flags);
        };
        k.hooks.sys_exit = function* (row, value) {
          if (row.name === 'clone') result = value;
        };
        yield* k.fork(function* () {
          throw new Error('it was born');
        });
      });
      const before = [...k.processes.tasks.all()].length;
      expect(yield* k.wait(child)).toEqual([child, 9]);
      expect([...k.processes.tasks.all()].length).toBe(before - 1);
    });
    expect(result).toBe(-EINTR);
  });

  test('RLIMIT_NPROC holds for others than root', () => {
    const k = new ProcessKernel();
    const log: number[] = [];
    k.boot(function* () {
      yield* k.wait(
        yield* k.fork(function* () {
          yield* k.user.userWrite(k.at(0), new Uint8Array(new BigUint64Array([2n, 2n]).buffer));
          log.push(yield* k.sys('setrlimit', uapi.RLIMIT_NPROC, k.at(0)));
          log.push(Math.sign(yield* k.fork(function* () {})));
          yield* k.wait(-1);
          log.push(yield* k.sys('setuid', NOBODY));
          const sleeper = yield* k.fork(function* () {
            while (k.task(1)) yield* k.sys('sched_yield');
          });
          log.push(Math.sign(sleeper), yield* k.fork(function* () {}));
          yield* k.sys('kill', sleeper, 9);
          yield* k.wait(-1);
          log.push(Math.sign(yield* k.fork(function* () {})));
        }),
      );
    });
    expect(log).toEqual([0, 1, 0, 1, -EAGAIN, 1]);
  });

  test('max_threads holds for everybody, and follows from memory', () => {
    const k = new ProcessKernel({ memoryBytes: 4 << 20 });
    let last = 0;
    k.boot(function* () {
      for (let i = 0; last >= 0 && i < 100; i++) {
        last = yield* k.fork(function* () {
          while (k.task(1)) yield* k.sys('nanosleep', 0, 0);
        });
      }
      expect(k.processes.tasks.threadCount).toBe(k.processes.tasks.maxThreads);
      k.machine.engine.stop();
    });
    expect(k.processes.tasks.maxThreads).toBe(32);
    expect(last).toBe(-EAGAIN);
  });

  test('vfork: the parent sleeps until the child exits or execs, in its address space', () => {
    for (const how of ['exit', 'exec'] as const) {
      const k = new ProcessKernel();
      const log: string[] = [];
      const failures = k.boot(function* () {
        k.processes.clones.nextBody.set(k.sched.current, {
          *run(task) {
            expect(task.s.mm).toBe(k.processes.tasks.init.s.mm);
            yield* k.sys('sched_yield');
            log.push('child');
            if (how === 'exec') yield* k.exec('/bin/true');
          },
        });
        const pid = yield* k.sys('vfork');
        log.push('parent');
        yield* k.wait(pid);
      });
      expect(failures).toEqual([]);
      expect(log).toEqual(['child', 'parent']);
    }
  });

  test('CHILD_SETTID and CHILD_CLEARTID write to the child', () => {
    const k = new ProcessKernel();
    const log: unknown[] = [];
    k.boot(function* () {
      const pid = yield* k.fork(function* () {
        const flags = THREAD | uapi.CLONE_CHILD_SETTID | uapi.CLONE_CHILD_CLEARTID;
        const tid = yield* k.clone(flags, function* () {
          log.push(k.int(k.at(68)));
        });
        while (k.task(tid)) yield* k.nap();
        log.push(k.int(k.at(68)));
      });
      yield* k.wait(pid);
      log.push(k.int(k.at(68)));
    });
    expect(log).toEqual([102, 0, 0]);
  });

  test('00 R37: what a child gets of its parent, and what not', () => {
    const k = new ProcessKernel();
    let child: Record<string, number> = {};
    k.boot(function* () {
      yield* k.sys('prctl', 1, 10);
      yield* k.sys('prctl', 29, 777);
      yield* k.sys('prctl', 36, 1);
      yield* k.sys('prctl', 38, 1, 0, 0, 0);
      k.sched.current.s.pending = 1n << 20n; // blocked, or it would be taken
      k.sched.current.s.blocked = 1n << 20n;
      yield* k.wait(
        yield* k.fork(function* ({ s }) {
          const get = function* (option: number) {
            expect(yield* k.sys('prctl', option, k.at(0), 0, 0, 0)).toBe(0);
            return k.int(k.at(0));
          };
          child = {
            pdeath: yield* get(2),
            subreaper: yield* get(37),
            slack: yield* k.sys('prctl', 30),
            nnp: yield* k.sys('prctl', 39, 0, 0, 0, 0),
            pending: Number(s.pending),
            blocked: Number(s.blocked),
            slackDefault: s.default_timer_slack_ns,
          };
        }),
      );
    });
    expect(child).toEqual({
      pdeath: 0,
      subreaper: 0,
      slack: 777,
      nnp: 1,
      pending: 0,
      blocked: 2 ** 20,
      slackDefault: 777,
    });
  });

  test('00 R36, H10: a pointer kept in the copy is freed with it when the fork fails early', () => {
    const run = (mutations: string[]) => {
      const k = new ProcessKernel({ mutations: new Set(mutations) });
      const failures = k.boot(function* () {
        yield* k.processes.storage.bpf_task_storage_get(1n);
        k.machine.faults = new Set(['alloc-fail']);
        expect(yield* k.fork(function* () {})).toBe(-ENOMEM);
        k.machine.faults = new Set();
        expect(yield* k.processes.storage.bpf_task_storage_get(1n)).toBe(2n);
      }, new FailAlloc(1));
      return failures.map(({ kind }) => kind);
    };
    expect(run([])).toEqual([]);
    expect(run(['fork.keep-pointer'])).toEqual(['use-after-free']);
  });

  test('clone3 checks its block', () => {
    const k = new ProcessKernel();
    k.boot(function* () {
      const args = function* (...words: bigint[]) {
        const block = new BigUint64Array(9);
        block.set(words);
        yield* k.user.userWrite(k.at(0), new Uint8Array(block.buffer));
        return k.at(0);
      };
      expect(yield* k.sys('clone3', k.at(0), 63)).toBe(-EINVAL);
      expect(yield* k.sys('clone3', 8, 64)).toBe(-EFAULT);
      expect(yield* k.sys('clone3', yield* args(17n), 64)).toBe(-EINVAL); // a signal in the flags
      expect(yield* k.sys('clone3', yield* args(0n, 0n, 0n, 0n, 65n), 64)).toBe(-EINVAL);
      k.processes.clones.nextBody.set(k.sched.current, {
        *run() {
          return 4;
        },
      });
      const pid = yield* k.sys('clone3', yield* args(0n, 0n, 0n, 0n, 17n), 72);
      expect(yield* k.wait(pid)).toEqual([pid, 4 << 8]);
    });
  });

  test('a thread born while its group is killed dies with it, in every schedule tried', () => {
    for (let run = 0; run < 60; run++) {
      const k = new ProcessKernel();
      let status = 0;
      const tasks = k.processes.tasks;
      const init = tasks.create_init(function* () {
        const pid = yield* k.fork(function* () {
          yield* k.clone(THREAD, function* () {
            yield* k.clone(THREAD, function* () {
              for (;;) yield* k.sys('sched_yield');
            });
            for (;;) yield* k.sys('sched_yield');
          });
          return 6;
        });
        status = (yield* k.wait(pid))[1];
      });
      tasks.initMm(init, k.user.create());
      init.s.files = k.files.create();
      k.sched.wakeNew(init);
      expect(k.runRandomly(run)).toEqual([]);
      expect(status).toBe(6 << 8);
      expect(tasks.threadCount).toBe(1);
    }
  });
});
