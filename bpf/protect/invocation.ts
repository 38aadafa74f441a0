import type { Call, Helper } from '../helpers/prototype.ts';
import type { ExecProgram } from '../prog/exec-program.ts';
import type { Depths, Ledger } from './balance.ts';
import type { RunContext } from './budgets.ts';
import type { GuardedRun } from './policy.ts';
import type { Held, HeldRecord } from './record.ts';
import type { Settings } from './settings.ts';

/** One invocation of a program under `record-kill`, as the parts of that policy see it. */
export interface Invocation {
  readonly run: GuardedRun;
  readonly policy: KillPolicy;
  readonly settings: Settings;
  readonly context: RunContext;
  readonly ledger: Ledger;
  readonly depths: Depths;
  /** Null where the program can hold nothing. */
  readonly record: HeldRecord | null;
  readonly detection: Detected;
  readonly releases: Released;
}

/** When and why it was asked to end. */
export interface Detected {
  readonly isKilled: boolean;
  readonly reason: string;
  /** How much of its budget it had. */
  readonly budgetNs: number;
  /** Run time at which it was asked to. */
  readonly requestedNs: number;
  /** How long it has run. */
  runNs(): number;
  /** Its task has left its CPU, or is back. */
  left(nowNs: number): void;
  cameBack(nowNs: number): void;
}

/** What was given back at its end. */
export interface Released {
  /** They have begun: the run does nothing else any more. */
  readonly hasBegun: boolean;
  /** What was held when the kill came, newest first. */
  readonly held: readonly Held[];
  /** Where the run stood. */
  readonly pc: number;
  /** Releases that a worker had to do. */
  readonly deferredCount: number;
}

/** Who releases outside of a run: a call for a helper, whose arguments stand at `args`. */
export interface ReleaseCall {
  readonly call: Call;
  readonly args: number;
  /** Gives back what it is made of. */
  done(): void;
}

/** What invocations ask of the policy that watches them. */
export interface KillPolicy {
  /** Whether one of its own bugs is switched on. */
  readonly isMutated: boolean;
  /** By pair: how long one may be held until the program is asked; 0: not looked up yet. */
  readonly heldNs: Float64Array;
  is(mutation: string): boolean;
  take(prog: number, capacity: number): HeldRecord;
  give(record: HeldRecord): void;
  left(invocation: Invocation): void;
  /** The invocation has been asked to end, or has begun to. */
  asked(invocation: Invocation): void;
  /** Where the invocation writes down what it holds. */
  recordOf(invocation: Invocation): HeldRecord | null;
  releaseOf(name: string): Helper;
  releaseCall(prog: ExecProgram): ReleaseCall;
  /** Everything is given back: the value that the run ends with. */
  concluded(invocation: Invocation): bigint;
}
