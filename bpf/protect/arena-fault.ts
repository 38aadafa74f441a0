import type { PolicyRow } from './policy-row.ts';

/** bpf/maps/arena.ts. Spec 03 R33. */
export const arenaFault: PolicyRow = {
  about: 'a fault in arena memory reads 0 or drops the store, and is reported; the program runs on',
  source: 'kernel',
};
