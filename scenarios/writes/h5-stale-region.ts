import { EPERM } from '../../kernel/errno.ts';
import { scenario } from '../dsl.ts';
import { event, loadRegistered, register, unregister } from './registered.ts';

/**
 * Spec 05 H5 and R22: regions know nothing of mappings. Memory that was freed and has been given
 * out again is written to, where its address is still registered.
 */
export default scenario({
  name: 'stale-region',
  about: 'Registered memory is unmapped, and its address is given to a heap',
  hazard: '05-H5',
  setup: (init) => loadRegistered(init),
  processes: {
    *A(p) {
      const isGood = p.variant === 'good';
      const state = p.mmap();
      p.ok(yield* register(p, state, 64));
      if (isGood) p.ok(yield* unregister(p, state, 64));
      p.ok(yield* p.munmap(state, 4096));
      const heap = p.mmap({ addr: state });
      p.check(heap === state, 'the heap stands where the state was');
      const result = yield* event(p, { addr: state });
      p.check(!isGood || result === -EPERM, 'nothing is registered');
    },
  },
  variants: {
    bad: {
      about: 'the region stays registered',
      mutations: ['regwrite'],
      expect: ['unregistered-write'],
    },
    good: { about: 'it is unregistered before it is unmapped', mutations: ['regwrite'] },
    'bad-fixed': {
      about: 'the same in the patch without its other defects: this one is by design',
      mutations: ['regwrite', 'regwrite.fixed'],
      expect: ['unregistered-write'],
    },
  },
});
