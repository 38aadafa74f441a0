import { expect, test } from 'vitest';
import { exploreScenario, replayToken } from '../../scenarios/outcome.ts';
import { findScenario, SCENARIOS } from '../../scenarios/registry.ts';
import { decodeToken } from '../../sim/token.ts';

const NOT_SC = ['tso', 'weak'] as const;
const SB = findScenario('store-buffering');

test('a store that another CPU does not see yet is a deviation like any other', () => {
  const outcome = exploreScenario(SB, { variant: 'bad' });
  expect(outcome.kinds).toEqual(['invariant']);
  expect(outcome.result!.schedule.at.length).toBe(2);
  expect(outcome.lines.map(({ text }) => text)).toContain("CPU0's store is not seen yet");
  expect(decodeToken(outcome.token!).header.memoryModel).toBe('tso');
  const again = replayToken(outcome.token!);
  expect(again.failure).toEqual(outcome.failure);
  expect(again.result!.traceHash).toBe(outcome.result!.traceHash);
});

test('under sc there is none', () => {
  for (const strategy of ['auto', 'dpor', 'random']) {
    expect(exploreScenario(SB, { variant: 'sc', strategy }).verdict).toBe('clean');
  }
  for (const memoryModel of NOT_SC) {
    expect(exploreScenario(SB, { variant: 'sc', memoryModel }).kinds).toEqual(['invariant']);
  }
});

const VARIANTS = SCENARIOS.flatMap((scenario) =>
  Object.entries(scenario.variants).flatMap(([variant, { expect: kinds, memoryModel }]) =>
    NOT_SC.map((model) => ({ scenario, variant, kinds, model, own: memoryModel ?? 'sc' })),
  ),
);
const BAD = VARIANTS.filter(({ kinds, own }) => kinds.length > 0 && own === 'sc');
const CLEAN = VARIANTS.filter(({ kinds, own, scenario }) => {
  return kinds.length === 0 && (own !== 'sc' || scenario !== SB);
});

test.each(CLEAN.map((row) => [row.scenario.name, row.variant, row.model, row] as const))(
  '%s %s is clean under %s too',
  (_name, variant, memoryModel, { scenario }) => {
    for (const strategy of ['random', 'auto']) {
      const outcome = exploreScenario(scenario, { variant, memoryModel, strategy, runs: 60 });
      expect([outcome.failure?.title, outcome.token]).toEqual([undefined, undefined]);
    }
  },
);

test.each(BAD.map((row) => [row.scenario.name, row.variant, row.model, row] as const))(
  '%s %s is found under %s too',
  (_name, variant, memoryModel, { scenario, kinds }) => {
    const outcome = exploreScenario(scenario, { variant, memoryModel, runs: 3_000 });
    expect(outcome.kinds).toEqual(expect.arrayContaining([...kinds]));
  },
);
