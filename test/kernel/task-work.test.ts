import { expect, test } from 'vitest';
import { ESRCH } from '../../kernel/errno.ts';
import { PF_EXITING } from '../../kernel/task.ts';
import { TaskWorks } from '../../kernel/task-work.ts';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { BareKernel } from '../kit/bare-kernel.ts';

const HERE = site('task_work_test', 'here');

function setUp(mutations: readonly string[] = []) {
  const kernel = new BareKernel({ mutations: new Set(mutations) });
  const works = new TaskWorks(kernel.machine, kernel.cpus);
  const log: string[] = [];
  const note = (text: string) =>
    function* (): Sim<void> {
      yield* step(HERE);
      log.push(text);
    };
  return { kernel, works, log, note };
}

test('00 R30: a batch runs newest first; what is added meanwhile is the next batch', () => {
  const { kernel, works, log, note } = setUp();
  const task = kernel.spawn('A', function* () {
    works.task_work_add(task, '1', note('1'));
    works.task_work_add(task, '2', function* () {
      log.push('2');
      works.task_work_add(task, '4', note('4'));
      works.task_work_add(task, '5', note('5'));
      yield* step(HERE);
    });
    works.task_work_add(task, '3', note('3'));
    expect(works.pendingNames(task)).toEqual(['3', '2', '1']);
    yield* works.task_work_run();
  });
  expect(kernel.run()).toEqual([]);
  expect(log).toEqual(['3', '2', '1', '5', '4']);
});

test('00 R30, R42: after the last run at exit an addition fails with -ESRCH', () => {
  const { kernel, works, log, note } = setUp();
  const task = kernel.spawn('A', function* () {
    yield* works.task_work_run();
    expect(works.task_work_add(task, '1', note('1'))).toBe(0);
    task.s.flags |= PF_EXITING;
    expect(works.task_work_add(task, '2', note('2'))).toBe(0);
    yield* works.task_work_run();
    expect(works.task_work_add(task, '3', note('3'))).toBe(-ESRCH);
    yield* works.task_work_run();
  });
  expect(kernel.run()).toEqual([]);
  expect(log).toEqual(['2', '1']);
});

test('00 R52, H9: queued work forces a loop in the kernel out to user mode', () => {
  for (const [mutations, forced] of [
    [[], true],
    [['task_work.no-notify'], false],
  ] as const) {
    const { kernel, works, note } = setUp(mutations);
    const task = kernel.spawn('A', function* () {
      expect(works.mustReturnToUser(task)).toBe(false);
      works.task_work_add(task, '1', note('1'));
      expect(works.mustReturnToUser(task)).toBe(forced);
      yield* works.task_work_run();
      expect(works.mustReturnToUser(task)).toBe(false);
    });
    expect(kernel.run()).toEqual([]);
  }
});
