import { EWOULDBLOCK } from '../kernel/errno.ts';
import { AUTOFS_MODULE } from '../kernel/fs/autofs.ts';
import { CLONE_FILES } from '../kernel/fs/uapi.ts';
import { AUTOFS_DEVICE, closemountSlowly } from './autofs-device.ts';
import { moveFd, openAs } from './common.ts';
import { scenario } from './dsl.ts';

/**
 * Viro's bug as it stands in 6.1, 6.12 and 7.2 (spec 00 R50): the control device of autofs closes
 * whatever descriptor CLOSEMOUNT names, inside its own ioctl. Here that is the device's own. The
 * argument lies in a page that takes its time when the kernel writes to it; meanwhile another
 * process, which got the device by fork, closes it for good.
 */
export default scenario({
  name: 'autofs-closemount',
  about: "CLOSEMOUNT on the control device's own descriptor, while another process closes it too",
  *setup(init) {
    yield* openAs(init, AUTOFS_DEVICE, 42);
    yield* init.start('closer');
    yield* moveFd(init, 42, 6);
    const shared = init.variant === 'good-shared';
    yield* init.start('mounter', shared ? CLONE_FILES : 0);
    if (!shared) init.ok(yield* init.close(6));
  },
  processes: {
    *closer(p) {
      p.ok(yield* p.close(42));
      if (!p.variant.endsWith('module')) return;
      const result = yield* p.delete_module(AUTOFS_MODULE);
      p.check(result === 0 || result === -EWOULDBLOCK, 'delete_module() waits for its users');
    },
    *mounter(p) {
      p.ok(yield* closemountSlowly(p, 6, 6));
    },
  },
  variants: {
    bad: {
      about: 'as every kernel has it: the file is freed under the ioctl',
      expect: ['borrow-rule', 'use-after-free'],
    },
    good: {
      about: "binder's remedy: the closed file is kept until the ioctl has ended",
      mutations: ['autofs.keep-file'],
    },
    'good-shared': { about: 'the table is shared, so that the ioctl has a reference of its own' },
    'bad-module': {
      about: 'the module goes with its last file, and the ioctl returns into nothing',
      expect: ['borrow-rule', 'exec-of-unmapped-text'],
      also: ['use-after-free'],
    },
    'good-module': {
      about: 'the file that is kept keeps the module',
      mutations: ['autofs.keep-file'],
    },
  },
});
