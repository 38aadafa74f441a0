import type { PolicyRow } from './policy-row.ts';

/** Spec 03 R34. */
export const fastPath: PolicyRow = {
  about: "calls that may return NULL do so in a stuck program's text: it ends by its own code",
  source: 'proposal',
};
