import type { VerifierEnv } from '../env.ts';

// Where the program stands: whether it may sleep there, and what protects what it looks at.

/** The program, or the callback, may sleep outside all sections. in_sleepable() */
export function inSleepable(env: VerifierEnv): boolean {
  return env.cur.inSleepable;
}

/** What RCU protects cannot go away. in_rcu_cs() */
export function inRcuCs(env: VerifierEnv): boolean {
  const { cur } = env;
  return cur.activeRcuLocks > 0 || cur.activeLocks > 0 || !cur.inSleepable;
}

/** It may sleep here. in_sleepable_context() */
export function inSleepableContext(env: VerifierEnv): boolean {
  const { cur } = env;
  return (
    cur.activeRcuLocks === 0 &&
    cur.activePreemptLocks === 0 &&
    cur.activeLocks === 0 &&
    cur.activeIrqId === 0 &&
    cur.inSleepable
  );
}

/** Why it may not. non_sleepable_context_description() */
export function nonSleepableContextDescription(env: VerifierEnv): string {
  const { cur } = env;
  if (cur.activeRcuLocks > 0) return 'rcu_read_lock region';
  if (cur.activePreemptLocks > 0) return 'non-preemptible region';
  if (cur.activeIrqId !== 0) return 'IRQ-disabled region';
  if (cur.activeLocks > 0) return 'lock region';
  return 'non-sleepable prog';
}
