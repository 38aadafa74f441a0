import type { KillNotes } from './kill-notes.ts';
import type { Policy } from './policy.ts';
import type { ProtectionParts } from './protection.ts';
import type { Settings } from './settings.ts';

/** What a policy is made of. */
export interface PolicyParts extends ProtectionParts {
  readonly settings: Settings;
  readonly notes: KillNotes;
}

/** One policy, as it is chosen by name. */
export interface PolicyRow {
  /** One line. */
  readonly about: string;
  /** `kernel`: part of Linux 7.2, and so always there; `proposal`: posted, in no kernel. */
  readonly source: 'kernel' | 'proposal';
  /** What watches programs; absent: nothing does beyond what the kernel has anyway. */
  readonly make?: (parts: PolicyParts) => Policy;
}
