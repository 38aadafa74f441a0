import { scenario } from '../dsl.ts';
import type { Pair } from '../proc.ts';
import { intAt } from '../user-memory.ts';
import { event, loadRegistered, register } from './registered.ts';

/**
 * Spec 05 H6 and R6: regions are a thread's. An event that finds another thread of the same
 * process running cannot be told: by design, its update is lost.
 */
export default scenario({
  name: 'thread-blindness',
  about: 'An event in a thread that has registered nothing is not told to its process',
  hazard: '05-H6',
  cpus: 2,
  setup: (init) => loadRegistered(init),
  processes: {
    *A(p) {
      const state = p.mmap();
      p.ok(yield* register(p, state, 64));
      const [done, end] = p.ok<Pair>(yield* p.pipe());
      p.ok(
        yield* p.thread(function* (t) {
          if (t.variant === 'good') t.ok(yield* register(t, state, 64));
          yield* event(t, { addr: state });
          t.ok(yield* t.write(end, '.'));
        }),
      );
      p.ok(yield* p.read(done, 1));
      const seen = intAt((yield* p.peek(state, 4))!, 0);
      p.check(seen === 1, 'an event is not told to the process: lost update', 'lost-update');
      yield* p.reboot();
    },
  },
  variants: {
    bad: {
      about: 'one thread registers memory of the whole process',
      mutations: ['regwrite', 'regwrite.fixed'],
      expect: ['lost-update'],
    },
    good: {
      about: 'each thread registers, as the author would',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
  },
});
