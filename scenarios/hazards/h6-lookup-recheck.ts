import { EBADF } from '../../kernel/errno.ts';
import { CLONE_FILES, CLOSE_RANGE_UNSHARE, F_GETFL } from '../../kernel/fs/uapi.ts';
import { scenario } from '../dsl.ts';

const FD_MAX = 0xffff_ffff;

/**
 * Spec 00 H6: A has loaded the slot of descriptor 6. B, which shares the table, closes it; C, which
 * does not, opens a file that gets the same memory. A's get succeeds, on C's file.
 */
export default scenario({
  name: 'lookup-recheck',
  about: 'A lookup gets a reference to a file that took the place of the one looked up',
  hazard: '00-H6',
  *setup(init) {
    yield* init.start('C');
    init.ok(yield* init.dup2(init.ok(yield* init.open('/dev/null')), 6));
    init.ok(yield* init.close_range(0, 5));
    yield* init.start('A', CLONE_FILES);
    yield* init.start('B', CLONE_FILES);
    init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
  },
  processes: {
    *A(p) {
      const flags = yield* p.fcntl(6, F_GETFL);
      p.check(flags >= 0 || flags === -EBADF, 'descriptor 6 is open or closed');
    },
    *B(p) {
      p.ok(yield* p.close(6));
    },
    *C(p) {
      p.ok(yield* p.open('/dev/zero'));
    },
  },
  variants: {
    bad: {
      about: 'fget() does not look at the slot again',
      mutations: ['fget.skip-recheck'],
      expect: ['fd-misuse'],
    },
    good: { about: 'the second look finds the slot changed: put, and try again' },
  },
});
