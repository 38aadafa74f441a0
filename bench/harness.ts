/**
 * Measures in CPU time, in interleaved pairs, so that a loaded machine moves both sides of a
 * ratio alike. On such a machine the median of 40 pairs is good to about 5 per cent.
 */

/** One thing to measure, and what it is compared with. */
export interface Bench {
  readonly name: string;
  /** What one operation is: `step`, `insn`, `run`. */
  readonly unit: string;
  /** What `runBaseline` does, in a few words. */
  readonly baseline: string;
  /** Does `n` operations. */
  run(n: number): void;
  /** Does `n` operations the other way. */
  runBaseline(n: number): void;
}

/** Middle value and the quartiles about it. */
export interface Spread {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly baseline: string;
  /** CPU time of one operation. */
  readonly nsPerOp: number;
  readonly opsPerSecond: number;
  /** Time of an operation over that of the baseline's: below 1 is faster than the baseline. */
  readonly ratio: Spread;
  readonly pairCount: number;
}

export interface MeasureOptions {
  readonly pairCount?: number;
  /** CPU time that one side of a pair should last, in milliseconds. */
  readonly sideMs?: number;
  /** Nanoseconds that `work` took: another clock, for the harness's own test. */
  readonly clock?: (work: () => void) => number;
}

const PAIR_COUNT = 40;
const SIDE_MS = 20;
const OPS_MAX = 2 ** 40;

/** CPU nanoseconds, user and system, that `work` took in this process. */
export function cpuNs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** Quartiles, by linear interpolation between ranks. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number): number => {
    const rank = (sorted.length - 1) * fraction;
    const below = sorted[Math.floor(rank)] ?? Number.NaN;
    const above = sorted[Math.ceil(rank)] ?? Number.NaN;
    return below + (above - below) * (rank - Math.floor(rank));
  };
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

/**
 * How many operations last `sideMs`; warms the code up on the way. A guess is tried before it is
 * believed: a collection or a compilation in a short side makes it look long.
 */
function calibrate(nsOf: (n: number) => number, sideMs: number): number {
  const sideNs = sideMs * 1e6;
  for (let n = 1; n < OPS_MAX; n *= 2) {
    const ns = nsOf(n);
    if (ns < sideNs / 10) continue;
    const count = Math.ceil((n * sideNs) / ns);
    if (nsOf(count) >= sideNs / 2) return count;
  }
  return OPS_MAX;
}

/** Runs the pairs of one bench. Which side goes first alternates. */
export function measure(bench: Bench, options: MeasureOptions = {}): Measurement {
  const { pairCount = PAIR_COUNT, sideMs = SIDE_MS, clock = cpuNs } = options;
  const sides = [
    (n: number) => clock(() => bench.run(n)),
    (n: number) => clock(() => bench.runBaseline(n)),
  ] as const;
  const counts = sides.map((side) => calibrate(side, sideMs));
  const times: [number[], number[]] = [[], []];
  for (let pair = 0; pair < pairCount; pair++) {
    for (const which of pair % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const count = counts[which]!;
      times[which].push(sides[which](count) / count);
    }
  }
  const nsPerOp = spreadOf(times[0]).median;
  return {
    name: bench.name,
    unit: bench.unit,
    baseline: bench.baseline,
    nsPerOp,
    opsPerSecond: 1e9 / nsPerOp,
    ratio: spreadOf(times[0].map((ns, pair) => ns / times[1][pair]!)),
    pairCount,
  };
}
