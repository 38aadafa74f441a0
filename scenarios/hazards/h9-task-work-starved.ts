import { LOOPER_SERVE } from '../../kernel/fs/looper.ts';
import { openAs } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H9: the remedy of R52 keeps a closed file by a reference that task work drops. A thread
 * that serves requests inside the kernel and never leaves for user mode never runs that work.
 */
export default scenario({
  name: 'task-work-starved',
  about: 'A thread that loops in the kernel never drops the file that it has closed',
  hazard: '00-H9',
  *setup(init) {
    yield* openAs(init, '/dev/looper', 6);
    yield* openAs(init, '/dev/null', 7);
    yield* init.start('A');
    init.ok(yield* init.close_range(6, 7));
  },
  processes: {
    *A(p) {
      p.ok(yield* p.ioctl(6, LOOPER_SERVE, 7));
    },
  },
  variants: {
    bad: {
      about: 'nothing makes the thread leave: the deferred put is pending for ever',
      mutations: ['task_work.no-notify'],
      expect: ['leak'],
    },
    good: { about: 'queued work makes the thread return to user mode' },
  },
});
