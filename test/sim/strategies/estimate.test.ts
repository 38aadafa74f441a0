/** How far an exhaustive search says it has come, against how far it turns out to have been. */
import { expect, test } from 'vitest';
import { CLASSIC, copies, program } from '../../../bench/search/classic.ts';
import { Exploration } from '../../../sim/explore.ts';
import type { Estimate } from '../../../sim/strategy.ts';
import { Bounded } from '../../../sim/strategies/bounded.ts';
import { Dpor } from '../../../sim/strategies/dpor.ts';
import { Threads, type ThreadProgram } from '../../../sim/threads.ts';

const LARGE = CLASSIC.filter(
  ({ count, commuting }) => count >= 200 && count < 10_000 && !commuting,
);

function estimates(threads: ThreadProgram, strategy: Bounded | Dpor): Estimate[] {
  const exploration = new Exploration(new Threads(threads), { strategy, runsMax: 100_000 });
  const all: Estimate[] = [];
  while (exploration.step()) if (exploration.estimate) all.push(exploration.estimate);
  expect(strategy.exhausted).toBe(true);
  return all;
}

test.each(LARGE.map((row) => [row.program.name, row] as const))(
  'dpor, %s: after a quarter of all runs it knows how many there are, to a factor of 5',
  (_name, { program: threads, count }) => {
    for (const { done, total, isExact } of estimates(threads, new Dpor())) {
      expect(isExact).toBe(false);
      if (done < count / 4) continue;
      expect(total).toBeGreaterThan(count / 5);
      expect(total).toBeLessThan(count * 5);
    }
  },
);

test('exhaustive: counts the schedules of each number of deviations before it makes them', () => {
  const three = program('three by two', (shared) => {
    const x = shared.word('x');
    const threads = copies('adder', 3, function* () {
      yield* x.fetchAdd(1);
      yield* x.fetchAdd(1);
    });
    return { threads };
  });
  const all = estimates(three, new Bounded());
  const names = [...new Set(all.map(({ of }) => of))];
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    const level = all.filter(({ of }) => of === name);
    expect(level.every(({ total, isExact }) => isExact && total === level.length)).toBe(true);
    expect(level.map(({ done }) => done)).toEqual(level.map((_, i) => i + 1));
  }
});
