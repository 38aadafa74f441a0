import { scenario } from '../dsl.ts';
import { loadRegistered, register, unregister, wishFor } from './registered.ts';

/**
 * Spec 05 H3 and R13: the array is sorted where it stands, word by word. Who is preempted in the
 * middle has one region twice and the other not at all, or the start of one with the size of the
 * other.
 */
export default scenario({
  name: 'switch-in-sort',
  about: 'A program on a context switch searches an array of regions that is being sorted',
  hazard: '05-H3',
  cpus: 1,
  *setup(init) {
    yield* loadRegistered(init, 'on_switch');
    const state = init.mmap();
    init.ok(yield* register(init, state, 8));
    // Makes room, so that the array is not moved in between: that is 05-H2.
    init.ok(yield* register(init, state + 512, 8));
    init.ok(yield* unregister(init, state + 512, 8));
    init.note('state', state);
    // What is behind the small region, nobody has ever registered.
    const addr = state + (init.variant === 'bad-torn' ? 8 : 0);
    yield* wishFor(init, yield* init.start('A'), { addr });
  },
  processes: {
    *A(p) {
      const state = p.noted('state') as number;
      yield* p.poke(state + 32, '.'); // after the fork it can be written to again
      p.ok(yield* register(p, state + 1024, 64));
      yield* p.reboot();
    },
    /** Whoever gets the CPU: that it does is all there is to see. */
    *B(p) {
      yield* p.reboot();
    },
  },
  variants: {
    bad: {
      about: 'sorted in place: a region that is there all the time is not found',
      mutations: ['regwrite'],
      expect: ['lost-update'],
    },
    good: {
      about: 'a new array is made, and published by one store',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
    'bad-torn': {
      about: 'sorted in place: the start of one region and the size of the other',
      mutations: ['regwrite'],
      expect: ['unregistered-write'],
    },
  },
});
