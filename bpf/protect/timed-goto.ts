import type { PolicyRow } from './policy-row.ts';

/** bpf/vm/timed-goto.ts. Spec 03 R30. */
export const timedGoto: PolicyRow = {
  about: 'may_goto: a loop that asks is left after 250 ms, and the program goes on behind it',
  source: 'kernel',
};
