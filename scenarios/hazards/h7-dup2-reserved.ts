import { EBUSY } from '../../kernel/errno.ts';
import { CLONE_FILES, CLOSE_RANGE_UNSHARE } from '../../kernel/fs/uapi.ts';
import { FD_MAX } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H7: A has reserved descriptor 5 for the file that it opens; B, which shares the table,
 * duplicates 3 onto it. Were that let through, A would install over B's reference.
 */
export default scenario({
  name: 'dup2-reserved',
  about: 'dup2() onto a descriptor that another thread has reserved and not yet installed',
  hazard: '00-H7',
  *setup(init) {
    const fd = init.ok(yield* init.open('/dev/null'));
    for (let to = 0; to < 5; to++) if (to !== fd) init.ok(yield* init.dup2(fd, to));
    yield* init.start('A', CLONE_FILES);
    yield* init.start('B', CLONE_FILES);
    init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
  },
  processes: {
    *A(p) {
      const fd = yield* p.open('/dev/null');
      p.check(fd === 5 || fd === 6, 'open() gives the lowest free descriptor');
    },
    *B(p) {
      const fd = yield* p.dup2(3, 5);
      p.note('dup2', fd);
      p.check(fd === 5 || fd === -EBUSY, 'dup2() gives 5 or -EBUSY');
    },
  },
  variants: {
    bad: {
      about: 'dup2() takes the reserved slot',
      mutations: ['dup2.skip-reserved'],
      expect: ['leak'],
    },
    good: { about: '-EBUSY where the slot is reserved' },
  },
});
