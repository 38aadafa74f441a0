import { arenaFault } from './arena-fault.ts';
import { fastPath } from './fast-path.ts';
import type { PolicyName } from './names.ts';
import { none } from './none.ts';
import type { PolicyRow } from './policy-row.ts';
import { recordKill } from './record-kill-row.ts';
import { resLock } from './res-lock.ts';
import { streams } from './streams.ts';
import { terminateCmd } from './terminate-cmd.ts';
import { throwPolicy } from './throw.ts';
import { timedGoto } from './timed-goto.ts';

/** Every policy, by name. Spec 03 section 5. */
export const POLICIES: Readonly<Record<PolicyName, PolicyRow>> = {
  none,
  'record-kill': recordKill,
  throw: throwPolicy,
  'timed-goto': timedGoto,
  'res-lock': resLock,
  streams,
  'arena-fault': arenaFault,
  'fast-path': fastPath,
  'terminate-cmd': terminateCmd,
};
