import { numberOf } from '../../bpf/user/object-map.ts';
import type { Body } from '../dsl.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import storeBuffering from './store-buffering.bpf.o';

/** Where the object's map is, for every process: a descriptor inherited from init. */
const ENTERED = 30;

/** The call on whose way in the program is that of the process; the last looks who got in. */
function caller(call: (p: Proc) => ReturnType<Proc['getpid']>): Body {
  return function* (p) {
    yield* call(p);
    const isLast = p.noted('called') === true;
    p.note('called', true);
    if (!isLast) return;
    let entered = 0;
    for (const key of [0, 1]) {
      const value = p.ok<Uint8Array>(
        yield* p.calls.mapLookup(ENTERED, Uint8Array.of(key, 0, 0, 0), 8),
      );
      entered += Number(numberOf(value));
    }
    p.note('entered', entered);
  };
}

/**
 * SB, the one reordering that x86 has: a CPU's store is still in its store buffer when the CPU's
 * next load has its value. As long as memory is sequentially consistent, no schedule shows it.
 */
export default scenario({
  name: 'store-buffering',
  about:
    "Two programs raise a flag and look at the other's: both get in, unless there is a barrier",
  *setup(init) {
    const object = init.openObject(storeBuffering, 'store-buffering.bpf.o');
    object.set('fenced', init.variant === 'good' ? 1 : 0);
    yield* object.load();
    yield* object.attach();
    init.ok(yield* init.dup2(object.map('entered').fd, ENTERED));
  },
  processes: { A: caller((p) => p.getpid()), B: caller((p) => p.getppid()) },
  variants: {
    bad: { about: 'with stores, under tso', memoryModel: 'tso', expect: ['invariant'] },
    sc: { about: 'with stores, under sc' },
    good: { about: 'with exchanges, under weak', memoryModel: 'weak' },
  },
  finally: {
    'not both get in': ({ notes }) => Number(notes.get('entered')) < 2,
  },
});
