/**
 * `npm run bench:search [classic|bugs|fdget|speed]…`: what each strategy needs on the programs by
 * which such searches are measured, beside the published figures. Counts are exact, and the same
 * on every machine; only the rates are not.
 */
import { explore } from '../../sim/explore.ts';
import { strategyByName } from '../../sim/strategies/by-name.ts';
import { Dpor } from '../../sim/strategies/dpor.ts';
import { Threads, type ThreadProgram } from '../../sim/threads.ts';
import { cpuNs } from '../harness.ts';
import { CLASSIC } from './classic.ts';
import { FDGET, HARD_BAD, HARD_FIXED } from './fdget.ts';
import { SCTBENCH } from './sctbench.ts';

const SAMPLERS = ['random', 'pct:3', 'pos', 'surw'] as const;
const SEEDS = 20;
const SCHEDULES_MAX = 10_000;
const SPEED_SCHEDULES = 2_000;

/** Schedules to the first bug, over the seeds. */
interface Sample {
  readonly mean: number;
  readonly deviation: number;
  readonly missed: number;
}

function sample(program: ThreadProgram, strategy: string): Sample {
  const counts: number[] = [];
  let missed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { runs, verdict } = explore(new Threads(program), {
      strategy: strategyByName(strategy, { seed }),
      runsMax: SCHEDULES_MAX,
    });
    counts.push(runs);
    if (verdict === 'clean') missed++;
  }
  const mean = counts.reduce((sum, count) => sum + count, 0) / SEEDS;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (SEEDS - 1)), missed };
}

/** `12.3 ± 4.5`, with `*3` where three seeds found nothing. */
function sampleText({ mean, deviation, missed }: Sample): string {
  if (missed === SEEDS) return '-';
  return `${mean.toFixed(1)} ± ${deviation.toFixed(0)}${missed > 0 ? `*${missed}` : ''}`;
}

function dporTo(program: ThreadProgram, isFound: boolean, commuting = true) {
  const strategy = new Dpor({ sets: 'optimal', commuting });
  const options = { strategy, runsMax: 1_000_000, ...(isFound ? {} : { isFound: () => false }) };
  let outcome = explore(new Threads(program), { ...options, runsMax: 0 });
  const ns = cpuNs(() => (outcome = explore(new Threads(program), options)));
  return { ...outcome, blockedRuns: strategy.blockedRuns, perSecond: outcome.runs / (ns / 1e9) };
}

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
    );
    process.stdout.write(`${cells.join('  ')}\n`);
  }
  process.stdout.write('\n');
}

function classic(): void {
  let equal = 0;
  const rows = CLASSIC.map(({ program, count, commuting = false }) => {
    const { runs, exhausted, blockedRuns, perSecond } = dporTo(program, false, commuting);
    if (runs === count && exhausted && blockedRuns === 0) equal++;
    return [
      `${program.name}${commuting ? ', commuting' : ''}`,
      String(count),
      String(runs),
      String(blockedRuns),
      exhausted ? 'yes' : 'no',
      Math.round(perSecond).toLocaleString('en-US'),
    ];
  });
  print(['program', 'published', 'dpor', 'blocked', 'exhausted', 'executions/s'], rows);
  process.stdout.write(`${equal} of ${rows.length} equal to the published count\n\n`);
}

function bugs(): void {
  let atOrBelow = 0;
  const rows = SCTBENCH.map(({ program, published }) => {
    const samples = SAMPLERS.map((strategy) => sample(program, strategy));
    const surw = samples.at(-1)!;
    if (surw.missed === 0 && surw.mean <= (published.surw ?? Infinity)) atOrBelow++;
    return [program.name, String(published.surw ?? '-'), ...samples.map(sampleText)];
  });
  print(['program', 'surw published', ...SAMPLERS], rows);
  process.stdout.write(`surw: ${atOrBelow} of ${rows.length} at or below the published mean\n\n`);
}

function fdget(): void {
  const rows = FDGET.map((program) => [
    program.name,
    String(dporTo(program, true).runs),
    ...SAMPLERS.map((strategy) => sampleText(sample(program, strategy))),
  ]);
  print(['program', 'dpor', ...SAMPLERS], rows);
  const proof = dporTo(HARD_FIXED, false);
  const verdict = proof.verdict === 'clean' && proof.exhausted ? 'proved' : 'NOT proved';
  process.stdout.write(`${HARD_FIXED.name}: ${verdict} in ${proof.runs}\n\n`);
}

/** Schedules a second, each strategy in turn and nothing stopping at a bug. */
function speed(): void {
  const programs = [...SCTBENCH.map(({ program }) => program), HARD_BAD];
  const rows = programs.map((program) => {
    const model = new Threads(program);
    const rates = SAMPLERS.map((name) => {
      const strategy = strategyByName(name, { seed: 1 });
      const run = (runsMax: number) => explore(model, { strategy, runsMax, isFound: () => false });
      run(SPEED_SCHEDULES);
      const ns = cpuNs(() => run(SPEED_SCHEDULES));
      return Math.round(SPEED_SCHEDULES / (ns / 1e9)).toLocaleString('en-US');
    });
    return [program.name, String(model.engine.cpus.length), ...rates];
  });
  print(['program', 'threads', ...SAMPLERS.map((name) => `${name}/s`)], rows);
}

const TABLES = { classic, bugs, fdget, speed };

const words = process.argv.slice(2);
const odd = words.find((word) => !Object.hasOwn(TABLES, word));
if (odd !== undefined) {
  process.stderr.write(`no table ${odd}, expected ${Object.keys(TABLES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  for (const [name, table] of Object.entries(TABLES)) {
    if (words.length === 0 || words.includes(name)) table();
  }
}
