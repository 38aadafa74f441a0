import { scenario } from '../dsl.ts';
import { words } from '../user-memory.ts';
import uptr from './uptr.bpf.o';

/**
 * Spec 05 H10 and R32: task storage survives exec, and keeps the page of the old image pinned.
 * Programs go on storing there, without an error; nobody has that memory any more.
 */
export default scenario({
  name: 'orphan-page',
  about: 'After exec a program stores to the pinned page of the old image, which nobody maps',
  hazard: '05-H10',
  *setup(init) {
    const object = init.openObject(uptr, 'uptr.bpf.o');
    yield* object.load();
    if (init.variant === 'good') yield* object.program('on_exec').attach();
    // Descriptors of bpf(2) are closed by exec: copies of them are not.
    init.note('event', init.ok(yield* init.dup(object.program('event').fd)));
    init.note('storage', object.map('storage').fd);
  },
  processes: {
    *A(p) {
      const state = p.mmap();
      const me = p.ok(yield* p.pidfd_open(yield* p.getpid()));
      const storage = p.noted('storage') as number;
      p.ok(yield* p.calls.mapUpdate(storage, words(me).subarray(0, 4), words(state)));
      yield* p.exec('/image');
    },
  },
  images: {
    *'/image'(p) {
      if (p.variant === 'bad-kept') return;
      const { retval } = yield* p.calls.testRun(p.noted('event') as number);
      // This image has given no memory: whatever has been told was told to nobody.
      p.check(retval === 0, 'write to orphaned page', 'unregistered-write');
      yield* p.reboot(); // what its end does is not asked here
    },
  },
  variants: {
    bad: {
      about: 'the element stays; the new image is told where the old one was',
      expect: ['unregistered-write'],
    },
    'bad-kept': {
      about: 'the element stays, and with it the page, until the new image ends',
      expect: ['leak'],
    },
    good: { about: 'a program at exec deletes the element' },
  },
});
