import { EXIT, type Command, type ExitCode, type Io } from '../command.ts';
import { conclude, type ShowFlags } from '../finding.ts';
import { foreignOption, withForeignTypes } from '../foreign.ts';
import { showLog } from '../log.ts';
import { parse, parser } from '../options.ts';
import { isFolder, recheckAll, type Recheck, type RecheckRow } from '../recheck.ts';
import { reportToCi, type CiFlags } from '../render/ci.ts';
import { runToken } from '../token-run.ts';

const SUMMARY = 'one run again, exactly';
const EXAMPLE = 'bohrbug replay B1.lost-update.EAEHAQ.3b1c09ae --trace';

interface Flags extends ShowFlags, CiFlags {
  readonly log?: boolean;
}

export const replayCommand: Command = {
  name: 'replay',
  summary: 'one run again, exactly',
  async run(args, io) {
    const command = foreignOption(parser('replay', SUMMARY, EXAMPLE, io))
      .argument('<token|file|dir>', 'a token, a file that explore wrote, or a folder of them')
      .option('--trace', 'print every event of the run')
      .option('--all', 'show every step where it fails')
      .option('-v, --log', "print the kernel's log, on stderr")
      .option('--junit <file>', 'of a folder: write what came out as JUnit XML')
      .option('--github', 'of a folder: tell GitHub of failures, as annotations')
      .option('--json', 'one JSON document; of a folder, one object a line');
    const parsed = parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<Flags>();
    const given = parsed.args[0]!;
    return withForeignTypes(flags, io, () =>
      isFolder(given, io) ? replayFolder(given, flags, io) : replay(given, flags, io),
    );
  },
};

/** Every saved failure of a folder: 0 where none is left, and none has become another. */
async function replayFolder(folder: string, flags: Flags, io: Io): Promise<ExitCode> {
  const rows: RecheckRow[] = [];
  for await (const row of recheckAll(folder, io)) {
    rows.push(row);
    if (flags.json) io.out(JSON.stringify(row));
    else io.out(`${row.status.padEnd(8)}  ${row.file}  ${row.title || row.was}`);
  }
  const countOf = (status: Recheck) => rows.filter((row) => row.status === status).length;
  if (!flags.json) {
    const counts = (['FIXED', 'FAILED', 'DIVERGED'] as const).map((s) => `${countOf(s)} ${s}`);
    io.out(`${rows.length} saved: ${counts.join(', ')}`);
  }
  const cases = rows.map(({ file, status, title, now, wallMs }) => ({
    name: file,
    seconds: wallMs / 1_000,
    ...(status !== 'FIXED' && { wrong: { title: `${status}: ${title}`, text: now ?? title } }),
  }));
  reportToCi('replay', cases, flags, io);
  return countOf('FIXED') === rows.length ? EXIT.expected : EXIT.unexpected;
}

async function replay(given: string, flags: Flags, io: Io): Promise<ExitCode> {
  const beganMs = io.nowMs();
  const { token, text, subject, world, result, detailed } = await runToken(given, io);
  if (flags.log) await showLog(world, io);
  const isSchedule = token.form === 'schedule';
  const finding = {
    subject,
    strategy: isSchedule ? 'replay' : token.strategy,
    seed: isSchedule ? null : token.seed,
    expected: subject.catalog.expected(subject.variant, result),
    exhausted: false,
    runs: 1,
    steps: result.stepCount,
    shown: result,
    foundBy: null,
    token: text,
    shrunkToken: null,
    wallMs: io.nowMs() - beganMs,
  };
  return conclude(finding, detailed, flags, io);
}
