import { InputError } from '../base/errors.ts';
import { EXIT, type Command, type ExitCode, type Io } from './command.ts';
import { packageVersion } from './package.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  /** Loaded when it is called: what other commands need costs this one nothing. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: readonly Entry[] = [
  {
    name: 'list',
    summary: 'scenarios, strategies, profiles and mutations',
    load: async () => (await import('./commands/list.ts')).listCommand,
  },
  {
    name: 'run',
    summary: 'one run of a scenario, in simulated time',
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  {
    name: 'explore',
    summary: 'run after run until a failure or the end; shrinks what it finds',
    load: async () => (await import('./commands/explore.ts')).exploreCommand,
  },
  {
    name: 'replay',
    summary: 'one run again, exactly',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  {
    name: 'hazards',
    summary: 'every hazard of the specs, both variants, as a table',
    load: async () => (await import('./commands/hazards.ts')).hazardsCommand,
  },
  {
    name: 'trace',
    summary: 'the events of one run',
    load: async () => (await import('./commands/trace.ts')).traceCommand,
  },
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
  const entry = COMMANDS.find(({ name }) => name === first);
  if (entry === undefined) {
    const { unknown } = await import('./options.ts');
    throw unknown(
      'command',
      first,
      COMMANDS.map(({ name }) => name),
    );
  }
  return (await entry.load()).run(rest, io);
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
