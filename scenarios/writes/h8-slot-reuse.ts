import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import { assign, deliver, loadSlots, Slot, SLOTS, succeed } from './slots.ts';

/** The process id of the first. */
const FIRST = 7;

/** Once both have ended: whoever is last looks into the next process's slot. */
function* ended(p: Proc): Sim<void> {
  const isLast = p.noted('ended') === true;
  p.note('ended', true);
  if (!isLast) return;
  const slot = slotOf(p, p.noted('index') as number);
  p.check((yield* slot.result()) === 0, 'write to wrong process', 'wrong-process-write');
  yield* p.reboot();
}

/** In the table that everybody has in its memory. */
function slotOf(p: Proc, index: number): Slot {
  return (p.noted('table') as Slot).inheritedBy(p, index);
}

/**
 * Spec 05 H8 and R27: a slot outlives its process. An event for the process before finds the slot,
 * and stores when it is the next one's; or the next one reads what nobody has cleared.
 */
export default scenario({
  name: 'slot-reuse',
  about: 'A slot of a mapped array is given to the next process while an event is on its way',
  hazard: '05-H8',
  *setup(init) {
    const byGeneration = init.variant === 'good';
    const clears = init.variant !== 'bad-uncleared';
    const byModulo = init.variant === 'bad-modulo';
    yield* loadSlots(init, { byGeneration, byModulo, clears });
    // The first has run, and has ended: its slot is as it has left it.
    const table = yield* Slot.of(init, 0);
    init.note('table', table);
    yield* table.inheritedBy(init, yield* assign(init, FIRST)).setState(1);
    yield* init.start('Event');
    init.note('next', yield* init.start('Next'));
  },
  processes: {
    /** Whoever has seen an event for the first process. */
    *Event(p) {
      const next = p.noted('next') as number;
      yield* deliver(p, p.variant === 'bad-modulo' ? next + SLOTS : FIRST);
      yield* ended(p);
    },
    /** The agent gives it the slot of the first, who is gone. */
    *Next(p) {
      const isGiven = p.variant !== 'bad-modulo';
      const index = isGiven ? p.ok(yield* succeed(p, FIRST)) : (yield* p.getpid()) % SLOTS;
      p.note('index', index);
      const state = yield* slotOf(p, index).state();
      p.check(state === 0 || !isGiven, 'state of the process before', 'stale-object');
      yield* ended(p);
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
    'bad-modulo': {
      about: 'the slot is that of the process id modulo their number: another has the same',
      expect: ['wrong-process-write'],
    },
    good: { about: 'a generation for each slot, compared as the result is stored' },
  },
});
