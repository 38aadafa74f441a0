import { scenario } from '../dsl.ts';
import { loadHeld, runHeld } from './held.ts';

/** Spec 03 H2 and R9: what has been acquired must stand in the record before a kill can come. */
export default scenario({
  name: 'kill-unrecorded',
  about: 'A kill between an acquiring call and its record leaves what was acquired behind',
  hazard: '03-H2',
  setup: (init) => loadHeld(init, 'hold_task'),
  processes: {
    *A(p) {
      yield* runHeld(p, 'hold_task');
    },
  },
  variants: {
    bad: {
      about: 'the record is written after the call, as in the proof of concept',
      policy: ['record-kill'],
      mutations: ['record-kill.late-record'],
      expect: ['leak-after-kill'],
    },
    good: {
      about: 'room is reserved before the call, and taken in the step in which it returns',
      policy: ['record-kill'],
    },
  },
});
