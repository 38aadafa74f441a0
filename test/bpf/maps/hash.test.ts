import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as flag from '../../../bpf/maps/flags.ts';
import { jhash } from '../../../bpf/maps/jhash.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { EEXIST, ENOENT } from '../../../kernel/errno.ts';
import { Memory } from '../../../kernel/memory.ts';
import type { Sim } from '../../../sim/request.ts';
import { BpfCaller, bpfSolo } from '../../kit/bpf.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { isFreed, makeMap, MapUser, rest, type MapShape } from '../../kit/map-user.ts';

const HASH: MapShape = { type: MAP_TYPE.HASH };
const SINGLE: MapShape = { type: MAP_TYPE.HASH, flags: flag.NO_PREALLOC };
const NOEXIST = 1;
const EXIST = 2;

describe('order', () => {
  const text = readFileSync(new URL('../../data/bpf-hash-order.txt', import.meta.url), 'utf8');
  const cases = text.split('\nmap ').slice(1);

  test.each(cases)('a hash map is gone through as by Linux 7.2: %#', (row) => {
    const [head, given] = row.split('\n=>\n') as [string, string];
    const [keySize, ...added] = head.split('\n');
    bpfSolo(function* (bpf) {
      yield* bpf.call(`m = bpf 0 0:4=1 4:4=${keySize} 8:4=4 12:4=24 16:4=${flag.ZERO_SEED}`);
      for (const key of added) yield* bpf.call(`bpf 2 0:4=$m 8:8=&${key} 16:8=&01000000`);
      const found: string[] = [];
      for (let key = ''; ;) {
        const from = key === '' ? '' : `8:8=&${key}`;
        const { result, out } = yield* bpf.call(`bpf 4 0:4=$m ${from} 16:8=>${keySize}`.trim());
        if (result === -ENOENT) break;
        key = [...out.get(16)!].map((byte) => byte.toString(16).padStart(2, '0')).join('');
        found.push(key);
      }
      expect(found.join('\n')).toBe(given.trim());
    });
  });

  test('behind a key that has gone it begins again', () => {
    bpfSolo(function* (_bpf, _p, { world, kernel }) {
      const map = yield* makeMap(world.bpf.maps, { ...HASH, maxEntries: 16 });
      const user = new MapUser(kernel, map);
      for (let key = 0; key < 10; key++) yield* user.update(key, 1n);
      const keys = yield* user.keys();
      const key = kernel.machine.slab.kzalloc(8);
      const { memory } = kernel.machine;
      memory.unwatched(() => memory.setU32(key, keys[5]!));
      expect(yield* map.map_get_next_key(key, key)).toBe(0);
      expect(memory.u32(key)).toBe(keys[6]);
      yield* user.delete(keys[6]!);
      expect(yield* map.map_get_next_key(key, key)).toBe(0);
      expect(memory.u32(key)).toBe(keys[0]);
    });
  });
});

describe('pointers to values', () => {
  test('under RCU an element that was deleted is as it was; after that it is freed', () => {
    let found = 0;
    const w: FdWorld = new FdWorld({
      processes: {
        *A(p) {
          const { kernel } = w;
          const user = new MapUser(kernel, yield* makeMap(w.world.bpf.maps, SINGLE));
          yield* user.update(1, 5n);
          kernel.rcu.rcu_read_lock();
          found = yield* user.find(1);
          expect(yield* user.delete(1)).toBe(0);
          expect(user.at(found)).toBe(5n);
          kernel.rcu.rcu_read_unlock();
          yield* rest(p);
          expect(isFreed(kernel, found)).toBe(true);
          user.at(found);
        },
      },
    });
    w.run([/slab-use-after-free/]);
  });

  test('a preallocated element is used again at once: an old pointer sees the next value', () => {
    bpfSolo(function* (_bpf, _p, { world, kernel }) {
      const user = new MapUser(kernel, yield* makeMap(world.bpf.maps, HASH));
      yield* user.update(1, 5n);
      const found = yield* user.find(1);
      yield* user.delete(1);
      expect(user.at(found)).toBe(5n);
      yield* user.update(2, 6n);
      expect(user.at(found)).toBe(6n);
    });
  });

  test('a replaced element waits as the next replacement of its CPU', () => {
    bpfSolo(function* (_bpf, _p, { world, kernel }) {
      const user = new MapUser(kernel, yield* makeMap(world.bpf.maps, { ...HASH, maxEntries: 1 }));
      yield* user.update(1, 5n);
      const first = yield* user.find(1);
      yield* user.update(1, 6n);
      expect(yield* user.find(1)).not.toBe(first);
      expect(user.at(first)).toBe(5n);
      yield* user.update(1, 7n);
      expect(yield* user.find(1)).toBe(first);
    });
  });
});

/** What two CPUs do to one map of one bucket at once, and how it may then be. */
interface Race {
  readonly name: string;
  readonly a: (user: MapUser) => Sim<unknown>;
  readonly b: (user: MapUser) => Sim<unknown>;
  /** Results of both, and the value of key 1 afterwards. */
  readonly may: readonly (readonly [unknown, unknown, bigint | undefined])[];
}

const RACES: readonly Race[] = [
  {
    name: 'two that may only create',
    a: (user) => user.update(2, 1n, NOEXIST),
    b: (user) => user.update(2, 2n, NOEXIST),
    may: [
      [0, -EEXIST, 9n],
      [-EEXIST, 0, 9n],
    ],
  },
  {
    name: 'a replacement and a deletion',
    a: (user) => user.update(1, 1n, EXIST),
    b: (user) => user.delete(1),
    may: [
      [0, 0, undefined],
      [-ENOENT, 0, undefined],
    ],
  },
  {
    name: 'a replacement and a reader, who finds one or the other',
    a: (user) => user.update(1, 1n),
    b: (user) => user.read(1),
    may: [
      [0, 9n, 1n],
      [0, 1n, 1n],
    ],
  },
  {
    name: 'two deletions',
    a: (user) => user.delete(1),
    b: (user) => user.delete(1),
    may: [
      [0, -ENOENT, undefined],
      [-ENOENT, 0, undefined],
    ],
  },
];

const SHAPES = [
  ['preallocated', MAP_TYPE.HASH, 0, 3],
  ['from the heap', MAP_TYPE.HASH, flag.NO_PREALLOC, 3],
  ['of an LRU map', MAP_TYPE.LRU_HASH, 0, 8],
] as const;

/** A world whose setup makes a map with these keys, each with the value 9; for two CPUs. */
function raced(
  [type, flags, entries]: readonly [number, number, number],
  keys: readonly number[],
  bodies: Record<'A' | 'B', (user: MapUser) => Sim<void>>,
  races = false,
): FdWorld {
  function* run(body: (user: MapUser) => Sim<void>): Sim<void> {
    const user = new MapUser(w.kernel, [...w.world.bpf.maps.registry.values()][0]!);
    yield* body(user);
    user.done();
  }
  const w: FdWorld = new FdWorld({
    cpus: 2,
    races,
    *setup(init) {
      const bpf = new BpfCaller(init);
      const make = `m = bpf 0 0:4=${type} 4:4=4 8:4=8 12:4=${entries} 16:4=${flags}`;
      init.ok((yield* bpf.call(make)).result);
      for (const key of keys) {
        const update = `bpf 2 0:4=$m 8:8=&0${key}000000 16:8=&0900000000000000`;
        init.ok((yield* bpf.call(update)).result);
      }
      yield* init.start('A');
      yield* init.start('B');
    },
    processes: { A: () => run(bodies.A), B: () => run(bodies.B) },
  });
  return w;
}

describe.each(SHAPES)('elements %s', (_, ...shape) => {
  test.each(RACES)('$name', ({ a, b, may }) => {
    const seen = new Map<string, unknown>();
    let results: unknown[] = [];
    function* ended(user: MapUser): Sim<void> {
      if (0 in results && 1 in results) results[2] = yield* user.read(1);
    }
    const w = raced(shape, [1], {
      *A(user) {
        results[0] = yield* a(user);
        yield* ended(user);
      },
      *B(user) {
        results[1] = yield* b(user);
        yield* ended(user);
      },
    });
    const after = (): void => {
      seen.set(results.join(), results);
      results = [];
    };
    w.everyRun('random', after, 300);
    w.everyRun('exhaustive:2', after, 500);
    const text = (each: readonly unknown[]): string => each.join();
    expect([...seen.keys()].toSorted()).toEqual(may.map(text).toSorted());
  });
});

test('a reader whose element is used again in another bucket misses nothing', () => {
  const BUCKETS = 4;
  const memory = new Memory(1 << 20);
  const bucketOf = (key: number): number => {
    memory.unpoison(8192, 8);
    memory.setU32(8192, key);
    return jhash(memory, 8192, 4, 0) % BUCKETS;
  };
  const keys = Array.from({ length: 9 }, (_, i) => i + 1);
  const tail = keys.find((key) => keys.some((other) => other > key && sameBucket(key, other)))!;
  const head = keys.find((key) => key > tail && sameBucket(key, tail))!;
  const other = keys.find((key) => !sameBucket(key, tail))!;
  function sameBucket(one: number, another: number): boolean {
    return bucketOf(one) === bucketOf(another);
  }
  const found = new Set<bigint | undefined>();
  const w = raced([MAP_TYPE.HASH, flag.ZERO_SEED, BUCKETS], [tail, head], {
    *A(user) {
      found.add(yield* user.read(tail));
    },
    *B(user) {
      yield* user.delete(head);
      yield* user.update(other, 1n);
    },
  });
  let restarts = 0;
  const after = (): void => {
    const heads = w.sites(/^lookup_nulls_elem_raw:head$/, 'A').length;
    if (heads > 1) restarts++;
  };
  w.everyRun('exhaustive:3', after, 1_000);
  expect([...found]).toEqual([9n]);
  expect(restarts).toBeGreaterThan(0);
});

const RECYCLING = [
  ...SHAPES,
  ['with a value for each CPU', MAP_TYPE.PERCPU_HASH, 0, 3],
  ['with a value for each CPU, from the heap', MAP_TYPE.PERCPU_HASH, flag.NO_PREALLOC, 3],
  ['of an LRU map with lists for each CPU', MAP_TYPE.LRU_HASH, flag.NO_COMMON_LRU, 8],
] as const;

test.each(RECYCLING)('elements %s go from CPU to CPU without a data race', (_, ...shape) => {
  /** Elements are taken from where the other CPU has left them. */
  const body = (gone: number, first: number, second: number) =>
    function* (user: MapUser): Sim<void> {
      yield* user.delete(gone);
      yield* user.update(first, 1n);
      yield* user.update(second, 1n);
      yield* user.read(7);
      yield* user.delete(first);
    };
  const w = raced(shape, [1, 2], { A: body(1, 3, 7), B: body(2, 5, 6) }, true);
  w.everyRun('random', () => {}, 300);
});
