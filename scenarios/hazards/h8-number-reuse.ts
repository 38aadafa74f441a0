import { CLONE_FILES, CLOSE_RANGE_UNSHARE } from '../../kernel/fs/uapi.ts';
import { FD_MAX } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H8: no kernel is wrong here. T1 means to close descriptor 7 at the end; T2 closes it
 * first, and opens another file, which gets the number. T1 closes that.
 */
export default scenario({
  name: 'number-reuse',
  about: 'Two threads close one descriptor, and the number was given out again in between',
  hazard: '00-H8',
  *setup(init) {
    const fd = init.ok(yield* init.open('/dev/null'));
    for (let to = 0; to < 8; to++) if (to !== fd) init.ok(yield* init.dup2(fd, to));
    const flags = init.variant === 'bad' ? CLONE_FILES : 0;
    yield* init.start('T1', flags);
    yield* init.start('T2', flags);
    init.ok(yield* init.close_range(0, FD_MAX, CLOSE_RANGE_UNSHARE));
  },
  processes: {
    *T1(p) {
      const mine = p.handle(7);
      if (!mine) return;
      yield* p.closeMine(mine);
    },
    *T2(p) {
      yield* p.close(7);
      p.ok(yield* p.open('/dev/zero'));
    },
  },
  variants: {
    bad: { about: 'the threads share their table', expect: ['fd-misuse'] },
    good: { about: 'each has a table of its own' },
  },
});
