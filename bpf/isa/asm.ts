import { InputError } from '../../base/errors.ts';
import { ubpfStatement } from './asm-ubpf.ts';
import { logStatement } from './asm-log.ts';
import { withTarget, type AsmNames, type Statement } from './asm-statement.ts';
import type { Insn, Insns } from './insn.ts';

export type { AsmNames } from './asm-statement.ts';

const LABEL = /^([A-Za-z_.$][\w.$]*):(?!\S)\s*/;
/** What the log puts before an instruction: its number, and its opcode. */
const LOG_PREFIX = /^(?:\d+:)?\s*(?:\([\da-f]{2}\))?\s*/;
/** A `#` inside a word is the number of a function. */
const COMMENT = /;.*|(?:^|\s)(?:#|\/\/).*/;

/**
 * A program from its text, an instruction a line, in the spelling of the verifier's log
 * (`r1 = *(u64 *)(r10 -8)`, with or without its numbers) or of ubpf and the conformance suite
 * (`ldxdw %r1, [%r10-8]`), mixed as one likes. `name:` is a label, which jumps and calls may go to;
 * where `exit` is none, it is the first exit. `;`, `#` and `//` begin comments.
 *
 * `r1 = 5` is a mov; `r1 = 0x5` and `r1 = 5 ll` load 64 bits, from two slots.
 *
 * Throws InputError with the line.
 */
export function assemble(text: string, names: AsmNames = {}): Insns {
  const insns: (Insn | null)[] = [];
  const labels = new Map<string, number>();
  const jumps: { slot: number; label: string; line: number }[] = [];
  let firstExit: number | undefined;
  text.split('\n').forEach((source, i) => {
    const line = i + 1;
    let rest = source.replace(COMMENT, '').trim();
    for (let label = LABEL.exec(rest); label; label = LABEL.exec(rest)) {
      const name = label[1]!;
      if (labels.has(name)) throw new InputError(`line ${line}: label '${name}' stands here again`);
      labels.set(name, insns.length);
      rest = rest.slice(label[0].length);
    }
    rest = rest.replace(LOG_PREFIX, '').replaceAll(/\s+/g, ' ');
    if (rest === '') return;
    const { insn, label } = statementOf(rest, names, line);
    if (label !== undefined) jumps.push({ slot: insns.length, label, line });
    if (insn.kind === 'exit') firstExit ??= insns.length;
    insns.push(insn);
    if (insn.kind === 'ld_imm64') insns.push(null);
  });
  if (firstExit !== undefined && !labels.has('exit')) labels.set('exit', firstExit);
  for (const { slot, label, line } of jumps) {
    const to = labels.get(label);
    if (to === undefined) throw new InputError(`line ${line}: no label '${label}'`);
    insns[slot] = at(line, () => withTarget(insns[slot]!, to - slot - 1));
  }
  return insns;
}

function statementOf(text: string, names: AsmNames, line: number): Statement {
  const statement = at(line, () => ubpfStatement(text, names) ?? logStatement(text));
  if (!statement) throw new InputError(`line ${line}: '${text}' is no instruction`);
  return statement;
}

/** Says at which line an error is. */
function at<T>(line: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`line ${line}: ${error.message}`);
    throw error;
  }
}
