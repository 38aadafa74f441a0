import { expect, test } from 'vitest';
import { step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { SLICE_NS, TICK_NS } from '../../kernel/timer.ts';
import { IrqKernel } from '../kit/irq-kernel.ts';

const HERE = site('timer_test', 'here');
const MS = 1_000_000;

test('timers fire in the order of their times, in softirq or hardirq context', () => {
  const kernel = new IrqKernel({ mode: 'timed' });
  const { timers, log } = kernel;
  const note = (text: string) =>
    function* (): Sim<void> {
      yield* step(HERE);
      log.push(`${text} ${kernel.cpus.context!.kind}`);
    };
  kernel.spawn('A', function* () {
    timers.add('late', 3 * MS, note('late'));
    timers.add('early', 1 * MS, note('early'));
    timers.hrtimer_start('middle', 2 * MS, note('middle'));
    const gone = timers.add('gone', 2 * MS, note('gone'));
    expect(timers.del(gone)).toBe(true);
    expect(gone.isPending).toBe(false);
    yield* step(HERE);
  });
  expect(kernel.run()).toEqual([]);
  expect(log).toEqual(['early softirq', 'middle hardirq', 'late softirq']);
  expect(kernel.machine.engine.nowNs()).toBeGreaterThanOrEqual(3 * MS);
});

test('msleep sleeps its time; schedule_timeout gives what is left', () => {
  const kernel = new IrqKernel({ mode: 'timed' });
  const { timers, log, machine } = kernel;
  const nowMs = () => Math.floor(machine.engine.cpu.nowNs / MS);
  const sleeper = kernel.spawn('A', function* () {
    yield* timers.msleep(5 * MS);
    log.push(`slept until ${nowMs()}`);
    const left = yield* timers.schedule_timeout_uninterruptible(10 * MS);
    log.push(`${Math.ceil(left / MS)} left at ${nowMs()}`);
  });
  kernel.spawn('B', function* () {
    yield* timers.msleep(7 * MS);
    kernel.sched.wake(sleeper);
  });
  expect(kernel.run()).toEqual([]);
  expect(log).toEqual(['slept until 5', '8 left at 7']);
});

test('in explore mode a sleep ends too, at some moment', () => {
  const kernel = new IrqKernel();
  kernel.spawn('A', function* () {
    yield* kernel.timers.msleep(5 * MS);
    kernel.log.push('slept');
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['slept']);
});

/** Two tasks on one CPU that burn 4 slices each, with `around` each burn. */
function share(options: { atomic: boolean }): IrqKernel {
  const kernel = new IrqKernel({ cpuCount: 1, mode: 'timed' });
  for (const name of ['A', 'B']) {
    kernel.spawn(name, function* () {
      if (options.atomic) kernel.sched.preemptDisable();
      for (let i = 0; i < 40; i++) {
        yield* kernel.timers.__udelay(MS);
        if (kernel.log.at(-1) !== name) kernel.log.push(name);
      }
      if (options.atomic) kernel.sched.preemptEnable();
      yield* step(HERE);
      kernel.log.push(`${name} after`);
    });
  }
  return kernel;
}

test('the tick takes the CPU from a task that has used its slice', () => {
  const kernel = share({ atomic: false });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log.slice(0, 6)).toEqual(['A', 'B', 'A', 'B', 'A', 'B']);
  expect(SLICE_NS).toBeLessThan(TICK_NS);
});

test('not while it cannot be preempted: then at preempt_enable()', () => {
  const kernel = share({ atomic: true });
  expect(kernel.run()).toEqual([]);
  expect(kernel.log).toEqual(['A', 'B', 'A after', 'B after']);
});

test('the tick keeps no run alive, and is not there in explore mode', () => {
  const kernel = new IrqKernel();
  kernel.spawn('A', () => kernel.timers.msleep(3 * MS));
  expect(kernel.machine.engine.clock.first()).toBeUndefined();
  expect(kernel.run()).toEqual([]);
  const timed = new IrqKernel({ mode: 'timed' });
  timed.spawn('A', () => timed.timers.msleep(3 * MS));
  expect(timed.run()).toEqual([]);
  expect(timed.machine.engine.nowNs()).toBeLessThan(2 * TICK_NS);
});
