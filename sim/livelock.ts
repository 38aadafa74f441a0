import type { Trace } from './trace.ts';

/** Steps that a run which has had all its own may still take, in turns that are fair. */
export const FAIR_STEPS = 16_384;
/** How often a round must have come again, to be one. */
const ROUNDS_MIN = 4;

/** What a task does again and again. */
export interface Round {
  /** Its number: that of the fiber. */
  readonly fiber: number;
  /** The places it goes through, in order, from one of its choosing. */
  readonly sites: readonly string[];
}

/**
 * The rounds of those who went on to the end of a run that was cut short; undefined where one of
 * them went through no round. Where turns were fair, that is a livelock: nothing of what they do
 * lets the others get further.
 */
export function roundsIn(trace: Trace): Round[] | undefined {
  const sitesOf = new Map<number, string[]>();
  for (const { fiber, site } of trace.last(FAIR_STEPS / 2)) {
    if (fiber < 0) continue; // an interrupt: it comes whatever others do
    const sites = sitesOf.get(fiber);
    if (sites) sites.push(site);
    else sitesOf.set(fiber, [site]);
  }
  const rounds: Round[] = [];
  for (const [fiber, sites] of sitesOf) {
    const length = periodOf(sites);
    if (length * ROUNDS_MIN > sites.length) return undefined;
    rounds.push({ fiber, sites: sites.slice(0, length) });
  }
  return rounds.length === 0 ? undefined : rounds.toSorted((a, b) => a.fiber - b.fiber);
}

/**
 * The least number of places by which a list can be moved to lie on itself: Knuth, Morris, Pratt:
 * Fast pattern matching in strings, SIAM J. Comput. 6(2), 1977.
 */
function periodOf(list: readonly string[]): number {
  const border = [0];
  for (let i = 1, length = 0; i < list.length; i++) {
    while (length > 0 && list[i] !== list[length]) length = border[length - 1]!;
    if (list[i] === list[length]) length++;
    border.push(length);
  }
  return list.length - border[list.length - 1]!;
}
