import type { PolicyRow } from './policy-row.ts';

/** bpf/vm/throw.ts; what may not throw, the verifier says. Spec 03 R29. */
export const throwPolicy: PolicyRow = {
  about: 'bpf_throw(): the program ends itself, and may hold nothing where it does',
  source: 'kernel',
};
