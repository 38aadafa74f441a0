import { expect, test } from 'vitest';
import { explore } from '../../../sim/explore.ts';
import type { Choice } from '../../../sim/choice.ts';
import { FailNth } from '../../../sim/strategies/fail-nth.ts';
import { parseProgramRef } from '../../../scenarios/fuzz/program.ts';
import { ProgramWorlds } from '../../../scenarios/fuzz/worlds.ts';

/** Runs what asks for outcomes out of `counts`, one more of 2 after an outcome that is not 0. */
function runsOf(counts: readonly number[]): string[] {
  const strategy = new FailNth();
  const runs: string[] = [];
  const options = Int32Array.of(0, 1, 2);
  for (let run = 0; strategy.begin(run); run++) {
    const asked = [...counts];
    const taken: number[] = [];
    const ask = (kind: string, count: number): number => {
      const choice = { index: taken.length, kind, count, options, stay: 0, isForced: false };
      return strategy.choose(choice as unknown as Choice);
    };
    for (const count of asked) {
      expect(ask('sched', 3)).toBe(0);
      taken.push(ask('alloc-fail x', count));
    }
    if (taken.some((outcome) => outcome > 0)) taken.push(ask('alloc-fail retry', 2));
    runs.push(taken.join(' '));
    strategy.end();
  }
  return runs;
}

test('one thing goes wrong a run, in each of its ways; what comes after it too, alone', () => {
  expect(runsOf([])).toEqual(['']);
  expect(runsOf([2, 3, 2])).toEqual(['0 0 0', '1 0 0 0', '0 1 0 0', '0 2 0 0', '0 0 1 0']);
});

test('each allocation that a program makes fails once, and none of it leaks', () => {
  const program = parseProgramRef('fuzz/v7.2/1f/A/open.0.0/dup.0/eventfd.1.0/vfork');
  const failures: string[] = [];
  const { runs } = explore(new ProgramWorlds({ mutations: [] }).model(program), {
    strategy: new FailNth(),
    runsMax: 1_000,
    isFound: (result) => {
      failures.push(...result.failures.map(({ title }) => title));
      return false;
    },
  });
  expect(failures).toEqual([]);
  expect(runs).toBeGreaterThan(10);
});
