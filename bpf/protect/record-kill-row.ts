import type { PolicyRow } from './policy-row.ts';
import { RecordKill } from './record-kill.ts';

/** Spec 03 R28. */
export const recordKill: PolicyRow = {
  about: 'a record of what each invocation holds; past its budget it is ended, and all given back',
  source: 'proposal',
  make: (parts) => new RecordKill(parts, parts.settings),
};
