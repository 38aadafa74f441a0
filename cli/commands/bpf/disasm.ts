import { InputError } from '../../../base/errors.ts';
import { isElf } from '../../../bpf/elf/parse.ts';
import { HELPERS } from '../../../bpf/helpers/table.ts';
import { decodeProgram } from '../../../bpf/isa/decode.ts';
import { disasmLine, disasmProgram, type DisasmNames } from '../../../bpf/isa/disasm.ts';
import { INSN_BYTES, type Insns } from '../../../bpf/isa/insn.ts';
import { openObject } from '../../../bpf/object/open.ts';
import { EXIT, type Command } from '../../command.ts';
import { bytesOfHex } from '../../hex.ts';
import { parse, parser } from '../../options.ts';
import { readInputOrStdin } from '../../read-file.ts';
import { relocationsOf } from './relocations.ts';

const SUMMARY = "bytecode as text, in the spelling of the verifier's log; bpf asm takes it back";
const EXAMPLE = 'bohrbug bpf disasm exec-events.bpf.o --prog on_exec';
const helpers = new Map(HELPERS.map(({ name, id }) => [id, name]));
const NAMES: DisasmNames = {
  callee: ({ target, imm }) => (target === 'helper' ? helpers.get(imm) : undefined),
};

export const disasmCommand: Command = {
  name: 'disasm',
  summary: 'the text of bytecode, or of an object',
  async run(args, io) {
    const command = parse(
      parser('bpf disasm', SUMMARY, EXAMPLE, io)
        .argument('<file>', 'an object for BPF, or bytecode, bare or in hex; - is stdin')
        .option('--prog <name>', 'only this function of the object'),
      args,
    );
    if (command === undefined) return EXIT.expected;
    const { prog } = command.opts<{ readonly prog?: string }>();
    const path = command.args[0]!;
    const bytes = await readInputOrStdin(path, io);
    if (!isElf(bytes) && prog !== undefined) {
      throw new InputError(`--prog: ${path} is no object, and has no functions`);
    }
    const lines = isElf(bytes) ? objectLines(bytes, path, prog) : bareLines(bytes, path);
    if (lines.length > 0) io.out(lines.join('\n'));
    return EXIT.expected;
  },
};

function bareLines(bytes: Uint8Array, path: string): string[] {
  const isText = bytes.every((byte) => byte === 9 || byte === 10 || byte === 13 || isPrint(byte));
  const code = isText ? bytesOfHex(new TextDecoder().decode(bytes), path) : bytes;
  return disasmProgram(decoded(code, path), NAMES);
}

function isPrint(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

/** Each function by itself, with what is to be relocated as a comment. */
function objectLines(bytes: Uint8Array, path: string, only: string | undefined): string[] {
  const object = openObject(bytes, path);
  const functions = object.functions.filter(({ name }) => only === undefined || name === only);
  if (only !== undefined && functions.length === 0) {
    const names = object.functions.map(({ name }) => name).join(', ');
    throw new InputError(`--prog: no function '${only}' in ${path}, which has ${names || 'none'}`);
  }
  const relocations = relocationsOf(object);
  return functions.flatMap(({ name, section, code }, i) => {
    const about = new Map<number, string[]>();
    for (const row of relocations.filter((found) => found.function === name)) {
      about.set(row.slot, [...(about.get(row.slot) ?? []), row.about]);
    }
    const lines = decoded(code, `${path}: ${name}`).flatMap((insn, slot) => {
      if (!insn) return [];
      const comment = about.get(slot)?.map((text) => ` ; ${text}`) ?? [];
      return [disasmLine(insn, slot, NAMES) + comment.join('')];
    });
    return [...(i > 0 ? [''] : []), `; ${section}: ${name}`, ...lines];
  });
}

function decoded(code: Uint8Array, what: string): Insns {
  if (code.length % INSN_BYTES !== 0) {
    throw new InputError(`${what}: ${code.length} bytes, expected ${INSN_BYTES} an instruction`);
  }
  const insns = decodeProgram(code);
  if ('message' in insns) {
    throw new InputError(`${what}: instruction ${insns.slot}: ${insns.message}`);
  }
  return insns;
}
