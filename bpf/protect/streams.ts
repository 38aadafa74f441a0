import type { PolicyRow } from './policy-row.ts';

/** bpf/prog/streams.ts. Spec 03 R32. */
export const streams: PolicyRow = {
  about: "a program's error stream: user space reads what went wrong; nothing is stopped",
  source: 'kernel',
};
