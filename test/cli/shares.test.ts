/** Workers that share a search find what one worker finds, whoever of them is faster. */
import { expect, test } from 'vitest';
import { together } from '../../cli/explore-pool.ts';
import { Limit, searchShare, sharesOf, type ShareOutcome } from '../../cli/explore-share.ts';
import { workerIo } from '../../cli/worker-io.ts';

const io = workerIo(new Int32Array(1));
const RUNS_MAX = 600;

interface Search {
  readonly ref: string;
  readonly variant: string;
  readonly strategy?: string;
}

/** The workers one after the other, in that order. */
async function searchBy({ ref, variant, strategy }: Search, of: number, order: readonly number[]) {
  const limit = new Limit(new Int32Array([RUNS_MAX]));
  const outcomes: ShareOutcome[] = [];
  for (const index of order) {
    const flags = { variant };
    const task = { ref, flags, strategy, seed: 1, timeMaxMs: Infinity, index, of };
    outcomes.push(await searchShare(task, limit, io, () => {}));
  }
  const { found, runs, exhausted } = together(outcomes);
  return { found, runs, exhausted };
}

test.each<Search>([
  { ref: 'store-buffering', variant: 'bad' },
  { ref: 'file-ref-reuse', variant: 'bad' },
  { ref: 'autofs-closemount', variant: 'bad' },
  { ref: 'map-race', variant: 'good' },
  { ref: 'map-race', variant: 'bad', strategy: 'random' },
  { ref: 'lookup-recheck', variant: 'bad', strategy: 'pct:3:300' },
])('%j', async (search) => {
  const alone = await searchBy(search, 1, [0]);
  expect(alone.found === undefined).toBe(search.variant === 'good');
  expect(await searchBy(search, 2, [0, 1])).toEqual(alone);
  expect(await searchBy(search, 2, [1, 0])).toEqual(alone);
  expect(await searchBy(search, 3, [2, 0, 1])).toEqual(alone);
});

test.each([
  [undefined, 3],
  ['random', Infinity],
  ['twice:pos', Infinity],
  ['pct:3:200', Infinity],
  ['pct:3', 1],
  ['surw', 1],
  ['exhaustive:2', 1],
  ['dpor', 1],
])('strategy %s has work for %d', (name, workers) => {
  expect(sharesOf(name)).toBe(workers);
});
