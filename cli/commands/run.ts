import { InputError } from '../../base/errors.ts';
import { strategyByName, isBySeed } from '../../sim/strategies/by-name.ts';
import type { Course, Courses } from '../../scenarios/protection/course.ts';
import type { World } from '../catalog.ts';
import { EXIT, type Command, type ExitCode, type Io } from '../command.ts';
import { conclude } from '../finding.ts';
import { withForeignTypes } from '../foreign.ts';
import { showLog } from '../log.ts';
import * as options from '../options.ts';
import { comparisonText } from '../render/comparison.ts';
import { thousands } from '../render/status.ts';
import { rerun, runNumber } from '../search.ts';
import { scheduleToken, seedToken, subjectOf, worldOf } from '../subject.ts';

const SUMMARY =
  'One run. Without --strategy in simulated time, where the CPU that is least far ahead steps ' +
  'next; with it, as the strategy says.';
const EXAMPLE = 'bohrbug run autofs-closemount --strategy random --seed 7 --trace';

/** Of what programs have printed: so much is shown as it is, of more the end. */
const PIPE_LINES_MAX = 1_000;
const PIPE_LINES_LAST = 20;
const TABLE_WIDTH_MAX = 120;

interface Flags extends options.SubjectFlags {
  readonly strategy?: string;
  readonly seed: number;
  readonly json?: boolean;
  readonly trace?: boolean;
  readonly all?: boolean;
  readonly log?: boolean;
}

export const runCommand: Command = {
  name: 'run',
  summary: 'one run of a scenario, in simulated time',
  async run(args, io) {
    const command = options.subjectOptions(options.parser('run', SUMMARY, EXAMPLE, io));
    options
      .seedOption(command)
      .option('--strategy <name>', 'who chooses among what can happen next (see list)')
      .option('--trace', 'print every event of the run')
      .option('--all', 'show every step where it fails')
      .option('-v, --log', "print the kernel's log, on stderr")
      .option('--json', 'one JSON document');
    const parsed = options.parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<Flags>();
    return withForeignTypes(flags, io, () => run(parsed.args[0]!, flags, io));
  },
};

async function run(ref: string, flags: Flags, io: Io): Promise<ExitCode> {
  const beganMs = io.nowMs();
  const { seed, memoryModel = 'sc' } = flags;
  if (flags.strategy === undefined && memoryModel !== 'sc') {
    throw new InputError(`run: --memory-model ${memoryModel} needs a --strategy, random say`);
  }
  const mode = flags.strategy === undefined ? 'timed' : 'explore';
  strategyByName(flags.strategy ?? 'stay', { seed, memoryModel }); // complains before any work
  const subject = await subjectOf(ref, flags, io);
  const options = { seed, memoryModel: subject.memoryModel };
  const strategy = strategyByName(flags.strategy ?? 'stay', options);
  const world = worldOf(subject, mode);
  // A scenario about time may be long: its run is not made twice, though it may show nothing.
  const isLong = subject.scenario.timed === true && mode === 'timed';
  world.detailed = isLong;
  const isWatched = [...subject.policy, ...subject.variant.policy].length > 0;
  const courses = isWatched ? await watched(world) : undefined;
  const shown = runNumber(subject, world, strategy, 0)!;
  const programs = courses?.all(shown);
  const { name } = strategy;
  const finding = {
    subject,
    strategy: flags.strategy ?? 'timed',
    seed,
    expected: subject.catalog.expected(subject.variant, shown),
    exhausted: strategy.exhausted,
    runs: 1,
    steps: shown.stepCount,
    shown,
    foundBy: null,
    token: isBySeed(name)
      ? seedToken(subject, mode, { strategy: name, seed, run: 0 })
      : scheduleToken(subject, mode, shown.schedule),
    shrunkToken: null,
    wallMs: io.nowMs() - beganMs,
    programs,
  };
  const isWanted = shown.failures.length > 0 || flags.trace || flags.log;
  const inFull = { result: shown, lines: world.trace.lines, names: [], misfitCount: 0 };
  const detailed = isWanted ? (isLong ? inFull : rerun(subject, world, shown)) : undefined;
  if (flags.log) await showLog(world, io);
  if (!flags.json) {
    for (const line of pipeLines(world)) io.out(line);
    if (programs) await showPrograms(programs, io);
  }
  return conclude(finding, detailed, flags, io);
}

/** Somebody who looks on at the programs of the next run. */
async function watched(world: World): Promise<Courses> {
  const { Courses } = await import('../../scenarios/protection/course.ts');
  return new Courses(world);
}

async function showPrograms(programs: readonly Course[], io: Io): Promise<void> {
  const { coursesTable } = await import('../../scenarios/protection/course-table.ts');
  io.out(comparisonText(coursesTable(programs), Math.min(io.width, TABLE_WIDTH_MAX)));
}

/** Of programs that print on and on, the last lines. */
function pipeLines(world: World): readonly string[] {
  const lines = world.tracePipe;
  if (lines.length <= PIPE_LINES_MAX) return lines;
  const last = lines.slice(-PIPE_LINES_LAST);
  const { count } = world.kernel.machine.tracePipe;
  return [`… ${thousands(count - last.length)} lines before these`, ...last];
}
