import { scenario } from '../dsl.ts';
import { BOMBS, loader } from './bomb.ts';

/**
 * Spec 03 R1: the bomb. The verifier takes it in every kind of context, and what the kernel says of
 * it goes by the state of the CPU: R3. Without a policy nothing stops it.
 */
export default scenario({
  name: 'bpf-bomb',
  about: 'Two nested loops of 100,000 and a print: the verifier takes it, and it is never over',
  cpus: 2,
  timed: true,
  stepsMax: 1_000_000,
  processes: {
    *loader(p) {
      yield* loader(BOMBS[p.variant as keyof typeof BOMBS])(p);
    },
  },
  variants: {
    plain: {
      about: "in sched_switch: interrupts are off, and the run queue's lock is held",
      expect: ['hard-lockup'],
    },
    reference: { about: 'the same, and it holds a task', expect: ['hard-lockup'] },
    lock: { about: 'the same, and it holds a bpf_spin_lock', expect: ['hard-lockup'] },
    'preempt-off': { about: 'preemption is off, interrupts come', expect: ['soft-lockup'] },
    rcu: { about: 'preemptible, in an RCU section', expect: ['rcu-stall'] },
    sleepable: {
      about: 'may sleep: nothing is said until another task has waited for 120 s',
      expect: ['hung-task'],
    },
  },
});
