/** What `bohrbug/vitest` does: `import 'bohrbug/vitest'` adds matchers for outcomes. */
import pc from 'picocolors';
import { expect } from 'vitest';
import { InputError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { FAILURE_KINDS, type FailureKind } from '../../sim/failure.ts';
import type { ScenarioOutcome } from '../../scenarios/outcome.ts';
import { interleaving } from '../render/interleaving.ts';

interface OutcomeMatchers<R = unknown> {
  /** No schedule that was run has shown a failure. */
  toBeClean(): R;
  /** A failure of that kind was found; others may be there as well. */
  toFailWith(kind: FailureKind): R;
  /** Every schedule was covered, up to the strategy's equivalence: a proof, where it is clean. */
  toBeExhausted(): R;
}

declare module 'vitest' {
  // The names of the parameters are vitest's.
  // eslint-disable-next-line typescript/no-explicit-any
  interface Matchers<T = any> extends OutcomeMatchers<T> {}
}

const WIDTH = 100;

/** The report, who did what when, and how to see it again. */
function reportOf(outcome: ScenarioOutcome): string {
  const { scenario, variant, runs, failures, token, result, lines } = outcome;
  if (!result) return `${scenario} (${variant}): clean in ${runs} runs`;
  const colors = pc.createColors(false);
  const run = { lines, failures, schedule: result.schedule };
  const { text } = interleaving(run, { all: false, width: WIDTH, colors });
  return [
    `${scenario} (${variant}), found in ${runs} runs:`,
    '',
    ...failures.map((failure) => `${failure.text}\n`),
    ...text,
    '',
    `bohrbug replay ${token}`,
  ].join('\n');
}

function kindOf(kind: string): FailureKind {
  const known = FAILURE_KINDS.find((each) => each === kind);
  if (known !== undefined) return known;
  const meant = nearest(kind, FAILURE_KINDS);
  throw new InputError(
    `toFailWith('${kind}'): no such kind of failure${meant ? `, did you mean ${meant}?` : ''}`,
  );
}

expect.extend({
  toBeClean(outcome: ScenarioOutcome) {
    return {
      pass: outcome.verdict === 'clean',
      message: () =>
        this.isNot
          ? `expected a failure; ${reportOf(outcome)}`
          : `expected no failure; ${reportOf(outcome)}`,
    };
  },

  toFailWith(outcome: ScenarioOutcome, expectedKind: FailureKind) {
    const kind = kindOf(expectedKind);
    return {
      pass: outcome.kinds.includes(kind),
      message: () =>
        this.isNot
          ? `expected no ${kind}; ${reportOf(outcome)}`
          : `expected ${kind}; ${reportOf(outcome)}`,
    };
  },

  toBeExhausted(outcome: ScenarioOutcome) {
    return {
      pass: outcome.exhausted,
      message: () =>
        `expected every schedule to be ${this.isNot ? 'not ' : ''}covered: ` +
        `${outcome.runs} runs of ${outcome.scenario} (${outcome.variant})`,
    };
  },
});
