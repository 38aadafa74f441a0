import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../bpf/isa/asm.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { bohrbug } from '../../cli/kit.ts';

const FOLDER = new URL('../../data/conformance/', import.meta.url);

/** A case of the conformance suite's format: sections that begin with `-- name`. */
function sectionsOf(text: string): Record<string, string> {
  const parts = text.split(/^-- *(.*)$/m);
  const sections: Record<string, string> = {};
  for (let i = 1; i < parts.length; i += 2) sections[parts[i]!.trim()] = parts[i + 1]!.trim();
  return sections;
}

/** As the suite passes bytes: two digits each, and blanks. */
const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => `${byte.toString(16).padStart(2, '0')}  `).join('');

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.data'));

describe.each(['interp', 'jit'])('bohrbug bpf exec --engine %s', (engine) => {
  test.each(files)('%s', async (name) => {
    const { asm, mem = '', result } = sectionsOf(readFileSync(new URL(name, FOLDER), 'utf8'));
    const memory = mem.split(/\s+/).join('  ');
    const code = `${hexOf(encodeProgram(assemble(asm!)))}\n`;
    const ran = await bohrbug(['bpf', 'exec', memory, '--engine', engine], {
      readStdin: () => Promise.resolve(new TextEncoder().encode(code)),
    });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/^[\da-f]+$/);
    // The suite compares 32 bits.
    expect(BigInt(`0x${ran.out}`) & 0xffff_ffffn).toBe(BigInt(result!) & 0xffff_ffffn);
  });
});
