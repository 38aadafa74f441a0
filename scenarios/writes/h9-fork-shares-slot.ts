import { scenario } from '../dsl.ts';
import { loadSlots, Slot } from './slots.ts';

/** Adds one to the process's own state, as a single thread may. */
function* addOne(slot: Slot): ReturnType<Slot['setState']> {
  yield* slot.setState((yield* slot.state()) + 1);
}

/**
 * Spec 05 H9 and R27: a child inherits the mapping, and with it the slot of its parent. Both take
 * it for their own.
 */
export default scenario({
  name: 'fork-shares-slot',
  about: 'A child goes on with the slot of its parent in a mapped array',
  hazard: '05-H9',
  cpus: 2,
  *setup(init) {
    const attach = yield* loadSlots(init);
    yield* init.start('Parent');
    yield* attach('on_exit', ...(init.variant === 'good' ? ['on_fork'] : []));
  },
  processes: {
    *Parent(p) {
      const slot = yield* Slot.of(p, yield* Slot.claim(p));
      const isGiven = p.variant === 'good';
      const child = p.ok(
        yield* p.fork(function* (c) {
          const its = isGiven ? yield* Slot.of(c, yield* Slot.mine(c)) : slot.inheritedBy(c);
          yield* addOne(its);
          if (isGiven) c.check((yield* its.state()) === 1, 'the child has a state of its own');
        }),
      );
      yield* addOne(slot);
      p.ok(yield* p.wait(child));
      const done = isGiven ? 1 : 2;
      p.check((yield* slot.state()) >= done, 'a state has lost an update', 'lost-update');
      yield* p.reboot();
    },
  },
  variants: {
    bad: { about: 'the child keeps the slot of its parent', expect: ['lost-update'] },
    good: { about: 'a program at fork gives the child a slot of its own before it runs' },
  },
});
