import { expect, test } from 'vitest';
import { lockClass } from '../../../kernel/locks/lock-class.ts';
import { step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const x_lock = lockClass('&x->lock', 'spin');
const INSIDE = site('reader', 'inside');
const BETWEEN = site('updater', 'between');

function* reader({ rcu }: LockKernel, log: string[], name: string): Sim<void> {
  rcu.rcu_read_lock();
  log.push(`${name} enters`);
  yield* step(INSIDE);
  rcu.rcu_read_lock(); // nested
  yield* step(INSIDE);
  rcu.rcu_read_unlock();
  yield* step(INSIDE);
  log.push(`${name} leaves`);
  rcu.rcu_read_unlock();
}

/** Whether the callback ran inside a section that was there when it was queued. */
function tooEarly(log: readonly string[], queued: string, ran: string): boolean {
  const from = log.indexOf(queued);
  const to = log.indexOf(ran);
  return ['A', 'B'].some((name) => {
    const enters = log.indexOf(`${name} enters`);
    const leaves = log.indexOf(`${name} leaves`);
    return enters >= 0 && enters < from && (leaves < 0 || leaves > to);
  });
}

test.each([1, 2])('00 R47: a callback waits for the sections there are, %i CPUs', (cpuCount) => {
  const strategy = new Bounded({ bound: 4 });
  const seen = { after: 0, beforeYounger: 0, count: 0 };
  for (const { failures, log } of runs(
    strategy,
    (kernel, log) => {
      kernel.spawn('A', () => reader(kernel, log, 'A'));
      kernel.spawn('U', function* () {
        yield* step(BETWEEN);
        kernel.rcu.call_rcu('free_it', () => void log.push('freed'));
        log.push('queued');
        expect(kernel.rcu.pending).toBe(1);
      });
    },
    Infinity,
    { cpuCount },
  )) {
    seen.count++;
    expect(failures).toEqual([]);
    expect(log).toContain('freed');
    expect(tooEarly(log, 'queued', 'freed'), log.join(', ')).toBe(false);
    if (log.at(-1) === 'freed') seen.after++;
    if (log.indexOf('freed') < log.indexOf('A leaves')) seen.beforeYounger++;
  }
  expect(seen.after).toBeGreaterThan(0);
  expect(seen.beforeYounger).toBeGreaterThan(0); // it does not wait for a younger section
});

test('00 R47: synchronize_rcu blocks for the sections that exist', () => {
  for (const { failures, log } of runs(
    new Random(5),
    (kernel, log) => {
      kernel.spawn('A', () => reader(kernel, log, 'A'));
      kernel.spawn('B', () => reader(kernel, log, 'B'));
      kernel.spawn('U', function* () {
        yield* step(BETWEEN);
        log.push('starts');
        yield* kernel.rcu.synchronize_rcu();
        log.push('returns');
      });
    },
    300,
    { cpuCount: 2 },
  )) {
    expect(failures).toEqual([]);
    expect(log).toContain('returns');
    expect(tooEarly(log, 'starts', 'returns'), log.join(', ')).toBe(false);
  }
});

test('a reader that has been preempted still counts', () => {
  let preempted = 0;
  for (const { log } of runs(
    new Bounded(),
    (kernel, log) => {
      kernel.spawn('A', () => reader(kernel, log, 'A'));
      kernel.spawn('U', function* () {
        kernel.rcu.call_rcu('free_it', () => void log.push('freed'));
        log.push('queued');
        yield* step(BETWEEN);
      });
    },
    Infinity,
    { cpuCount: 1 },
  )) {
    const enters = log.indexOf('A enters');
    if (enters > log.indexOf('queued')) continue;
    if (log.indexOf('queued') < log.indexOf('A leaves')) preempted++;
    expect(log.indexOf('A leaves')).toBeLessThan(log.indexOf('freed'));
  }
  expect(preempted).toBeGreaterThan(0);
});

test('code that cannot be preempted is a reader', () => {
  for (const { failures, log } of runs(
    new Random(1),
    (kernel, log) => {
      const lock = kernel.words();
      kernel.spawn('A', function* () {
        yield* kernel.spinlocks.spin_lock(x_lock, lock, INSIDE);
        log.push('A enters');
        yield* step(INSIDE);
        log.push('A leaves');
        yield* kernel.spinlocks.spin_unlock(x_lock, lock, INSIDE);
      });
      kernel.spawn('B', function* () {
        kernel.rcu.rcu_read_lock_sched();
        log.push('B enters');
        yield* step(INSIDE);
        log.push('B leaves');
        kernel.rcu.rcu_read_unlock_sched();
      });
      kernel.spawn('U', function* () {
        yield* step(BETWEEN);
        kernel.rcu.call_rcu('free_it', () => void log.push('freed'));
        log.push('queued');
      });
    },
    300,
    { cpuCount: 3 },
  )) {
    expect(failures).toEqual([]);
    expect(tooEarly(log, 'queued', 'freed'), log.join(', ')).toBe(false);
  }
});

test('callbacks run in softirq context, in order, on the CPU that queued them', () => {
  const kernel = new LockKernel();
  const log: string[] = [];
  const say = (name: string) =>
    function* (): Sim<void> {
      log.push(`${name} on ${kernel.cpus.this.id} in ${kernel.cpus.context!.kind}`);
      yield* step(INSIDE);
    };
  for (const name of ['A', 'B']) {
    kernel.spawn(name, function* () {
      kernel.rcu.call_rcu(`${name}1`, say(`${name}1`));
      yield* step(BETWEEN);
      kernel.rcu.call_rcu(`${name}2`, say(`${name}2`));
    });
  }
  expect(kernel.run()).toEqual([]);
  expect(log).toEqual([
    'A1 on 0 in softirq',
    'A2 on 0 in softirq',
    'B1 on 1 in softirq',
    'B2 on 1 in softirq',
  ]);
  expect(kernel.rcu.pending).toBe(0);
});

test('no callback comes while its CPU has interrupts or softirqs off', () => {
  for (const { failures, log } of runs(
    new Random(9),
    (kernel, log) => {
      const lock = kernel.words();
      kernel.spawn('A', function* () {
        kernel.rcu.call_rcu('free_it', () => void log.push('freed'));
        yield* kernel.spinlocks.spin_lock_irq(x_lock, lock, INSIDE);
        log.push('off');
        yield* step(INSIDE);
        log.push('on');
        yield* kernel.spinlocks.spin_unlock_irq(x_lock, lock, INSIDE);
        yield* kernel.spinlocks.spin_lock_bh(x_lock, lock + 8, INSIDE);
        log.push('off');
        yield* step(INSIDE);
        log.push('on');
        yield* kernel.spinlocks.spin_unlock_bh(x_lock, lock + 8, INSIDE);
      });
    },
    100,
  )) {
    expect(failures).toEqual([]);
    expect(log.join()).not.toContain('off,freed');
    expect(log).toContain('freed');
  }
});

test('rcu_barrier waits for every callback of every CPU', () => {
  for (const { failures, log } of runs(
    new Random(4),
    (kernel, log) => {
      kernel.spawn('A', function* () {
        kernel.rcu.call_rcu('a', function* () {
          yield* step(INSIDE);
          log.push('a');
        });
        log.push('a queued');
      });
      kernel.spawn('U', function* () {
        kernel.rcu.call_rcu('u', () => void log.push('u'));
        yield* step(BETWEEN);
        const waitsForA = log.includes('a queued');
        yield* kernel.rcu.rcu_barrier();
        expect(log).toContain('u');
        if (waitsForA) expect(log).toContain('a');
        log.push('done');
      });
    },
    200,
  )) {
    expect(failures).toEqual([]);
    expect(log).toContain('done');
  }
});

test('00 R47: synchronize_rcu inside a section waits for itself', () => {
  const kernel = new LockKernel();
  kernel.spawn('A', function* () {
    kernel.rcu.rcu_read_lock();
    expect(kernel.rcu.inReadSection()).toBe(true);
    yield* kernel.rcu.synchronize_rcu();
  });
  expect(kernel.run()[0]).toMatchObject({
    kind: 'deadlock',
    title: 'Illegal synchronize_rcu() in RCU read-side critical section',
  });
});

test('00 R47: a section cannot sleep', () => {
  const kernel = new LockKernel();
  kernel.spawn('A', function* () {
    kernel.rcu.rcu_read_lock();
    yield* kernel.waits.wait_event(kernel.words(), () => false);
  });
  expect(kernel.run()[0]).toMatchObject({ kind: 'sleep-in-atomic' });
});

test('an unlock without a lock is reported', () => {
  const kernel = new LockKernel();
  kernel.spawn('A', function* () {
    yield* step(INSIDE);
    kernel.rcu.rcu_read_unlock();
  });
  expect(kernel.run()[0]).toMatchObject({ kind: 'unbalanced-section' });
});

test('at boot, outside of any context, nothing is counted and nothing waits', () => {
  const { rcu } = new LockKernel();
  rcu.rcu_read_lock();
  expect(rcu.inReadSection()).toBe(false);
  rcu.rcu_read_unlock();
});

test('reset() forgets readers and callbacks', () => {
  const kernel = new LockKernel();
  kernel.spawn('A', function* () {
    kernel.rcu.rcu_read_lock();
    kernel.rcu.call_rcu('never', () => expect.unreachable());
    yield* step(INSIDE);
    kernel.machine.engine.stop();
  });
  kernel.run();
  expect(kernel.rcu.pending).toBe(1);
  kernel.rcu.reset();
  expect(kernel.rcu.pending).toBe(0);
});

test('a task that ends inside a section is waited for no longer', () => {
  const kernel = new LockKernel();
  const log: string[] = [];
  kernel.spawn('A', function* () {
    kernel.rcu.rcu_read_lock();
    kernel.rcu.call_rcu('free_it', () => void log.push('freed'));
    yield* step(INSIDE);
    kernel.rcu.exit_rcu(kernel.tasks[0]!);
  });
  kernel.run();
  expect(log).toEqual(['freed']);
});

test('in timed mode a grace period ends though some CPU never rests', () => {
  const kernel = new LockKernel({ mode: 'timed' });
  kernel.machine.engine.stepsMax = 1_000;
  let freedAtNs = 0;
  kernel.spawn('A', function* () {
    for (;;) {
      yield* step(INSIDE);
      kernel.cpus.this.sim.nowNs += 1e5;
    }
  });
  kernel.spawn('U', function* () {
    kernel.rcu.call_rcu('free_it', () => void (freedAtNs = kernel.cpus.this.sim.nowNs));
    yield* step(BETWEEN);
  });
  expect(kernel.run()).toEqual([]);
  expect(freedAtNs).toBeGreaterThan(4e6);
  expect(freedAtNs).toBeLessThan(5e6);
});

test('a reader that holds up a grace period for 21 s of virtual time is a stall', () => {
  const kernel = new LockKernel({ mode: 'timed' });
  kernel.machine.engine.stepsMax = 2_000;
  kernel.spawn('A', function* () {
    kernel.rcu.rcu_read_lock();
    for (;;) {
      yield* step(INSIDE);
      kernel.cpus.this.sim.nowNs += 1e8; // a long computation
    }
  });
  kernel.spawn('U', () => kernel.rcu.synchronize_rcu());
  const failures = kernel.run();
  expect(failures[0]).toMatchObject({
    kind: 'rcu-stall',
    fatal: false,
    sites: ['reader:inside'],
    title: 'rcu: INFO: rcu_preempt self-detected stall on CPU',
  });
  expect(failures[0]!.text).toMatchInlineSnapshot(`
    "rcu: INFO: rcu_preempt self-detected stall on CPU
    rcu: 	0-....: (5250 ticks this GP)
    rcu: 	(t=5250 jiffies q=1 ncpus=2)
    CPU: 0 PID: 101 Comm: A
    Call Trace:
     ret_from_fork+0x88/0x100"
  `);
  expect(failures.length).toBeLessThan(6); // warned of again every 63 s
});

test('and so it is where the reader is preempted, or merely not preemptible', () => {
  const blocked = new LockKernel({ mode: 'timed', cpuCount: 1 });
  blocked.machine.engine.stepsMax = 1_000;
  blocked.spawn('A', function* () {
    blocked.rcu.rcu_read_lock();
    blocked.sched.enqueue(b);
    yield* step(INSIDE);
    blocked.sched.preempt(blocked.cpus.this.sim);
    yield* step(INSIDE);
  });
  const b = blocked.spawn('B', function* () {
    blocked.rcu.call_rcu('free_it', () => {});
    for (;;) {
      yield* step(BETWEEN);
      blocked.cpus.this.sim.nowNs += 1e8;
    }
  });
  expect(blocked.run()[0]!.text).toMatch(
    /^rcu: INFO: rcu_preempt detected stalls on CPUs\/tasks:\nrcu: \tTasks blocked .*: P101\n/,
  );

  const busy = new LockKernel({ mode: 'timed' });
  busy.machine.engine.stepsMax = 1_000;
  busy.spawn('A', function* () {
    busy.sched.preemptDisable();
    for (;;) {
      yield* step(INSIDE);
      busy.cpus.this.sim.nowNs += 1e8;
    }
  });
  busy.spawn('U', () => busy.rcu.synchronize_rcu());
  expect(busy.run()[0]).toMatchObject({
    kind: 'rcu-stall',
    title: 'rcu: INFO: rcu_preempt self-detected stall on CPU',
  });
});

test.each([2, 1])(
  'a CPU without interrupts does not notice: another does; of %s CPUs',
  (cpuCount) => {
    const kernel = new LockKernel({ mode: 'timed', cpuCount });
    kernel.machine.engine.stepsMax = 1_000;
    kernel.spawn('U', function* () {
      kernel.rcu.call_rcu('free_it', () => {});
      yield* step(BETWEEN);
    });
    kernel.spawn('A', function* () {
      kernel.spinlocks.interrupts.local_irq_disable();
      yield* step(INSIDE);
      kernel.rcu.call_rcu('free_it', () => {});
      for (;;) {
        yield* step(INSIDE);
        kernel.cpus.this.sim.nowNs += 1e8;
      }
    });
    const texts = kernel.run().map(({ text }) => text);
    if (cpuCount === 1) expect(texts).toEqual([]);
    else {
      expect(texts[0]).toMatch(
        /^rcu: INFO: rcu_preempt detected stalls on CPUs\/tasks:\nrcu: \t1-/,
      );
      expect(texts[0]).toContain('(detected by 0, t=52');
    }
  },
);
