import { CLONE_FILES, CLOSE_RANGE_UNSHARE, O_CREAT, O_RDWR, scenario } from 'bohrbug';

/**
 * One process writes to descriptor 5 while another closes it: `bad` shares the table and takes no
 * care, `good` gives each a table of its own.
 */
export default scenario({
  name: 'counter-file',
  about: 'A descriptor is closed while somebody writes to it',
  *setup(init) {
    const file = init.ok(yield* init.open('/tmp/counter', O_RDWR | O_CREAT, 0o600));
    init.ok(yield* init.dup2(file, 5));
    const flags = init.variant === 'bad' ? CLONE_FILES : 0;
    yield* init.start('writer', flags);
    yield* init.start('closer', flags);
    init.ok(yield* init.close_range(0, 63, CLOSE_RANGE_UNSHARE));
  },
  processes: {
    *writer(p) {
      const written = yield* p.write(5, '1');
      p.check(written === 1, 'the counter is written');
    },
    *closer(p) {
      p.ok(yield* p.close(5));
    },
  },
  variants: {
    bad: { about: 'the threads share their table', expect: ['invariant'] },
    good: { about: 'each has a table of its own' },
  },
});
