import { numberOf } from '../../bpf/user/object-map.ts';
import type { Body } from '../dsl.ts';
import { scenario } from '../dsl.ts';
import mapRace from './map-race.bpf.o';

/** Where the object's map is, for every process: a descriptor inherited from init. */
const COUNT = 30;
const CALLERS = 2;

/** Whoever is the last to have called looks at what has been counted. */
const caller: Body = function* (p) {
  yield* p.getpid();
  const calls = ((p.noted('calls') as number | undefined) ?? 0) + 1;
  p.note('calls', calls);
  if (calls < CALLERS) return;
  const value = p.ok<Uint8Array>(yield* p.calls.mapLookup(COUNT, new Uint8Array(4), 8));
  p.note('counted', Number(numberOf(value)));
};

/**
 * A program that runs on two CPUs at once adds 1 to a value that both see. Between its load and its
 * store the other may do the same: one of the two is lost, unless the addition is atomic.
 */
export default scenario({
  name: 'map-race',
  about: 'A program increments a map value on two CPUs: a plain increment is lost',
  *setup(init) {
    const object = init.openObject(mapRace, 'map-race.bpf.o');
    object.set('atomic', init.variant === 'good' ? 1 : 0);
    yield* object.load();
    yield* object.attach();
    init.ok(yield* init.dup2(object.map('count').fd, COUNT));
  },
  processes: { A: caller, B: caller },
  variants: {
    bad: { about: 'with a plain increment', expect: ['invariant'] },
    good: { about: 'with an atomic one' },
  },
  finally: {
    'every call is counted': ({ notes }) => notes.get('counted') === CALLERS,
  },
});
