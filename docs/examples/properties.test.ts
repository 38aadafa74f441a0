import { exploreScenario } from 'bohrbug';
import { programRef, programs, programScenario, scenarioProperty } from 'bohrbug/fast-check';
import 'bohrbug/vitest';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import counterFile from './counter-file.ts';

test('along any schedule the good variant is clean', () => {
  fc.assert(scenarioProperty(counterFile, { variant: 'good' }), { numRuns: 200 });
});

test('a failing property ends with as few deviations as there can be', () => {
  const details = fc.check(scenarioProperty(counterFile, { variant: 'bad' }), { seed: 1 });
  expect(details.failed).toBe(true);
  expect(details.counterexample![0].at.length).toBeLessThanOrEqual(1);
});

test('no random program without a call of autofs makes the kernel fail', () => {
  const harmless = programs
    .map(programRef)
    .filter((ref) => !ref.includes('closemount') && !ref.includes('close_mine'));
  fc.assert(
    fc.property(harmless, (ref) => {
      expect(exploreScenario(programScenario(ref), { runs: 20 })).toBeClean();
    }),
    { numRuns: 30, seed: 1 },
  );
});
