import type { Progress } from '../../sim/explore.ts';

export interface Status {
  readonly label: string;
  readonly progress: Progress;
  readonly runsMax: number;
  readonly spentMs: number;
  readonly timeMaxMs: number;
}

const BAR_COLUMNS = 12;

/** `abba ━━━──────── 1,204 runs, 8,100/s, 1 distinct failure, 12 s left` */
export function statusLine({ label, progress, runsMax, spentMs, timeMaxMs }: Status): string {
  const { runs, distinctCount } = progress;
  const rate = runs / Math.max(spentMs, 1);
  const done = Math.min(1, Math.max(runs / runsMax, spentMs / timeMaxMs));
  const leftMs = Math.min((runsMax - runs) / rate, timeMaxMs - spentMs);
  const filled = Math.round(done * BAR_COLUMNS);
  const bar = '━'.repeat(filled) + '─'.repeat(BAR_COLUMNS - filled);
  const failures = count(distinctCount, 'distinct failure');
  const speed = `${thousands(Math.round(rate * 1_000))}/s`;
  return `${label} ${bar} ${count(runs, 'run')}, ${speed}, ${failures}, ${duration(leftMs)} left`;
}

/** `1 run`, `20,000 runs` */
export function count(amount: number, what: string): string {
  return `${thousands(amount)} ${what}${amount === 1 ? '' : 's'}`;
}

/** `20,000`. Not toLocaleString(), which loads tables of all languages for it: 50 ms. */
export function thousands(amount: number): string {
  return String(amount).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `64 ms`, `2.1 s`, `3 min` */
export function duration(timeMs: number): string {
  if (timeMs < 1_000) return `${Math.max(0, Math.round(timeMs))} ms`;
  if (timeMs < 60_000) return `${(timeMs / 1_000).toFixed(1)} s`;
  return `${Math.round(timeMs / 60_000)} min`;
}
