import { scenario } from '../dsl.ts';
import { loadHeld, runHeld } from './held.ts';

/** Spec 03 H4 and R11: one object may be held twice, and is then given back twice. */
export default scenario({
  name: 'kill-held-twice',
  about: 'The record forgets both references on an object when one of them is released',
  hazard: '03-H4',
  setup: (init) => loadHeld(init, 'hold_twice'),
  processes: {
    *A(p) {
      yield* runHeld(p, 'hold_twice');
    },
  },
  variants: {
    bad: {
      about: 'every entry of the address goes: the loop has no end, as in the proof of concept',
      policy: ['record-kill'],
      mutations: ['record-kill.erase-by-address'],
      expect: ['leak-after-kill'],
    },
    good: { about: 'exactly one entry goes, the newest', policy: ['record-kill'] },
  },
});
