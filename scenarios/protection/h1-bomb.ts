import { scenario } from '../dsl.ts';
import { BOMBS, loader } from './bomb.ts';

/**
 * Spec 03 H1: a program that loops in a switch of tasks holds its CPU, with interrupts off, and the
 * lock of its run queue. Who wakes a task of that CPU spins on the lock, with interrupts off too.
 * No timer's interrupt comes through there: only what comes as an NMI notices.
 */
export default scenario({
  name: 'bomb',
  about: 'A program loops in sched_switch; another CPU wakes a task there, and is lost as well',
  hazard: '03-H1',
  cpus: 2,
  timed: true,
  processes: { loader: loader(BOMBS.plain) },
  variants: {
    bad: { about: 'nothing stops programs', expect: ['hard-lockup'] },
    timer: {
      about: 'a timer is to stop them, whose interrupt waits until the program is over',
      policy: ['record-kill:source=timer'],
      expect: ['hard-lockup'],
    },
    good: {
      about: 'an NMI finds the program when its millisecond is over',
      policy: ['record-kill:source=nmi'],
    },
  },
});
