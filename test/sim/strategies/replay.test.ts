import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../sim/strategies/random.ts';
import { Replay } from '../../../sim/strategies/replay.ts';
import { independent, madeUp, runOnce } from '../../kit/toy.ts';

test('replaying the schedule of a run gives that run, in every respect', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.integer({ min: 1, max: 12 }), fc.nat(), (seed, steps, run) => {
      const model = madeUp(seed, steps);
      const result = runOnce(model, new Random(seed), run);
      const replay = new Replay(result.schedule);
      expect(runOnce(model, replay)).toEqual(result);
      expect(replay.fitted).toBe(true);
    }),
  );
});

test('what does not fit is passed over and counted', () => {
  const model = independent([2, 2]); // choices 0 and 1 with two options, then one as may be
  const replay = new Replay({ at: [0, 1, 100, 200], skip: [1, 2, 1, 1] });
  const result = runOnce(model, replay);
  expect(result.schedule).toEqual({ at: [0], skip: [1] });
  expect(replay.misfitCount).toBe(3);
  expect(replay.fitted).toBe(false);
  runOnce(model, replay);
  expect(replay.misfitCount).toBe(3);
});

test('any schedule at all can be replayed', () => {
  const entry = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(fc.nat(50), fc.uniqueArray(entry, { selector: ([at]) => at }), (seed, entries) => {
      const sorted = entries.toSorted(([a], [b]) => a - b);
      const schedule = { at: sorted.map(([at]) => at), skip: sorted.map(([, skip]) => skip) };
      const replay = new Replay(schedule);
      const result = runOnce(madeUp(seed, 6), replay);
      expect(result.schedule.at.length + replay.misfitCount).toBe(schedule.at.length);
    }),
  );
});
