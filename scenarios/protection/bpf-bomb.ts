import { scenario } from '../dsl.ts';
import { BOMBS, loader } from './bomb.ts';

/** Killed when its budget is used up, it leaves nothing behind. */
const KILLED = { 'record-kill': { expect: [] } } as const;
/** Its calls fail from the moment on in which it has run for 15 s: before the 20 s are over. */
const ENDED = { ...KILLED, 'fast-path': { expect: [] } } as const;

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
      expectUnder: KILLED,
    },
    reference: {
      about: 'the same, and it holds a task',
      expect: ['hard-lockup'],
      expectUnder: KILLED,
    },
    lock: {
      about: 'the same, and it holds a bpf_spin_lock',
      expect: ['hard-lockup'],
      expectUnder: KILLED,
    },
    'preempt-off': {
      about: 'preemption is off, interrupts come',
      expect: ['soft-lockup'],
      expectUnder: ENDED,
    },
    rcu: {
      about: 'preemptible, in an RCU section',
      expect: ['rcu-stall'],
      expectUnder: KILLED,
    },
    nmi: {
      about: 'in an NMI, where none other comes: another CPU notices that no grace period ends',
      expect: ['rcu-stall'],
      expectUnder: KILLED,
    },
    sleepable: {
      about: 'may sleep: nothing is said until another task has waited for 120 s',
      expect: ['hung-task'],
      expectUnder: KILLED,
    },
  },
});
