import { scenario } from '../dsl.ts';
import { loader, type Bomb } from './bomb.ts';
import nestedGoto from './nested-goto.bpf.o';

const NESTED: Bomb = {
  bytes: nestedGoto,
  file: 'nested-goto.bpf.o',
  program: 'nested',
  in: 'call',
  watched: 30,
  meanwhile: 'reclaim',
};

/**
 * Spec 03 H11: the time that bounds loops of may_goto is that of one frame, and the clock is looked
 * at after 65,535 rounds. An outer loop whose rounds each last as long as an inner one may is first
 * asked after 65,535 of them, and then only notes the time.
 */
export default scenario({
  name: 'nested-may-goto',
  about: 'Loops that are each bounded in time run for days where one calls the other',
  hazard: '03-H11',
  cpus: 2,
  timed: true,
  processes: { loader: loader(NESTED) },
  variants: {
    bad: { about: 'each loop has a time of its own', expect: ['rcu-stall'] },
    good: { about: 'the invocation has one budget', policy: ['record-kill'] },
  },
});
