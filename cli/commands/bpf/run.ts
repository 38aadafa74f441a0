import { InputError } from '../../../base/errors.ts';
import { LoadError } from '../../../bpf/user/load-error.ts';
import type { TestRunResult } from '../../../bpf/user/calls.ts';
import { ENGINE_CHOICES, type EngineChoice } from '../../../bpf/vm/select.ts';
import { ENOTSUPP, errnoText } from '../../../kernel/errno.ts';
import type { Profile } from '../../../kernel/profile.ts';
import { PROFILES } from '../../../kernel/profile.ts';
import { BpfSandbox, type TestObject } from '../../../scenarios/bpf-object.ts';
import { EXIT, type Command, type ExitCode, type Io } from '../../command.ts';
import { foreignOption, withForeignTypes, type ForeignFlags } from '../../foreign.ts';
import { parse, parser, profileFlag, unknown, wholeFlag } from '../../options.ts';
import { bytesOfHex, hex } from '../../hex.ts';
import { readInput } from '../../read-file.ts';

const SUMMARY =
  'load an object into a fresh kernel and run one of its programs there by BPF_PROG_TEST_RUN';
const EXAMPLE = 'bohrbug bpf run filter.bpf.o --prog drop_small --ctx packet.bin';
const PACKET_OUT_BYTES = 4096;

interface Flags extends ForeignFlags {
  readonly prog?: string;
  readonly ctx?: string;
  readonly repeat: number;
  readonly engine: string;
  readonly profile?: Profile;
  readonly json?: boolean;
}

export const runObjectCommand: Command = {
  name: 'run',
  summary: 'load an object and run a program of it',
  async run(args, io) {
    const command = parse(
      foreignOption(parser('bpf run', SUMMARY, EXAMPLE, io))
        .argument('<file>', 'an object that clang made for BPF')
        .option('--prog <name>', 'the program (default: the only one)')
        .option('--ctx <hex|file>', 'its context, or the packet of a socket filter')
        .option('--repeat <n>', 'runs', wholeFlag('--repeat', 1), 1)
        .option('--engine <name>', ENGINE_CHOICES.join(', '), 'auto')
        .option('--profile <name>', `the kernel's version: ${PROFILES.join(', ')}`, profileFlag)
        .option('--json', 'one JSON document'),
      args,
    );
    if (command === undefined) return EXIT.expected;
    const flags = command.opts<Flags>();
    return withForeignTypes(flags, io, () => runObject(command.args[0]!, flags, io));
  },
};

function runObject(path: string, flags: Flags, io: Io): ExitCode {
  const engine = ENGINE_CHOICES.find((name) => name === flags.engine);
  if (!engine) throw unknown('engine', flags.engine, ENGINE_CHOICES);
  const { profile } = flags;
  const sandbox = new BpfSandbox({
    bpf: { engine: engine as EngineChoice },
    ...(profile ? { profile } : {}),
  });
  const object = sandbox.openBytes(readInput(path, io), path);
  const name = programName(object, flags.prog, path);
  for (const program of object.object.programs) program.isWanted = program.name === name;
  try {
    object.load();
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    io.err(`bohrbug: ${error.message}`);
    return EXIT.unexpected;
  }
  const result = runRepeatedly(object, name, flags, io);
  if (result.result === -ENOTSUPP) {
    const { section } = object.object.program(name).spec;
    throw new InputError(
      `${path}: prog '${name}' in section '${section}' cannot be run by itself: ` +
        'attach it in a scenario',
    );
  }
  if (result.result < 0) throw new InputError(`${path}: ${errnoText(result.result)}`);
  const report = reportOf(object, name, path, { ...result, output: sandbox.output });
  io.out(flags.json ? JSON.stringify(report) : textOf(report));
  return EXIT.expected;
}

function programName(object: TestObject, wanted: string | undefined, path: string): string {
  const names = Object.keys(object.programs);
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw unknown(`program in ${path}`, wanted, names);
  }
  if (names.length === 1) return names[0]!;
  throw new InputError(`${path}: --prog is missing, expected one of ${names.join(', ')}`);
}

/** A packet for a socket filter, a context for all others, which the kernel runs once a call. */
function runRepeatedly(object: TestObject, name: string, flags: Flags, io: Io): TestRunResult {
  const { repeat, ctx } = flags;
  const program = object.programs[name]!;
  const bytes = ctx === undefined ? undefined : contextBytes(ctx, io);
  if (object.object.program(name).spec.info?.type === 'SOCKET_FILTER') {
    const dataIn = bytes ?? new Uint8Array(64);
    return program.run({ dataIn, repeat, dataOutBytes: PACKET_OUT_BYTES });
  }
  const input = bytes ? { ctxIn: bytes } : {};
  for (let i = 1; i < repeat; i++) program.run(input);
  return program.run(input);
}

function contextBytes(text: string, io: Io): Uint8Array {
  return /^[\da-f\s]*$/i.test(text) && text.replaceAll(/\s/g, '').length % 2 === 0
    ? bytesOfHex(text, '--ctx')
    : readInput(text, io);
}

interface Report {
  readonly file: string;
  readonly prog: string;
  readonly retval: number;
  readonly durationNs: number;
  readonly runCount: number;
  readonly runTimeNs: number;
  readonly ctxOut: string;
  readonly dataOut: string;
  readonly maps: Readonly<Record<string, readonly { key: string; value: string }[]>>;
  readonly output: readonly string[];
}

function reportOf(
  object: TestObject,
  prog: string,
  file: string,
  run: {
    retval: number;
    durationNs: number;
    ctxOut: Uint8Array;
    dataOut: Uint8Array;
    output: readonly string[];
  },
): Report {
  const { runCount, runTimeNs } = object.programs[prog]!.stats;
  const maps = object.object.maps.map(({ name }): [string, { key: string; value: string }[]] => [
    name,
    object
      .map(name)
      .entries()
      .map(({ key, value }) => ({ key: hex(key), value: hex(value) })),
  ]);
  return {
    file,
    prog,
    retval: run.retval,
    durationNs: run.durationNs,
    runCount,
    runTimeNs,
    ctxOut: hex(run.ctxOut),
    dataOut: hex(run.dataOut),
    maps: Object.fromEntries(maps),
    output: run.output,
  };
}

function textOf(report: Report): string {
  const { prog, retval, runCount, runTimeNs, ctxOut, maps, output } = report;
  const lines = [
    ...output,
    `${prog}: returns ${retval} (0x${retval.toString(16)}); ` +
      `${runCount} ${runCount === 1 ? 'run' : 'runs'}, ${runTimeNs} ns of virtual time`,
    ...(ctxOut === '' ? [] : [`context after it: ${ctxOut}`]),
  ];
  for (const [name, entries] of Object.entries(maps)) {
    lines.push(`map ${name}: ${entries.length} ${entries.length === 1 ? 'element' : 'elements'}`);
    const shown = entries.slice(0, SHOWN_MAX);
    lines.push(...shown.map(({ key, value }) => `  ${key}: ${value}`));
    if (entries.length > SHOWN_MAX) lines.push(`  … ${entries.length - SHOWN_MAX} more`);
  }
  return lines.join('\n');
}

const SHOWN_MAX = 16;
