import { EXIT, type Command, type Io } from '../../command.ts';
import { unknown } from '../../options.ts';

/** A command whose code is loaded when it is called: most need much of bpf/. */
interface Row {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}

const ROWS: readonly Row[] = [
  {
    name: 'asm',
    summary: 'bytecode, in hex, from its text',
    load: async () => (await import('./asm.ts')).asmCommand,
  },
  {
    name: 'disasm',
    summary: 'the text of bytecode, or of an object',
    load: async () => (await import('./disasm.ts')).disasmCommand,
  },
  {
    name: 'dump',
    summary: 'what is in an object',
    load: async () => (await import('./dump.ts')).dumpCommand,
  },
  {
    name: 'exec',
    summary: 'run bytecode on stdin, and print r0',
    load: async () => (await import('./exec.ts')).execCommand,
  },
  {
    name: 'run',
    summary: 'load an object and run a program of it',
    load: async () => (await import('./run.ts')).runObjectCommand,
  },
  {
    name: 'verify',
    summary: "the verifier's verdict on the programs of objects",
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  {
    name: 'vmlinux-h',
    summary: "the simulated kernel's types, as a header",
    load: async () => (await import('./vmlinux-h.ts')).vmlinuxHCommand,
  },
];

export const bpfCommand: Command = {
  name: 'bpf',
  summary: 'programs: look into objects, run bytecode',
  async run([first = '--help', ...rest], io) {
    if (first === '--help' || first === '-h' || first === 'help') return showHelp(io);
    const row = ROWS.find(({ name }) => name === first);
    if (row === undefined) {
      throw unknown(
        'command of bpf',
        first,
        ROWS.map(({ name }) => name),
      );
    }
    return (await row.load()).run(rest, io);
  },
};

function showHelp(io: Io): typeof EXIT.expected {
  const lines = ROWS.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`);
  io.out(
    [
      'Usage: bohrbug bpf <command> …',
      '',
      'Commands:',
      ...lines,
      '',
      '  bohrbug bpf <command> --help   the flags of a command, with an example',
    ].join('\n'),
  );
  return EXIT.expected;
}
