import { scenario } from '../dsl.ts';
import { BOMBS, loader } from './bomb.ts';

/**
 * Spec 03 H9 and R34: who ends the program by the way of the "fast path" is a worker, which needs a
 * CPU that is free. With one CPU, or where the program runs on all of them, it never comes.
 */
export default scenario({
  name: 'no-free-cpu',
  about: 'The worker that is to end a stuck program waits for the CPU that the program keeps',
  hazard: '03-H9',
  timed: true,
  cpus: 1,
  processes: { loader: loader(BOMBS['preempt-off']) },
  variants: {
    bad: { about: 'one CPU', policy: ['fast-path'], expect: ['soft-lockup'] },
    good: { about: 'another CPU is idle', policy: ['fast-path'], cpus: 2 },
  },
});
