import { expect, test } from 'vitest';
import * as flag from '../../../bpf/maps/flags.ts';
import { done } from '../../../bpf/maps/base.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { FdWorld } from '../../kit/fd-world.ts';
import { makeMap, MapUser } from '../../kit/map-user.ts';

const KEY = 1;

test.each([
  ['array', MAP_TYPE.PERCPU_ARRAY, 0],
  ['hash', MAP_TYPE.PERCPU_HASH, 0],
  ['hash without elements', MAP_TYPE.PERCPU_HASH, flag.NO_PREALLOC],
  ['LRU hash', MAP_TYPE.LRU_PERCPU_HASH, 0],
])('of a per-CPU %s, a program sees the value of its CPU, and bpf(2) all', (_, type, flags) => {
  const w: FdWorld = new FdWorld({
    cpus: 2,
    processes: {
      *A(p) {
        const { kernel } = w;
        const map = yield* makeMap(w.world.bpf.maps, { type, flags });
        const user = new MapUser(kernel, map);
        const seen: (readonly [number, bigint | undefined])[] = [];
        // Whoever makes an element leaves the other CPU's value zero.
        const here = kernel.cpus.this.id;
        expect(yield* user.update(KEY, 5n)).toBe(0);
        expect(yield* user.copy(KEY)).toEqual(here === 0 ? [5n, 0n] : [0n, 5n]);
        expect(yield* user.set(KEY, [10n, 11n])).toBe(0);
        for (let i = 0; i < 2; i++) {
          yield* p.fork(function* () {
            const child = new MapUser(kernel, map);
            seen.push([kernel.cpus.this.id, yield* child.read(KEY)]);
          });
        }
        yield* p.nanosleep(50_000_000);
        expect(seen.toSorted()).toEqual([
          [0, 10n],
          [1, 11n],
        ]);
        const at = yield* user.find(KEY);
        for (const cpu of [0, 1, 2]) {
          const key = kernel.machine.slab.kzalloc(8);
          kernel.machine.memory.unwatched(() => kernel.machine.memory.setU32(key, KEY));
          const found = yield* done(map.map_lookup_percpu_elem!(key, cpu));
          expect(found === 0 ? undefined : user.at(found)).toBe([10n, 11n, undefined][cpu]);
          if (cpu === kernel.cpus.this.id) expect(found).toBe(at);
        }
      },
    },
  });
  w.run();
});
