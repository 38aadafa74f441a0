import { AUTOFS_DEVICE, closemount } from '../autofs-device.ts';
import { openAs } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H4 and R51: one task alone does not crash, since the last put of its own close_fd()
 * waits until it is on its way to user mode. Run at once instead, it frees the file under its feet.
 */
export default scenario({
  name: 'synchronous-close',
  about: 'A single task frees the file that its own ioctl has borrowed',
  hazard: '00-H4',
  *setup(init) {
    yield* openAs(init, AUTOFS_DEVICE, 6);
    yield* init.start('A');
    init.ok(yield* init.close(6));
  },
  processes: {
    *A(p) {
      p.ok(yield* closemount(p, 6, 6));
    },
  },
  variants: {
    bad: {
      about: 'close_fd() runs the last put at once',
      mutations: ['close_fd.synchronous'],
      expect: ['borrow-rule', 'use-after-free'],
    },
    deferred: {
      about: 'the last put is deferred: the rule is broken, but nothing comes of it',
      expect: ['borrow-rule'],
    },
    good: {
      about: 'the last put is deferred, and a reference is held until the ioctl has ended',
      mutations: ['autofs.keep-file'],
    },
  },
});
