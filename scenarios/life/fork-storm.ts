import { O_WRONLY } from '../../kernel/fs/uapi.ts';
import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';

const CHILD_COUNT = 2;
const EXIT_CODE = 3;

/** Forks children that execute a program, and waits for each. */
function* family(p: Proc): Sim<void> {
  for (let i = 0; i < CHILD_COUNT; i++) {
    p.ok(
      yield* p.fork(function* (child) {
        yield* child.exec('/bin/worker');
        child.check(false, 'exec() does not come back');
      }),
    );
  }
  for (let i = 0; i < CHILD_COUNT; i++) {
    const waited = p.ok(yield* p.wait());
    p.check(waited.status === EXIT_CODE << 8, 'wait() gives the exit code of the program');
  }
  p.check(typeof (yield* p.wait()) === 'number', 'wait() finds no child any more');
}

export default scenario({
  name: 'fork-storm',
  about: 'Two families of processes fork, execute, exit and are waited for',
  *setup(init) {
    init.ok(yield* init.open('/dev/null'));
  },
  processes: { A: family, B: family },
  images: {
    *'/bin/worker'(p) {
      const fd = p.ok(yield* p.open('/dev/null', O_WRONLY));
      p.ok(yield* p.write(fd, 'done'));
      return EXIT_CODE;
    },
  },
});
