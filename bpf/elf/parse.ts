import { InputError } from '../../base/errors.ts';
import { StringTable } from './strings.ts';
import type { Elf, ElfSymbol, Relocation, Section } from './elf.ts';

/** include/uapi/linux/elf.h, elf-em.h */
const EHDR_BYTES = 64;
const SHDR_BYTES = 64;
const SYM_BYTES = 24;
const REL_BYTES = 16;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_REL = 1;
const EM_BPF = 247;
const SHT_NULL = 0;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_RELA = 4;
const SHT_NOBITS = 8;
const SHT_REL = 9;
const SHT_SYMTAB_SHNDX = 18;
export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
const SHN_ABS = 0xfff1;
const SHN_COMMON = 0xfff2;
const SHN_XINDEX = 0xffff;
/** More than any object has; beyond it indices look like SHN_ABS. */
const SECTIONS_MAX = SHN_LORESERVE;

/** A 64-bit little-endian relocatable object for BPF. Throws InputError: what, where, expected. */
export function parseElf(bytes: Uint8Array, name: string): Elf {
  const reader = new ElfReader(bytes, name);
  const { type, machine } = reader.header;
  if (type !== ET_REL) reader.fail(`type ${type}, expected a relocatable object (1)`);
  if (machine !== EM_BPF) reader.fail(`machine ${machine}, expected BPF (247)`);
  const sections = reader.sections();
  reader.checkOverlaps();
  const symbols = reader.symbols(sections);
  const relocations = reader.relocations(sections, symbols.length);
  return { sections, symbols, relocationsOf: (section) => relocations.get(section) ?? [] };
}

/** The bytes of a section of any 64-bit little-endian ELF file, or undefined. */
export function sectionOf(bytes: Uint8Array, name: string, section: string): Section | undefined {
  return new ElfReader(bytes, name).sections().find((row) => row.name === section);
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

interface Header {
  readonly type: number;
  readonly machine: number;
  readonly shoff: number;
  readonly shnum: number;
  readonly shstrndx: number;
}

interface RawSection {
  readonly nameAt: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

class ElfReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  readonly header: Header;
  #raw: RawSection[] = [];

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
    this.header = this.#readHeader();
  }

  fail(what: string): never {
    throw new InputError(`${this.#name}: ELF: ${what}`);
  }

  sections(): Section[] {
    const { shoff, shnum } = this.header;
    this.#within('section headers', shoff, shnum * SHDR_BYTES);
    this.#raw = Array.from({ length: shnum }, (_, index) => this.#rawSection(index));
    const names = this.#strings(this.header.shstrndx, 'section names');
    return this.#raw.map((raw, index) => ({
      index,
      name: this.#string(names, raw.nameAt, `name of section ${index}`),
      type: raw.type,
      flags: raw.flags,
      link: raw.link,
      info: raw.info,
      sizeBytes: raw.size,
      bytes: this.#contents(raw, index),
    }));
  }

  /** No byte of the file belongs to two sections, or to one and the headers. */
  checkOverlaps(): void {
    const { shoff, shnum } = this.header;
    const taken = [
      { what: 'the header', from: 0, size: EHDR_BYTES },
      { what: 'the section headers', from: shoff, size: shnum * SHDR_BYTES },
    ];
    this.#raw.forEach(({ type, offset, size }, index) => {
      if (type === SHT_NULL || type === SHT_NOBITS || size === 0) return;
      taken.push({ what: `section ${index}`, from: offset, size });
    });
    taken.sort((a, b) => a.from - b.from);
    for (let i = 1; i < taken.length; i++) {
      const [before, after] = [taken[i - 1]!, taken[i]!];
      if (before.from + before.size > after.from) {
        this.fail(`${before.what} and ${after.what} overlap at ${after.from}`);
      }
    }
  }

  symbols(sections: readonly Section[]): ElfSymbol[] {
    const tables = sections.filter(({ type }) => type === SHT_SYMTAB);
    if (tables.length > 1) this.fail(`${tables.length} symbol tables, expected one`);
    const [table] = tables;
    if (!table) return [];
    this.#entries(table, SYM_BYTES);
    const names = this.#strings(table.link, 'symbol names');
    const view = viewOf(table.bytes);
    const count = table.bytes.length / SYM_BYTES;
    const indices = this.#extendedIndices(sections, table.index, count);
    return Array.from({ length: count }, (_, index) => {
      const at = index * SYM_BYTES;
      const info = view.getUint8(at + 4);
      const short = view.getUint16(at + 6, true);
      return {
        index,
        name: this.#string(names, view.getUint32(at, true), `name of symbol ${index}`),
        type: info & 0xf,
        bind: info >> 4,
        visibility: view.getUint8(at + 5) & 3,
        section: this.#sectionOf(index, short, sections.length, indices),
        value: this.#number(view, at + 8, `value of symbol ${index}`),
        sizeBytes: this.#number(view, at + 16, `size of symbol ${index}`),
      };
    });
  }

  #sectionOf(symbol: number, short: number, count: number, indices?: DataView): number {
    if (short === SHN_ABS || short === SHN_COMMON) return short;
    const section = short === SHN_XINDEX ? indices?.getUint32(symbol * 4, true) : short;
    if (section === undefined || section >= count) {
      this.fail(`symbol ${symbol} is in section ${section ?? 'SHN_XINDEX'} of ${count}`);
    }
    return section;
  }

  /** Where symbols say SHN_XINDEX: a word for each symbol. */
  #extendedIndices(
    sections: readonly Section[],
    symbolTable: number,
    count: number,
  ): DataView | undefined {
    const table = sections.find(
      ({ type, link }) => type === SHT_SYMTAB_SHNDX && link === symbolTable,
    );
    if (!table) return undefined;
    this.#entries(table, 4);
    if (table.bytes.length !== count * 4) {
      this.fail(`section ${table.name}: ${table.bytes.length / 4} indices of ${count} symbols`);
    }
    return viewOf(table.bytes);
  }

  /** By the section that they are about. */
  relocations(sections: readonly Section[], symbolCount: number): Map<number, Relocation[]> {
    const found = new Map<number, Relocation[]>();
    for (const table of sections) {
      if (table.type === SHT_RELA) this.fail(`section ${table.name} has addends, expected SHT_REL`);
      if (table.type !== SHT_REL) continue;
      this.#entries(table, REL_BYTES);
      if (sections[table.link]?.type !== SHT_SYMTAB) {
        this.fail(`section ${table.name}: section ${table.link} is no symbol table`);
      }
      const target = sections[table.info];
      if (!target || table.info === 0)
        this.fail(`section ${table.name} relocates section ${table.info}, not there`);
      const view = viewOf(table.bytes);
      const list = found.get(table.info) ?? [];
      for (let at = 0; at < table.bytes.length; at += REL_BYTES) {
        const offset = this.#number(view, at, `offset in ${table.name}`);
        const type = view.getUint32(at + 8, true);
        const symbol = view.getUint32(at + 12, true);
        if (symbol >= symbolCount) this.fail(`${table.name}: symbol ${symbol} of ${symbolCount}`);
        if (offset >= target.sizeBytes) {
          this.fail(`${table.name}: offset ${offset} beyond the ${target.sizeBytes} bytes there`);
        }
        list.push({ offset, type, symbol });
      }
      found.set(table.info, list);
    }
    return found;
  }

  #readHeader(): Header {
    if (this.#bytes.length < EHDR_BYTES || !isElf(this.#bytes)) {
      this.fail(`no header, expected ${EHDR_BYTES} bytes that begin with 7f 45 4c 46`);
    }
    const view = this.#view;
    if (view.getUint8(4) !== ELFCLASS64) this.fail('not 64-bit');
    if (view.getUint8(5) !== ELFDATA2LSB) this.fail('not little-endian');
    if (view.getUint8(6) !== 1) this.fail(`version ${view.getUint8(6)}, expected 1`);
    if (view.getUint16(58, true) !== SHDR_BYTES) {
      this.fail(`section headers of ${view.getUint16(58, true)} bytes, expected ${SHDR_BYTES}`);
    }
    const shoff = this.#number(view, 40, 'place of the section headers');
    let shnum = view.getUint16(60, true);
    let shstrndx = view.getUint16(62, true);
    if (shnum === 0 || shstrndx === SHN_XINDEX) {
      this.#within('section header', shoff, SHDR_BYTES);
      if (shnum === 0) shnum = this.#number(view, shoff + 32, 'number of sections');
      if (shstrndx === SHN_XINDEX) shstrndx = view.getUint32(shoff + 40, true);
    }
    if (shnum > SECTIONS_MAX) this.fail(`${shnum} sections, expected at most ${SECTIONS_MAX}`);
    return {
      type: view.getUint16(16, true),
      machine: view.getUint16(18, true),
      shoff,
      shnum,
      shstrndx,
    };
  }

  #rawSection(index: number): RawSection {
    const at = this.header.shoff + index * SHDR_BYTES;
    const view = this.#view;
    return {
      nameAt: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      flags: Number(view.getBigUint64(at + 8, true)),
      offset: this.#number(view, at + 24, `offset of section ${index}`),
      size: this.#number(view, at + 32, `size of section ${index}`),
      link: view.getUint32(at + 40, true),
      info: view.getUint32(at + 44, true),
      entrySize: Number(view.getBigUint64(at + 56, true)),
    };
  }

  #contents(raw: RawSection, index: number): Uint8Array {
    if (raw.type === SHT_NOBITS || raw.type === SHT_NULL) return new Uint8Array(0);
    this.#within(`section ${index}`, raw.offset, raw.size);
    return this.#bytes.subarray(raw.offset, raw.offset + raw.size);
  }

  #strings(index: number, what: string): StringTable {
    const raw = this.#raw[index];
    if (!raw || raw.type !== SHT_STRTAB) this.fail(`${what}: section ${index} is no string table`);
    return new StringTable(this.#contents(raw, index));
  }

  #string(table: StringTable, at: number, what: string): string {
    return table.at(at) ?? this.fail(`${what} at ${at} is not in its string table`);
  }

  #entries({ index, name, bytes }: Section, entryBytes: number): void {
    const { entrySize } = this.#raw[index]!;
    if (entrySize !== entryBytes || bytes.length % entryBytes !== 0) {
      this.fail(
        `section ${name}: ${bytes.length} bytes in entries of ${entrySize}, ` +
          `expected entries of ${entryBytes}`,
      );
    }
  }

  #within(what: string, offset: number, size: number): void {
    if (offset + size > this.#bytes.length) {
      this.fail(`${what}: ${size} bytes at ${offset}, but the file ends at ${this.#bytes.length}`);
    }
  }

  /** A 64-bit number that a file could hold. */
  #number(view: DataView, at: number, what: string): number {
    const value = view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`${what} is ${value}`);
    return Number(value);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
