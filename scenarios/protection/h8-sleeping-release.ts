import { scenario } from '../dsl.ts';
import { loadHeld, runHeld } from './held.ts';

/** Spec 03 H8 and R20: a release that may sleep waits for the end of atomic sections. */
export default scenario({
  name: 'kill-sleeping-release',
  about: 'A kill calls a release that sleeps within the RCU section that the program is in',
  hazard: '03-H8',
  setup: (init) => loadHeld(init, 'hold_file'),
  processes: {
    *A(p) {
      yield* runHeld(p, 'hold_file');
    },
  },
  variants: {
    bad: {
      about: 'it is called where it comes up',
      policy: ['record-kill'],
      mutations: ['record-kill.no-deferral'],
      expect: ['sleep-in-atomic'],
    },
    good: { about: 'it is set aside until the section is closed', policy: ['record-kill'] },
  },
});
