import { InputError } from '../base/errors.ts';
import { EXIT, type Command, type ExitCode, type Io } from './command.ts';
import { bpfCommand } from './commands/bpf/bpf.ts';
import { compareCommand } from './commands/compare.ts';
import { exploreCommand } from './commands/explore.ts';
import { fuzzCommand } from './commands/fuzz.ts';
import { hazardsCommand } from './commands/hazards.ts';
import { listCommand } from './commands/list.ts';
import { litmusCommand } from './commands/litmus.ts';
import { mergeCommand } from './commands/merge.ts';
import { replayCommand } from './commands/replay.ts';
import { runCommand } from './commands/run.ts';
import { traceCommand } from './commands/trace.ts';
import { unknown } from './options.ts';
import { packageVersion } from './package.ts';

const COMMANDS: readonly Command[] = [
  listCommand,
  runCommand,
  exploreCommand,
  replayCommand,
  hazardsCommand,
  fuzzCommand,
  mergeCommand,
  litmusCommand,
  compareCommand,
  traceCommand,
  bpfCommand,
];

/** Does what the arguments ask; every way to fail becomes an exit code here. */
export async function dispatch(args: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await call(args, io);
  } catch (error) {
    io.status('');
    if (error instanceof InputError) {
      io.err(`bohrbug: ${error.message.replaceAll(/\s*\n\s*/g, ' ')}`);
      return EXIT.input;
    }
    io.err(`bohrbug: this is a bug of Bohrbug ${packageVersion()}, please report it`);
    io.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.bug;
  }
}

async function call(args: readonly string[], io: Io): Promise<ExitCode> {
  const [first = '--help', ...rest] = args;
  if (first === '--version' || first === '-V') {
    io.out(packageVersion());
    return EXIT.expected;
  }
  if (first === 'help' && rest.length > 0) return call([rest[0]!, '--help'], io);
  if (first === '--help' || first === '-h' || first === 'help') {
    io.out(help());
    return EXIT.expected;
  }
  const command = COMMANDS.find(({ name }) => name === first);
  if (command === undefined) {
    throw unknown(
      'command',
      first,
      COMMANDS.map(({ name }) => name),
    );
  }
  return command.run(rest, io);
}

function help(): string {
  return [
    'Usage: bohrbug <command> …',
    '',
    'Runs a small Linux kernel deterministically: finds, shrinks and replays lifetime bugs.',
    '',
    'Commands:',
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`),
    '',
    '  bohrbug <command> --help   the flags of a command, with an example',
    '  bohrbug --version          the version',
    '',
    'Exit codes: 0 as expected, 1 not as expected, 2 bad input, 70 a bug of Bohrbug itself',
    '',
    'Example:',
    '  $ bohrbug explore autofs-closemount',
  ].join('\n');
}
