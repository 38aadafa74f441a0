import { InputError } from '../../../base/errors.ts';
import { decodeProgram } from '../../../bpf/isa/decode.ts';
import { INSN_BYTES } from '../../../bpf/isa/insn.ts';
import { jit } from '../../../bpf/jit/jit.ts';
import type { EngineMaker } from '../../../bpf/vm/engine.ts';
import { EXEC_MEMORY_MAX, exec } from '../../../bpf/vm/exec.ts';
import { executableOf } from '../../../bpf/vm/executable.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { EXIT, type Command } from '../../command.ts';
import { bytesOfHex } from '../../hex.ts';
import { parse, parser } from '../../options.ts';

const SUMMARY =
  'run bytecode, in hex on stdin, with r1 the address of the memory and r2 its size;\n' +
  'print r0 in hex, as a plug-in for the bpf_conformance suite does';
const EXAMPLE = "echo 'b7 00 00 00 2a 00 00 00 95 00 00 00 00 00 00 00' | bohrbug bpf exec";
const ENGINES = new Map<string, EngineMaker>([interp, jit].map((maker) => [maker.name, maker]));
/** kernel/bpf/verifier.c: BPF_COMPLEXITY_LIMIT_INSNS */
const PROGRAM_BYTES_MAX = 1_000_000 * INSN_BYTES;
/** A program that takes longer does not end: half a second on the faster engine. */
const INSNS_MAX = 1_000_000_000;

interface Flags {
  readonly engine: string;
  readonly program?: string;
}

export const execCommand: Command = {
  name: 'exec',
  summary: 'run bytecode on stdin, and print r0',
  async run(args, io) {
    const command = parse(
      parser('bpf exec', SUMMARY, EXAMPLE, io)
        .argument('[memory]', 'bytes in hex', '')
        .option('--program <hex>', 'the bytecode, instead of stdin')
        .option('--engine <name>', 'interp or jit', 'jit'),
      // The suite passes an empty argument where it has no options.
      args.filter((arg, i) => i === 0 || arg !== ''),
    );
    if (command === undefined) return EXIT.expected;
    const { engine, program } = command.opts<Flags>();
    const maker = ENGINES.get(engine);
    if (!maker) throw new InputError(`--engine: '${engine}' is neither interp nor jit`);
    const memory = bytesOfHex(command.args[0] ?? '', 'memory');
    if (memory.length > EXEC_MEMORY_MAX) {
      throw new InputError(
        `memory: ${memory.length} bytes, at most ${EXEC_MEMORY_MAX} are allowed`,
      );
    }
    const code = codeOf(
      bytesOfHex(program ?? new TextDecoder().decode(await io.readStdin()), 'program'),
    );
    const insns = decodeProgram(code);
    const executable = 'message' in insns ? insns : executableOf(insns);
    if ('message' in executable) {
      io.err(executable.message);
      return EXIT.unexpected;
    }
    const result = exec(executable, maker, memory, INSNS_MAX);
    if ('error' in result) io.err(result.error);
    else io.out(result.r0.toString(16));
    return 'error' in result ? EXIT.unexpected : EXIT.expected;
  },
};

function codeOf(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length === 0 || length % INSN_BYTES !== 0) {
    throw new InputError(`program: ${length} bytes, expected instructions of ${INSN_BYTES} each`);
  }
  if (length > PROGRAM_BYTES_MAX) {
    throw new InputError(`program: ${length} bytes, at most ${PROGRAM_BYTES_MAX} are allowed`);
  }
  return bytes;
}
