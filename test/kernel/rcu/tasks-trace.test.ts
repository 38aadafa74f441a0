import { expect, test } from 'vitest';
import { RcuTasksTrace } from '../../../kernel/rcu/tasks-trace.ts';
import { block, step } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { TASK_UNINTERRUPTIBLE } from '../../../kernel/task.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const INSIDE = site('prog', 'inside');

test('00 R47: a section may sleep, and is waited for all the same', () => {
  for (const { failures, log } of runs(
    new Random(1),
    (kernel, log) => {
      const trace = new RcuTasksTrace(kernel.machine, kernel.cpus, kernel.sched);
      const a = kernel.spawn('A', function* () {
        trace.rcu_read_lock_trace();
        log.push('enters');
        a.s.__state = TASK_UNINTERRUPTIBLE;
        yield* block(INSIDE);
        log.push('leaves');
        trace.rcu_read_unlock_trace();
      });
      kernel.spawn('U', function* () {
        log.push('starts');
        trace.call_rcu_tasks_trace('free_it', () => void log.push('freed'));
        yield* trace.synchronize_rcu_tasks_trace();
        log.push('returns');
      });
      kernel.spawn('W', function* () {
        while (!kernel.sched.wake(a)) yield* step(INSIDE);
      });
    },
    200,
  )) {
    expect(failures).toEqual([]);
    const at = (what: string): number => log.indexOf(what);
    expect(at('freed')).toBeLessThan(at('returns'));
    if (at('enters') < at('starts')) expect(at('leaves')).toBeLessThan(at('freed'));
  }
});

test('it does not wait for readers of the other flavour, nor they for its own', () => {
  const kernel = new LockKernel();
  const trace = new RcuTasksTrace(kernel.machine, kernel.cpus, kernel.sched);
  const log: string[] = [];
  kernel.spawn('A', function* () {
    kernel.rcu.rcu_read_lock();
    trace.call_rcu_tasks_trace('trace', () => void log.push('trace'));
    expect(kernel.machine.engine.sources.map(({ name, ready }) => `${name} ${ready}`)).toEqual([
      'rcu false',
      'rcu_tasks_trace true',
    ]);
    kernel.rcu.rcu_read_unlock();
    yield* step(INSIDE);
  });
  expect(kernel.run()).toEqual([]);
  expect(log).toEqual(['trace']);
});

test('waiting inside a section, and leaving one not entered, are reported', () => {
  const kernel = new LockKernel();
  const trace = new RcuTasksTrace(kernel.machine, kernel.cpus, kernel.sched);
  kernel.spawn('A', function* () {
    trace.rcu_read_lock_trace();
    expect(trace.inReadSection()).toBe(true);
    yield* trace.synchronize_rcu_tasks_trace();
  });
  expect(kernel.run()[0]).toMatchObject({ kind: 'deadlock' });
  const other = new LockKernel();
  const empty = new RcuTasksTrace(other.machine, other.cpus, other.sched);
  other.spawn('A', function* () {
    yield* step(INSIDE);
    empty.rcu_read_unlock_trace();
  });
  expect(other.run()[0]).toMatchObject({ kind: 'unbalanced-section' });
});
