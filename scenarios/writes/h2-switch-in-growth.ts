import { scenario } from '../dsl.ts';
import { loadRegistered, register, wishFor } from './registered.ts';

const RECYCLED = 'bad-recycled';
/** Behind A's regions. */
const UNREGISTERED = 128;

/**
 * Spec 05 H2 and R13: prctl() frees the old array before it stores the pointer to the new one. Who
 * is preempted in between is current for the program on the switch, which then looks at it. Such a
 * program is in no interrupt: nothing refuses it. Where the memory is another process's array by
 * then, that process says where the program may write.
 */
export default scenario({
  name: 'switch-in-growth',
  about: 'A program on a context switch looks at an array of regions that has been freed',
  hazard: '05-H2',
  cpus: 1,
  *setup(init) {
    yield* loadRegistered(init, 'on_switch');
    yield* init.start('B'); // without regions of its own
    const state = init.mmap();
    init.ok(yield* register(init, state, 8));
    init.note('state', state);
    const addr = init.variant === RECYCLED ? state + UNREGISTERED : state;
    yield* wishFor(init, yield* init.start('A'), { addr });
  },
  processes: {
    *A(p) {
      const state = p.noted('state') as number;
      yield* p.poke(state + 32, '.'); // after the fork it can be written to again
      p.ok(yield* register(p, state + 64, 8));
      yield* p.reboot();
    },
    /** On another CPU: registers for itself what A never has. */
    *B(p) {
      if (p.variant !== RECYCLED) return;
      p.ok(yield* register(p, (p.noted('state') as number) + UNREGISTERED, 8));
    },
    /** Whoever gets A's CPU: that it does is all there is to see. */
    *C(p) {
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
    [RECYCLED]: {
      about: "the memory of the old array is another process's array by then",
      cpus: 2,
      mutations: ['regwrite', 'slab.no-kasan'],
      expect: ['unregistered-write'],
      also: ['bad-access', 'lost-update'],
    },
  },
});
