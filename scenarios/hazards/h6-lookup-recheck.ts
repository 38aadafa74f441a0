import { EBADF } from '../../kernel/errno.ts';
import { CLONE_FILES, CLOSE_RANGE_UNSHARE, F_GETFL } from '../../kernel/fs/uapi.ts';
import { down, FD_MAX, openAs, semaphoreAs, up } from '../common.ts';
import type { Proc } from '../proc.ts';
import { scenario, type ScenarioDefinition } from '../dsl.ts';

/**
 * Spec 00 H6: A has loaded the slot of descriptor 6. B, which shares the table, closes it; C, which
 * does not, opens a file that gets the same memory. A's get succeeds, on C's file. C opens when B
 * has closed, and keeps its file until A is done: the semaphore 3 tells.
 */
export const recycledInLookup = {
  *setup(init: Proc) {
    yield* semaphoreAs(init, 3);
    yield* init.start('C');
    yield* openAs(init, '/dev/null', 6);
    yield* init.start('A', CLONE_FILES);
    yield* init.start('B', CLONE_FILES);
    init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
  },
  processes: {
    *C(p: Proc) {
      yield* down(p, 3);
      p.ok(yield* p.open('/dev/zero'));
      yield* down(p, 3);
    },
    *A(p: Proc) {
      const flags = yield* p.fcntl(6, F_GETFL);
      p.check(flags >= 0 || flags === -EBADF, 'descriptor 6 is open or closed');
      yield* up(p, 3);
    },
    *B(p: Proc) {
      p.ok(yield* p.close(6));
      yield* up(p, 3);
    },
  },
} satisfies Pick<ScenarioDefinition, 'setup' | 'processes'>;

export default scenario({
  ...recycledInLookup,
  name: 'lookup-recheck',
  about: 'A lookup gets a reference to a file that took the place of the one looked up',
  hazard: '00-H6',
  variants: {
    bad: {
      about: 'fget() does not look at the slot again',
      mutations: ['fget.skip-recheck', 'file_ref.get-by-sum'],
      expect: ['fd-misuse'],
    },
    good: {
      about: 'the second look finds the slot changed: put, and try again',
      mutations: ['file_ref.get-by-sum'],
    },
  },
});
