import { InputError } from '../../base/errors.ts';
import type { Found } from '../../sim/explore.ts';
import type { NamedDeviation } from '../../sim/names.ts';
import type { Strategy } from '../../sim/strategy.ts';
import { isBySeed } from '../../sim/strategies/by-name.ts';
import type { World } from '../catalog.ts';
import { EXIT, type Command, type ExitCode, type Io } from '../command.ts';
import { searchInPool } from '../explore-pool.ts';
import { sharesOf } from '../explore-share.ts';
import { conclude } from '../finding.ts';
import { withForeignTypes } from '../foreign.ts';
import { showLog } from '../log.ts';
import * as options from '../options.ts';
import { IS_BUILT } from '../package.ts';
import { budgetOf, makeStrategy, planOf } from '../plan.ts';
import { reportToCi } from '../render/ci.ts';
import { DEFAULT_FOLDER, saveFailure, writeTest } from '../saved.ts';
import { rerun, search, shrinkFound, type Detailed } from '../search.ts';
import { scheduleToken, seedToken, subjectOf, worldOf, type Subject } from '../subject.ts';
import { summaryOf, type Finding } from '../summary.ts';

const SUMMARY = 'run after run until a failure or the end; shrinks what it finds';
const EXAMPLE = 'bohrbug explore autofs-closemount --strategy pct:3 --runs 5000';

interface Flags extends options.SubjectFlags {
  readonly strategy?: string;
  readonly runs?: number;
  readonly maxTime?: number;
  readonly jobs: number;
  readonly seed: number;
  readonly shrink: boolean;
  readonly save?: string | boolean;
  readonly emitTest?: string;
  readonly junit?: string;
  readonly github?: boolean;
  readonly json?: boolean;
  readonly trace?: boolean;
  readonly all?: boolean;
  readonly log?: boolean;
}

export const exploreCommand: Command = {
  name: 'explore',
  summary: 'run after run until a failure or the end; shrinks what it finds',
  async run(args, io) {
    const command = options.subjectOptions(options.parser('explore', SUMMARY, EXAMPLE, io));
    options
      .budgetOptions(options.seedOption(command))
      .option('--strategy <name>', 'how to choose among schedules (default: auto; see list)')
      .option('--jobs <n>', 'workers', options.wholeFlag('--jobs', 1), 1)
      .option('--no-shrink', 'leave the failure as found')
      .option('--save <dir>', `keep the failure there, for replay (default: ${DEFAULT_FOLDER})`)
      .option('--no-save', 'keep no file')
      .option('--emit-test <file>', 'write a vitest test of the failure')
      .option('--junit <file>', 'write what came out as JUnit XML')
      .option('--github', 'tell GitHub of a failure, as an annotation')
      .option('--trace', 'print every event of the run found')
      .option('--all', 'show every step of the run found')
      .option('-v, --log', "print the kernel's log of the run found, on stderr")
      .option('--json', 'one JSON document');
    const parsed = options.parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<Flags>();
    return withForeignTypes(flags, io, () => explore(parsed.args[0]!, flags, io));
  },
};

async function explore(ref: string, flags: Flags, io: Io): Promise<ExitCode> {
  const beganMs = io.nowMs();
  makeStrategy(flags.strategy, flags); // complains before any work is done
  const subject = await subjectOf(ref, flags, io, (chosen) => {
    if (!flags.json) io.out(`exploring ${headingOf(chosen)}\n`);
  });
  const plan = planOf(subject, flags.strategy, flags.seed);
  const world = worldOf(subject, plan.mode);
  world.detailed = plan.mode === 'timed'; // it may be long, and is not made twice
  const outcome = await searchBy(subject, world, plan.strategy, flags, io);
  const { runs, steps, found } = outcome;
  const base = {
    subject,
    strategy: plan.mode === 'timed' ? plan.mode : (flags.strategy ?? 'auto'),
    seed: flags.seed,
    runs,
    steps,
    exhausted: outcome.exhausted,
    covered: outcome.covered,
    interrupted: found === undefined && io.isInterrupted(),
  };
  const shown = found && (await present(subject, world, found, flags, io));
  const finding: Finding = {
    ...base,
    expected: found
      ? subject.catalog.expected(subject.variant, found.result)
      : subject.variant.expect.length === 0 && !io.isInterrupted(),
    shown: shown?.result,
    foundBy: found?.strategyName ?? null,
    token: shown?.token ?? null,
    shrunkToken: shown?.shrunkToken ?? null,
    wallMs: io.nowMs() - beganMs,
  };
  if (shown !== undefined) keep(finding, flags, io);
  tellCi(finding, flags, io);
  if (flags.log && shown) await showLog(world, io);
  return conclude(finding, shown?.detailed, flags, io);
}

async function searchBy(subject: Subject, world: World, strategy: Strategy, flags: Flags, io: Io) {
  const { seed } = flags;
  const { scenario, ref } = subject;
  const base = { ...budgetOf(flags), label: scenario.name };
  const jobs = scenario.timed ? 1 : jobsOf(flags, io);
  if (jobs === 1) {
    const isFound = subject.catalog.isFound(subject.variant);
    return search({ subject, world, strategy, isFound, ...base }, io);
  }
  const shared = { ref, flags: subjectFlags(flags), strategy: flags.strategy, seed };
  return { ...(await searchInPool({ ...shared, ...base, jobs }, io)), covered: undefined };
}

/** As many workers as can share the search; from its sources Bohrbug runs in one thread. */
function jobsOf({ jobs, strategy }: Flags, io: Io): number {
  const shares = sharesOf(strategy);
  const most = IS_BUILT ? shares : 1;
  if (jobs > most) {
    const workers = most === 1 ? 'one worker' : `${most} workers at most`;
    const who = shares === most ? `strategy ${strategy ?? 'auto'}` : 'what runs from its sources';
    io.err(`bohrbug: --jobs: ${who} has work for ${workers}`);
  }
  return Math.min(jobs, most);
}

/** What a worker needs of the flags, which are sent to it. */
function subjectFlags({ variant, profile, mutate, fault, memoryModel, btf }: Flags) {
  return Object.fromEntries(
    Object.entries({ variant, profile, mutate, fault, memoryModel, btf }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as options.SubjectFlags;
}

/** The failure as a file, and as a test where that is asked for. */
function keep(finding: Finding, { save, emitTest }: Flags, io: Io): void {
  const summary = summaryOf(finding);
  if (emitTest !== undefined) writeTest(emitTest, summary, io);
  if (save === false) return;
  const isAsked = typeof save === 'string';
  try {
    const path = saveFailure(isAsked ? save : DEFAULT_FOLDER, summary, finding.subject, io);
    io.err(`saved: ${path}`);
  } catch (error) {
    if (isAsked || !(error instanceof InputError)) throw error;
    io.err(`bohrbug: not saved: ${error.message}`);
  }
}

function tellCi(finding: Finding, flags: Flags, io: Io): void {
  const { scenario, variant, failure, expected, wallMs } = summaryOf(finding);
  const title = failure?.title ?? 'no failure, where one is stated';
  const wrong = expected ? {} : { wrong: { title, text: failure?.text ?? title } };
  const name = `${scenario} ${variant}`;
  reportToCi('explore', [{ name, seconds: wallMs / 1_000, ...wrong }], flags, io);
}

/** `abba (bad, v7.2): two tasks …`: there before the work begins, which may take long. */
function headingOf({ scenario, variantName, profile }: Omit<Subject, 'catalog'>): string {
  return `${scenario.name} (${variantName}, ${profile}): ${scenario.about}`;
}

interface Presented {
  readonly result: Finding['shown'] & {};
  readonly token: string;
  readonly shrunkToken: string | null;
  readonly detailed: Detailed;
}

/** Shrinks what was found, and runs it once more in full. */
async function present(
  subject: Subject,
  world: World,
  found: Found,
  flags: { readonly shrink: boolean; readonly seed: number },
  io: Io,
): Promise<Presented> {
  if (subject.scenario.timed) return presentOnly(subject, world, found);
  const isDivergent = found.result.failures.some(({ kind }) => kind === 'divergence');
  if (!flags.shrink || isDivergent) {
    const detailed = rerun(subject, world, found.result);
    const token = tokenAsFound(subject, found, flags.seed, detailed.names);
    return { result: found.result, token, shrunkToken: null, detailed };
  }
  const token = tokenAsFound(subject, found, flags.seed);
  const { result } = await shrinkFound(subject, world, found, io);
  const detailed = rerun(subject, world, result);
  const shrunkToken = scheduleToken(subject, 'explore', result.schedule, detailed.names);
  return { result, token, shrunkToken, detailed };
}

/** The run in simulated time, which has no choices, and was made in full. */
function presentOnly(subject: Subject, { trace }: World, { result }: Found): Presented {
  const token = scheduleToken(subject, 'timed', result.schedule);
  const detailed = { result, lines: trace.lines, names: [], misfitCount: 0 };
  return { result, token, shrunkToken: token, detailed };
}

function tokenAsFound(
  subject: Subject,
  found: Found,
  seed: number,
  names?: readonly NamedDeviation[],
): string {
  const { strategyName: strategy, run, result } = found;
  if (!isBySeed(strategy)) return scheduleToken(subject, 'explore', result.schedule, names);
  return seedToken(subject, 'explore', { strategy, seed, run });
}
