import { scenario } from '../dsl.ts';
import { loadHeld, runHeld } from './held.ts';

/** Spec 03 H5 and R12: what has been exchanged into a map is the map's. */
export default scenario({
  name: 'kill-stashed',
  about: 'A kill puts a reference that has moved into a map, which another program then takes out',
  hazard: '03-H5',
  setup: (init) => loadHeld(init, 'put_away', 'take_out'),
  processes: {
    *A(p) {
      yield* runHeld(p, 'put_away');
      yield* runHeld(p, 'take_out');
    },
  },
  variants: {
    bad: {
      about: 'the record does not follow bpf_kptr_xchg(), as in the proof of concept',
      policy: ['record-kill'],
      mutations: ['record-kill.keep-stashed'],
      expect: ['refcount-underflow'],
      also: ['leak-after-kill', 'use-after-free'],
    },
    good: { about: 'the entry goes with the exchange', policy: ['record-kill'] },
  },
});
