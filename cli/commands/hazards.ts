import pc from 'picocolors';
import { InputError } from '../../base/errors.ts';
import type { Profile } from '../../kernel/profile.ts';
import type { Scenario } from '../../scenarios/index.ts';
import { EXIT, type Command, type Io } from '../command.ts';
import { hazardRow, type HazardRow, type VariantRow } from '../hazard.ts';
import { defaultJobs, searchAll } from '../hazard-pool.ts';
import * as options from '../options.ts';
import { budgetOf, makeStrategy } from '../plan.ts';
import { duration, thousands } from '../render/status.ts';
import { table } from '../render/text.ts';

const SUMMARY =
  'Every hazard of the specs: its bad variants must show the failure, its good ones be clean. ' +
  'Budgets are for each variant.';
const EXAMPLE = 'bohrbug hazards 00-H1 00-H3 --json';

interface Flags {
  readonly runs?: number;
  readonly maxTime?: number;
  readonly seed: number;
  readonly profile?: Profile;
  readonly strategy?: string;
  readonly jobs?: number;
  readonly json?: boolean;
}

export const hazardsCommand: Command = {
  name: 'hazards',
  summary: 'every hazard of the specs, both variants, as a table',
  async run(args, io) {
    const command = options
      .parser('hazards', SUMMARY, EXAMPLE, io)
      .argument('[hazards...]', 'hazards such as 00-H1, or specs such as 00 (default: all)')
      .option('--strategy <name>', 'how to choose among schedules (default: auto; see list)')
      .option('--profile <name>', "the kernel's version", options.profileFlag)
      .option('--jobs <n>', 'variants searched at once', options.wholeFlag('--jobs', 1))
      .option('--json', 'one JSON object a line');
    const parsed = options.parse(options.budgetOptions(options.seedOption(command)), args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<Flags>();
    makeStrategy(flags.strategy, { seed: flags.seed }); // complains before any work is done
    const chosen = choose((await io.loadRegistry()).SCENARIOS, parsed.args);
    const rows = await searchHazards(chosen, flags, io);
    if (!flags.json) io.out(hazardTable(rows, io));
    const isOk = rows.length === chosen.length && rows.every(({ ok }) => ok);
    return isOk ? EXIT.expected : EXIT.unexpected;
  },
};

async function searchHazards(
  chosen: readonly Scenario[],
  flags: Flags,
  io: Io,
): Promise<HazardRow[]> {
  const { seed, profile, strategy, jobs = defaultJobs() } = flags;
  const options = { seed, ...budgetOf(flags), ...(profile && { profile }) };
  const searched = searchAll(
    chosen.flatMap(({ name, variants }) =>
      Object.keys(variants).map((variant) => ({
        scenario: name,
        variant,
        options: { ...options, ...(strategy && { strategy }) },
      })),
    ),
    jobs,
    io,
  );
  const rows: HazardRow[] = [];
  let variantRows: VariantRow[] = [];
  for await (const row of searched) {
    variantRows.push(row);
    const scenario = chosen[rows.length]!;
    if (variantRows.length < Object.keys(scenario.variants).length) continue;
    rows.push(hazardRow(scenario, variantRows, profile));
    variantRows = [];
    if (flags.json) io.out(JSON.stringify(rows.at(-1)));
  }
  io.status('');
  return rows;
}

/** The hazards that the arguments name, in the order of the specs. */
function choose(all: readonly Scenario[], args: readonly string[]): Scenario[] {
  const hazards = all
    .filter(({ hazard }) => hazard !== undefined)
    .toSorted((a, b) => a.hazard!.localeCompare(b.hazard!, 'en', { numeric: true }));
  if (args.length === 0) return hazards;
  const isNamed = (scenario: Scenario, arg: string) => {
    const hazard = scenario.hazard!.toLowerCase();
    const wanted = arg.toLowerCase();
    return hazard === wanted || hazard.split('-')[0] === wanted || scenario.name === wanted;
  };
  for (const arg of args) {
    if (hazards.some((scenario) => isNamed(scenario, arg))) continue;
    const names = [...new Set(hazards.map(({ hazard }) => hazard!))];
    if (names.length === 0) throw new InputError('no hazards are registered');
    throw options.unknown('hazard', arg, names);
  }
  return hazards.filter((scenario) => args.some((arg) => isNamed(scenario, arg)));
}

/** A line for each variant. */
function hazardTable(rows: readonly HazardRow[], io: Io): string {
  const { bold, green, red } = pc.createColors(io.hasColor);
  const cells = rows.flatMap(({ hazard, name, variants }) =>
    variants.map((row, i) => [
      i === 0 ? hazard : '',
      i === 0 ? name : '',
      row.variant,
      outcomeOf(row),
      thousands(row.runs),
      row.ok ? 'ok' : 'FAILED',
    ]),
  );
  const [head = '', ...body] = table([
    ['hazard', 'scenario', 'variant', 'outcome', 'runs', ''],
    ...cells,
  ]);
  const tokens = rows.flatMap(({ hazard, variants }) =>
    variants.flatMap(({ variant, shrunkToken }) =>
      shrunkToken === null ? [] : [[`${hazard} ${variant}:`, `bohrbug replay ${shrunkToken}`]],
    ),
  );
  const okCount = rows.filter(({ ok }) => ok).length;
  const timeMs = rows.reduce((sum, { wallMs }) => sum + wallMs, 0);
  return [
    bold(head),
    ...body.map((line) => (line.endsWith('ok') ? line.replace(/ok$/, green('ok')) : red(line))),
    '',
    ...table(tokens),
    '',
    `${okCount} of ${rows.length} hazards as expected, ${duration(timeMs)}`,
  ].join('\n');
}

/** Where it is clean, whether over all schedules or over so many. */
function outcomeOf({ kinds, expectedKinds, exhausted, ok }: VariantRow): string {
  if (kinds.length > 0) return ok ? kinds.join(', ') : `found ${kinds.join(', ')}`;
  if (expectedKinds.length > 0) return `found no ${expectedKinds.join(', ')}`;
  return exhausted ? 'clean, every schedule' : 'clean, sampled';
}
