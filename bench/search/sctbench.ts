import type { Sim } from '../../sim/request.ts';
import type { Shared, ThreadProgram } from '../../sim/threads.ts';
import { copies, program } from './classic.ts';
import { workStealQueue } from './work-steal-queue.ts';

/** A program with a bug, and how many schedules published samplers needed on average to find it. */
export interface BugRow {
  readonly program: ThreadProgram;
  /**
   * Mean over 20 trials of at most 10,000 schedules, of SURW's artifact (ASPLOS 2025). null: in
   * none of them. They ran whole processes, so that only the order of magnitude compares for
   * samplers that draw at every step.
   */
  readonly published: { readonly surw: number | null; readonly pct3: number | null };
}

/** One stage sets a word, the next a second one from it; a checker wants both or none. */
const twostage = (stages: number, checkers: number): ThreadProgram['build'] => {
  return (shared) => {
    const [lock1, lock2] = [shared.mutex('data1Lock'), shared.mutex('data2Lock')];
    const [data1, data2] = [shared.word('data1'), shared.word('data2')];
    return {
      threads: {
        ...copies('stage', stages, function* () {
          yield* lock1.lock();
          yield* data1.write(1);
          yield* lock1.unlock();
          yield* lock2.lock();
          yield* data2.write((yield* data1.read()) + 1);
          yield* lock2.unlock();
        }),
        ...copies('checker', checkers, function* () {
          yield* lock1.lock();
          const isThere = (yield* data1.read()) !== 0;
          const first = isThere ? yield* data1.read() : 0;
          yield* lock1.unlock();
          if (!isThere) return;
          yield* lock2.lock();
          const second = yield* data2.read();
          yield* lock2.unlock();
          shared.check(second === first + 1, 'data2 == data1 + 1');
        }),
      },
    };
  };
};

const reorder = (setters: number, checkers: number): ThreadProgram['build'] => {
  return (shared) => {
    const [a, b] = [shared.word('a'), shared.word('b')];
    return {
      threads: {
        ...copies('setter', setters, function* () {
          yield* a.write(1);
          yield* b.write(-1);
        }),
        ...copies('checker', checkers, function* () {
          const isNone = (yield* a.read()) === 0 && (yield* b.read()) === 0;
          const isBoth = isNone || ((yield* a.read()) === 1 && (yield* b.read()) === -1);
          shared.check(isBoth, 'a and b are set, or neither is');
        }),
      },
    };
  };
};

const wronglock = (others: number): ThreadProgram['build'] => {
  return (shared) => {
    const [right, wrong] = [shared.mutex('dataLock'), shared.mutex('thisLock')];
    const data = shared.word('data');
    return {
      threads: {
        *reader() {
          yield* right.lock();
          const seen = yield* data.read();
          yield* data.write((yield* data.read()) + 1);
          shared.check((yield* data.read()) === seen + 1, 'nobody else writes');
          yield* right.unlock();
        },
        ...copies('writer', others, function* () {
          yield* wrong.lock();
          yield* data.write((yield* data.read()) + 1);
          yield* wrong.unlock();
        }),
      },
    };
  };
};

const lazy01: ThreadProgram['build'] = (shared) => {
  const mutex = shared.mutex('mutex');
  const data = shared.word('data');
  function* add(value: number): Sim<void> {
    yield* mutex.lock();
    yield* data.write((yield* data.read()) + value);
    yield* mutex.unlock();
  }
  return {
    threads: {
      *three() {
        yield* mutex.lock();
        shared.check((yield* data.read()) < 3, 'data < 3');
        yield* mutex.unlock();
      },
      two: () => add(2),
      one: () => add(1),
    },
  };
};

const deadlock01: ThreadProgram['build'] = (shared) => {
  const [a, b] = [shared.mutex('a'), shared.mutex('b')];
  const counter = shared.word('counter', 1);
  function* work(first: typeof a, second: typeof a, value: number): Sim<void> {
    yield* first.lock();
    yield* second.lock();
    yield* counter.write((yield* counter.read()) + value);
    yield* second.unlock();
    yield* first.unlock();
  }
  return { threads: { one: () => work(a, b, 1), two: () => work(b, a, -1) } };
};

/** A driver that is stopped while a request comes in: Qadeer and Wu, KISS, PLDI 2004. */
const bluetooth: ThreadProgram['build'] = (shared) => {
  const pendingIo = shared.word('pendingIo', 1);
  const stoppingFlag = shared.word('stoppingFlag');
  const stoppingEvent = shared.word('stoppingEvent');
  const stopped = shared.word('stopped');
  function* decrement(): Sim<void> {
    if ((yield* pendingIo.fetchAdd(-1)) === 1) yield* stoppingEvent.write(1);
  }
  return {
    threads: {
      *stop() {
        yield* stoppingFlag.write(1);
        yield* decrement();
        if ((yield* stoppingEvent.read()) !== 0) yield* stopped.write(1);
      },
      *add() {
        if ((yield* stoppingFlag.read()) === 0) {
          yield* pendingIo.fetchAdd(1);
          shared.check((yield* stopped.read()) === 0, 'not stopped while there is work');
        }
        yield* decrement();
      },
    },
  };
};

/** Objects that are allocated and freed, with what is wrong to do with one that is not there. */
class Objects {
  readonly #shared: Shared;
  readonly #freed;

  constructor(shared: Shared, count: number) {
    this.#shared = shared;
    this.#freed = shared.array('freed', count + 1);
  }

  *use(pointer: number): Sim<void> {
    this.#shared.check(pointer !== 0, 'no null pointer is used');
    if (pointer === 0) return;
    const freed = yield* this.#freed[pointer]!.read();
    if (freed !== 0) this.#shared.fail('use-after-free', 'use after free', ['use']);
  }

  *free(pointer: number): Sim<void> {
    if (pointer === 0) return;
    const freed = yield* this.#freed[pointer]!.xchg(1);
    if (freed !== 0) this.#shared.fail('double-free', 'double free', ['free']);
  }
}

/** install_user_keyrings(): one pointer is looked at, two are used. */
const cve2013_1792: ThreadProgram['build'] = (shared) => {
  const [uid, session] = [shared.word('uid_keyring'), shared.word('session_keyring')];
  const mutex = shared.mutex('key_user_keyring_mutex');
  const objects = new Objects(shared, 1);
  return {
    threads: copies('lookup', 2, function* () {
      if ((yield* uid.read()) === 0) {
        yield* mutex.lock();
        if ((yield* uid.read()) === 0) {
          yield* uid.write(1);
          yield* session.write(1);
        }
        yield* mutex.unlock();
      }
      yield* objects.use(yield* session.read());
    }),
  };
};

/** A one-time initialisation whose last leaver frees the lock that others still come to. */
const cve2016_1972: ThreadProgram['build'] = (shared) => {
  const [waiters, done, lock] = [
    shared.word('waiters'),
    shared.word('done'),
    shared.word('lock', 1),
  ];
  const mutex = shared.mutex('mutex');
  const objects = new Objects(shared, 1);
  return {
    threads: copies('once', 2, function* () {
      if ((yield* done.read()) !== 0) return;
      yield* waiters.write((yield* waiters.read()) + 1);
      yield* objects.use(yield* lock.read());
      yield* mutex.lock();
      if ((yield* done.read()) === 0) yield* done.write(1);
      yield* mutex.unlock();
      const left = (yield* waiters.read()) - 1;
      yield* waiters.write(left);
      if (left !== 0) return;
      yield* objects.free(yield* lock.read());
      yield* lock.write(0);
    }),
  };
};

/** A counted static instance, which one thread destroys while the other still creates it. */
const cve2016_1973: ThreadProgram['build'] = (shared) => {
  const [count, instance] = [shared.word('instance_count'), shared.word('instance')];
  const objects = new Objects(shared, 2);
  function* get(own: number): Sim<number> {
    let creates = (yield* count.read()) === 0;
    if (!creates && (yield* count.fetchAdd(1)) === 0) {
      yield* count.fetchAdd(-1);
      creates = true;
    }
    if (creates) {
      if ((yield* count.fetchAdd(1)) === 0) yield* instance.xchg(own);
      else yield* count.fetchAdd(-1);
    }
    return yield* instance.read();
  }
  function* put(): Sim<void> {
    if ((yield* count.fetchAdd(-1)) !== 1) return;
    yield* objects.free(yield* instance.xchg(0));
  }
  return {
    threads: {
      *two() {
        yield* objects.use(yield* get(2));
      },
      *one() {
        yield* objects.use(yield* get(1));
        yield* put();
      },
    },
  };
};

/** get_task_ioprio(): a pointer is looked at, then followed, without the lock. */
const cve2016_7911: ThreadProgram['build'] = (shared) => {
  const context = shared.word('io_context', 1);
  const lock = shared.mutex('alloc_lock');
  const objects = new Objects(shared, 1);
  return {
    threads: {
      *getter() {
        if ((yield* context.read()) === 0) return;
        yield* context.read();
        yield* objects.use(yield* context.read());
      },
      *exit() {
        yield* lock.lock();
        yield* context.read();
        yield* context.write(0);
        yield* lock.unlock();
      },
    },
  };
};

/** netlink_dump(): the buffer is put under the lock, and freed without it. */
const cve2016_9806: ThreadProgram['build'] = (shared) => {
  const skb = shared.word('cb.skb');
  const mutex = shared.mutex('mutex');
  const objects = new Objects(shared, 2);
  return {
    threads: copies('dump', 2, function* (i) {
      yield* mutex.lock();
      yield* skb.write(i + 1);
      yield* mutex.unlock();
      yield* objects.free(yield* skb.read());
    }),
  };
};

/** snd_seq_create_port(): the new port is in the list, and used after that. */
const cve2017_15265: ThreadProgram['build'] = (shared) => {
  const listed = shared.word('ports_list_head');
  const [mutex, lock] = [shared.mutex('ports_mutex'), shared.mutex('ports_lock')];
  const objects = new Objects(shared, 1);
  return {
    threads: {
      *create() {
        yield* mutex.lock();
        yield* lock.lock();
        yield* listed.write(1);
        yield* lock.unlock();
        yield* mutex.unlock();
        yield* objects.use(1);
        yield* objects.use(1);
      },
      *delete() {
        yield* mutex.lock();
        yield* lock.lock();
        const found = yield* listed.read();
        if (found !== 0) yield* listed.write(0);
        yield* lock.unlock();
        yield* mutex.unlock();
        yield* objects.free(found);
      },
    },
  };
};

/** fanout_add(): what both have put in one place, both free. */
const cve2017_6346: ThreadProgram['build'] = (shared) => {
  const [rollover, fanout] = [shared.word('po.rollover'), shared.word('po.fanout')];
  const mutex = shared.mutex('fanout_mutex');
  const objects = new Objects(shared, 2);
  return {
    threads: copies('add', 2, function* (i) {
      if ((yield* fanout.read()) !== 0) return;
      yield* rollover.write(i + 1);
      yield* mutex.lock();
      const isFirst = (yield* fanout.read()) === 0;
      if (isFirst) yield* fanout.write(1);
      yield* mutex.unlock();
      if (isFirst) {
        yield* objects.use(yield* rollover.read());
      } else {
        yield* objects.free(yield* rollover.read());
        yield* rollover.write(0);
      }
    }),
  };
};

function row(
  name: string,
  build: ThreadProgram['build'],
  surw: number | null,
  pct3: number | null,
): BugRow {
  return { program: program(name, build), published: { surw, pct3 } };
}

export const SCTBENCH: readonly BugRow[] = [
  row('CS/twostage', twostage(1, 1), 8, 13),
  row('CS/twostage_20', twostage(10, 10), 6, 159),
  row('CS/twostage_100', twostage(99, 1), 454, 7466),
  row('CS/reorder_3', reorder(2, 1), 7, 185),
  row('CS/reorder_4', reorder(3, 1), 7, 554),
  row('CS/reorder_5', reorder(4, 1), 10, 647),
  row('CS/reorder_10', reorder(9, 1), 17, 3225),
  row('CS/reorder_50', reorder(40, 10), 13, 3304),
  row('CS/reorder_100', reorder(99, 1), 194, null),
  row('CS/lazy01', lazy01, 2, 5),
  row('CS/deadlock01', deadlock01, 2, 13),
  row('CS/bluetooth_driver', bluetooth, 70, 112),
  row('CS/wronglock', wronglock(7), 7, 51),
  row('CS/wronglock_3', wronglock(3), 9, 58),
  row('Chess/WorkStealQueue', workStealQueue({}), 6, 48),
  row('Chess/InterlockedWorkStealQueue', workStealQueue({ interlocked: true }), 6, 48),
  row(
    'Chess/InterlockedWorkStealQueueWithState',
    workStealQueue({ interlocked: true, withState: true }),
    6,
    907,
  ),
  row('CVE-2013-1792', cve2013_1792, 15, 95),
  row('CVE-2016-1972', cve2016_1972, 11, 4902),
  row('CVE-2016-1973', cve2016_1973, 5, 10),
  row('CVE-2016-7911', cve2016_7911, 8, 20),
  row('CVE-2016-9806', cve2016_9806, 3, 7),
  row('CVE-2017-15265', cve2017_15265, null, null),
  row('CVE-2017-6346', cve2017_6346, 15, 24),
];
