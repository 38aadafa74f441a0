import { EAGAIN } from '../../kernel/errno.ts';
import { RLIMIT_NPROC } from '../../kernel/process/uapi.ts';
import { scenario } from '../dsl.ts';
import { event, loadRegistered, register } from './registered.ts';

/**
 * Spec 05 H1 and R24: a child begins as a byte copy of its parent, with the pointer to its parent's
 * regions; the patch sets it anew only where it copies them. A fork that fails before frees them.
 */
export default scenario({
  name: 'early-fork-regions',
  about: 'A fork that fails early frees the registered regions of the parent',
  hazard: '05-H1',
  setup: (init) => loadRegistered(init),
  processes: {
    *A(p) {
      const state = p.mmap();
      p.ok(yield* register(p, state, 64));
      p.ok(yield* p.setrlimit(RLIMIT_NPROC, 0));
      p.ok(yield* p.setuid(1000)); // no limit holds for root
      const pid = yield* p.fork(function* () {});
      p.check(pid === -EAGAIN, 'fork() at the limit gives -EAGAIN');
      if (p.variant === 'bad-exit') return;
      p.ok(yield* event(p, { addr: state }));
    },
  },
  variants: {
    bad: {
      about: 'the pointer stays in the copy; a program looks at the regions after that',
      mutations: ['regwrite'],
      expect: ['use-after-free'],
    },
    good: {
      about: 'the pointer is reset where the task_struct is copied',
      mutations: ['regwrite', 'regwrite.fixed'],
    },
    'bad-exit': {
      about: 'the pointer stays in the copy; A exits, which frees its regions again',
      mutations: ['regwrite'],
      expect: ['double-free'],
    },
  },
});
