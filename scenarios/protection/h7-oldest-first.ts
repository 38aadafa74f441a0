import { openAs } from '../common.ts';
import { scenario } from '../dsl.ts';
import { loadHeld, runHeld } from './held.ts';

/** Spec 03 H7 and R19: what was acquired under a lock is released under it. */
export default scenario({
  name: 'kill-oldest-first',
  about: 'A kill unlocks a list before it releases an object that is still on it',
  hazard: '03-H7',
  *setup(init) {
    yield* loadHeld(init, 'hold_entry');
    yield* openAs(init, '/dev/roster', 9);
  },
  processes: {
    *A(p) {
      yield* runHeld(p, 'hold_entry');
    },
    *B(p) {
      yield* p.read(9, 64);
    },
  },
  variants: {
    bad: {
      about: 'the oldest goes first: the lock',
      policy: ['record-kill'],
      mutations: ['record-kill.oldest-first'],
      expect: ['use-after-free'],
      also: ['data-race'],
    },
    good: {
      about: 'the newest goes first, as the program itself would do',
      policy: ['record-kill'],
    },
  },
});
