import { expect, test } from 'vitest';
import { lockClass } from '../../../kernel/locks/lock-class.ts';
import { kernelText, step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { LockKernel } from '../../kit/lock-kernel.ts';

const a_lock = lockClass('&a->lock', 'spin');
const b_lock = lockClass('&b->lock', 'spin');
const c_lock = lockClass('&c->lock', 'spin');
const OUTER = site('take_two', 'outer');
const INNER = site('take_two', 'inner');
const DONE = site('take_two', 'done');

const CLASSES = { a: a_lock, b: b_lock, c: c_lock };
type Name = keyof typeof CLASSES;

class Driver {
  readonly kernel: LockKernel;
  readonly addr: Record<Name, number>;

  constructor(kernel: LockKernel) {
    this.kernel = kernel;
    this.addr = { a: kernel.words(), b: kernel.words(), c: kernel.words() };
  }

  *take_two(outer: Name, inner: Name): Sim<void> {
    const { spinlocks } = this.kernel;
    yield* spinlocks.spin_lock(CLASSES[outer], this.addr[outer], OUTER);
    yield* spinlocks.spin_lock(CLASSES[inner], this.addr[inner], INNER);
    yield* spinlocks.spin_unlock(CLASSES[inner], this.addr[inner], DONE);
    yield* spinlocks.spin_unlock(CLASSES[outer], this.addr[outer], DONE);
  }

  *take_one(name: Name): Sim<void> {
    const { spinlocks } = this.kernel;
    yield* spinlocks.spin_lock(CLASSES[name], this.addr[name], OUTER);
    yield* spinlocks.spin_unlock(CLASSES[name], this.addr[name], DONE);
  }
}

kernelText(Driver);

/** What one task that does this is told. */
function told(body: (driver: Driver, kernel: LockKernel) => Sim<void>) {
  const kernel = new LockKernel({ cpuCount: 1 });
  const driver = new Driver(kernel);
  kernel.spawn('A', () => body(driver, kernel));
  return kernel.run();
}

test('the same order again and again is no complaint', () => {
  expect(
    told(function* (driver) {
      for (let i = 0; i < 3; i++) {
        yield* driver.take_two('a', 'b');
        yield* driver.take_two('b', 'c');
        yield* driver.take_two('a', 'c');
      }
    }),
  ).toEqual([]);
});

test('00 R46a: a circle of two is reported though nothing hangs', () => {
  const failures = told(function* (driver) {
    yield* driver.take_two('a', 'b');
    yield* driver.take_two('b', 'a');
  });
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({
    kind: 'lock-inversion',
    fatal: false,
    sites: ['take_two:inner'],
  });
  expect(failures[0]!.text.replaceAll(/ffff8880[0-9a-f]{8}/g, '<ptr>')).toMatchInlineSnapshot(`
    "WARNING: possible circular locking dependency detected
    ------------------------------------------------------
    A/101 is trying to acquire lock:
    <ptr> (&a->lock){+.+.}-{2:2}, at: take_two+0x58/0x100

    but task is already holding lock:
    <ptr> (&b->lock){+.+.}-{2:2}, at: take_two+0x40/0x100

    which lock already depends on the new lock.


    the existing dependency chain (in reverse order) is:

    -> #1 (&b->lock){+.+.}-{2:2}:
           take_two+0x58/0x100
           ret_from_fork+0x80/0x100

    -> #0 (&a->lock){+.+.}-{2:2}:
           take_two+0x58/0x100
           ret_from_fork+0x80/0x100

    other info that might help us debug this:

     Possible unsafe locking scenario:

           CPU0                    CPU1
           ----                    ----
      lock(&b->lock);
                                   lock(&a->lock);
                                   lock(&b->lock);
      lock(&a->lock);

     *** DEADLOCK ***

    1 lock held by A/101:
     #0: <ptr> (&b->lock){+.+.}-{2:2}, at: take_two+0x40/0x100

    stack backtrace:
    CPU: 0 PID: 101 Comm: A
    Call Trace:
     take_two+0x58/0x100
     ret_from_fork+0x80/0x100"
  `);
});

test('a circle of three names the chain', () => {
  const [failure] = told(function* (driver) {
    yield* driver.take_two('a', 'b');
    yield* driver.take_two('b', 'c');
    yield* driver.take_two('c', 'a');
  });
  expect(failure!.text).toContain('Chain exists of:\n  &a->lock --> &b->lock --> &c->lock');
  expect(failure!.text).toMatch(/-> #2 \(&c->lock\)[^]*-> #1 \(&b->lock\)[^]*-> #0 \(&a->lock\)/);
});

test('after its first finding lockdep keeps quiet', () => {
  expect(
    told(function* (driver) {
      yield* driver.take_two('a', 'b');
      yield* driver.take_two('b', 'a');
      yield* driver.take_two('b', 'c');
      yield* driver.take_two('c', 'b');
    }),
  ).toHaveLength(1);
});

test('two locks of one class need a nesting level', () => {
  const [failure] = told(function* (driver, kernel) {
    yield* kernel.spinlocks.spin_lock(a_lock, driver.addr.a, OUTER);
    yield* kernel.spinlocks.spin_lock(a_lock, driver.addr.b, INNER);
  });
  expect(failure).toMatchObject({
    kind: 'lock-inversion',
    fatal: false,
    title: 'WARNING: possible recursive locking detected',
  });
  expect(failure!.text).toContain('May be due to missing lock nesting notation');
  const nested = lockClass('&a->lock/1', 'spin');
  expect(
    told(function* (driver, kernel) {
      yield* kernel.spinlocks.spin_lock(a_lock, driver.addr.a, OUTER);
      yield* kernel.spinlocks.spin_lock(nested, driver.addr.b, INNER);
    }),
  ).toEqual([]);
});

test('a trylock makes no order', () => {
  expect(
    told(function* (driver, { spinlocks }) {
      yield* driver.take_two('a', 'b');
      yield* spinlocks.spin_lock(b_lock, driver.addr.b, OUTER);
      expect(yield* spinlocks.spin_trylock(a_lock, driver.addr.a, INNER)).toBe(true);
      yield* spinlocks.spin_unlock(a_lock, driver.addr.a, DONE);
      yield* spinlocks.spin_unlock(b_lock, driver.addr.b, DONE);
    }),
  ).toEqual([]);
});

test('but what is held beneath a lock that was tried still comes before the next', () => {
  const [failure] = told(function* (driver, { spinlocks }) {
    yield* spinlocks.spin_lock(a_lock, driver.addr.a, OUTER);
    expect(yield* spinlocks.spin_trylock(b_lock, driver.addr.b, INNER)).toBe(true);
    yield* driver.take_one('c');
    yield* spinlocks.spin_unlock(b_lock, driver.addr.b, DONE);
    yield* spinlocks.spin_unlock(a_lock, driver.addr.a, DONE);
    yield* driver.take_two('c', 'a');
  });
  expect(failure!.title).toBe('WARNING: possible circular locking dependency detected');
});

test.each([
  ['hardirq', '{IN-HARDIRQ-W} -> {HARDIRQ-ON-W}'],
  ['softirq', '{IN-SOFTIRQ-W} -> {SOFTIRQ-ON-W}'],
] as const)('a lock taken in a %s and with it enabled is inconsistent', (kind, usage) => {
  const [failure] = told(function* (driver, kernel) {
    kernel.interrupt(kind, () => driver.take_one('a'));
    yield* step(DONE);
    yield* driver.take_one('a');
  });
  expect(failure).toMatchObject({
    kind: 'lock-inversion',
    sites: ['take_two:outer', 'take_two:outer'],
    title: 'WARNING: inconsistent lock state',
  });
  expect(failure!.text).toContain(`inconsistent ${usage} usage.`);
  expect(failure!.text).toMatch(/state was registered at:\n {7}take_one\+0x[0-9a-f]+\/0x100/);
});

test('a lock of an interrupt that leads to one held with interrupts on is reported', () => {
  const [failure] = told(function* (driver, kernel) {
    kernel.interrupt('hardirq', () => driver.take_one('a'));
    yield* step(DONE);
    yield* driver.take_one('b');
    kernel.spinlocks.interrupts.local_irq_disable();
    yield* driver.take_two('a', 'b');
    kernel.spinlocks.interrupts.local_irq_enable();
  });
  expect(failure!.title).toBe('WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected');
  expect(failure!.text).toContain(' (&a->lock){-...}-{2:2} -> (&b->lock){+.+.}-{2:2}');
});

test('and so it is where the unsafe use comes last', () => {
  const [failure] = told(function* (driver, kernel) {
    kernel.spinlocks.interrupts.local_irq_disable();
    yield* driver.take_two('a', 'c');
    yield* driver.take_two('c', 'b');
    kernel.spinlocks.interrupts.local_irq_enable();
    kernel.interrupt('hardirq', () => driver.take_one('a'));
    yield* step(DONE);
    yield* driver.take_one('b');
  });
  expect(failure!.title).toBe('WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected');
});

test('a task that leaves the kernel with a lock is reported', () => {
  const failures = told(function* (driver, kernel) {
    const task = kernel.tasks[0]!;
    kernel.lockdep.checkNoLocksHeld(task);
    yield* kernel.spinlocks.spin_lock(a_lock, driver.addr.a, OUTER);
    kernel.lockdep.checkNoLocksHeld(task);
    kernel.lockdep.checkNoLocksHeld(task, 'exit');
    yield* kernel.spinlocks.spin_unlock(a_lock, driver.addr.a, DONE);
    kernel.rcu.rcu_read_lock();
    kernel.lockdep.checkNoLocksHeld(task);
    kernel.rcu.rcu_read_unlock();
  });
  expect(failures.map(({ title }) => title)).toEqual([
    'WARNING: lock held when returning to user space!',
    'WARNING: A/101 still has locks held!',
    'WARNING: lock held when returning to user space!',
  ]);
  expect(failures[0]).toMatchObject({ kind: 'unbalanced-section', sites: ['take_two:outer'] });
  expect(failures[2]).toMatchObject({ sites: ['rcu_read_lock'] });
});

test('reset() forgets the orders of the last run', () => {
  const kernel = new LockKernel({ cpuCount: 1 });
  const driver = new Driver(kernel);
  kernel.spawn('A', () => driver.take_two('a', 'b'));
  kernel.run();
  kernel.lockdep.reset();
  kernel.spawn('B', () => driver.take_two('b', 'a'));
  expect(kernel.run()).toEqual([]);
});
