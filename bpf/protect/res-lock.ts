import type { PolicyRow } from './policy-row.ts';

/** kernel/locks/rqspinlock.ts. Spec 03 R31. */
export const resLock: PolicyRow = {
  about: 'bpf_res_spin_lock(): who waits in a circle, or for 250 ms, gets an error; holders run on',
  source: 'kernel',
};
