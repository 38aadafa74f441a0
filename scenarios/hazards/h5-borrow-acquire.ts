import { EBADF } from '../../kernel/errno.ts';
import { CLONE_FILES, CLOSE_RANGE_UNSHARE, F_GETFL } from '../../kernel/fs/uapi.ts';
import { FD_MAX, openAs } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H5: A and T share a table. A loads the slot early; T closes the descriptor, which frees
 * the file, and exits; A then reads a share count of one, and borrows what is freed.
 */
export default scenario({
  name: 'borrow-acquire',
  about: 'The share count is read without acquire order, and the slot before it',
  hazard: '00-H5',
  *setup(init) {
    yield* openAs(init, '/dev/null', 6);
    yield* init.start('A', CLONE_FILES);
    yield* init.start('T', CLONE_FILES);
    init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
  },
  processes: {
    *A(p) {
      const flags = yield* p.fcntl(6, F_GETFL);
      p.check(flags >= 0 || flags === -EBADF, 'descriptor 6 is open or closed');
    },
    *T(p) {
      p.ok(yield* p.close(6));
    },
  },
  variants: {
    bad: {
      about: 'the slot is loaded before the share count',
      mutations: ['fdget.hoist-slot'],
      expect: ['use-after-free'],
    },
    good: { about: 'an acquire load, which pairs with the decrement in exit' },
  },
});
