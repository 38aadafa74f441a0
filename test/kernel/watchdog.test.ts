import { describe, expect, test } from 'vitest';
import { kernelFunction, spin, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { TASK_INTERRUPTIBLE, TASK_UNINTERRUPTIBLE } from '../../kernel/task.ts';
import { IrqKernel } from '../kit/irq-kernel.ts';

const HERE = site('watchdog_test', 'here');
const SPIN = site('watchdog_test', 'spin');
const SECOND = 1_000_000_000;

const timed = (options = {}) => new IrqKernel({ mode: 'timed', ...options });

/** Burns 30 seconds one by one, `each` before every second. */
function* burn(kernel: IrqKernel, each: () => Sim<void> | void): Sim<void> {
  for (let i = 0; i < 30; i++) {
    const more = each();
    if (more) yield* more;
    yield* kernel.timers.__udelay(SECOND);
  }
}

test('03 R3: preemption off for more than 20 s is a soft lockup', () => {
  const kernel = timed();
  const bomb = kernelFunction('bomb', () => burn(kernel, () => {}));
  kernel.spawn('A', function* () {
    kernel.sched.preemptDisable();
    yield* bomb();
  });
  const failures = kernel.run();
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({
    kind: 'soft-lockup',
    title: 'watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [A:101]',
  });
  expect(failures[0]!.text).toContain('bomb');
});

test('03 R3: no soft lockup where the task yields, or can be preempted, or is preempted', () => {
  const yielding = timed();
  yielding.spawn('A', () => burn(yielding, () => yielding.sched.schedule()));
  expect(yielding.run()).toEqual([]);
  const open = timed();
  open.spawn('A', () => burn(open, () => {}));
  expect(open.run()).toEqual([]);
  const brief = timed();
  brief.spawn('A', function* () {
    brief.sched.preemptDisable();
    yield* burn(brief, () => {
      brief.sched.preemptEnable();
      brief.sched.preemptDisable();
    });
    brief.sched.preemptEnable();
  });
  expect(brief.run()).toEqual([]);
});

test.each([
  ['v7.2', 'watchdog'],
  ['v6.1', 'NMI watchdog'],
] as const)('03 R3: interrupts off for more than 10 s is a hard lockup: %s', (profile, prefix) => {
  const kernel = timed({ profile });
  kernel.spawn('A', function* () {
    kernel.irqs.local_irq_disable();
    yield* burn(kernel, () => {});
  });
  expect(kernel.run()).toMatchObject([
    {
      kind: 'hard-lockup',
      title: `${prefix}: Watchdog detected hard LOCKUP on cpu 0`,
    },
  ]);
  expect(kernel.machine.engine.nowNs()).toBeLessThanOrEqual(21 * SECOND);
});

/** Burns so many seconds, and says so. */
function* works(kernel: IrqKernel, seconds: number): Sim<void> {
  for (let i = 0; i < seconds; i++) yield* kernel.timers.__udelay(SECOND);
  kernel.log.push(`${seconds} s of work`);
}

describe('03 R3: a lockup is a warning as long as another CPU goes on', () => {
  const kinds = ['hard-lockup', 'soft-lockup'] as const;
  const isStuck = (kernel: IrqKernel, kind: string) => {
    if (kind === 'hard-lockup') kernel.irqs.local_irq_disable();
    else kernel.sched.preemptDisable();
  };

  test.each(kinds)('%s: the run ends with that of the last', (kind) => {
    const kernel = timed();
    kernel.spawn('A', function* () {
      isStuck(kernel, kind);
      yield* works(kernel, 1_000);
    });
    kernel.spawn('B', function* () {
      yield* works(kernel, 50);
      isStuck(kernel, kind);
      yield* works(kernel, 1_000);
    });
    const seen = kernel.run().map((failure) => [failure.kind, failure.fatal]);
    expect(seen).toEqual([
      [kind, false],
      [kind, true],
    ]);
    expect(kernel.log).toEqual(['50 s of work']);
    expect(kernel.machine.engine.nowNs()).toBeLessThan(80 * SECOND);
  });

  test.each(kinds)('%s: or once the last has nothing left to do', (kind) => {
    const kernel = timed();
    kernel.spawn('A', function* () {
      isStuck(kernel, kind);
      yield* works(kernel, 1_000);
    });
    kernel.spawn('B', () => works(kernel, 50));
    const seen = kernel.run().map((failure) => [failure.kind, failure.fatal]);
    expect(seen).toEqual([[kind, true]]);
    expect(kernel.log).toEqual(['50 s of work']);
    expect(kernel.machine.engine.nowNs()).toBeGreaterThan(50 * SECOND);
    expect(kernel.machine.engine.nowNs()).toBeLessThan(80 * SECOND);
  });
});

test('no hard lockup where interrupts come on for a moment now and then', () => {
  const kernel = timed();
  kernel.spawn('A', function* () {
    kernel.irqs.local_irq_disable();
    yield* burn(kernel, () => {
      kernel.irqs.local_irq_enable();
      kernel.irqs.local_irq_disable();
    });
    kernel.irqs.local_irq_enable();
  });
  expect(kernel.run()).toEqual([]);
});

test('a CPU that spins for ever is found, and the other one is not blamed', () => {
  const kernel = timed();
  kernel.spawn('A', function* () {
    kernel.sched.preemptDisable();
    for (;;) yield* spin(SPIN, 4_096);
  });
  kernel.spawn('B', function* () {
    yield* step(HERE);
  });
  expect(kernel.run()).toMatchObject([
    {
      kind: 'soft-lockup',
      title: 'watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [A:101]',
      sites: ['watchdog_test:spin'],
    },
  ]);
});

test('a run in which every CPU only spins, with preemption on, ends', () => {
  const kernel = timed();
  kernel.spawn('A', function* () {
    for (;;) yield* spin(SPIN, 4_096);
  });
  expect(kernel.run()).toEqual([]);
  expect(kernel.machine.engine.nowNs()).toBeLessThan(400 * SECOND);
});

test('an uninterruptible sleep of more than 120 s is a hung task; the run goes on', () => {
  const kernel = timed();
  kernel.spawn('A', function* () {
    kernel.sched.current.s.__state = TASK_UNINTERRUPTIBLE;
    yield* kernel.sched.schedule();
  });
  kernel.spawn('B', function* () {
    for (let i = 0; i < 300; i++) yield* kernel.timers.__udelay(SECOND);
    kernel.log.push('done');
  });
  const failures = kernel.run();
  expect(failures).toMatchObject([
    {
      kind: 'hung-task',
      title: 'INFO: task A:101 blocked for more than 120 seconds.',
      fatal: false,
    },
  ]);
  expect(failures[0]!.text).toMatch(/^task:A {15}state:D stack:0 {5}pid:101 /m);
  expect(failures[0]!.text).toContain('schedule+');
  expect(kernel.log).toEqual(['done']);
});

test('the end of a run: who is still blocked, and for what', () => {
  const kernel = new IrqKernel();
  const asleep = (state: number) =>
    function* (): Sim<void> {
      kernel.sched.current.s.__state = state;
      yield* kernel.sched.schedule();
    };
  expect(kernel.watchdogs.deadlockReport()).toBeUndefined();
  kernel.spawn('A', asleep(TASK_INTERRUPTIBLE));
  expect(kernel.run()).toEqual([]);
  expect(kernel.watchdogs.deadlockReport()).toMatchObject({
    kind: 'deadlock',
    title: 'BUG: deadlock: A:101 sleeps and nothing is left to wake it',
  });
  kernel.spawn('B', asleep(TASK_UNINTERRUPTIBLE));
  expect(kernel.run()).toEqual([]);
  expect(kernel.watchdogs.deadlockReport()).toMatchObject({
    kind: 'hung-task',
    title: 'INFO: task B:102 blocked for more than 120 seconds.',
  });
  kernel.tasks[1]!.daemon = true;
  expect(kernel.watchdogs.blockedTasks()).toEqual([kernel.tasks[0]]);
});

test('a circle of lock waits is a deadlock, whoever else is blocked', () => {
  const kernel = new IrqKernel();
  const lock = (name: string, addr: number, waiting: boolean) => ({
    className: name,
    classId: 0,
    addr,
    spinning: false,
    site: HERE,
    waiting,
    tried: false,
  });
  const waits = [
    ['C', 8_192, 4_096],
    ['A', 4_096, 4_104],
    ['B', 4_104, 4_096],
  ] as const;
  for (const [name, held, wanted] of waits) {
    kernel.spawn(name, function* () {
      const task = kernel.sched.current;
      task.held.push(lock(`&x${held}->lock`, held, false), lock(`&x${wanted}->lock`, wanted, true));
      task.s.__state = TASK_UNINTERRUPTIBLE;
      yield* kernel.sched.schedule();
    });
  }
  kernel.run();
  const report = kernel.watchdogs.deadlockReport()!;
  expect(report).toMatchObject({
    kind: 'deadlock',
    title: 'BUG: deadlock: A:102 -> B:103 -> A:102',
  });
  expect(report.lines!.join('\n')).toContain('&x4104->lock (ffff888000001008), held by task B:103');
  expect(report.lines).toContain('2 locks held by A/102:');
});
