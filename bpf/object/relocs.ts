import { InputError } from '../../base/errors.ts';
import type { ElfSymbol, Relocation, Section } from '../elf/elf.ts';
import { SHN_LORESERVE, SHN_UNDEF } from '../elf/parse.ts';
import { rawInsn } from '../isa/decode.ts';
import { CALL_TARGETS, CODE } from '../isa/ops.ts';
import type { Opening } from './open-parts.ts';
import type { Reloc } from './spec.ts';

const INSN_BYTES = 8;
const SHF_EXECINSTR = 0x4;
const JUMP_TABLES = '.jumptables';
const ENTRY_BYTES = 8;
const BPF_PSEUDO_CALL = CALL_TARGETS.indexOf('subprog');

/**
 * These relocations of a function that starts at `start` of its section, by what they are about.
 * libbpf.c: bpf_program__record_reloc()
 */
export function recordRelocs(
  opening: Opening,
  section: Section,
  start: number,
  relocations: readonly Relocation[],
): Reloc[] {
  const view = new DataView(section.bytes.buffer, section.bytes.byteOffset, section.bytes.length);
  const relocs: Reloc[] = [];
  for (const { offset, symbol } of relocations) {
    const insn = rawInsn(view, Math.floor(offset / INSN_BYTES));
    const at = { section: section.name, slot: (offset - start) / INSN_BYTES };
    if (!Number.isInteger(at.slot)) fail(opening, at, `offset ${offset} is within an instruction`);
    const target = opening.elf.symbols[symbol]!;
    if (insn.code === CODE.call) relocs.push(callReloc(opening, at, target, insn.src));
    else if (insn.code === CODE.ld_imm64) relocs.push(wideReloc(opening, at, target));
    else fail(opening, at, `instruction ${insn.code.toString(16)} takes no relocation`);
  }
  return relocs;
}

interface Place {
  readonly section: string;
  readonly slot: number;
}

function fail({ name }: Opening, { section, slot }: Place, what: string): never {
  throw new InputError(`${name}: section '${section}', relocation of insn #${slot}: ${what}`);
}

function callReloc(opening: Opening, at: Place, symbol: ElfSymbol, src: number): Reloc {
  const { slot } = at;
  if (symbol.section === SHN_UNDEF) {
    return { kind: 'extern_call', slot, extern: externOf(opening, at, symbol) };
  }
  if (src !== BPF_PSEUDO_CALL) fail(opening, at, `call of '${symbol.name}' is of no function here`);
  if (!isCode(opening, symbol.section)) fail(opening, at, `call into section ${symbol.section}`);
  return { kind: 'call', slot, section: symbol.section, offset: symbol.value };
}

function wideReloc(opening: Opening, at: Place, symbol: ElfSymbol): Reloc {
  const { slot } = at;
  if (symbol.section === SHN_UNDEF) {
    return { kind: 'extern', slot, extern: externOf(opening, at, symbol) };
  }
  if (symbol.section >= SHN_LORESERVE) fail(opening, at, `'${symbol.name}' is in no section`);
  if (isCode(opening, symbol.section)) {
    return { kind: 'func', slot, section: symbol.section, offset: symbol.value };
  }
  const { elf, maps } = opening;
  if (elf.sections[symbol.section]?.name === JUMP_TABLES) {
    return { kind: 'jump_table', slot, targets: jumpTargets(opening, at, symbol) };
  }
  const map = maps.at(symbol.section, symbol.value);
  if (map === undefined) fail(opening, at, `no map or variable at '${symbol.name}'`);
  if (!maps.isData(symbol.section)) return { kind: 'map', slot, map };
  const base = maps.specs[map]!.arenaDataAt ?? 0;
  return { kind: 'data', slot, map, offset: base + symbol.value };
}

/** What stands in a jump table: places in the section of its function. create_jt_map() */
function jumpTargets(opening: Opening, at: Place, symbol: ElfSymbol): number[] {
  const { bytes } = opening.elf.sections[symbol.section]!;
  const { name, value, sizeBytes } = symbol;
  if (sizeBytes === 0 || sizeBytes % ENTRY_BYTES !== 0 || value + sizeBytes > bytes.length) {
    fail(opening, at, `jump table '${name}' of ${sizeBytes} bytes at ${value}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + value, sizeBytes);
  return Array.from({ length: sizeBytes / ENTRY_BYTES }, (_, i) =>
    Number(view.getBigUint64(i * ENTRY_BYTES, true)),
  );
}

function externOf(opening: Opening, at: Place, { name }: ElfSymbol): number {
  const found = opening.externOf.get(name);
  return found ?? fail(opening, at, `extern '${name}' is not declared`);
}

function isCode({ elf }: Opening, index: number): boolean {
  return ((elf.sections[index]?.flags ?? 0) & SHF_EXECINSTR) !== 0;
}
