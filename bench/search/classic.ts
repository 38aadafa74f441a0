import type { Sim } from '../../sim/request.ts';
import type { ThreadBody, ThreadProgram } from '../../sim/threads.ts';
import type { Word } from '../../sim/words.ts';

/**
 * The programs by which partial order reduction is measured, written from their descriptions, and
 * how many executions an optimal search makes: as published for GenMC (its test suite, `--sc`) and
 * in Abdulla et al., POPL 2014, tables 1 and 2.
 */
export interface ClassicRow {
  readonly program: ThreadProgram;
  readonly count: number;
  /** Whether additions that nobody looks at may change places; default false, as in GenMC. */
  readonly commuting?: boolean;
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export function program(name: string, build: ThreadProgram['build']): ThreadProgram {
  return { name, build };
}

/** `count` threads of one body, called `prefix` and a number. */
export function copies(
  prefix: string,
  count: number,
  body: (i: number) => ReturnType<ThreadBody>,
): Record<string, ThreadBody> {
  return Object.fromEntries(range(count).map((i) => [`${prefix}${i}`, () => body(i)]));
}

/** Each of N threads makes an element one more than that before it; one looks for the last 0. */
const lastzero = (n: number): ThreadProgram =>
  program(`lastzero(${n})`, (shared) => {
    const array = shared.array('array', n + 1);
    return {
      threads: {
        *reader() {
          let i = n;
          while ((yield* array[i]!.read()) !== 0) i--;
        },
        ...copies('writer', n, function* (i) {
          const value = yield* array[i]!.read();
          yield* array[i + 1]!.write(value + 1);
        }),
      },
    };
  });

const readers = (n: number): ThreadProgram =>
  program(`readers(${n})`, (shared) => {
    const x = shared.word('x');
    return {
      threads: {
        *writer() {
          yield* x.write(42);
        },
        ...copies('reader', n, function* () {
          yield* x.read();
        }),
      },
    };
  });

const TABLE_SIZE = 128;

/** N threads put four values each into a hash table; from 12 on, some meet. */
const indexer = (n: number): ThreadProgram =>
  program(`indexer(${n})`, (shared) => {
    const table = shared.array('table', TABLE_SIZE);
    return {
      threads: copies('thread', n, function* (tid) {
        for (let m = 1; m <= 4; m++) {
          const value = m * 11 + tid;
          let at = (value * 7) % TABLE_SIZE;
          while (!(yield* table[at]!.cmpxchg(0, value))) at = (at + 1) % TABLE_SIZE;
        }
      }),
    };
  });

const INODES = 32;
const BLOCKS = 26;

/** N threads look for a free block each, under a lock for the inode and one for the block. */
const filesystem = (n: number): ThreadProgram =>
  program(`filesystem(${n})`, (shared) => {
    const inodeLocks = range(INODES).map((i) => shared.mutex(`locki[${i}]`));
    const blockLocks = range(BLOCKS).map((i) => shared.mutex(`lockb[${i}]`));
    const inode = shared.array('inode', INODES);
    const busy = shared.array('busy', BLOCKS);
    return {
      threads: copies('thread', n, function* (tid) {
        const i = tid % INODES;
        yield* inodeLocks[i]!.lock();
        for (let b = (i * 2) % BLOCKS; (yield* inode[i]!.read()) === 0; b = (b + 1) % BLOCKS) {
          yield* blockLocks[b]!.lock();
          if ((yield* busy[b]!.read()) === 0) {
            yield* busy[b]!.write(1);
            yield* inode[i]!.write(b + 1);
          }
          yield* blockLocks[b]!.unlock();
        }
        yield* inodeLocks[i]!.unlock();
      }),
    };
  });

/** Thread i makes i of i - 1, if it is there. */
const casrot = (n: number): ThreadProgram =>
  program(`casrot(${n})`, (shared) => {
    const x = shared.word('x');
    return {
      threads: copies('thread', n, function* (i) {
        yield* x.cmpxchg(i, i + 1);
      }),
    };
  });

const inc = (name: string, n: number, words: readonly string[]): ThreadProgram =>
  program(`${name}(${n})`, (shared) => {
    const all = words.map((word) => shared.word(word));
    return {
      threads: copies('thread', n, function* () {
        for (const word of all) yield* word.add(1);
      }),
    };
  });

/** Two threads that write one word, and N - 1 that write the two that those read. */
const coa = (n: number): ThreadProgram =>
  program(`CoA(${n})`, (shared) => {
    const [x, y, z] = [shared.word('x'), shared.word('y'), shared.word('z')];
    function* writer(value: number, other: Word): ReturnType<ThreadBody> {
      yield* x.write(value);
      yield* other.read();
      yield* x.read();
    }
    return {
      threads: {
        one: () => writer(1, y),
        two: () => writer(2, z),
        ...copies('thread', n - 1, function* (i) {
          yield* y.write(i);
          yield* z.write(i);
        }),
      },
    };
  });

/** N + 1 writers and a reader. */
const nWriters = (n: number): ThreadProgram =>
  program(`N-writers(${n})`, (shared) => {
    const x = shared.word('x');
    return {
      threads: {
        ...copies('writer', n + 1, function* (i) {
          yield* x.write(i);
        }),
        *reader() {
          yield* x.read();
        },
      },
    };
  });

const rw = (n: number): ThreadProgram =>
  program(`rw(${n})`, (shared) => {
    const x = shared.word('x');
    return {
      threads: copies('thread', n, function* (i) {
        yield* x.read();
        yield* x.write(i);
      }),
    };
  });

const op =
  (request: (x: Word, y: Word) => unknown) =>
  (x: Word, y: Word): Sim<unknown> =>
    request(x, y) as Sim<unknown>;
const wx = op((x) => x.write(1));
const wy = op((_, y) => y.write(1));
const rx = op((x) => x.read());
const ry = op((_, y) => y.read());

/** A litmus test of two words. */
function litmus(name: string, ...threads: readonly (typeof wx)[][]): ThreadProgram {
  return program(name, (shared) => {
    const [x, y] = [shared.word('x'), shared.word('y')];
    return {
      threads: copies('P', threads.length, function* (i) {
        for (const each of threads[i]!) yield* each(x, y);
      }),
    };
  });
}

const SB = litmus('SB', [wx, ry], [wy, rx]);
const MP = litmus('MP', [wx, wy], [ry, rx]);
const LB = litmus('LB', [rx, wy], [ry, wx]);
const IRIW = litmus('IRIW', [wx], [wy], [rx, ry], [ry, rx]);

export const CLASSIC: readonly ClassicRow[] = [
  { program: lastzero(5), count: 64 },
  { program: lastzero(10), count: 3328 },
  { program: lastzero(15), count: 147456 },
  { program: readers(2), count: 4 },
  { program: readers(8), count: 256 },
  { program: readers(13), count: 8192 },
  { program: readers(15), count: 32768 },
  { program: indexer(12), count: 8 },
  { program: indexer(13), count: 64 },
  { program: indexer(14), count: 512 },
  { program: indexer(15), count: 4096 },
  { program: filesystem(14), count: 2 },
  { program: filesystem(16), count: 8 },
  { program: filesystem(18), count: 32 },
  { program: filesystem(19), count: 64 },
  { program: casrot(2), count: 2 },
  { program: casrot(3), count: 5 },
  { program: casrot(4), count: 14 },
  { program: casrot(5), count: 43 },
  { program: casrot(6), count: 144 },
  { program: casrot(7), count: 523 },
  { program: casrot(8), count: 2048 },
  { program: casrot(9), count: 8597 },
  { program: inc('ainc', 2, ['x']), count: 2 },
  { program: inc('ainc', 3, ['x']), count: 6 },
  { program: inc('ainc', 4, ['x']), count: 24 },
  { program: inc('ainc', 5, ['x']), count: 120 },
  { program: inc('ainc', 6, ['x']), count: 720 },
  { program: inc('ainc', 7, ['x']), count: 5040 },
  { program: inc('ainc', 6, ['x']), count: 1, commuting: true },
  { program: inc('binc', 4, ['x', 'y']), count: 576 },
  { program: inc('binc', 4, ['x', 'y']), count: 1, commuting: true },
  { program: inc('cinc', 2, ['x', 'y', 'z']), count: 8 },
  { program: inc('cinc', 3, ['x', 'y', 'z']), count: 216 },
  { program: coa(1), count: 4 },
  { program: coa(2), count: 15 },
  { program: coa(3), count: 130 },
  { program: coa(4), count: 2028 },
  { program: coa(5), count: 49776 },
  { program: nWriters(4), count: 720 },
  { program: rw(2), count: 4 },
  { program: rw(3), count: 36 },
  { program: rw(4), count: 576 },
  { program: SB, count: 3 },
  { program: MP, count: 3 },
  { program: LB, count: 3 },
  { program: IRIW, count: 15 },
];
