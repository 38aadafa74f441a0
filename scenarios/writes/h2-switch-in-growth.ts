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
  setup: (init) => loadRegistered(init, 'on_switch'),
  processes: {
    *A(p) {
      const state = p.mmap();
      p.ok(yield* register(p, state, 8));
      yield* wishFor(p, yield* p.getpid(), { addr: state });
      p.ok(yield* register(p, state + 64, 8));
    },
    *B(p) {
      yield* p.getpid();
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
