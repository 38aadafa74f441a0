import type { Progress } from '../../sim/explore.ts';
import type { Estimate } from '../../sim/strategy.ts';

export interface Status {
  readonly label: string;
  readonly progress: Progress;
  readonly runsMax: number;
  readonly spentMs: number;
  readonly timeMaxMs: number;
}

const BAR_COLUMNS = 12;
/** An estimate above this says no more than that there is no end. */
const COUNTLESS = 1e12;

/** `abba ━━━──────── 1,204 runs, 8,100/s, 1 distinct failure, 12 s left, dpor: 90 of about 300` */
export function statusLine({ label, progress, runsMax, spentMs, timeMaxMs }: Status): string {
  const { runs, distinctCount, estimate } = progress;
  const rate = runs / Math.max(spentMs, 1);
  const done = Math.min(1, Math.max(runs / runsMax, spentMs / timeMaxMs));
  const leftMs = Math.min((runsMax - runs) / rate, timeMaxMs - spentMs);
  const bar = progressBar(done);
  const speed = `${thousands(Math.round(rate * 1_000))}/s`;
  const failures = count(distinctCount, 'distinct failure');
  const parts = [count(runs, 'run'), speed, failures, `${duration(leftMs)} left`];
  if (estimate) parts.push(estimateText(estimate));
  return `${label} ${bar} ${parts.join(', ')}`;
}

/** `━━━─────────`: the part that is done, of 1. */
export function progressBar(done: number): string {
  const filled = Math.round(done * BAR_COLUMNS);
  return '━'.repeat(filled) + '─'.repeat(BAR_COLUMNS - filled);
}

/** `2 deviations: 310 of 4,512`, `dpor: 1,204 of about 15,000` */
function estimateText({ of, done, total, isExact }: Estimate): string {
  if (isExact) return `${of}: ${thousands(done)} of ${thousands(total)}`;
  const all = total > COUNTLESS ? 'very many' : `about ${thousands(roughly(total))}`;
  return `${of}: ${thousands(done)} of ${all}`;
}

/** To two digits. */
function roughly(amount: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(amount)) - 1);
  return Math.round(amount / unit) * unit;
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
