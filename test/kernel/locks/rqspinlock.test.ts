import { expect, test } from 'vitest';
import { Kcsan } from '../../../kernel/kcsan.ts';
import { EDEADLK, ETIMEDOUT } from '../../../kernel/errno.ts';
import type { MachineOptions } from '../../../kernel/machine.ts';
import type { ResMode } from '../../../kernel/locks/rqspinlock.ts';
import { Timer } from '../../../sim/clock.ts';
import { step, type Sim } from '../../../sim/request.ts';
import { site } from '../../../sim/site.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Random } from '../../../sim/strategies/random.ts';
import { Stay } from '../../../sim/strategies/stay.ts';
import type { Strategy } from '../../../sim/strategy.ts';
import { LockKernel } from '../../kit/lock-kernel.ts';

const LOCK = site('take', 'lock');
const UNLOCK = site('take', 'unlock');
const INSIDE = site('take', 'inside');
const MS = 1_000_000;

function* lock(kernel: LockKernel, addr: number, mode: ResMode = 'plain'): Sim<number> {
  return yield* kernel.rqspinlocks.raw_res_spin_lock(addr, LOCK, mode);
}

function* unlock(kernel: LockKernel, addr: number, mode: ResMode = 'plain'): Sim<void> {
  yield* kernel.rqspinlocks.raw_res_spin_unlock(addr, UNLOCK, mode);
}

/** Its result; the counter behind the lock has been incremented where that is 0. */
function* increment(kernel: LockKernel, addr: number): Sim<number> {
  const { memory } = kernel.machine;
  const result = yield* lock(kernel, addr);
  if (result !== 0) return result;
  const seen = memory.u32(addr + 8);
  yield* step(INSIDE);
  memory.setU32(addr + 8, seen + 1);
  yield* unlock(kernel, addr);
  return 0;
}

/** Burns time on the present CPU. */
function* spend(kernel: LockKernel, ns: number): Sim<void> {
  const { cpu } = kernel.machine.engine;
  const end = cpu.nowNs + ns;
  while (cpu.nowNs < end) {
    cpu.nowNs = Math.min(end, cpu.nowNs + 100_000);
    yield* step(INSIDE);
  }
}

/** Nothing is left of any lock: words, held tables, preemption. */
function expectQuiet(kernel: LockKernel, ...locks: readonly number[]): void {
  for (const addr of locks) expect(kernel.machine.memory.rawU32(addr)).toBe(0);
  for (const { id, preemptCount, irqsOff } of kernel.cpus.all) {
    expect({ id, preemptCount, irqsOff }).toEqual({ id, preemptCount: 0, irqsOff: 0 });
    expect(kernel.rqspinlocks.held.of(id)).toEqual({ count: 0, locks: [] });
  }
}

/** Every run of a strategy: what `body` returns for a fresh kernel holds after each. */
function* every(
  strategy: Strategy,
  body: (kernel: LockKernel) => () => void,
  options: Partial<MachineOptions> = {},
  runsMax = Infinity,
): Generator<LockKernel> {
  for (let run = 0; run < runsMax && strategy.begin(run); run++) {
    const kernel = new LockKernel(options);
    const check = body(kernel);
    kernel.run(strategy);
    strategy.end(kernel.machine.engine.choiceCount);
    check();
    yield kernel;
  }
}

test('03 R31: no two hold it at once, in any schedule, and nothing is left behind', () => {
  const strategy = new Bounded();
  let count = 0;
  for (const kernel of every(strategy, (kernel) => {
    const addr = kernel.words();
    const results: number[] = [];
    for (const name of ['A', 'B']) {
      kernel.spawn(name, function* () {
        results.push(yield* increment(kernel, addr));
      });
    }
    return () => {
      expect(results).toEqual([0, 0]);
      expect(kernel.machine.memory.rawU32(addr + 8)).toBe(2);
      expectQuiet(kernel, addr);
    };
  })) {
    expect(kernel.machine.engine.failures).toEqual([]);
    count++;
  }
  expect(strategy.exhausted).toBe(true);
  expect(count).toBeGreaterThan(5);
});

test('03 R31: five CPUs queue without losing a wake-up or racing, and none fails', () => {
  let queued = 0;
  for (const kernel of every(
    new Random(3),
    (kernel) => {
      new Kcsan(kernel.machine).install();
      const addr = kernel.words();
      const results: number[] = [];
      for (const name of ['A', 'B', 'C', 'D', 'E']) {
        kernel.spawn(name, function* () {
          results.push(yield* increment(kernel, addr));
          if (kernel.machine.memory.rawU32(addr) >>> 16 !== 0) queued++;
          results.push(yield* increment(kernel, addr));
        });
      }
      return () => {
        expect(results).toEqual(Array(10).fill(0));
        expect(kernel.machine.memory.rawU32(addr + 8)).toBe(10);
        expectQuiet(kernel, addr);
      };
    },
    { cpuCount: 5 },
    400,
  )) {
    expect(kernel.machine.engine.failures).toEqual([]);
  }
  expect(queued).toBeGreaterThan(100);
});

test.each(['explore', 'timed'] as const)(
  '03 R31: one that the CPU holds already is refused at once (%s)',
  (mode) => {
    const kernel = new LockKernel({ mode });
    const [x, y] = [kernel.words(), kernel.words()];
    let [result, tookNs] = [0, 0];
    kernel.spawn('A', function* () {
      const { cpu } = kernel.machine.engine;
      yield* lock(kernel, x, 'irqsave');
      yield* lock(kernel, y);
      const beganNs = cpu.nowNs;
      result = yield* lock(kernel, x);
      tookNs = cpu.nowNs - beganNs;
      expect(kernel.rqspinlocks.held.of(cpu.id)).toEqual({ count: 2, locks: [x, y] });
      yield* unlock(kernel, y);
      yield* unlock(kernel, x, 'irqsave');
    });
    expect(kernel.run(new Stay())).toEqual([]);
    expect(result).toBe(-EDEADLK);
    expect(tookNs).toBeLessThan(1000);
    expectQuiet(kernel, x, y);
  },
);

/**
 * CPU 0 takes x, then y; CPU 1 y, then x, later by `skewNs`. What each got for its second, and
 * after how long.
 */
function abba(kernel: LockKernel, skewNs = 0): { results: (number | undefined)[]; atNs: number[] } {
  const [x, y] = [kernel.words(), kernel.words()];
  const seen = { results: [] as (number | undefined)[], atNs: [] as number[] };
  const { engine } = kernel.machine;
  for (const [i, [first, second]] of [
    [x, y],
    [y, x],
  ].entries()) {
    kernel.spawn('AB'[i]!, function* () {
      if ((yield* lock(kernel, first!)) !== 0) return;
      yield* step(INSIDE);
      engine.cpu.nowNs += i * skewNs;
      const beganNs = engine.cpu.nowNs;
      seen.results[i] = yield* lock(kernel, second!);
      seen.atNs[i] = engine.cpu.nowNs - beganNs;
      if (seen.results[i] === 0) yield* unlock(kernel, second!);
      yield* unlock(kernel, first!);
    });
  }
  return seen;
}

test('03 R31, H10: a circle of two is found within 1 ms, by one, and the other goes on', () => {
  const kernel = new LockKernel({ mode: 'timed' });
  const { results, atNs } = abba(kernel, 50_000);
  expect(kernel.run(new Stay())).toEqual([]);
  expect(results).toEqual([-EDEADLK, 0]);
  for (const ns of atNs) expect(ns).toBeLessThan(1.1 * MS);
  expect(Math.max(...atNs)).toBeGreaterThan(MS);
  expectQuiet(kernel);
});

test('03 R31, H10: in any schedule; either may find it, or both', () => {
  const outcomes = new Set<string>();
  let strategy = new Bounded({ bound: 4 });
  let seen: ReturnType<typeof abba>;
  for (const kernel of every(strategy, (each) => {
    seen = abba(each);
    return () => expectQuiet(each);
  })) {
    expect(kernel.machine.engine.failures).toEqual([]);
    outcomes.add(seen!.results.join(' '));
  }
  expect([...outcomes].toSorted()).toEqual(['-35 -35', '-35 0', '0 -35', '0 0']);
  strategy = new Bounded({ bound: 3 });
  const titles = new Set<string>();
  for (const kernel of every(
    strategy,
    (each) => {
      abba(each);
      return () => {};
    },
    { mutations: new Set(['rqspinlock.no-deadlock-check']) },
  )) {
    for (const { title } of kernel.machine.engine.failures) titles.add(title);
  }
  expect([...titles]).toEqual(['BUG: spinlock lockup suspected on CPU#0, A']);
});

test('03 R31: who waits for a holder gives up after 250 ms; what queues behind, with it', () => {
  const kernel = new LockKernel({ mode: 'timed', cpuCount: 5 });
  const x = kernel.words();
  const { engine } = kernel.machine;
  const got: string[] = [];
  kernel.spawn('holder', function* () {
    yield* lock(kernel, x);
    yield* spend(kernel, 900 * MS);
    yield* unlock(kernel, x);
  });
  for (const [i, name] of ['next', 'head', 'behind', 'last'].entries()) {
    kernel.spawn(name, function* () {
      yield* spend(kernel, (i + 1) * MS);
      const beganNs = engine.cpu.nowNs;
      const result = yield* lock(kernel, x);
      got.push(`${name} ${result} ${Math.floor((engine.cpu.nowNs - beganNs) / MS)}`);
    });
  }
  expect(kernel.run(new Stay())).toEqual([]);
  expect(got).toEqual([
    `next -${ETIMEDOUT} 250`,
    `head -${ETIMEDOUT} 500`,
    `behind -${ETIMEDOUT} 499`,
    `last -${ETIMEDOUT} 498`,
  ]);
  expectQuiet(kernel, x);
});

test('03 R31: without a queue, each waits for a second', () => {
  const kernel = new LockKernel({ mode: 'timed' });
  kernel.rqspinlocks.isVirt = true;
  const x = kernel.words();
  const { engine } = kernel.machine;
  let [result, tookNs] = [0, 0];
  kernel.spawn('A', function* () {
    yield* lock(kernel, x);
    yield* spend(kernel, 1500 * MS);
    yield* unlock(kernel, x);
  });
  kernel.spawn('B', function* () {
    yield* spend(kernel, MS);
    const beganNs = engine.cpu.nowNs;
    result = yield* lock(kernel, x);
    tookNs = engine.cpu.nowNs - beganNs;
    expect(yield* lock(kernel, x)).toBe(0); // it is free by then
    yield* unlock(kernel, x);
  });
  expect(kernel.run(new Stay())).toEqual([]);
  expect(result).toBe(-ETIMEDOUT);
  expect(Math.floor(tookNs / MS)).toBe(1000);
  expectQuiet(kernel, x);
});

test('03 R31: without simulated time it runs out when nothing else is left to happen', () => {
  for (const kernel of every(
    new Bounded({ bound: 3 }),
    (each) => {
      // A circle of three, of which no table shows that it is one.
      const locks = [each.words(), each.words(), each.words()];
      const results: number[] = [];
      for (const i of [0, 1, 2]) {
        each.spawn('ABC'[i]!, function* () {
          yield* lock(each, locks[i]!);
          const result = yield* lock(each, locks[(i + 1) % 3]!);
          results.push(result);
          if (result === 0) yield* unlock(each, locks[(i + 1) % 3]!);
          yield* unlock(each, locks[i]!);
        });
      }
      return () => {
        for (const result of results) expect([0, -ETIMEDOUT]).toContain(result);
        expect(results).toHaveLength(3);
        expect(results.filter((result) => result !== 0).length).toBeLessThan(3);
        expectQuiet(each, ...locks);
      };
    },
    { cpuCount: 3 },
  )) {
    expect(kernel.machine.engine.failures).toEqual([]);
  }
});

test('03 R31: where that is a fault that may be, time runs out at any moment, once a wait', () => {
  const outcomes = new Set<string>();
  for (const kernel of every(new Bounded({ bound: 4 }), (each) => {
    each.machine.faults = new Set(['lock-timeout']);
    const x = each.words();
    const results: number[] = [];
    for (const name of ['A', 'B']) {
      each.spawn(name, function* () {
        results.push(yield* increment(each, x));
      });
    }
    return () => {
      outcomes.add(results.toSorted().join(' '));
      expectQuiet(each, x);
    };
  })) {
    expect(kernel.machine.engine.failures).toEqual([]);
  }
  expect([...outcomes].toSorted()).toEqual(['-110 0', '0 0']);
});

test('03 R31: an NMI above a waiter tries, and does not queue', () => {
  const kernel = new LockKernel({ mode: 'timed', cpuCount: 5 });
  const [x, y] = [kernel.words(), kernel.words()];
  const got: string[] = [];
  kernel.spawn('A', function* () {
    yield* lock(kernel, x);
    yield* spend(kernel, 20 * MS);
    yield* unlock(kernel, x);
  });
  kernel.spawn('B', function* () {
    yield* lock(kernel, y);
    yield* spend(kernel, 20 * MS);
    yield* unlock(kernel, y);
  });
  for (const [i, addr] of [x, x, y].entries()) {
    kernel.spawn(`waiter${i}`, function* () {
      yield* spend(kernel, (i + 1) * MS);
      got.push(`${i} ${yield* increment(kernel, addr)}`);
    });
  }
  const timer = new Timer('nmi', () => {
    kernel.interrupt(
      'nmi',
      function* () {
        got.push(`own ${yield* lock(kernel, x)}`, `other ${yield* lock(kernel, y)}`);
      },
      3,
    );
  });
  kernel.machine.engine.clock.arm(timer, 5 * MS);
  expect(kernel.run(new Stay())).toEqual([]);
  // Of y somebody is next already, and the CPU has a node in the queue of x.
  expect(got.slice(0, 2)).toEqual([`own -${EDEADLK}`, `other -${EDEADLK}`]);
  expect(got.slice(2).toSorted()).toEqual(['0 0', '1 0', '2 0']);
  expectQuiet(kernel, x, y);
});

test('03 R31: of more than 31 locks the oldest are known', () => {
  const kernel = new LockKernel();
  const locks = Array.from({ length: 33 }, () => kernel.words());
  const results: number[] = [];
  kernel.spawn('A', function* () {
    for (const addr of locks) expect(yield* lock(kernel, addr)).toBe(0);
    const { count, locks: known } = kernel.rqspinlocks.held.of(0);
    expect([count, known.length]).toEqual([33, 31]);
    results.push(yield* lock(kernel, locks[0]!));
    for (const addr of locks.toReversed()) yield* unlock(kernel, addr);
  });
  expect(kernel.run(new Stay())).toEqual([]);
  expect(results).toEqual([-EDEADLK]);
  expectQuiet(kernel, ...locks);
});
