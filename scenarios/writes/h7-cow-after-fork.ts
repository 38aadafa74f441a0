import { scenario } from '../dsl.ts';
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
  *setup(init) {
    yield* loadRegistered(init, 'on_switch');
    const state = init.mmap();
    init.ok(yield* register(init, state, 64));
    init.note('state', state);
    init.note('A', yield* init.start('A'));
  },
  processes: {
    /** The child of whoever has registered. */
    *A(p) {
      const state = p.noted('state') as number;
      const isGood = p.variant === 'good';
      if (isGood) yield* p.poke(state + 32, '.'); // prefault, as the patch's tests do
      yield* wishFor(p, p.noted('A') as number, { addr: state });
      if (!isGood) yield* p.poke(state + 32, '.'); // its own use of the page
      const { absent } = yield* told(p);
      p.check(absent === 0, 'non-deterministic failure: -EFAULT for a page not written yet');
      yield* p.reboot();
    },
    /** Lets the other go on: that it is switched to is all there is to see. */
    *B(p) {
      yield* p.sched_yield();
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
