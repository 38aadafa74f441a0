import { scenario } from '../dsl.ts';
import { loadRegistered, register, stackOf, wishFor } from './registered.ts';

/**
 * Spec 05 H4 and R19: exec frees the regions late, when the new image has long been mapped. A
 * program on the event in between writes to it, where the old one had its memory.
 */
export default scenario({
  name: 'exec-window',
  about: 'A program on exec writes to the new image, by a region of the old one',
  hazard: '05-H4',
  setup: (init) => loadRegistered(init, 'on_exec'),
  processes: {
    *A(p) {
      const state = stackOf(p);
      p.ok(yield* register(p, state, 8));
      yield* wishFor(p, yield* p.getpid(), { addr: state });
      yield* p.exec('/bin/true');
    },
  },
  variants: {
    bad: {
      about: 'regions are freed at the end of exec',
      mutations: ['regwrite'],
      expect: ['unregistered-write'],
    },
    good: {
      about: 'regions are freed before the address space is exchanged',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
  },
});
