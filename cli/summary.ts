import type { Course } from '../scenarios/protection/course.ts';
import type { Failure } from '../sim/failure.ts';
import { primaryFailure, type RunResult } from '../sim/model.ts';
import type { Subject } from './subject.ts';

/** What `run`, `explore` and `replay` print with --json: names and meanings are a contract. */
export interface Summary {
  readonly scenario: string;
  readonly variant: string;
  readonly profile: string;
  /** All in force: the variant's and those asked for. */
  readonly mutations: readonly string[];
  /** What may go wrong: what the scenario says, and what was asked for. */
  readonly faults: readonly string[];
  /** As asked for. */
  readonly strategy: string;
  readonly memoryModel: string;
  /** null where a token says the schedule itself. */
  readonly seed: number | null;
  readonly verdict: 'clean' | 'failure';
  readonly expected: boolean;
  readonly exhausted: boolean;
  /** The bound within which all was run, where that is not every schedule; null where none was. */
  readonly covered: string | null;
  /** Whether the user ended the search, which then proves nothing. */
  readonly interrupted: boolean;
  readonly runs: number;
  readonly steps: number;
  readonly failure: FailureJson | null;
  /** Where the run has several: all of them, the one above included. */
  readonly failures: readonly FailureJson[];
  /** The strategy, with its parameters, whose run this is; null where none was found. */
  readonly foundBy: string | null;
  readonly token: string | null;
  readonly shrunkToken: string | null;
  /** The next three: of the run shown, which is the shrunk one; null where there is none. */
  readonly deviations: number | null;
  readonly traceHash: string | null;
  readonly virtualNs: number | null;
  readonly wallMs: number;
  /** Of one run under a policy: what became of each program. */
  readonly programs?: readonly Course[];
}

export type FailureJson = Pick<Failure, 'kind' | 'title' | 'text' | 'objects' | 'sites'>;

export interface Finding {
  readonly subject: Subject;
  readonly strategy: string;
  readonly seed: number | null;
  readonly expected: boolean;
  readonly exhausted: boolean;
  readonly covered?: string | undefined;
  readonly interrupted?: boolean;
  readonly runs: number;
  readonly steps: number;
  /** The run that is shown; undefined where a search found none. */
  readonly shown: RunResult | undefined;
  readonly foundBy: string | null;
  readonly token: string | null;
  readonly shrunkToken: string | null;
  readonly wallMs: number;
  readonly programs?: readonly Course[] | undefined;
}

export function summaryOf(finding: Finding): Summary {
  const { subject, shown, wallMs } = finding;
  const failure = shown === undefined ? undefined : primaryFailure(shown);
  return {
    scenario: subject.scenario.name,
    variant: subject.variantName,
    profile: subject.profile,
    mutations: [...subject.variant.mutations, ...subject.extraMutations],
    faults: [...(subject.scenario.faults ?? []), ...subject.extraFaults],
    strategy: finding.strategy,
    memoryModel: subject.memoryModel,
    seed: finding.seed,
    verdict: failure === undefined ? 'clean' : 'failure',
    expected: finding.expected,
    exhausted: finding.exhausted,
    covered: finding.covered ?? null,
    interrupted: finding.interrupted ?? false,
    runs: finding.runs,
    steps: finding.steps,
    failure: failure === undefined ? null : failureJson(failure),
    failures: (shown?.failures ?? []).map(failureJson),
    foundBy: finding.foundBy,
    token: finding.token,
    shrunkToken: finding.shrunkToken,
    deviations: shown?.schedule.at.length ?? null,
    traceHash: shown?.traceHash ?? null,
    virtualNs: shown?.virtualNs ?? null,
    wallMs: Math.round(wallMs),
    ...(finding.programs === undefined ? {} : { programs: finding.programs }),
  };
}

function failureJson({ kind, title, text, objects, sites }: Failure): FailureJson {
  return { kind, title, text, objects, sites };
}
