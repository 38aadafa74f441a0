import { EAGAIN } from '../../kernel/errno.ts';
import { RLIMIT_NPROC } from '../../kernel/process/uapi.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H10 and R36: a child is first a byte copy of its parent, pointers included. Where the
 * fork fails before those were set anew, freeing the copy frees what hangs off the parent.
 */
export default scenario({
  name: 'early-fork-failure',
  about: 'A fork that fails early frees an object of the parent through a copied pointer',
  hazard: '00-H10',
  processes: {
    *A(p) {
      yield* p.taskStorageAdd(1);
      p.ok(yield* p.setrlimit(RLIMIT_NPROC, 0));
      p.ok(yield* p.setuid(1000)); // no limit holds for root
      const pid = yield* p.fork(function* () {});
      p.check(pid === -EAGAIN, 'fork() at the limit gives -EAGAIN');
      if (p.variant === 'bad-exit') return;
      p.check((yield* p.taskStorageAdd(1)) === 2, 'the storage keeps its value');
    },
  },
  variants: {
    bad: {
      about: 'the pointer stays in the copy; A uses its object after that',
      mutations: ['fork.keep-pointer'],
      expect: ['use-after-free'],
    },
    good: { about: 'the pointer is reset where the task_struct is copied' },
    'bad-exit': {
      about: 'the pointer stays in the copy; A exits, which frees its object again',
      mutations: ['fork.keep-pointer'],
      expect: ['double-free'],
    },
  },
});
