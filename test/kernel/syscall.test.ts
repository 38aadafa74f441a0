import { describe, expect, test } from 'vitest';
import { EBADF, EINTR, ENOSYS, ERESTARTNOINTR, ERESTARTSYS } from '../../kernel/errno.ts';
import type { SyscallRow } from '../../kernel/hooks.ts';
import { resultText } from '../../kernel/syscall.ts';
import type { Sim } from '../../sim/request.ts';
import { ProcessKernel } from '../kit/process-kernel.ts';

function kernelWith(run: (...args: number[]) => Sim<number>): ProcessKernel {
  const k = new ProcessKernel();
  const row: SyscallRow = { nr: 9_000, name: 'probe', args: ['filename', 'flags', 'count'], run };
  k.processes.syscalls.register([row]);
  return k;
}

describe('system calls', () => {
  test('an unknown one is -ENOSYS', () => {
    const k = new ProcessKernel();
    k.boot(function* () {
      expect(yield* k.sys('vmsplice', 1)).toBe(-ENOSYS);
    });
  });

  test('two rows of one name or number are our mistake', () => {
    const { syscalls } = new ProcessKernel().processes;
    const row = {
      nr: 39,
      name: 'other',
      args: [],
      run: function* () {
        return 0;
      },
    };
    expect(() => syscalls.register([row])).toThrow(/number/);
    expect(() => syscalls.register([{ ...row, name: 'getpid' }])).toThrow(/twice/);
  });

  test('the trace shows calls and results as strace does', () => {
    const k = kernelWith(function* () {
      return -EBADF;
    });
    k.machine.engine.trace.detailed = true;
    k.boot(function* () {
      yield* k.sys('probe', yield* k.text('/dev/null'), 0x8_0000, 77);
      yield* k.sys('probe', 8, 0, 0);
      yield* k.sys('probe', 0, 0, 0);
      yield* k.sys('getpid');
    });
    const lines = k.machine.engine.trace.lines
      .filter(({ kind }) => kind === 'syscall' || kind === 'return')
      .map(({ text }) => text);
    expect(lines).toEqual([
      'probe("/dev/null", 0x80000, 77)',
      '= -1 EBADF',
      'probe(0x8, 0x0, 0)',
      '= -1 EBADF',
      'probe(NULL, 0x0, 0)',
      '= -1 EBADF',
      'getpid()',
      '= 1',
    ]);
  });

  test('resultText', () => {
    expect([0, 7, -9, -9_999].map(resultText)).toEqual(['= 0', '= 7', '= -1 EBADF', '= -9999']);
  });

  test('the restart codes: with a handler -EINTR or again, without one again', () => {
    const rows = [
      [ERESTARTSYS, 'handler', -EINTR, 1],
      [ERESTARTSYS, 'default', 5, 2],
      [ERESTARTNOINTR, 'handler', 5, 2],
      [ERESTARTNOINTR, 'default', 5, 2],
    ] as const;
    for (const [code, disposition, result, calls] of rows) {
      let count = 0;
      const k = kernelWith(function* () {
        if (count++ > 0) return 5;
        k.signals.do_sigaction(23, disposition);
        k.signals.send_sig(23, k.sched.current);
        return -code;
      });
      k.boot(function* () {
        expect(yield* k.sys('probe'), `${code} ${disposition}`).toBe(result);
        expect(count).toBe(calls);
      });
    }
  });

  test('task work runs before the caller goes on, and is what it adds itself', () => {
    const log: string[] = [];
    const k = kernelWith(function* () {
      const { current } = k.sched;
      k.works.task_work_add(current, 'a', function* () {
        log.push('a');
        k.works.task_work_add(current, 'c', function* () {
          log.push('c');
        });
      });
      k.works.task_work_add(current, 'b', function* () {
        log.push('b');
      });
      log.push('call');
      return 0;
    });
    k.boot(function* () {
      yield* k.sys('probe');
      log.push('user');
    });
    expect(log).toEqual(['call', 'b', 'a', 'c', 'user']);
  });

  test('sys_enter, sys_exit and afterEach see each call', () => {
    const log: unknown[] = [];
    const k = kernelWith(function* () {
      return 3;
    });
    k.hooks.sys_enter = function* ({ name }, args) {
      log.push(name, args);
    };
    k.hooks.sys_exit = function* ({ name }, result) {
      log.push(name, result);
    };
    k.processes.syscalls.afterEach = () => void log.push('after');
    k.boot(function* () {
      yield* k.sys('probe', 1, 2);
    });
    expect(log).toEqual(['probe', [1, 2], 'probe', 3, 'after']);
  });

  test('leaving with preemption off is a report', () => {
    const k = kernelWith(function* () {
      k.sched.preemptDisable();
      return 0;
    });
    const failures = k.boot(function* () {
      yield* k.sys('probe');
    });
    expect(failures.map(({ kind, title }) => `${kind}: ${title}`)).toEqual([
      'unbalanced-section: BUG: init/1 returns to user mode with preempt_count 00000001, ' +
        'irqs_disabled() 0',
    ]);
  });

  test('a loop of system calls that do nothing still lets others run', () => {
    const k = new ProcessKernel({ cpuCount: 1 });
    k.boot(function* () {
      const pid = yield* k.fork(function* () {});
      while (k.task(pid).s.exit_state === 0) yield* k.sys('sched_yield');
      expect((yield* k.wait(pid))[0]).toBe(pid);
    });
  });
});
