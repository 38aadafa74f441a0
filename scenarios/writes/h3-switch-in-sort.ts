import { scenario } from '../dsl.ts';
import { loadRegistered, register, wishFor } from './registered.ts';

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
  setup: (init) => loadRegistered(init, 'on_switch'),
  processes: {
    *A(p) {
      const state = p.mmap();
      const isTorn = p.variant === 'bad-torn';
      const pid = yield* p.getpid();
      p.ok(yield* register(p, state + 1024, 8));
      if (!isTorn) yield* wishFor(p, pid, { addr: state + 1024 });
      // Behind the small region: nothing has ever registered that.
      else yield* wishFor(p, pid, { addr: state + 1032 });
      p.ok(yield* register(p, state, 64));
    },
    *B(p) {
      yield* p.getpid();
    },
  },
  variants: {
    bad: {
      about: 'sorted in place: a region that is there all the time is not found',
      mutations: ['regwrite'],
      expect: ['lost-update'],
      also: ['use-after-free'],
    },
    good: {
      about: 'a new array is made, and published by one store',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
    'bad-torn': {
      about: 'sorted in place: the start of one region and the size of the other',
      mutations: ['regwrite'],
      expect: ['unregistered-write'],
      also: ['use-after-free'],
    },
  },
});
