import { scenario } from '../dsl.ts';

const EVENT = 30;

/** A waits for the count that B adds: whoever looks for sleepers too early sees none. */
export default scenario({
  name: 'missed-wakeup',
  about: 'A sleeps on an eventfd while B, which has seen nobody sleep, does not wake it',
  *setup(init) {
    init.ok(yield* init.dup2(init.ok(yield* init.eventfd()), EVENT));
  },
  processes: {
    *A(p) {
      p.ok(yield* p.read(EVENT, 8));
    },
    *B(p) {
      p.ok(yield* p.write(EVENT, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)));
    },
  },
  variants: {
    bad: {
      about: 'eventfd_write() looks before it takes the lock',
      mutations: ['eventfd_write.early-active'],
      expect: ['hung-task'],
    },
    good: { about: 'as Linux does it, under the lock' },
  },
});
