import type { PolicyRow } from './policy-row.ts';

/** Spec 03 R27, R3. */
export const none: PolicyRow = {
  about: "nothing: the kernel's own watchdogs report, and the program runs on",
  source: 'kernel',
};
