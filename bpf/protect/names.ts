/** What may stop an overrunning program, in the order of spec 03 section 5. */
export const POLICY_NAMES = [
  'none',
  'record-kill',
  'throw',
  'timed-goto',
  'res-lock',
  'streams',
  'arena-fault',
  'fast-path',
  'terminate-cmd',
] as const;
export type PolicyName = (typeof POLICY_NAMES)[number];
