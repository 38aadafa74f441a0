import { scenario, type Body } from 'bohrbug';
import { uapi } from 'bohrbug/kernel';

const COUNTER = '/tmp/counter';
const LOCK = 10; // the descriptor of a semaphore, inherited from init
const EFD_SEMAPHORE = 1;
const ONE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

/** Reads the number in the file and writes the next one: three system calls, not one. */
const increment: Body = function* (p) {
  const isLocked = p.variant === 'good';
  if (isLocked) p.ok(yield* p.read(LOCK, 8));
  const fd = p.ok(yield* p.open(COUNTER, uapi.O_RDWR));
  const [seen = 0] = p.ok<Uint8Array>(yield* p.read(fd, 1));
  p.ok(yield* p.lseek(fd, 0));
  p.ok(yield* p.write(fd, Uint8Array.of(seen + 1)));
  p.ok(yield* p.close(fd));
  p.note('counter', seen + 1);
  if (isLocked) p.ok(yield* p.write(LOCK, ONE));
};

export default scenario({
  name: 'two-counters',
  about: 'Two processes increment a number in a file; one increment can vanish',
  *setup(init) {
    const fd = init.ok(yield* init.open(COUNTER, uapi.O_RDWR | uapi.O_CREAT, 0o644));
    init.ok(yield* init.write(fd, Uint8Array.of(0)));
    init.ok(yield* init.close(fd));
    const lock = init.ok(yield* init.eventfd(1, EFD_SEMAPHORE));
    init.ok(yield* init.dup2(lock, LOCK));
    init.ok(yield* init.close(lock));
  },
  processes: { A: increment, B: increment },
  variants: {
    bad: { about: 'without a lock', expect: ['invariant'] },
    good: { about: 'with a semaphore as lock' },
  },
  finally: { 'both increments count': ({ notes }) => notes.get('counter') === 2 },
});
