import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as flag from '../../../bpf/maps/flags.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT, ENOTSUPP } from '../../../kernel/errno.ts';
import type { Sim } from '../../../sim/request.ts';
import { bpfSolo } from '../../kit/bpf.ts';
import { makeMap, MapUser, rest, type MapShape } from '../../kit/map-user.ts';

const ANY = 0;
const NOEXIST = 1;
const EXIST = 2;

interface Op {
  readonly op: 'update' | 'set' | 'delete' | 'read' | 'copy' | 'pop';
  readonly key: number;
  readonly value: bigint;
  readonly flags: number;
}

const op: fc.Arbitrary<Op> = fc.record({
  op: fc.constantFrom('update', 'set', 'delete', 'read', 'copy', 'pop'),
  key: fc.nat(7),
  value: fc.bigInt({ min: 1n, max: 0xffff_ffff_ffff_ffffn }),
  flags: fc.constantFrom(ANY, ANY, NOEXIST, EXIST, 3),
});

/** What a map says to an operation, as it should be. */
class Model {
  readonly values = new Map<number, bigint>();
  readonly #kind: 'array' | 'hash';
  readonly #max: number;

  constructor(kind: 'array' | 'hash', max: number) {
    this.#kind = kind;
    this.#max = max;
    if (kind === 'array') for (let key = 0; key < max; key++) this.values.set(key, 0n);
  }

  do({ op: name, key, value, flags }: Op): unknown {
    const old = this.values.get(key);
    switch (name) {
      case 'update':
      case 'set':
        return this.#update(key, value, flags, old);
      case 'read':
        return old;
      case 'copy':
        return old ?? -ENOENT;
      case 'delete':
        if (this.#kind === 'array') return -EINVAL;
        return this.values.delete(key) ? 0 : -ENOENT;
      case 'pop':
        if (this.#kind === 'array') return -ENOTSUPP;
        this.values.delete(key);
        return old ?? -ENOENT;
    }
  }

  #update(key: number, value: bigint, flags: number, old: bigint | undefined): number {
    if (flags > EXIST) return -EINVAL;
    if (this.#kind === 'array') {
      if (old === undefined) return -E2BIG;
      if (flags === NOEXIST) return -EEXIST;
    } else {
      if (old !== undefined && flags === NOEXIST) return -EEXIST;
      if (old === undefined && flags === EXIST) return -ENOENT;
      if (old === undefined && this.values.size === this.#max) return -E2BIG;
    }
    this.values.set(key, value);
    return 0;
  }
}

/** The first of the values that bpf(2) gives; all others are zero or the same. */
function one(result: readonly bigint[] | number): bigint | number {
  return typeof result === 'number' ? result : result[0]!;
}

function* perform(user: MapUser, { op: name, key, value, flags }: Op): Sim<unknown> {
  const { userValueSize } = user.map;
  switch (name) {
    case 'update':
      return yield* user.update(key, value, flags);
    case 'set':
      return yield* user.set(
        key,
        Array.from({ length: userValueSize / 8 }, () => value),
        flags,
      );
    case 'read':
      return yield* user.read(key);
    case 'copy':
      return one(yield* user.copy(key));
    case 'delete':
      return yield* user.delete(key);
    case 'pop':
      if (!user.map.map_lookup_and_delete_elem) return -ENOTSUPP;
      return one(yield* user.pop(key));
  }
}

const SHAPES: readonly (readonly [string, 'array' | 'hash', MapShape])[] = [
  ['array', 'array', { type: MAP_TYPE.ARRAY }],
  ['per-CPU array', 'array', { type: MAP_TYPE.PERCPU_ARRAY }],
  ['hash', 'hash', { type: MAP_TYPE.HASH }],
  ['hash without elements', 'hash', { type: MAP_TYPE.HASH, flags: flag.NO_PREALLOC }],
  ['per-CPU hash', 'hash', { type: MAP_TYPE.PERCPU_HASH }],
  [
    'per-CPU hash without elements',
    'hash',
    { type: MAP_TYPE.PERCPU_HASH, flags: flag.NO_PREALLOC },
  ],
  ['LRU hash with room', 'hash', { type: MAP_TYPE.LRU_HASH, maxEntries: 64 }],
  ['LRU per-CPU hash with room', 'hash', { type: MAP_TYPE.LRU_PERCPU_HASH, maxEntries: 64 }],
  [
    'LRU hash with a list for each CPU',
    'hash',
    { type: MAP_TYPE.LRU_HASH, maxEntries: 64, flags: flag.NO_COMMON_LRU },
  ],
];

/** Does `ops` on a map of its own, and on a Map beside it. */
function isLikeMap(kind: 'array' | 'hash', shape: MapShape, ops: readonly Op[]): void {
  bpfSolo(function* (_bpf, p, { world, kernel }) {
    const { maps } = world.bpf;
    yield* maps.bpf_map_put_with_uref(yield* makeMap(maps, shape)); // ids have a counter by now
    yield* rest(p);
    const before = kernel.machine.slab.liveCount;
    const map = yield* makeMap(maps, shape);
    const user = new MapUser(kernel, map);
    const model = new Model(kind, map.maxEntries);
    for (const each of ops) expect(yield* perform(user, each)).toEqual(model.do(each));
    const keys = yield* user.keys();
    expect(keys.toSorted()).toEqual([...model.values.keys()].toSorted());
    user.done();
    yield* maps.bpf_map_put_with_uref(map);
    yield* rest(p);
    expect(kernel.machine.slab.liveCount).toBe(before);
  });
}

test.each(SHAPES)('an %s map is a Map, and leaves nothing behind', (_, kind, shape) => {
  fc.assert(
    fc.property(fc.array(op, { minLength: 5, maxLength: 60 }), (ops) => {
      isLikeMap(kind, shape, ops);
    }),
    { numRuns: 40, seed: 7 },
  );
});
