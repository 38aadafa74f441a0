import { EXIT, type Command, type ExitCode, type Io } from '../command.ts';
import { conclude, type ShowFlags } from '../finding.ts';
import { foreignOption, withForeignTypes } from '../foreign.ts';
import { showLog } from '../log.ts';
import { parse, parser } from '../options.ts';
import { runToken } from '../token-run.ts';

const SUMMARY = 'one run again, exactly';
const EXAMPLE = 'bohrbug replay B1.lost-update.EAEHAQ.3b1c09ae --trace';

interface Flags extends ShowFlags {
  readonly log?: boolean;
}

export const replayCommand: Command = {
  name: 'replay',
  summary: 'one run again, exactly',
  async run(args, io) {
    const command = foreignOption(parser('replay', SUMMARY, EXAMPLE, io))
      .argument('<token|file>', 'a token, or a file that explore --save wrote')
      .option('--trace', 'print every event of the run')
      .option('--all', 'show every step where it fails')
      .option('-v, --log', "print the kernel's log, on stderr")
      .option('--json', 'one JSON document');
    const parsed = parse(command, args);
    if (parsed === undefined) return EXIT.expected;
    const flags = parsed.opts<Flags>();
    return withForeignTypes(flags, io, () => replay(parsed.args[0]!, flags, io));
  },
};

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
