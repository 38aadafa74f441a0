import { InputError } from '../../base/errors.ts';
import { decodeBtf } from '../btf/decode.ts';
import { decodeBtfExt, type BtfExt } from '../btf/ext.ts';
import type { ElfSymbol, Relocation, Section } from '../elf/elf.ts';
import { parseElf } from '../elf/parse.ts';
import { symbolsBySection } from './by-place.ts';
import { collectExterns } from './externs.ts';
import { collectMaps } from './collect-maps.ts';
import type { Maps, Opening } from './open-parts.ts';
import { recordRelocs } from './relocs.ts';
import { sectionInfo } from './sections.ts';
import type { FunctionSpec, ObjectSpec, ProgramSpec } from './spec.ts';

const SHF_EXECINSTR = 0x4;
const SHT_PROGBITS = 1;
const STT_FUNC = 2;
const STB_LOCAL = 0;
const INSN_BYTES = 8;
const NO_EXT: BtfExt = { funcs: new Map(), lines: new Map(), relos: new Map() };

/** An object with all its functions: its programs, and the subprograms that they may call. */
export interface OpenedObject extends ObjectSpec {
  readonly functions: readonly FunctionSpec[];
}

/**
 * Reads an object that clang made for BPF. `name` is its path, for messages. Throws InputError.
 * libbpf.c: bpf_object_open()
 */
export function openObject(file: Uint8Array, path: string): OpenedObject {
  // A Node Buffer is one too, but slices of it are no copies.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const elf = parseElf(bytes, path);
  const find = (name: string): Section | undefined =>
    elf.sections.find((section) => section.name === name && section.type === SHT_PROGBITS);
  const btfSection = find('.BTF');
  const btf = btfSection && decodeBtf(btfSection.bytes, path);
  const extSection = find('.BTF.ext');
  const ext =
    btfSection && extSection ? decodeBtfExt(extSection.bytes, btfSection.bytes, path) : NO_EXT;
  const name = objectName(path);
  const found = collectExterns(elf, btf, path);
  const { externs, externOf } = found;
  const symbolsOf = symbolsBySection(elf);
  const maps = collectMaps({ elf, symbolsOf, btf, name, path, externs: found });
  const opening: Opening = { elf, symbolsOf, name: path, btf, maps, externs, externOf };
  const functions = elf.sections.filter(isCode).flatMap((section) => functionsOf(opening, section));
  const programs = functions.filter(isProgram);
  checkSlots(maps, programs, path);
  return {
    name,
    license: license(find('license')),
    programs,
    functions,
    maps: maps.specs,
    externs,
    btf,
    btfBytes: btfSection && maps.fixBtf(btfSection.bytes),
    ext,
  };
}

/** `dir/exec-events.bpf.o` is exec-events. libbpf.c: bpf_object__new() */
function objectName(path: string): string {
  const file = path.split(/[/\\]/).at(-1)!;
  return file.split('.', 1)[0]!;
}

function isCode({ type, flags, sizeBytes }: Section): boolean {
  return type === SHT_PROGBITS && (flags & SHF_EXECINSTR) !== 0 && sizeBytes > 0;
}

function license(section: Section | undefined): string {
  let text = '';
  for (const byte of section?.bytes ?? []) {
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Ascending by place: no two overlap. bpf_object__add_programs() */
function functionsOf(opening: Opening, section: Section): (FunctionSpec | ProgramSpec)[] {
  const { elf, symbolsOf, name } = opening;
  const fail = (what: string): never => {
    throw new InputError(`${name}: section '${section.name}': ${what}`);
  };
  if (section.sizeBytes % INSN_BYTES !== 0) {
    fail(`${section.sizeBytes} bytes, expected instructions of ${INSN_BYTES}`);
  }
  const symbols = symbolsOf(section.index)
    .filter(({ type }) => type === STT_FUNC)
    .toSorted((a, b) => a.value - b.value);
  const relocations = elf.relocationsOf(section.index).toSorted((a, b) => a.offset - b.offset);
  let next = 0;
  let end = 0;
  return symbols.map((symbol) => {
    const { value, sizeBytes } = symbol;
    const isPlaced = value % INSN_BYTES === 0 && sizeBytes % INSN_BYTES === 0 && sizeBytes > 0;
    if (!isPlaced || value < end || value + sizeBytes > section.sizeBytes) {
      fail(`function '${symbol.name}' at ${value} with ${sizeBytes} bytes does not fit`);
    }
    end = value + sizeBytes;
    while (next < relocations.length && relocations[next]!.offset < value) next++;
    const first = next;
    while (next < relocations.length && relocations[next]!.offset < end) next++;
    return functionAt(opening, section, symbol, relocations.slice(first, next));
  });
}

function functionAt(
  opening: Opening,
  section: Section,
  symbol: ElfSymbol,
  relocations: readonly Relocation[],
): FunctionSpec | ProgramSpec {
  if (section.name !== '.text' && symbol.bind === STB_LOCAL) {
    throw new InputError(
      `${opening.name}: static function '${symbol.name}' in section '${section.name}', ` +
        'expected static ones in .text alone',
    );
  }
  const { value, sizeBytes } = symbol;
  const fn = {
    name: symbol.name,
    section: section.name,
    sectionIndex: section.index,
    slot: value / INSN_BYTES,
    code: section.bytes.slice(value, value + sizeBytes),
    relocs: recordRelocs(opening, section, value, relocations),
  };
  return section.name === '.text' ? fn : { ...fn, info: sectionInfo(section.name) };
}

/** What stands in .text is called, and never loaded by itself. */
function isProgram(fn: FunctionSpec | ProgramSpec): fn is ProgramSpec {
  return 'info' in fn;
}

function checkSlots(maps: Maps, programs: readonly ProgramSpec[], path: string): void {
  const names = new Set(programs.map(({ name }) => name));
  for (const { definition, slots } of maps.specs) {
    for (const { target } of slots) {
      if ('map' in target || names.has(target.program)) continue;
      throw new InputError(
        `${path}: map '${definition.name}': slot for '${target.program}', which is no program`,
      );
    }
  }
}
