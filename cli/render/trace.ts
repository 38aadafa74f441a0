import type { TraceLine } from '../../sim/trace.ts';
import { shorten } from './text.ts';

const NAME_MAX = 40;

/** Every line of a run: `[    0.000081234] CPU0 A  syscall  close(6)`. */
export function traceText(lines: readonly TraceLine[]): string[] {
  const names = lines.map(({ path }) => shorten(path || '-', NAME_MAX));
  const whoWidth = names.reduce((width, name) => Math.max(width, name.length), 1);
  return lines.map((line, i) => {
    const who = names[i]!.padEnd(whoWidth);
    const site = line.site === '' ? '' : `  [${line.site}]`;
    const text = line.text === '' ? line.object : line.text;
    const what = `${line.kind.padEnd(7)} ${text}${site}`.trimEnd();
    return `[${secondsOf(line.atNs)}] CPU${line.cpu} ${who}  ${what}`;
  });
}

/** As printk writes it, to the nanosecond. */
export function secondsOf(timeNs: number): string {
  const whole = Math.floor(timeNs / 1e9);
  const rest = Math.round(timeNs - whole * 1e9);
  return `${String(whole).padStart(5)}.${String(rest).padStart(9, '0')}`;
}
