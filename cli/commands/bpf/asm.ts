import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../../../base/errors.ts';
import { HELPERS } from '../../../bpf/helpers/table.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { INSN_BYTES } from '../../../bpf/isa/insn.ts';
import { EXIT, type Command } from '../../command.ts';
import { parse, parser } from '../../options.ts';
import { readInputOrStdin } from '../../read-file.ts';

const SUMMARY =
  "bytecode, in hex, from its text: as in the verifier's log, r1 = *(u64 *)(r10 -8),\n" +
  'or as in ubpf and bpf_conformance, ldxdw %r1, [%r10-8]';
const EXAMPLE = "echo 'r0 = 42; exit' | tr ';' '\\n' | bohrbug bpf asm - | bohrbug bpf exec";
const helpers = new Map(HELPERS.map(({ name, id }) => [name, id]));

export const asmCommand: Command = {
  name: 'asm',
  summary: 'bytecode, in hex, from its text',
  async run(args, io) {
    const command = parse(
      parser('bpf asm', SUMMARY, EXAMPLE, io)
        .argument('<file>', 'the text, an instruction a line; - is stdin')
        .option('-o, --output <file>', 'write the bytes there, not as hex'),
      args,
    );
    if (command === undefined) return EXIT.expected;
    const { output } = command.opts<{ readonly output?: string }>();
    const path = command.args[0]!;
    const text = new TextDecoder().decode(await readInputOrStdin(path, io));
    const bytes = encodeProgram(inFile(path, () => assemble(text, { helper: idOf })));
    if (output === undefined) {
      if (bytes.length > 0) io.out(hexLines(bytes));
    } else {
      writeBytes(resolve(io.cwd, output), output, bytes);
    }
    return EXIT.expected;
  },
};

function idOf(name: string): number | undefined {
  return helpers.get(name);
}

/** Says in which file an error is. */
function inFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${path}: ${error.message}`);
    throw error;
  }
}

/** A slot a line. */
function hexLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += INSN_BYTES) {
    const slot = [...bytes.subarray(at, at + INSN_BYTES)];
    lines.push(slot.map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  return lines.join('\n');
}

function writeBytes(file: string, shown: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    throw new InputError(`${shown}: cannot be written: ${(error as Error).message}`);
  }
}
