import { scenario } from '../dsl.ts';
import { loadRegistered, register, wishFor } from './registered.ts';

/**
 * Spec 05 H2 and R13: prctl() frees the old array before it stores the pointer to the new one. Who
 * is preempted in between is current for the program on the switch, which then looks at it. Such a
 * program is in no interrupt: nothing refuses it.
 */
export default scenario({
  name: 'switch-in-growth',
  about: 'A program on a context switch looks at an array of regions that has been freed',
  hazard: '05-H2',
  cpus: 1,
  *setup(init) {
    yield* loadRegistered(init, 'on_switch');
    const state = init.mmap();
    init.ok(yield* register(init, state, 8));
    init.note('state', state);
    yield* wishFor(init, yield* init.start('A'), { addr: state });
  },
  processes: {
    *A(p) {
      const state = p.noted('state') as number;
      yield* p.poke(state + 32, '.'); // after the fork it can be written to again
      p.ok(yield* register(p, state + 64, 8));
      yield* p.reboot();
    },
    /** Whoever gets the CPU: that it does is all there is to see. */
    *B(p) {
      yield* p.reboot();
    },
  },
  variants: {
    bad: {
      about: 'the old array is freed, then the new one is published',
      mutations: ['regwrite'],
      expect: ['use-after-free'],
      also: ['lost-update'],
    },
    good: {
      about: 'the new array is published, the old one freed after a grace period',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
  },
});
