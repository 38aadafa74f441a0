import { describe, expect, test } from 'vitest';
import { EACCES, EFAULT, ENAMETOOLONG, ENOENT, ENOMEM } from '../../../kernel/errno.ts';
import * as uapi from '../../../kernel/process/uapi.ts';
import { PF_EXITING } from '../../../kernel/task.ts';
import { ProcessKernel } from '../../kit/process-kernel.ts';

const { CLONE_VM, CLONE_SIGHAND, CLONE_THREAD, CLONE_FS, CLONE_FILES } = uapi;
const THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

describe('execve', () => {
  test('00 R39: what fails before the point of no return leaves everything as it was', () => {
    const k = new ProcessKernel();
    const failures = k.boot(function* () {
      const { slab } = k.machine;
      const before = slab.liveCount;
      const { mm } = k.sched.current.s;
      expect(yield* k.sys('execve', 8, 0, 0)).toBe(-EFAULT);
      expect(yield* k.exec('')).toBe(-ENOENT);
      expect(yield* k.exec('x'.repeat(4_096))).toBe(-ENAMETOOLONG);
      expect(yield* k.exec('/dev/null')).toBe(-EACCES); // what pathError says
      expect(yield* k.sys('execve', yield* k.text('/bin/true'), 8, 0)).toBe(-EFAULT);
      expect(k.files.log).toEqual([]);
      expect(k.sched.current.s.mm).toBe(mm);
      expect(slab.liveCount).toBe(before);
      expect(k.sched.current.held).toEqual([]);
    });
    expect(failures).toEqual([]);
  });

  test('the image runs instead of its caller; its number is the status', () => {
    const k = new ProcessKernel();
    const log: unknown[] = [];
    k.processes.execs.images.set('/bin/echo', function* (argv) {
      log.push(argv, yield* k.sys('getpid'), k.sched.current.comm);
      return 9;
    });
    k.boot(function* () {
      const pid = yield* k.fork(function* () {
        const texts = [yield* k.text('echo', 300), yield* k.text('two words', 320)];
        const list = new BigUint64Array([...texts.map(BigInt), 0n]);
        yield* k.user.userWrite(k.at(400), new Uint8Array(list.buffer));
        yield* k.sys('execve', yield* k.text('/bin/echo'), k.at(400), 0);
        throw new Error('exec came back');
      });
      log.push(yield* k.wait(pid));
    });
    expect(log).toEqual([['echo', 'two words'], 101, 'echo', [101, 9 << 8]]);
  });

  test('00 R38, R41: the order, and what survives', () => {
    const k = new ProcessKernel();
    const log: string[] = [];
    let after: Record<string, unknown> = {};
    k.processes.execs.images.set('/usr/bin/a-name-of-17-chars', function* () {
      const { s, comm } = k.sched.current;
      const sighand = k.processes.tasks.byAddr(s.group_leader).s.sighand;
      const get = function* (option: number) {
        expect(yield* k.sys('prctl', option, k.at(0), 0, 0, 0)).toBe(0);
        return k.int(k.at(0));
      };
      after = {
        comm,
        keepCaps: yield* k.sys('prctl', 7),
        dumpable: yield* k.sys('prctl', 3),
        slack: yield* k.sys('prctl', 30),
        noNewPrivs: s.no_new_privs,
        pdeath: s.pdeath_signal,
        subreaper: yield* get(37),
        ignored: k.signals.disposition(k.sched.current, 10),
        handled: k.signals.disposition(k.sched.current, 12),
        own: sighand !== k.processes.tasks.init.s.sighand,
      };
    });
    k.hooks.sched_prepare_exec = function* () {
      log.push('prepare');
    };
    k.hooks.sched_process_exec = function* ({ comm }) {
      log.push(`exec ${comm}`);
    };
    k.hooks.afterExec = function* () {
      log.push('after');
    };
    const { unshare_files, do_close_on_exec } = k.files;
    k.files.unshare_files = () => unshare_files.call(k.files);
    let old = 0;
    k.files.do_close_on_exec = function* () {
      log.push(`cloexec, ${k.sched.current.s.mm === old ? 'old' : 'new'} mm`);
      k.works.task_work_add(k.sched.current, 'put', function* () {
        log.push(`deferred, ${k.sched.current.s.mm === old ? 'old' : 'new'} mm`);
      });
      yield* do_close_on_exec.call(k.files);
    };
    const failures = k.boot(function* () {
      yield* k.wait(
        yield* k.fork(function* () {
          old = k.sched.current.s.mm;
          yield* k.sys('prctl', 8, 1);
          yield* k.sys('prctl', 4, 0);
          yield* k.sys('prctl', 29, 5);
          yield* k.sys('prctl', 38, 1, 0, 0, 0);
          yield* k.sys('prctl', 1, 12);
          yield* k.sys('prctl', 36, 1);
          k.signals.do_sigaction(10, 'ignore');
          k.signals.do_sigaction(12, 'handler');
          yield* k.exec('/usr/bin/a-name-of-17-chars');
        }),
      );
    });
    expect(failures).toEqual([]);
    expect(log).toEqual([
      'prepare',
      'cloexec, old mm',
      'exec a-name-of-17-ch',
      'after',
      'deferred, new mm',
    ]);
    expect(k.files.log).toEqual(['unshare', 'cloexec']);
    expect(after).toEqual({
      comm: 'a-name-of-17-ch',
      keepCaps: 0,
      dumpable: 1,
      slack: 5,
      noNewPrivs: 1,
      pdeath: 12,
      subreaper: 1,
      ignored: 'ignore',
      handled: 'default',
      own: true,
    });
  });

  test('00 R39: an error after the point of no return kills with SIGSEGV', () => {
    const k = new ProcessKernel();
    k.boot(function* () {
      k.files.failUnshare = -ENOMEM;
      const before = k.machine.slab.liveCount;
      const pid = yield* k.fork(function* () {
        k.signals.do_sigaction(11, 'handler');
        yield* k.exec('/bin/true');
        throw new Error('exec came back');
      });
      expect(yield* k.wait(pid)).toEqual([pid, 11]);
      yield* k.nap();
      expect(k.machine.slab.liveCount).toBe(before);
    });
  });

  test('exec with no memory for the new address space fails and comes back', () => {
    const k = new ProcessKernel();
    const failures = k.boot(function* () {
      const before = k.machine.slab.liveCount;
      const { create } = k.user;
      k.user.create = () => 0;
      expect(yield* k.exec('/bin/true')).toBe(-ENOMEM);
      k.user.create = create;
      expect(k.machine.slab.liveCount).toBe(before);
    });
    expect(failures).toEqual([]);
  });

  test('a thread that execs kills the others and takes over pid and place of the leader', () => {
    for (let run = 0; run < 60; run++) {
      const k = new ProcessKernel();
      const { tasks } = k.processes;
      let pid = 0;
      let status: unknown;
      let seen: unknown;
      k.processes.execs.images.set('/bin/who', function* () {
        const { current } = k.sched;
        seen = [
          yield* k.sys('getpid'),
          yield* k.sys('gettid'),
          yield* k.sys('getppid'),
          tasks.threadsOf(current).length,
          current.s.flags & PF_EXITING,
        ];
        return 4;
      });
      const init = tasks.create_init(function* () {
        pid = yield* k.fork(function* () {
          yield* k.clone(THREAD, function* () {
            for (;;) yield* k.nap();
          });
          yield* k.clone(THREAD, function* () {
            yield* k.exec('/bin/who');
          });
          for (;;) yield* k.nap();
        });
        yield* k.fork(function* () {});
        status = yield* k.wait(pid);
        yield* k.wait(-1);
      });
      tasks.initMm(init, k.user.create());
      init.s.files = k.files.create();
      k.sched.wakeNew(init);
      expect(k.runRandomly(run)).toEqual([]);
      expect(status).toEqual([pid, 4 << 8]);
      expect(seen).toEqual([pid, pid, 1, 1, 0]);
      expect(tasks.threadCount).toBe(1);
    }
  });

  test('two threads exec at once: one wins, in every schedule tried', () => {
    for (let run = 0; run < 60; run++) {
      const k = new ProcessKernel();
      const { tasks } = k.processes;
      let images = 0;
      let status: unknown;
      k.processes.execs.images.set('/bin/one', function* () {
        images++;
        return 1;
      });
      const init = tasks.create_init(function* () {
        const pid = yield* k.fork(function* () {
          yield* k.clone(THREAD, function* () {
            yield* k.exec('/bin/one');
          });
          yield* k.exec('/bin/one');
        });
        status = (yield* k.wait(pid))[1];
      });
      tasks.initMm(init, k.user.create());
      init.s.files = k.files.create();
      k.sched.wakeNew(init);
      expect(k.runRandomly(run)).toEqual([]);
      expect(status).toBe(1 << 8);
      expect(images).toBe(1);
      expect(tasks.threadCount).toBe(1);
    }
  });

  test('exec of root gives all capabilities back, of others none', () => {
    const k = new ProcessKernel();
    const log: unknown[] = [];
    k.processes.execs.images.set('/bin/caps', function* () {
      const header = new Uint32Array([0x2008_0522, 0]);
      yield* k.user.userWrite(k.at(0), new Uint8Array(header.buffer));
      yield* k.sys('capget', k.at(0), k.at(8));
      log.push([0, 4, 12, 16].map((at) => k.int(k.at(8 + at)) >>> 0));
    });
    k.boot(function* () {
      for (const uid of [0, 1000]) {
        yield* k.wait(
          yield* k.fork(function* () {
            yield* k.sys('prctl', 8, 1);
            yield* k.sys('setuid', uid);
            yield* k.exec('/bin/caps');
          }),
        );
      }
    });
    expect(log).toEqual([
      [0xffff_ffff, 0xffff_ffff, 0x1ff, 0x1ff],
      [0, 0, 0, 0],
    ]);
  });
});
