import type { FailureKind } from '../sim/failure.ts';
import type { FoundFailure, FoundIn } from '../scenarios/fuzz/campaign.ts';

/** A failure that is still to be made simple: what that takes. */
export type Unshrunk = Pick<FoundFailure, 'key' | 'schedule'> & FoundIn;

/** A failure of a campaign, as simple as it could be made. */
export interface FuzzFailure {
  readonly key: string;
  readonly kind: FailureKind;
  readonly title: string;
  readonly text: string;
  /** The program, as the scenario that `explore` and tokens call it. */
  readonly program: string;
  readonly mutations: readonly string[];
  readonly calls: number;
  readonly deviations: number;
  /** Whether nothing single can be left out: see ShrunkProgram. */
  readonly minimal: boolean;
  readonly shrunkToken: string;
  readonly traceHash: string;
  /** Unit and program that it was first met in. */
  readonly unit: number;
  readonly foundIn: string;
}
