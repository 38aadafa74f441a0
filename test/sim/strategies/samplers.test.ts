/** POS, SURW, and PCT with its length estimated: their odds, and what they find. */
import { describe, expect, test } from 'vitest';
import { FDGET, HARD_BAD, HARD_FIXED } from '../../../bench/search/fdget.ts';
import { SCTBENCH } from '../../../bench/search/sctbench.ts';
import { explore } from '../../../sim/explore.ts';
import { Dpor } from '../../../sim/strategies/dpor.ts';
import { strategyByName } from '../../../sim/strategies/by-name.ts';
import { Pct } from '../../../sim/strategies/pct.ts';
import { Pos } from '../../../sim/strategies/pos.ts';
import { Surw } from '../../../sim/strategies/surw.ts';
import type { Strategy } from '../../../sim/strategy.ts';
import { Threads, type ThreadProgram } from '../../../sim/threads.ts';

const SEEDS = 20;
const RUNS_MAX = 10_000;

/** Threads of so many writes each to one word, after `before` steps of their own. */
function writers(counts: readonly number[], before: readonly number[], order: number[]) {
  return new Threads({
    name: 'writers',
    build(shared) {
      const word = shared.word('word');
      const bodies = counts.map((count, who) => [
        `T${who}`,
        function* () {
          for (let i = 0; i < before[who]!; i++) yield* shared.work();
          for (let i = 0; i < count; i++) {
            yield* word.write(who);
            order.push(who);
          }
        },
      ]);
      return { threads: Object.fromEntries(bodies) };
    },
  });
}

/** How often each order of the writes came in so many runs. */
function ordersOf(
  strategy: Strategy,
  counts: readonly number[],
  before: readonly number[],
  runs: number,
): Map<string, number> {
  const order: number[] = [];
  const model = writers(counts, before, order);
  const seen = new Map<string, number>();
  for (let run = 0; run < runs; run++) {
    order.length = 0;
    strategy.begin(run);
    const { choiceCount } = model.run(strategy);
    strategy.end(choiceCount);
    seen.set(order.join(''), (seen.get(order.join('')) ?? 0) + 1);
  }
  return seen;
}

/** Schedules to the first bug, one number for each seed; Infinity where there was none. */
function countsOf(program: ThreadProgram, make: (seed: number) => Strategy): number[] {
  return Array.from({ length: SEEDS }, (_, i) => {
    const strategy = make(i + 1);
    const { runs, verdict } = explore(new Threads(program), { strategy, runsMax: RUNS_MAX });
    return verdict === 'clean' ? Infinity : runs;
  });
}

const mean = (counts: readonly number[]) =>
  counts.reduce((sum, count) => sum + count, 0) / counts.length;

describe('pos', () => {
  test('of two steps that conflict either is first in half of the runs, whatever precedes', () => {
    const seen = ordersOf(new Pos(1), [1, 1], [12, 0], 4_000);
    // A random walk takes T0 first once in 2^13 runs. Here priorities decide: T0 needs the higher
    // one at 13 steps, so that it is first less often, but not exponentially so.
    expect(seen.get('01')! / 4_000).toBeGreaterThan(1 / 15);
  });

  test('a run is made again from its number', () => {
    const model = writers([3, 3], [2, 4], []);
    const hashOf = (strategy: Strategy, run: number) => {
      strategy.begin(run);
      return model.run(strategy).traceHash;
    };
    const one = new Pos(5);
    const hashes = [0, 1, 2].map((run) => hashOf(one, run));
    expect(hashOf(new Pos(5), 2)).toBe(hashes[2]);
    expect(hashOf(new Pos(5), 0)).toBe(hashes[0]);
  });
});

describe('surw', () => {
  test('all orders of the steps on one object are about equally likely', () => {
    const RUNS = 20_000;
    const seen = ordersOf(new Surw(1), [2, 3], [9, 0], RUNS);
    expect(seen.size).toBe(10);
    // Where places share weights, T0 and T1 stand at the same place: nothing changes.
    for (const count of seen.values()) {
      expect(count / RUNS).toBeGreaterThan(0.07);
      expect(count / RUNS).toBeLessThan(0.14);
    }
  });

  test('at or below the published mean on 80 % of the programs, and nothing is missed', () => {
    const means = SCTBENCH.map(({ program, published }) => {
      const counts = countsOf(program, (seed) => new Surw(seed));
      expect(Math.max(...counts), program.name).toBeLessThan(Infinity);
      return mean(counts) <= (published.surw ?? Infinity);
    });
    expect(means.filter(Boolean).length / means.length).toBeGreaterThanOrEqual(0.8);
  }, 120_000);
});

describe('pct', () => {
  test('with no length given, it is that of the longest run so far, and in the name', () => {
    const strategy = new Pct({ seed: 1, depth: 3 });
    const { found } = explore(new Threads(HARD_BAD), { strategy, runsMax: RUNS_MAX });
    const { strategyName, run, result } = found!;
    expect(strategyName).toMatch(/^pct:3:\d\d+$/);
    const again = strategyByName(strategyName, { seed: 1 });
    again.begin(run);
    expect(new Threads(HARD_BAD).run(again).traceHash).toBe(result.traceHash);
  });
});

describe("Al Viro's fdget, as hard as the anchors make it", () => {
  test.each(FDGET)('dpor finds it in its second run: $name', (program) => {
    const { runs, verdict } = explore(new Threads(program), { strategy: new Dpor(), runsMax: 9 });
    expect([verdict, runs]).toEqual(['failure', 2]);
  });

  test('dpor proves the fixed one in one run', () => {
    const strategy = new Dpor();
    const outcome = explore(new Threads(HARD_FIXED), { strategy, runsMax: 9 });
    expect([outcome.verdict, outcome.exhausted, outcome.runs]).toEqual(['clean', true, 1]);
  });

  test.each(['pct:3', 'surw'])('%s: at most 100 schedules, mean of 20 seeds', (name) => {
    const counts = countsOf(HARD_BAD, (seed) => strategyByName(name, { seed }));
    expect(mean(counts)).toBeLessThanOrEqual(100);
  });
});
