import { CLONE_FILES } from '../../kernel/fs/uapi.ts';
import { AUTOFS_DEVICE, closemountSlowly } from '../autofs-device.ts';
import { moveFd, openAs } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H1: two tables hold one file. A is alone on its table, so its ioctl borrows the file;
 * inside the ioctl the slot goes, and with it the only thing that kept the file for A. When B
 * drops the last reference, A goes on with a file that is freed.
 */
export default scenario({
  name: 'viro-plain',
  about: 'An ioctl closes its own descriptor while another table drops the last reference',
  hazard: '00-H1',
  *setup(init) {
    yield* openAs(init, AUTOFS_DEVICE, 42);
    yield* init.start('B');
    yield* moveFd(init, 42, 6);
    const shared = init.variant === 'good-shared';
    yield* init.start('A', shared ? CLONE_FILES : 0);
    if (!shared) init.ok(yield* init.close(6));
  },
  processes: {
    *A(p) {
      p.ok(yield* closemountSlowly(p, 6, 6));
    },
    *B(p) {
      p.ok(yield* p.close(42));
    },
  },
  variants: {
    bad: {
      about: 'close_fd() inside the borrow, as every kernel has it',
      expect: ['borrow-rule', 'use-after-free'],
    },
    good: {
      about: 'the closed file is kept until the ioctl has ended, as binder does',
      mutations: ['autofs.keep-file'],
    },
    'good-shared': { about: 'A shares its table, so that its ioctl has a reference of its own' },
    'bad-v6.1': {
      about: 'the same where close(2) defers the last put and freeing waits for a grace period',
      profile: 'v6.1',
      expect: ['borrow-rule', 'use-after-free'],
    },
  },
});
