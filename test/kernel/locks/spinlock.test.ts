import { expect, test } from 'vitest';
import { lockClass } from '../../../kernel/locks/lock-class.ts';
import { step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { Stay } from '../../../sim/strategies/stay.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const x_lock = lockClass('&x->lock', 'spin');
const LOCK = site('take', 'lock');
const UNLOCK = site('take', 'unlock');
const INSIDE = site('take', 'inside');
const OUTSIDE = site('take', 'outside');

function* increment(kernel: LockKernel, lock: number): Sim<void> {
  const { memory } = kernel.machine;
  yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
  const seen = memory.u32(lock + 8);
  yield* step(INSIDE);
  memory.setU32(lock + 8, seen + 1);
  yield* kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK);
}

test.each([1, 2])('no two hold it at once, in any schedule, on %i CPUs', (cpuCount) => {
  const strategy = new Bounded();
  let count = 0;
  for (const { failures, log } of runs(
    strategy,
    (kernel, log) => {
      const lock = kernel.words();
      for (const name of ['A', 'B']) {
        kernel.spawn(name, function* () {
          yield* step(OUTSIDE);
          yield* increment(kernel, lock);
          log.push(String(kernel.machine.memory.u32(lock + 8)));
        });
      }
    },
    Infinity,
    { cpuCount },
  )) {
    count++;
    expect(failures).toEqual([]);
    expect(log).toEqual(['1', '2']);
  }
  expect(strategy.exhausted).toBe(true);
  expect(count).toBeGreaterThan(2);
});

test('a task can be preempted right before it locks, and not while it holds the lock', () => {
  const orders = new Set<string>();
  for (const { log } of runs(
    new Bounded(),
    (kernel, log) => {
      const lock = kernel.words();
      for (const name of ['A', 'B']) {
        kernel.spawn(name, function* () {
          log.push(`${name} starts`);
          yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
          log.push(`${name} locks`);
          yield* step(INSIDE);
          yield* kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK);
          log.push(`${name} unlocks`);
        });
      }
    },
    Infinity,
    { cpuCount: 1 },
  )) {
    orders.add(log.join(', '));
  }
  expect(orders).toContain('A starts, B starts, B locks, B unlocks, A locks, A unlocks');
  for (const order of orders) expect(order).toMatch(/A locks, A unlocks/);
});

test('trylock fails where the lock is held, and takes it where not', () => {
  const seen = new Set<string>();
  for (const { failures, log } of runs(new Bounded(), (kernel, log) => {
    const lock = kernel.words();
    kernel.spawn('A', () => increment(kernel, lock));
    kernel.spawn('B', function* () {
      const got = yield* kernel.spinlocks.spin_trylock(x_lock, lock, LOCK);
      log.push(String(got));
      if (got) yield* kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK);
    });
  })) {
    expect(failures).toEqual([]);
    seen.add(log[0]!);
  }
  expect([...seen].toSorted()).toEqual(['false', 'true']);
});

test('three CPUs contend without losing a wake-up', () => {
  for (const { failures, log } of runs(
    new Random(7),
    (kernel, log) => {
      const lock = kernel.words();
      let left = 3;
      for (const name of ['A', 'B', 'C']) {
        kernel.spawn(name, function* () {
          yield* increment(kernel, lock);
          yield* increment(kernel, lock);
          if (--left === 0) log.push(String(kernel.machine.memory.u32(lock + 8)));
        });
      }
    },
    300,
    { cpuCount: 3 },
  )) {
    expect(failures).toEqual([]);
    expect(log).toEqual(['6']);
  }
});

test('taking a lock that one holds is a deadlock, at once', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', function* () {
    yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
    yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
  });
  const [failure] = kernel.run();
  expect(failure).toMatchObject({
    kind: 'deadlock',
    fatal: true,
    title: 'WARNING: possible recursive locking detected',
    sites: ['take:lock'],
  });
});

test('an interrupt that spins on what it interrupted has recursed', () => {
  const kernel = new LockKernel({ cpuCount: 1 });
  const lock = kernel.words();
  kernel.spawn('A', function* () {
    yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
    kernel.interrupt('hardirq', function* () {
      yield* kernel.spinlocks.spin_lock(x_lock, lock, INSIDE);
    });
    yield* kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK);
  });
  const failures = kernel.run();
  expect(failures.map(({ kind, title }) => `${kind}: ${title}`)).toEqual([
    'lock-inversion: WARNING: inconsistent lock state',
    'deadlock: BUG: spinlock recursion on CPU#0, A/101',
  ]);
});

test('with interrupts off in the holder there is nothing wrong', () => {
  const kernel = new LockKernel({ cpuCount: 1 });
  const lock = kernel.words();
  kernel.spawn('A', function* () {
    yield* kernel.spinlocks.spin_lock_irq(x_lock, lock, LOCK);
    expect(kernel.cpus.this).toMatchObject({ irqsOff: 1, preemptCount: 1 });
    yield* kernel.spinlocks.spin_unlock_irq(x_lock, lock, UNLOCK);
    expect(kernel.cpus.this).toMatchObject({ irqsOff: 0, preemptCount: 0 });
    kernel.interrupt('hardirq', function* () {
      yield* kernel.spinlocks.spin_lock(x_lock, lock, INSIDE);
      yield* kernel.spinlocks.spin_unlock(x_lock, lock, INSIDE);
    });
    yield* step(OUTSIDE);
    yield* kernel.spinlocks.spin_lock_bh(x_lock, lock, LOCK);
    expect(kernel.cpus.this.bhOff).toBe(1);
    yield* kernel.spinlocks.spin_unlock_bh(x_lock, lock, UNLOCK);
    expect(kernel.cpus.this.bhOff).toBe(0);
  });
  // spin_lock_bh leaves hard interrupts on, and the lock is taken in one.
  expect(kernel.run().map(({ title }) => title)).toEqual(['WARNING: inconsistent lock state']);
});

test('an unlock that comes while the spinning CPU is in an interrupt is not lost', () => {
  for (const { failures, log } of runs(
    new Random(3),
    (kernel, log) => {
      const lock = kernel.words();
      kernel.spawn('A', function* () {
        yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
        yield* step(INSIDE);
        kernel.interrupt(
          'softirq',
          function* () {
            for (let i = 0; i < 4; i++) yield* step(OUTSIDE);
          },
          1,
        );
        yield* kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK);
        log.push('A');
      });
      kernel.spawn('B', function* () {
        yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
        yield* kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK);
        log.push('B');
      });
    },
    100,
  )) {
    expect(failures).toEqual([]);
    expect(log.toSorted()).toEqual(['A', 'B']);
  }
});

test('unlocking what is not locked, or what another CPU holds, is reported', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', () => kernel.spinlocks.spin_unlock(x_lock, lock, UNLOCK));
  expect(kernel.run()[0]).toMatchObject({
    kind: 'unbalanced-section',
    title: 'BUG: spinlock already unlocked on CPU#0, A/101',
  });
});

test('a CPU that spins for ever is described when all is at rest', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', () => kernel.spinlocks.spin_lock(x_lock, lock, LOCK)); // and never unlocks
  kernel.spawn('B', function* () {
    yield* step(OUTSIDE);
    yield* kernel.spinlocks.spin_lock(x_lock, lock, INSIDE);
  });
  const [failure] = kernel.run(new Stay());
  expect(failure).toMatchObject({
    kind: 'deadlock',
    title: 'BUG: spinlock lockup suspected on CPU#1, B',
    sites: ['take:inside'],
  });
  expect(failure!.text).toContain('.owner_cpu: 0');
});

test('two CPUs that wait for each other deadlock in some schedule, and only there', () => {
  const y_lock = lockClass('&y->lock', 'spin');
  const ends = new Set<string>();
  for (const { failures, log } of runs(new Bounded({ bound: 2 }), (kernel, log) => {
    const x = kernel.words();
    const y = kernel.words();
    const both = (first: number, second: number) =>
      function* (): Sim<void> {
        const classOf = (lock: number) => (lock === x ? x_lock : y_lock);
        yield* kernel.spinlocks.spin_lock(classOf(first), first, LOCK);
        yield* kernel.spinlocks.spin_lock(classOf(second), second, INSIDE);
        yield* kernel.spinlocks.spin_unlock(classOf(second), second, UNLOCK);
        yield* kernel.spinlocks.spin_unlock(classOf(first), first, UNLOCK);
        log.push('done');
      };
    kernel.spawn('A', both(x, y));
    kernel.spawn('B', both(y, x));
  })) {
    ends.add(`${log.length} done, ${failures.map(({ kind }) => kind).join(' ')}`);
  }
  expect([...ends].toSorted()).toEqual([
    '0 done, lock-inversion deadlock',
    '2 done, lock-inversion',
  ]);
});

test('a lock in freed memory is a use after free', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', function* () {
    kernel.kasan.free(lock);
    yield* kernel.spinlocks.spin_lock(x_lock, lock, LOCK);
  });
  expect(kernel.run()[0]).toMatchObject({ kind: 'use-after-free' });
});
