import type { PolicyRow } from './policy-row.ts';

/** Spec 03 R35. */
export const terminateCmd: PolicyRow = {
  about: 'user space asks for the end of a program by its id; it ends as under fast-path',
  source: 'proposal',
};
