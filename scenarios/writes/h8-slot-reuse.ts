import { scenario } from '../dsl.ts';
import type { Pair } from '../proc.ts';
import { deliver, loadSlots, Slot } from './slots.ts';

/**
 * Spec 05 H8 and R27: a slot outlives its process. An event for the process before finds the slot,
 * and stores when it is the next one's; or the next one reads what nobody has cleared.
 */
export default scenario({
  name: 'slot-reuse',
  about: 'A slot of a mapped array is given to the next process while an event is on its way',
  hazard: '05-H8',
  *setup(init) {
    for (const name of ['ready', 'last', 'told']) init.note(name, init.ok(yield* init.pipe()));
    const byGeneration = init.variant === 'good';
    const clears = init.variant !== 'bad-uncleared';
    const attach = yield* loadSlots(init, { byGeneration, clears });
    for (const name of ['Event', 'Processes']) yield* init.start(name);
    yield* attach('on_fork', 'on_exit'); // the two have no slots until they ask
  },
  processes: {
    /** Whoever sees events: the last one for the first process, which then ends. */
    *Event(p) {
      const [ready] = p.noted('ready') as Pair;
      const [, last] = p.noted('last') as Pair;
      const [, told] = p.noted('told') as Pair;
      p.ok(yield* p.read(ready, 1));
      p.ok(yield* p.write(last, '.'));
      yield* deliver(p, p.noted('first') as number);
      p.ok(yield* p.write(told, '.'));
    },
    *Processes(p) {
      const [, ready] = p.noted('ready') as Pair;
      const [last] = p.noted('last') as Pair;
      const [told] = p.noted('told') as Pair;
      const first = p.ok(
        yield* p.fork(function* (child) {
          if (child.variant === 'bad-uncleared') {
            yield* (yield* Slot.of(child, 'mine')).setState(1);
          }
          child.ok(yield* child.read(last, 1));
        }),
      );
      p.note('first', first);
      p.ok(yield* p.write(ready, '.'));
      p.ok(yield* p.wait(first));
      const slot = yield* Slot.of(p);
      p.check((yield* slot.state()) === 0, 'state of the process before', 'stale-object');
      p.ok(yield* p.read(told, 1));
      p.check((yield* slot.result()) === 0, 'write to wrong process', 'wrong-process-write');
    },
  },
  variants: {
    bad: {
      about: 'the program stores wherever the slot was that it has found',
      expect: ['wrong-process-write'],
    },
    'bad-uncleared': {
      about: 'who frees the slot leaves in it what is there',
      expect: ['stale-object'],
      also: ['wrong-process-write'],
    },
    good: { about: 'a generation for each slot, compared as the result is stored' },
  },
});
