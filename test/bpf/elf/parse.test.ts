import { describe, expect, test } from 'vitest';
import type { Elf } from '../../../bpf/elf/elf.ts';
import { parseElf } from '../../../bpf/elf/parse.ts';
import { InputError } from '../../../base/errors.ts';
import { elfData, OBJECTS } from '../../kit/bpf-objects.ts';

const TYPES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'PROGBITS',
  2: 'SYMTAB',
  3: 'STRTAB',
  8: 'NOBITS',
  9: 'REL',
  0x6fff_4c03: 'LLVM_ADDRSIG',
};
const SYMBOL_TYPES = ['NOTYPE', 'OBJECT', 'FUNC', 'SECTION', 'FILE'];
const BINDS = ['LOCAL', 'GLOBAL', 'WEAK'];

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** As in the tables of readelf -W, without what is for the eye, or not ours. */
function ours(elf: Elf): string[] {
  const sections = elf.sections.map(({ index, name, type, sizeBytes, link, info }) =>
    ['section', index, name, TYPES[type] ?? type, hex(sizeBytes, 6), link, info].join(' '),
  );
  const symbols = elf.symbols.map(({ index, name, type, bind, section, value, sizeBytes }) => {
    const where = section === 0 ? 'UND' : section === 0xfff1 ? 'ABS' : section;
    const shown = type === 3 ? '' : name;
    return [
      'symbol',
      index,
      hex(value, 16),
      sizeBytes,
      SYMBOL_TYPES[type],
      BINDS[bind],
      where,
      shown,
    ]
      .join(' ')
      .trim();
  });
  const relocations = elf.sections.flatMap(({ index, name }) =>
    elf.relocationsOf(index).map(({ offset, type, symbol }) => {
      return `reloc .rel${name} ${hex(offset, 16)} ${hex(symbol, 8)}${hex(type, 8)}`;
    }),
  );
  return [...sections, ...symbols, ...relocations].toSorted();
}

/** [Nr] Name Type Address Off Size ES Flg Lk Inf Al */
const SECTION = new RegExp(
  String.raw`^ +\[ *(\d+)\] (.{16,}?) +([A-Z_]+) +[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+) \S+ ` +
    String.raw`.*? (\d+) +(\d+) +\d+$`,
);

function readelfs(text: string): string[] {
  const rows: string[] = [];
  let about = '';
  for (const line of text.split('\n')) {
    about = /^Relocation section '(\S+)'/.exec(line)?.[1] ?? about;
    const section = SECTION.exec(line);
    if (section) {
      const [, index, name, type, size, link, info] = section;
      rows.push(['section', index, name!.trim(), type, size, link, info].join(' '));
    }
    const symbol = /^ +(\d+): ([0-9a-f]{16}) +(\d+) (\w+) +(\w+) +\w+ +(\w+) ?(.*)$/.exec(line);
    if (symbol) {
      const [, index, value, size, type, bind, where, name] = symbol;
      const shown = type === 'SECTION' ? '' : name;
      rows.push(['symbol', index, value, size, type, bind, where, shown].join(' ').trim());
    }
    const reloc = /^([0-9a-f]{16}) +([0-9a-f]{16}) R_BPF/.exec(line);
    if (reloc) rows.push(`reloc ${about} ${reloc[1]} ${reloc[2]}`);
  }
  return rows.toSorted();
}

test.each(OBJECTS)('%s reads as readelf does', (name) => {
  const expected = readelfs(new TextDecoder().decode(elfData(`${name}.readelf`)));
  expect(expected.filter((row) => row.startsWith('reloc')).length).toBeGreaterThan(10);
  expect(ours(parseElf(elfData(`${name}.o`), name))).toEqual(expected);
});

test('a symbol at SHN_XINDEX is in the section that SHT_SYMTAB_SHNDX says', () => {
  const original = elfData('tracing.clang-14.o');
  const elf = parseElf(original, 'x');
  const indices = new Uint32Array(elf.symbols.map(({ section }) => section));
  const bytes = new Uint8Array([...original, ...new Uint8Array(indices.buffer)]);
  const view = new DataView(bytes.buffer);
  const header = (type: number): number => {
    const index = elf.sections.find((section) => section.type === type)!.index;
    return Number(view.getBigUint64(40, true)) + index * 64;
  };
  const symtab = header(2);
  const spare = header(0x6fff_4c03);
  view.setUint32(spare + 4, 18, true);
  view.setBigUint64(spare + 24, BigInt(original.length), true);
  view.setBigUint64(spare + 32, BigInt(indices.byteLength), true);
  view.setUint32(spare + 40, elf.sections.find(({ type }) => type === 2)!.index, true);
  view.setBigUint64(spare + 56, 4n, true);
  const main = elf.symbols.find(({ name }) => name === 'on_exec')!;
  const entry = Number(view.getBigUint64(symtab + 24, true)) + main.index * 24;
  view.setUint16(entry + 6, 0xffff, true);
  expect(parseElf(bytes, 'x').symbols[main.index]).toEqual(main);
});

describe('what is no object for BPF is refused in one line', () => {
  const original = elfData('tracing.clang-14.o');
  const view = new DataView(original.buffer);
  const shoff = Number(view.getBigUint64(40, true));
  const shnum = view.getUint16(60, true);
  const typeOf = (index: number): number => view.getUint32(shoff + index * 64 + 4, true);
  const headerOf = (type: number): number => {
    for (let i = 0; i < shnum; i++) if (typeOf(i) === type) return shoff + i * 64;
    throw new Error(`no section of type ${type}`);
  };
  const [strtab, symtab, rel, code] = [3, 2, 9, 1].map(headerOf) as [
    number,
    number,
    number,
    number,
  ];
  const symbolsAt = Number(view.getBigUint64(symtab + 24, true));

  const cases: readonly [string, (view: DataView) => void, string][] = [
    ['another magic', (v) => v.setUint8(0, 0), 'no header, expected 64 bytes'],
    ['32-bit', (v) => v.setUint8(4, 1), 'not 64-bit'],
    ['big-endian', (v) => v.setUint8(5, 2), 'not little-endian'],
    ['an executable', (v) => v.setUint16(16, 2, true), 'type 2, expected a relocatable object'],
    ['x86', (v) => v.setUint16(18, 62, true), 'machine 62, expected BPF (247)'],
    ['headers beyond the end', (v) => v.setBigUint64(40, 1n << 40n, true), 'section headers: '],
    ['headers at 2^64 - 1', (v) => v.setBigUint64(40, ~0n, true), 'place of the section headers'],
    ['header size', (v) => v.setUint16(58, 40, true), 'section headers of 40 bytes, expected 64'],
    [
      '2^32 sections',
      (v) => {
        v.setUint16(60, 0, true);
        v.setBigUint64(shoff + 32, 1n << 32n, true);
      },
      '4294967296 sections, expected at most',
    ],
    ['a section that is too long', (v) => v.setBigUint64(code + 32, 1n << 33n, true), 'section '],
    ['overlap', (v) => v.setBigUint64(code + 24, 256n, true), 'overlap at'],
    ['overlap with the header', (v) => v.setBigUint64(code + 24, 8n, true), 'the header and'],
    ['names in no string table', (v) => v.setUint32(strtab + 4, 1, true), 'is no string table'],
    ['a name beyond', (v) => v.setUint32(code, 1 << 30, true), 'is not in its string table'],
    ['a symbol beyond', (v) => v.setUint32(symbolsAt + 24, 1 << 30, true), 'name of symbol 1 at'],
    ['a symbol nowhere', (v) => v.setUint16(symbolsAt + 30, 99, true), 'is in section 99 of'],
    ['a symbol at SHN_XINDEX', (v) => v.setUint16(symbolsAt + 30, 0xffff, true), 'SHN_XINDEX'],
    ['odd symbols', (v) => v.setBigUint64(symtab + 56, 25n, true), 'expected entries of 24'],
    ['relocations of nothing', (v) => v.setUint32(rel + 44, 99, true), 'relocates section 99'],
    ['relocations without symbols', (v) => v.setUint32(rel + 40, 1, true), 'is no symbol table'],
    ['addends', (v) => v.setUint32(rel + 4, 4, true), 'has addends, expected SHT_REL'],
  ];

  test.each(cases)('%s', (_, change, message) => {
    const bytes = original.slice();
    change(new DataView(bytes.buffer));
    const parse = (): Elf => parseElf(bytes, 'x.o');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(/^x\.o: ELF: [^\n]+$/);
    expect(parse).toThrow(message);
  });
});
