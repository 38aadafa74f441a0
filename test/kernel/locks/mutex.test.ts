import { expect, test } from 'vitest';
import { lockClass } from '../../../kernel/locks/lock-class.ts';
import { EINTR } from '../../../kernel/errno.ts';
import { step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { TASK_INTERRUPTIBLE } from '../../../kernel/task.ts';
import { LockKernel, runs } from '../../kit/lock-kernel.ts';

const f_pos_lock = lockClass('&f->f_pos_lock', 'mutex');
const other_lock = lockClass('&other->lock', 'mutex');
const x_lock = lockClass('&x->lock', 'spin');
const LOCK = site('user', 'lock');
const SECOND = site('user', 'second');
const UNLOCK = site('user', 'unlock');
const INSIDE = site('user', 'inside');

function* increment(kernel: LockKernel, lock: number): Sim<void> {
  const { memory } = kernel.machine;
  yield* kernel.mutexes.mutex_lock(f_pos_lock, lock, LOCK);
  const seen = memory.u32(lock + 40);
  yield* step(INSIDE);
  memory.setU32(lock + 40, seen + 1);
  yield* kernel.mutexes.mutex_unlock(f_pos_lock, lock, UNLOCK);
}

test.each([1, 2])('no two hold it at once, in any schedule, on %i CPUs', (cpuCount) => {
  const strategy = new Bounded();
  for (const { failures, log } of runs(
    strategy,
    (kernel, log) => {
      const lock = kernel.words();
      for (const name of ['A', 'B']) {
        kernel.spawn(name, function* () {
          yield* increment(kernel, lock);
          log.push(String(kernel.machine.memory.u32(lock + 40)));
        });
      }
    },
    Infinity,
    { cpuCount },
  )) {
    expect(failures).toEqual([]);
    expect(log).toEqual(['1', '2']);
  }
  expect(strategy.exhausted).toBe(true);
});

test('five tasks on two CPUs all get it', () => {
  for (const { failures, log } of runs(
    new Random(11),
    (kernel, log) => {
      const lock = kernel.words();
      for (const name of ['A', 'B', 'C', 'D', 'E']) {
        kernel.spawn(name, function* () {
          yield* increment(kernel, lock);
          yield* increment(kernel, lock);
          log.push(String(kernel.machine.memory.u32(lock + 40)));
        });
      }
    },
    300,
  )) {
    expect(failures).toEqual([]);
    expect(log.at(-1)).toBe('10');
  }
});

test('a signal ends an interruptible wait', () => {
  const results = new Set<string>();
  for (const { failures, log } of runs(
    new Random(2),
    (kernel, log) => {
      const lock = kernel.words();
      let signalled = false;
      kernel.waits.signalPending = () => signalled;
      kernel.spawn('A', function* () {
        yield* kernel.mutexes.mutex_lock(f_pos_lock, lock, LOCK);
        for (let i = 0; i < 5; i++) yield* step(INSIDE);
        signalled = true;
        kernel.sched.wake(b, TASK_INTERRUPTIBLE);
        for (let i = 0; i < 5; i++) yield* step(INSIDE);
        yield* kernel.mutexes.mutex_unlock(f_pos_lock, lock, UNLOCK);
      });
      const b = kernel.spawn('B', function* () {
        const result = yield* kernel.mutexes.mutex_lock_interruptible(f_pos_lock, lock, LOCK);
        log.push(`${result}, holds ${b.held.length}`);
        if (result === 0) yield* kernel.mutexes.mutex_unlock(f_pos_lock, lock, UNLOCK);
      });
    },
    100,
  )) {
    expect(failures).toEqual([]);
    results.add(log[0]!);
  }
  expect([...results].toSorted()).toEqual([`${-EINTR}, holds 0`, '0, holds 1']);
});

test('trylock does not wait', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', function* () {
    expect(yield* kernel.mutexes.mutex_trylock(f_pos_lock, lock, LOCK)).toBe(true);
    expect(kernel.mutexes.ownerOf(lock)).toBe(kernel.tasks[0]!.addr);
    expect(yield* kernel.mutexes.mutex_trylock(f_pos_lock, lock, LOCK)).toBe(false);
    yield* kernel.mutexes.mutex_unlock(f_pos_lock, lock, UNLOCK);
    expect(kernel.mutexes.ownerOf(lock)).toBe(0);
  });
  expect(kernel.run()).toEqual([]);
});

test('only its owner may unlock it', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', () => kernel.mutexes.mutex_unlock(f_pos_lock, lock, UNLOCK));
  expect(kernel.run()[0]).toMatchObject({ kind: 'unbalanced-section' });
});

test('00 R46a: a sleeping lock under a spin lock is reported, waiting or not', () => {
  const kernel = new LockKernel();
  const lock = kernel.words();
  kernel.spawn('A', function* () {
    yield* kernel.spinlocks.spin_lock(x_lock, lock + 32, LOCK);
    yield* kernel.mutexes.mutex_lock(f_pos_lock, lock, LOCK);
  });
  const [failure] = kernel.run();
  expect(failure).toMatchObject({
    kind: 'sleep-in-atomic',
    title: 'BUG: sleeping function called from invalid context at kernel/locking/mutex.c',
  });
  expect(failure!.text).toContain('locks held: &x->lock');
});

test('two tasks that take two mutexes in opposite orders deadlock in some schedule', () => {
  const titles = new Set<string>();
  for (const { failures } of runs(new Bounded({ bound: 2 }), (kernel) => {
    const a = kernel.words();
    const b = kernel.words();
    const both = (first: number, second: number) =>
      function* (): Sim<void> {
        const classOf = (lock: number) => (lock === a ? f_pos_lock : other_lock);
        yield* kernel.mutexes.mutex_lock(classOf(first), first, LOCK);
        yield* kernel.mutexes.mutex_lock(classOf(second), second, SECOND);
        yield* kernel.mutexes.mutex_unlock(classOf(second), second, UNLOCK);
        yield* kernel.mutexes.mutex_unlock(classOf(first), first, UNLOCK);
      };
    kernel.spawn('A', both(a, b));
    kernel.spawn('B', both(b, a));
  })) {
    for (const { kind, title } of failures) titles.add(`${kind}: ${title}`);
    // Lockdep tells of it in every schedule, the deadlock itself only in some.
    expect(failures[0]).toMatchObject({ kind: 'lock-inversion', sites: ['user:second'] });
  }
  expect([...titles].toSorted()).toEqual([
    'deadlock: BUG: deadlock: A/101 waits for &other->lock for ever',
    'lock-inversion: WARNING: possible circular locking dependency detected',
  ]);
});
