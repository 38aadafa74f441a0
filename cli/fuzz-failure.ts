import type { FailureKind } from '../sim/failure.ts';

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
