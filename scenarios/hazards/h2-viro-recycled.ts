import { AUTOFS_DEVICE, closemountSlowly } from '../autofs-device.ts';
import { down, moveFd, openAs, semaphoreAs, up } from '../common.ts';
import { scenario } from '../dsl.ts';

/**
 * Spec 00 H2: as H1, but B opens another file before A goes on. In v7.2 that file takes the
 * memory of the freed one at once: A uses a foreign file, and no allocator can notice. In v6.1
 * the memory rests for a grace period, but A is in no read section, so it is freed all the same.
 * B keeps its new file until A is done, which it learns by the semaphore 3.
 */
export default scenario({
  name: 'viro-recycled',
  about: 'As viro-plain, with the memory of the file given to another before it is used',
  hazard: '00-H2',
  *setup(init) {
    yield* semaphoreAs(init, 3);
    yield* openAs(init, AUTOFS_DEVICE, 42);
    yield* init.start('B');
    yield* moveFd(init, 42, 6);
    yield* init.start('A');
    init.ok(yield* init.close(6));
  },
  processes: {
    *A(p) {
      p.ok(yield* closemountSlowly(p, 6, 6));
      yield* up(p, 3);
    },
    *B(p) {
      p.ok(yield* p.close(42));
      p.ok(yield* p.open('/dev/null'));
      yield* down(p, 3);
    },
  },
  variants: {
    bad: {
      about: 'close_fd() inside the borrow; memory of files is reused at once',
      expect: ['borrow-rule', 'recycled-object'],
      also: ['use-after-free'],
    },
    good: {
      about: 'the closed file is kept until the ioctl has ended',
      mutations: ['autofs.keep-file'],
    },
    'bad-v6.1': {
      about: 'freeing waits for a grace period, which does not help A',
      profile: 'v6.1',
      expect: ['borrow-rule', 'use-after-free'],
    },
  },
});
