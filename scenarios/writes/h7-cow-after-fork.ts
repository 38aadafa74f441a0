import { scenario } from '../dsl.ts';
import { ints } from '../user-memory.ts';
import { loadRegistered, register, told, wishFor } from './registered.ts';

/**
 * Spec 05 H7 and R10: nothing is faulted in. After a fork the pages are read-only in both, until
 * each has written to them: whether an event before that is told depends on when it comes. That
 * is a promise broken, by a kernel that does what it was made to do: an `invariant`.
 */
export default scenario({
  name: 'cow-after-fork',
  about: 'Whether a write succeeds after a fork depends on whether the page was written before',
  hazard: '05-H7',
  cpus: 1,
  setup: (init) => loadRegistered(init, 'on_switch'),
  processes: {
    *A(p) {
      const state = p.mmap();
      p.ok(yield* register(p, state, 64));
      const child = p.ok(
        yield* p.fork(function* (c) {
          const isGood = c.variant === 'good';
          if (isGood) yield* c.poke(state + 32, '.'); // prefault, as the patch's tests do
          yield* wishFor(c, yield* c.getpid(), { addr: state });
          if (!isGood) yield* c.poke(state + 32, ints(1)); // its own use of the page
          yield* c.sched_yield();
          const { absent } = yield* told(c);
          c.check(absent === 0, 'non-deterministic failure: -EFAULT for a page not written yet');
        }),
      );
      p.ok(yield* p.wait(child));
    },
    *B(p) {
      yield* p.getpid();
    },
  },
  variants: {
    bad: {
      about: 'the child is told of events before it has written to its copy',
      mutations: ['regwrite', 'regwrite.fixed'],
      expect: ['invariant'],
    },
    good: {
      about: 'the child writes to the page first',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
  },
});
