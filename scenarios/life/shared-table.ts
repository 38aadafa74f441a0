import { F_GETFD, O_WRONLY } from '../../kernel/fs/uapi.ts';
import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';

/** Opens, duplicates, uses and closes: only its own descriptors, in a table full of others'. */
function* busy(p: Proc): Sim<void> {
  const fd = p.ok(yield* p.open('/dev/null', O_WRONLY));
  const copy = p.ok(yield* p.dup(fd));
  p.check(copy !== fd, 'a descriptor is given to one thread only');
  p.check((yield* p.write(copy, 'x')) === 1, 'a descriptor of this thread works');
  p.ok(yield* p.close(copy));
  p.check((yield* p.fcntl(fd, F_GETFD)) === 0, 'nobody closes the descriptor of another');
  p.ok(yield* p.close(fd));
}

export default scenario({
  name: 'shared-table',
  about: 'Threads of one process open, use and close descriptors of their shared table',
  processes: {
    *A(p) {
      const [done, tell] = p.ok(yield* p.pipe());
      p.ok(
        yield* p.thread(function* (thread) {
          yield* busy(thread);
          thread.ok(yield* thread.write(tell, '.'));
        }),
      );
      yield* busy(p);
      p.ok(yield* p.read(done, 1));
    },
  },
  cpus: 2,
});
