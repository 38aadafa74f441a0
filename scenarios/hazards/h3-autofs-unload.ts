import { EWOULDBLOCK } from '../../kernel/errno.ts';
import { AUTOFS_MODULE } from '../../kernel/fs/autofs.ts';
import { AUTOFS_DEVICE, closemountSlowly } from '../autofs-device.ts';
import { down, moveFd, openAs, semaphoreAs, up } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H3: the file holds the module that holds the code of its ioctl. When the file goes
 * while A is inside that ioctl, C may unload the module; A then returns into text that is gone.
 * C tries when B is done, which it learns by the semaphore 3.
 */
export default scenario({
  name: 'autofs-unload',
  about: 'The module of a driver is unloaded while a task is inside its ioctl',
  hazard: '00-H3',
  *setup(init) {
    yield* semaphoreAs(init, 3);
    yield* init.start('C');
    yield* openAs(init, AUTOFS_DEVICE, 42);
    yield* init.start('B');
    yield* moveFd(init, 42, 6);
    yield* init.start('A');
    init.ok(yield* init.close(6));
  },
  processes: {
    *C(p) {
      yield* down(p, 3);
      const result = yield* p.delete_module(AUTOFS_MODULE);
      p.note('delete_module', result);
      p.check(result === 0 || result === -EWOULDBLOCK, 'delete_module() waits for its users');
    },
    *A(p) {
      p.ok(yield* closemountSlowly(p, 6, 6));
    },
    *B(p) {
      p.ok(yield* p.close(42));
      yield* up(p, 3);
    },
  },
  variants: {
    bad: {
      about: 'close_fd() inside the ioctl drops what keeps the module',
      expect: ['borrow-rule', 'exec-of-unmapped-text'],
      also: ['use-after-free'],
    },
    good: {
      about: 'a reference held until the ioctl has ended keeps the module too',
      mutations: ['autofs.keep-file'],
    },
  },
});
