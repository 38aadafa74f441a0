/** `npm run bench [name…]`: measures every bench whose name contains one of the words. */
import { bpfBenches } from './bpf.ts';
import { engineBenches } from './engine.ts';
import { type Bench, type Measurement, measure } from './harness.ts';
import { protectBenches } from './protect.ts';
import { raceBenches } from './race.ts';
import { resumeBenches } from './resume.ts';
import { structBenches } from './struct.ts';
import { timerBenches } from './timers.ts';
import { verifierBenches } from './verifier.ts';

/** Every bench, in the order of the table. A new one is added here. */
const BENCHES: readonly Bench[] = [
  ...resumeBenches,
  ...engineBenches,
  ...raceBenches,
  ...structBenches,
  ...timerBenches,
  ...bpfBenches,
  ...verifierBenches,
  ...protectBenches,
];

const HEAD = ['bench', 'unit', 'ops/s', 'ns/op', 'ratio', 'quartiles', 'against'] as const;

function rowOf(m: Measurement): string[] {
  const { median, lower, upper } = m.ratio;
  return [
    m.name,
    m.unit,
    Math.round(m.opsPerSecond).toLocaleString('en-US'),
    m.nsPerOp.toPrecision(4),
    median.toFixed(3),
    `${lower.toFixed(3)}..${upper.toFixed(3)}`,
    m.baseline,
  ];
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
}

const words = process.argv.slice(2);
const chosen = BENCHES.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (chosen.length === 0) {
  process.stderr.write(`no bench has a name with ${words.join(' or ')}\n`);
  process.exitCode = 2;
} else {
  print([HEAD, ...chosen.map((bench) => rowOf(measure(bench)))]);
}
