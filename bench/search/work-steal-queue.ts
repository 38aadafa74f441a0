import type { Sim } from '../../sim/request.ts';
import type { Mutex, Shared, ThreadProgram } from '../../sim/threads.ts';
import type { Word } from '../../sim/words.ts';
import { copies, range } from './classic.ts';

export interface WorkStealOptions {
  /** Whether head and tail are read and written by atomic exchanges. */
  readonly interlocked?: boolean;
  /** Whether each thread also keeps a record of where it is. */
  readonly withState?: boolean;
}

const SIZE = 2;
const ITEMS = 4;
const STEALERS = 1;
const ATTEMPTS = 2;
const MAX_SIZE = 16;

/**
 * The queue of the CILK-5 runtime (Frigo, Leiserson, Randall, PLDI 1998), with the bug of CHESS's
 * test: push() may fill the last slot, which a thief may be about to read.
 */
class Queue {
  readonly #head: Word;
  readonly #tail: Word;
  readonly #mask: Word;
  readonly #elems: readonly Word[];
  readonly #lock: Mutex;
  readonly #interlocked: boolean;
  /** A queue that grows takes another array: it starts here. */
  readonly #base: Word;

  constructor(shared: Shared, interlocked: boolean) {
    this.#head = shared.word('head');
    this.#tail = shared.word('tail');
    this.#mask = shared.word('mask', SIZE - 1);
    this.#base = shared.word('elems');
    this.#elems = shared.array('tasks', 2 * MAX_SIZE);
    this.#lock = shared.mutex('lock');
    this.#interlocked = interlocked;
  }

  *push(item: number): Sim<void> {
    const t = yield* this.#read(this.#tail);
    if (t < (yield* this.#read(this.#head)) + (yield* this.#mask.read()) + 1) {
      yield* this.#put(t, item);
      yield* this.#write(this.#tail, t + 1);
    } else {
      yield* this.#syncPush(item);
    }
  }

  /** The item last pushed; 0 where there is none. */
  *pop(): Sim<number> {
    const t = (yield* this.#read(this.#tail)) - 1;
    yield* this.#write(this.#tail, t);
    if ((yield* this.#read(this.#head)) <= t) return yield* this.#get(t);
    yield* this.#write(this.#tail, t + 1);
    return yield* this.#syncPop();
  }

  /** The item first pushed; 0 where there is none. */
  *steal(): Sim<number> {
    yield* this.#lock.lock();
    const h = yield* this.#read(this.#head);
    yield* this.#write(this.#head, h + 1);
    let item = 0;
    if (h < (yield* this.#read(this.#tail))) item = yield* this.#get(h);
    else yield* this.#write(this.#head, h);
    yield* this.#lock.unlock();
    return item;
  }

  *#syncPop(): Sim<number> {
    yield* this.#lock.lock();
    const t = (yield* this.#read(this.#tail)) - 1;
    yield* this.#write(this.#tail, t);
    let item = 0;
    if ((yield* this.#read(this.#head)) <= t) item = yield* this.#get(t);
    else yield* this.#write(this.#tail, t + 1);
    if ((yield* this.#read(this.#head)) > t) {
      yield* this.#write(this.#head, 0);
      yield* this.#write(this.#tail, 0);
      item = 0;
    }
    yield* this.#lock.unlock();
    return item;
  }

  *#syncPush(item: number): Sim<void> {
    yield* this.#lock.lock();
    const mask = yield* this.#mask.read();
    let h = yield* this.#read(this.#head);
    const count = (yield* this.#read(this.#tail)) - h;
    h &= mask;
    yield* this.#write(this.#head, h);
    yield* this.#write(this.#tail, h + count);
    if (count >= mask) yield* this.#grow(h, count, mask);
    const t = yield* this.#read(this.#tail);
    yield* this.#put(t, item);
    yield* this.#write(this.#tail, t + 1);
    yield* this.#lock.unlock();
  }

  *#grow(h: number, count: number, mask: number): Sim<void> {
    const from = yield* this.#base.read();
    const to = MAX_SIZE - from;
    for (const i of range(count)) {
      const item = yield* this.#elems[from + ((h + i) & mask)]!.read();
      yield* this.#elems[to + i]!.write(item);
    }
    yield* this.#base.write(to);
    yield* this.#mask.write(2 * (mask + 1) - 1);
    yield* this.#write(this.#head, 0);
    yield* this.#write(this.#tail, count);
  }

  *#get(at: number): Sim<number> {
    const slot = at & (yield* this.#mask.read());
    return yield* this.#elems[(yield* this.#base.read()) + slot]!.read();
  }

  *#put(at: number, item: number): Sim<void> {
    const slot = at & (yield* this.#mask.read());
    yield* this.#elems[(yield* this.#base.read()) + slot]!.write(item);
  }

  *#read(word: Word): Sim<number> {
    return this.#interlocked ? yield* word.fetchAdd(0) : yield* word.read();
  }

  *#write(word: Word, value: number): Sim<void> {
    if (this.#interlocked) yield* word.xchg(value);
    else yield* word.write(value);
  }
}

/** An owner that pushes and pops, and thieves: each item is to be taken once. */
export function workStealQueue(options: WorkStealOptions): ThreadProgram['build'] {
  return (shared) => {
    const queue = new Queue(shared, options.interlocked === true);
    const fields = shared.array('field', ITEMS + 1);
    const states = shared.array('state', STEALERS + 1);
    function* at(thread: number, pc: number): Sim<void> {
      if (options.withState) yield* states[thread]!.write(pc);
    }
    function* operate(item: number): Sim<void> {
      if (item !== 0) yield* fields[item]!.write((yield* fields[item]!.read()) + 1);
    }
    return {
      threads: {
        *owner() {
          for (let i = 1; i <= ITEMS; i += 2) {
            yield* at(0, 1);
            yield* queue.push(i);
            yield* at(0, 2);
            yield* queue.push(i + 1);
            yield* at(0, 3);
            yield* operate(yield* queue.pop());
          }
          for (let i = 0; i < ITEMS / 2; i++) {
            yield* at(0, 4);
            yield* operate(yield* queue.pop());
          }
        },
        ...copies('thief', STEALERS, function* (i) {
          for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
            yield* at(i + 1, attempt);
            yield* operate(yield* queue.steal());
          }
        }),
      },
      finally() {
        const wrong = fields.slice(1).find(({ value }) => value !== 1);
        return wrong && `each item is taken once: ${wrong.name} is ${wrong.value}`;
      },
    };
  };
}
