import { CLONE_FILES, F_DUPFD, F_GETFD } from '../../kernel/fs/uapi.ts';
import { scenario } from '../dsl.ts';

/** The table starts with 64 slots, grows to 128 and then to 256, while both install. */
export default scenario({
  name: 'table-growth',
  about: 'A shared descriptor table grows while another sharer installs into it',
  *setup(init) {
    init.ok(yield* init.dup2(init.ok(yield* init.open('/dev/null')), 3));
    yield* init.start('A', CLONE_FILES);
    yield* init.start('B', CLONE_FILES);
  },
  processes: {
    *A(p) {
      const fd = p.ok(yield* p.fcntl(3, F_DUPFD, 64));
      p.check(fd >= 64 && fd <= 65, 'F_DUPFD gives the lowest from 64 on');
      p.check((yield* p.fcntl(fd, F_GETFD)) === 0, 'what was installed is found');
      p.ok(yield* p.close(fd));
    },
    *B(p) {
      const fd = p.ok(yield* p.open('/dev/null'));
      p.check((yield* p.dup2(fd, 130)) === 130, 'dup2() makes room');
      p.check((yield* p.fcntl(fd, F_GETFD)) === 0, 'growing loses no descriptor');
      p.ok(yield* p.close(fd));
      p.ok(yield* p.close(130));
    },
  },
});
