import { expect, test } from 'vitest';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { IrqKernel } from '../kit/irq-kernel.ts';

const HERE = site('work_test', 'here');

test('works run in order on the CPU that queued them, in its kworker', () => {
  const kernel = new IrqKernel();
  kernel.bootWorkers();
  const { workqueues, machine } = kernel;
  const note = (text: string) =>
    function* (): Sim<void> {
      yield* step(HERE);
      kernel.log.push(`${text} ${machine.context!.comm}`);
      if (text === '1') workqueues.schedule_work('3', note('3'));
    };
  kernel.spawn('A', function* () {
    workqueues.schedule_work('1', note('1'));
    workqueues.schedule_work('2', note('2'));
    expect(workqueues.pending).toBe(2);
    yield* step(HERE);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['1 kworker/0:1', '2 kworker/0:1', '3 kworker/0:1']);
  expect(workqueues.pending).toBe(0);
});

test.each(['timed', 'explore'] as const)('delayed work runs after its time: %s', (mode) => {
  const kernel = new IrqKernel({ mode });
  kernel.bootWorkers();
  const { workqueues } = kernel;
  kernel.spawn('A', function* () {
    workqueues.schedule_delayed_work(
      'delayed_fput',
      function* () {
        kernel.log.push('work');
        expect(kernel.machine.engine.cpu.nowNs).toBeGreaterThanOrEqual(4_000_000);
        yield* step(HERE);
      },
      4_000_000,
    );
    expect(workqueues.pending).toBe(1);
    yield* step(HERE);
    kernel.log.push('task');
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['task', 'work']);
  expect(workqueues.pending).toBe(0);
});

test('a work may sleep', () => {
  const kernel = new IrqKernel({ mode: 'timed' });
  kernel.bootWorkers();
  kernel.spawn('A', function* () {
    kernel.workqueues.schedule_work('sleeps', function* () {
      yield* kernel.timers.msleep(1_000);
      kernel.log.push('slept');
    });
    yield* kernel.timers.msleep(500);
    kernel.workqueues.schedule_work('next', function* () {
      yield* step(HERE);
      kernel.log.push('next');
    });
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['slept', 'next']);
});
