import { MAP_TYPE } from '../../bpf/uapi.ts';
import { numberOf } from '../../bpf/user/object-map.ts';
import { scenario } from '../dsl.ts';
import mapFdLifetime from './map-fd-lifetime.bpf.o';

const OUTER = 30;
const RUNS = 31;
const KEY = new Uint8Array(4);

/**
 * A link keeps a program alive, and the program its maps, after every other descriptor is closed.
 * While the program looks at an inner map, user space puts another in its place: the old one goes
 * with the last reader.
 */
export default scenario({
  name: 'map-fd-lifetime',
  about: 'Maps outlive their descriptors as long as a program may look at them',
  *setup(init) {
    const object = init.openObject(mapFdLifetime, 'map-fd-lifetime.bpf.o');
    yield* object.load();
    yield* object.attach();
    init.ok(yield* init.dup2(object.map('outer').fd, OUTER));
    init.ok(yield* init.dup2(object.map('.bss').fd, RUNS));
    for (const map of object.maps) yield* map.close();
    yield* object.program('on_getpid').closeFd();
  },
  processes: {
    /** The program runs by the link alone. */
    *caller(p) {
      yield* p.getpid();
      yield* p.getpid();
      const runs = p.ok<Uint8Array>(yield* p.calls.mapLookup(RUNS, KEY, 8));
      p.note('runs', Number(numberOf(runs)));
    },
    /** A new inner map, then none: the old ones have no other reference. */
    *replacer(p) {
      const { calls } = p;
      const inner = p.ok(
        yield* calls.mapCreate({
          type: MAP_TYPE.ARRAY,
          keySize: 4,
          valueSize: 8,
          maxEntries: 1,
        }),
      );
      p.ok(yield* calls.mapUpdate(OUTER, KEY, new Uint8Array(Int32Array.of(inner).buffer)));
      p.ok(yield* p.close(inner));
      p.ok(yield* calls.mapDelete(OUTER, KEY));
    },
  },
  finally: {
    'the link keeps the program running': ({ notes }) => notes.get('runs') === 2,
  },
  variants: {
    good: { about: 'a map is freed when no reader can be inside it' },
    bad: {
      about: 'it is freed with its last reference',
      mutations: ['bpf_map.free-at-once'],
      expect: ['use-after-free'],
    },
  },
});
