import { scenario } from '../dsl.ts';
import { interruptWith, loadHeld, runHeld } from './held.ts';

/** Spec 03 H6 and R6: an invocation may be interrupted by another one of the same task. */
export default scenario({
  name: 'kill-record-per-task',
  about: 'A program in an interrupt takes the record of the program that it interrupts',
  hazard: '03-H6',
  setup: (init) => loadHeld(init, 'hold_task', 'interrupting'),
  processes: {
    *A(p) {
      yield* runHeld(p, 'hold_task');
    },
    *B(p) {
      yield* interruptWith(p, 'interrupting', 0);
    },
  },
  variants: {
    bad: {
      about: 'each task has one record',
      policy: ['record-kill'],
      mutations: ['record-kill.per-task'],
      expect: ['leak-after-kill'],
    },
    good: { about: 'each invocation has one', policy: ['record-kill'] },
  },
});
