import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Kcsan } from '../../kernel/kcsan.ts';
import { lockClass } from '../../kernel/locks/lock-class.ts';
import { ACQUIRE, RELAXED, RELEASE, kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { Random } from '../../sim/strategies/random.ts';
import { Stay } from '../../sim/strategies/stay.ts';
import { VectorClock } from '../../sim/vector-clock.ts';
import { LockKernel } from '../kit/lock-kernel.ts';

const x_lock = lockClass('&x->lock', 'spin');
const m_lock = lockClass('&x->mutex', 'mutex');
const AT = site('writer', 'at');
const LOCK = site('writer', 'lock');

test('a vector clock joins by the greater of each entry', () => {
  const arbitrary = fc.array(fc.nat(5), { maxLength: 5 });
  const made = (times: readonly number[]): VectorClock => {
    const clock = new VectorClock();
    times.forEach((time, i) => {
      for (let n = 0; n < time; n++) clock.tick(i);
    });
    return clock;
  };
  fc.assert(
    fc.property(arbitrary, arbitrary, (a, b) => {
      const joined = made(a);
      joined.join(made(b));
      const assigned = made(a);
      assigned.assign(made(b));
      for (let i = 0; i < 6; i++) {
        expect(joined.get(i)).toBe(Math.max(a[i] ?? 0, b[i] ?? 0));
        expect(assigned.get(i)).toBe(b[i] ?? 0);
      }
    }),
    { seed: 1 },
  );
});

/** The functions that race; X is a word, L a lock, F a flag. */
class Users {
  readonly kernel: LockKernel;
  readonly x: number;

  constructor(kernel: LockKernel) {
    this.kernel = kernel;
    this.x = kernel.words(256);
  }

  *plain_write(): Sim<void> {
    yield* step(AT);
    this.kernel.machine.memory.setU32(this.x, 1);
  }

  *plain_read(): Sim<void> {
    yield* step(AT);
    this.kernel.machine.memory.u32(this.x);
  }

  *marked_write(): Sim<void> {
    yield* this.kernel.atomics.write32(AT, this.x, 2);
  }

  *marked_read(): Sim<void> {
    yield* this.kernel.atomics.read32(AT, this.x);
  }

  *atomic(): Sim<void> {
    yield* this.kernel.atomics.add32(AT, this.x, 1);
  }

  *other_word(): Sim<void> {
    yield* step(AT);
    this.kernel.machine.memory.setU32(this.x + 4, 1);
  }

  *other_byte(): Sim<void> {
    yield* step(AT);
    this.kernel.machine.memory.setU8(this.x + 3, 1);
  }

  *nothing(): Sim<void> {
    yield* step(AT);
  }

  /** `body` under a spin lock. */
  *locked(body: () => Sim<void>): Sim<void> {
    yield* this.kernel.spinlocks.spin_lock(x_lock, this.x + 64, LOCK);
    yield* body.call(this);
    yield* this.kernel.spinlocks.spin_unlock(x_lock, this.x + 64, LOCK);
  }

  *mutexed(body: () => Sim<void>): Sim<void> {
    yield* this.kernel.mutexes.mutex_lock(m_lock, this.x + 128, LOCK);
    yield* body.call(this);
    yield* this.kernel.mutexes.mutex_unlock(m_lock, this.x + 128, LOCK);
  }
}

kernelText(Users);

type Use = (users: Users) => Sim<void>;

/** Titles of the races in one random run of these tasks, each on its own CPU. */
function racesOf(uses: readonly Use[], run = 0, cpuCount = uses.length): string[] {
  const kernel = new LockKernel({ cpuCount });
  new Kcsan(kernel.machine).install();
  const users = new Users(kernel);
  uses.forEach((use, i) => kernel.spawn('ABC'[i]!, () => use(users)));
  const strategy = new Random(1);
  strategy.begin(run);
  return kernel.run(strategy).map(({ kind, title }) => {
    expect(kind).toBe('data-race');
    return title.replace('BUG: KCSAN: data-race in ', '');
  });
}

const RUNS = Array.from({ length: 25 }, (_, i) => i);

/** What is found in each of some random runs: the same, whatever the schedule. */
function always(uses: readonly Use[], cpuCount?: number): string[] {
  const found = RUNS.map((run) => racesOf(uses, run, cpuCount).join());
  expect([...new Set(found)]).toHaveLength(1);
  return found[0] === '' ? [] : [found[0]!];
}

describe('which pairs race', () => {
  const kinds = ['plain_write', 'plain_read', 'marked_write', 'marked_read', 'atomic'] as const;
  const isPlain = (kind: string): boolean => kind.startsWith('plain');
  const isRead = (kind: string): boolean => kind.endsWith('read');

  test.each(kinds.flatMap((a) => kinds.map((b) => [a, b] as const)))('%s and %s', (a, b) => {
    const expected = (isPlain(a) || isPlain(b)) && !(isRead(a) && isRead(b));
    expect(always([(users) => users[a](), (users) => users[b]()])).toEqual(
      expected ? [[a, b].toSorted().join(' / ')] : [],
    );
  });

  test('other bytes are other variables, overlapping ones are not', () => {
    expect(always([(u) => u.plain_write(), (u) => u.other_word()])).toEqual([]);
    expect(always([(u) => u.plain_write(), (u) => u.other_byte()])).toEqual([
      'other_byte / plain_write',
    ]);
  });

  test('tasks of one CPU race like those of two', () => {
    expect(always([(u) => u.plain_write(), (u) => u.plain_read()], 1)).toEqual([
      'plain_read / plain_write',
    ]);
  });
});

describe('what orders', () => {
  test('a spin lock, a mutex', () => {
    expect(
      always([
        (u) => u.locked(u.plain_write),
        (u) => u.locked(u.plain_write),
        (u) => u.locked(u.plain_read),
      ]),
    ).toEqual([]);
    expect(
      always(
        [
          (u) => u.mutexed(u.plain_write),
          (u) => u.mutexed(u.plain_write),
          (u) => u.mutexed(u.plain_read),
        ],
        2,
      ),
    ).toEqual([]);
  });

  test('but not two locks', () => {
    expect(always([(u) => u.locked(u.plain_write), (u) => u.mutexed(u.plain_write)])).toEqual([
      'plain_write / plain_write',
    ]);
  });

  const message = (order: { store: 0 | 2; load: 0 | 1 }): Use[] => [
    function* (users) {
      yield* users.plain_write();
      yield* users.kernel.atomics.write32(AT, users.x + 8, 1, order.store);
    },
    function* (users) {
      while ((yield* users.kernel.atomics.read32(AT, users.x + 8, order.load)) === 0);
      yield* users.plain_read();
    },
  ];

  test('00 R48: a release store that an acquire load has read, and nothing less', () => {
    expect(always(message({ store: RELEASE, load: ACQUIRE }))).toEqual([]);
    for (const order of [
      { store: RELAXED, load: ACQUIRE },
      { store: RELEASE, load: RELAXED },
      { store: RELAXED, load: RELAXED },
    ] as const) {
      expect(always(message(order))).toEqual(['plain_read / plain_write']);
    }
  });

  test('a relaxed store over a release store takes its order away', () => {
    const waitFor = (order: 0 | 1, value: number) =>
      function* (users: Users): Sim<void> {
        while ((yield* users.kernel.atomics.read32(AT, users.x + 8, order)) < value);
      };
    expect(
      always([
        message({ store: RELEASE, load: ACQUIRE })[0]!,
        function* (users) {
          yield* waitFor(RELAXED, 1)(users);
          yield* users.kernel.atomics.write32(AT, users.x + 8, 2);
        },
        function* (users) {
          yield* waitFor(RELAXED, 2)(users);
          yield* waitFor(ACQUIRE, 2)(users);
          yield* users.plain_read();
        },
      ]),
    ).toEqual(['plain_read / plain_write']);
  });

  test('an exchange that failed releases nothing', () => {
    expect(
      always([
        function* (users) {
          yield* users.plain_write();
          yield* users.kernel.atomics.cmpxchg32(AT, users.x + 8, 5, 6); // there is 0
          yield* users.kernel.atomics.write32(AT, users.x + 16, 1);
        },
        function* (users) {
          while ((yield* users.kernel.atomics.read32(AT, users.x + 16)) === 0);
          yield* users.kernel.atomics.read32(AT, users.x + 8, ACQUIRE);
          yield* users.plain_read();
        },
      ]),
    ).toEqual(['plain_read / plain_write']);
  });

  test('a wake-up, and the start of a task', () => {
    expect(
      always(
        [
          function* (users) {
            let ready = false;
            const queue = users.x + 192;
            users.kernel.spawn('W', function* () {
              yield* users.plain_write();
              ready = true;
              users.kernel.waits.wake_up(queue);
            });
            yield* users.kernel.waits.wait_event(queue, () => ready);
            yield* users.plain_read();
          },
        ],
        2,
      ),
    ).toEqual([]);
    expect(
      always(
        [
          function* (users) {
            yield* users.plain_write();
            users.kernel.spawn('C', () => users.plain_read());
          },
        ],
        2,
      ),
    ).toEqual([]);
  });

  test('a grace period, after those who were inside and before its callback', () => {
    const inside: Use = function* ({ kernel, x }) {
      kernel.rcu.rcu_read_lock();
      const seen = yield* kernel.atomics.readPtr(AT, x + 8);
      if (seen === 0) kernel.machine.memory.u32(x);
      kernel.rcu.rcu_read_unlock();
    };
    const remove = (wait: boolean): Use =>
      function* (users) {
        yield* users.kernel.atomics.writePtr(AT, users.x + 8, users.x, RELEASE);
        if (wait) yield* users.kernel.rcu.synchronize_rcu();
        yield* users.plain_write();
      };
    expect(always([inside, remove(true), inside])).toEqual([]);
    const found = RUNS.map((run) => racesOf([inside, remove(false), inside], run).length);
    expect(found.some((count) => count > 0)).toBe(true);
  });

  test('an interrupt, after what it interrupts and before what follows', () => {
    expect(
      always([
        function* (users) {
          yield* users.plain_write();
          users.kernel.interrupt('hardirq', () => users.plain_write());
          yield* users.nothing();
          yield* users.plain_write();
        },
      ]),
    ).toEqual([]);
  });
});

test('memory that has become another object does not race with the old one', () => {
  let first = 0;
  let again = 0;
  const kernel = new LockKernel();
  const { memory, slab } = kernel.machine;
  const cache = slab.cache('thing', 64, { typesafe: true });
  new Kcsan(kernel.machine).install();
  kernel.spawn('A', function* () {
    first = slab.alloc(cache);
    memory.setU32(first, 1);
    slab.free(first);
    yield* step(AT);
  });
  kernel.spawn('B', function* () {
    while (first === 0) yield* step(AT); // nothing that orders
    again = slab.alloc(cache);
    memory.setU32(again, 1);
  });
  expect(kernel.run()).toEqual([]);
  expect(again).toBe(first);
});

test('the report is in the shape of KCSAN, once for a pair of places', () => {
  const kernel = new LockKernel();
  const kcsan = new Kcsan(kernel.machine);
  kcsan.install();
  const users = new Users(kernel);
  for (const [name, use] of [
    ['A', users.plain_write],
    ['B', users.marked_read],
  ] as const) {
    kernel.spawn(name, function* () {
      for (let i = 0; i < 5; i++) yield* use.call(users);
    });
  }
  const failures = kernel.run(new Stay());
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({
    kind: 'data-race',
    fatal: false,
    sites: ['writer:at', 'writer:at'],
    objects: [{ type: 'kmalloc-256' }],
  });
  expect(failures[0]!.text.replaceAll(/0xffff8880[0-9a-f]{8}/g, '<ptr>')).toMatchInlineSnapshot(`
    "BUG: KCSAN: data-race in marked_read / plain_write

    read (marked) to <ptr> of 4 bytes by task 102 on cpu 1:
     marked_read+0x60/0x100
     ret_from_fork+0x80/0x100

    write to <ptr> of 4 bytes by task 101 on cpu 0:
     plain_write+0x60/0x100
     ret_from_fork+0x80/0x100

    Reported by Kernel Concurrency Sanitizer on:
    CPU: 1 PID: 102 Comm: B
    =================================================================="
  `);
});

test('after remove() nothing listens, and each run starts anew', () => {
  const kernel = new LockKernel();
  const kcsan = new Kcsan(kernel.machine);
  kcsan.install();
  kcsan.remove();
  const users = new Users(kernel);
  kernel.spawn('A', () => users.plain_write());
  kernel.spawn('B', () => users.plain_write());
  expect(kernel.run()).toEqual([]);
  expect(kernel.machine).toMatchObject({
    engine: { ordering: null, monitors: [] },
    memory: { onAccess: null, onUnpoison: null },
  });
});

test('many tasks and much memory stay within bounds', () => {
  const kernel = new LockKernel({ cpuCount: 1, memoryBytes: 8 << 20 });
  kernel.machine.engine.stepsMax = 1_000_000;
  new Kcsan(kernel.machine).install();
  const users = new Users(kernel);
  const { memory, slab } = kernel.machine;
  kernel.spawn('A', function* () {
    for (let i = 0; i < 1_500; i++) {
      kernel.spawn('C', () => users.locked(users.plain_write));
      yield* step(AT);
    }
    for (let n = 0; n < 80; n++) {
      const block = slab.kmalloc(8192);
      for (let i = 0; i < 8192; i += 8) memory.setU32(block + i, n);
      yield* step(AT);
    }
  });
  expect(kernel.run()).toEqual([]);
});
