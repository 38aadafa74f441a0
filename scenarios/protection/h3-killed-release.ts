import { scenario } from '../dsl.ts';
import { loadHeld, runHeld } from './held.ts';

/** Spec 03 H3 and R10: a release that is under way is not for the kill to do again. */
export default scenario({
  name: 'kill-in-release',
  about: 'A kill during a release releases the same reference once more',
  hazard: '03-H3',
  setup: (init) => loadHeld(init, 'hold_open'),
  processes: {
    *A(p) {
      yield* runHeld(p, 'hold_open');
    },
  },
  variants: {
    bad: {
      about: 'the entry looks held until the release has ended',
      policy: ['record-kill'],
      mutations: ['record-kill.no-releasing-mark'],
      expect: ['use-after-free'],
      also: ['leak-after-kill'],
    },
    good: { about: 'the entry is marked before the release begins', policy: ['record-kill'] },
  },
});
