import { describe, expect, test } from 'vitest';
import { InputError } from '../../base/errors.ts';
import type { Task } from '../../kernel/task.ts';
import { TASK_INTERRUPTIBLE } from '../../kernel/task.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import { ProcessKernel } from '../kit/process-kernel.ts';

/** A kernel set up with two processes that wait at the gate, and one kernel thread. */
function setUp() {
  const k = new ProcessKernel();
  const { tasks } = k.processes;
  const gated: Task[] = [];
  const exits: string[] = [];
  const worked: number[] = [];
  k.processes.execs.images.set('/bin/sub', function* () {
    yield* k.wait(yield* k.fork(function* () {}));
  });
  k.hooks.sched_process_exit = function* ({ path, pid }, code) {
    exits.push(`${path} ${pid} ${code >> 8}`);
  };
  const worker = tasks.create_kthread('kworker/0:1', function* () {
    for (;;) {
      worked.push(worker.pid);
      worker.s.__state = TASK_INTERRUPTIBLE;
      yield* k.sched.schedule();
    }
  });
  const failures = k.boot(function* () {
    yield* k.wait(yield* k.fork(function* () {})); // comes and goes before the checkpoint
    k.sched.gate = gated;
    for (const path of ['A', 'B']) {
      yield* k.clone(
        17,
        function* () {
          yield* k.sys('prctl', 15, yield* k.text('renamed'));
          const pid = yield* k.fork(function* () {
            yield* k.exec('/bin/sub');
          });
          yield* k.wait(pid);
          k.sched.wake(worker);
          return path === 'A' ? 1 : 2;
        },
        { path, comm: path },
      );
    }
    k.sched.gate = null;
  });
  expect(failures).toEqual([]);
  const reset = (): void => {
    k.cpus.reset();
    k.rcu.reset();
    k.user.reset();
    k.processes.reset();
  };
  tasks.checkpoint();
  reset();
  k.machine.checkpoint();
  const again = (run: number): string => {
    k.machine.rollback();
    reset();
    tasks.rollback();
    exits.length = 0;
    worked.length = 0;
    for (const task of gated) {
      task.restart();
      k.sched.wakeNew(task);
    }
    const strategy = new Random(3);
    strategy.begin(run);
    k.machine.engine.run(strategy);
    expect(k.machine.engine.failures).toEqual([]);
    return `${k.machine.engine.trace.digest()} ${exits} ${worked.length}`;
  };
  return { k, tasks, gated, exits, worked, again };
}

describe('tasks over many runs', () => {
  test('a rolled-back run is the same run: pids, paths, fingerprint', () => {
    const { again, exits, worked, tasks, k } = setUp();
    const live = k.machine.slab.liveCount;
    const first = [0, 1, 2, 3, 4].map(again);
    expect([0, 1, 2, 3, 4].map(again)).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(exits.toSorted().map((text) => text.replace(/ \d+ /, ' '))).toEqual([
      'A 1',
      'A/child#1 0',
      'A/child#1/child#1 0',
      'B 2',
      'B/child#1 0',
      'B/child#1/child#1 0',
    ]);
    expect(worked.length).toBeGreaterThan(0);
    expect([...tasks.all()].map(({ comm }) => comm)).toEqual(['kworker/0:1', 'init']);
    expect(k.machine.slab.liveCount).toBeLessThan(live);
    k.machine.rollback();
    tasks.rollback();
    expect([...tasks.all()].map(({ comm, pid }) => `${comm} ${pid}`)).toEqual([
      'kworker/0:1 2',
      'init 1',
      'A 102',
      'B 103',
    ]);
    expect(k.machine.slab.liveCount).toBe(live);
  });

  test("a process that setup leaves running is the user's mistake", () => {
    const k = new ProcessKernel();
    k.boot(function* () {
      yield* k.fork(function* () {
        yield* k.wait(
          yield* k.fork(function* () {
            k.signals.do_sigaction(1, 'ignore');
            for (;;) {
              k.sched.current.s.__state = TASK_INTERRUPTIBLE;
              yield* k.sched.schedule();
            }
          }),
        );
      });
    }, new Stay());
    expect(() => k.processes.tasks.checkpoint()).toThrow(InputError);
  });

  test('pids count up, and wrap past the reserved ones', () => {
    const k = new ProcessKernel();
    const { tasks } = k.processes;
    k.boot(function* () {
      const { current } = k.sched;
      expect(yield* k.fork(function* () {})).toBe(101);
      expect(tasks.nextPid()).toBe(102);
      const last = tasks.dup_task_struct(current, 'last', function* () {})!;
      last.s.real_parent = current.addr;
      last.s.group_leader = last.addr;
      tasks.publish(last, 32_767);
      expect(tasks.nextPid()).toBe(300);
      k.machine.engine.stop();
    });
  });

  test('kernel threads have the low pids and sleep until woken', () => {
    const k = new ProcessKernel();
    let ran = 0;
    const thread = k.processes.tasks.create_kthread('kthreadd', function* () {
      ran++;
    });
    expect(k.run()).toEqual([]);
    expect([thread.pid, ran]).toEqual([2, 0]);
    k.sched.wake(thread);
    k.run();
    expect(ran).toBe(1);
  });
});
