import { exploreScenario, replayToken } from 'bohrbug';
import 'bohrbug/vitest';
import { expect, test } from 'vitest';
import counterFile from './counter-file.ts';

test('with a shared table a write may meet a closed descriptor', () => {
  const outcome = exploreScenario(counterFile, { variant: 'bad' });
  expect(outcome).toFailWith('invariant');
  expect(replayToken(outcome.token!, counterFile)).toFailWith('invariant');
});

test('with tables of their own it never does: every schedule has been tried', () => {
  const outcome = exploreScenario(counterFile, {
    variant: 'good',
    strategy: 'dpor',
    runs: 20_000,
  });
  expect(outcome).toBeClean();
  expect(outcome).toBeExhausted();
});
