import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { btf_parse, BtfError, decodeBtf } from '../../../bpf/btf/decode.ts';
import { encodeBtf } from '../../../bpf/btf/encode.ts';
import { decodeBtfExt } from '../../../bpf/btf/ext.ts';
import { encodeWithExt } from '../../../bpf/btf/ext-encode.ts';
import { readBtfFile } from '../../../bpf/btf/file.ts';
import { alignOf, resolve, sizeOf } from '../../../bpf/btf/resolve.ts';
import type { BtfMember, BtfType } from '../../../bpf/btf/types.ts';
import { sectionOf } from '../../../bpf/elf/parse.ts';
import { E2BIG, EEXIST, EINVAL, ENOTSUPP } from '../../../kernel/errno.ts';
import { randomTypes } from '../../kit/random-btf.ts';
import { elfData, OBJECTS } from '../../kit/bpf-objects.ts';

test.each(OBJECTS)('%s: .BTF and .BTF.ext encoded again decode to the same', (name) => {
  const object = elfData(`${name}.o`);
  const bytes = sectionOf(object, name, '.BTF')!.bytes;
  const btf = readBtfFile(object, name);
  const ext = decodeBtfExt(sectionOf(object, name, '.BTF.ext')!.bytes, bytes, name);
  const encoded = encodeWithExt(btf, ext);
  expect(decodeBtf(encoded.btf, name).types).toEqual(btf.types);
  const again = decodeBtfExt(encoded.ext, encoded.btf, name);
  expect(again.funcs).toEqual(ext.funcs);
  expect(again.relos).toEqual(ext.relos);
  const places = ({ lines }: typeof ext): unknown =>
    [...lines].map(([section, records]) => [
      section,
      records.map(({ fileOffset: _, textOffset: __, ...record }) => record),
    ]);
  expect(places(again)).toEqual(places(ext));
});

test('decode and encode are each other’s inverse', () => {
  fc.assert(
    fc.property(randomTypes, (types) => {
      const bytes = encodeBtf({ types });
      const { types: decoded } = decodeBtf(bytes, 'random');
      expect(decoded).toEqual(types);
      expect(encodeBtf({ types: decoded })).toEqual(bytes);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('sizes and alignments see through typedefs, arrays and packing', () => {
  const btf = readBtfFile(elfData('kinds.clang-22.o'), 'kinds');
  const of = (name: string): number => btf.idsOf(name)[0]!;
  const sizes = ['bits', 'packed', 'spread', 'overaligned', 'handler', 'wide', 'byte', 'u32'].map(
    (name) => [name, sizeOf(btf, of(name)), alignOf(btf, of(name))],
  );
  expect(sizes).toEqual([
    ['bits', 24, 8],
    ['packed', 23, 1],
    ['spread', 64, 8],
    ['overaligned', 16, 2],
    ['handler', 8, 8],
    ['wide', 8, 8],
    ['byte', 1, 1],
    ['u32', 4, 4],
  ]);
  expect(resolve(btf, of('handler'))?.kind).toBe('ptr');
});

const INT: BtfType = {
  kind: 'int',
  name: 'int',
  sizeBytes: 4,
  encoding: 'signed',
  bitOffset: 0,
  bits: 32,
};
const ptr = (type: number): BtfType => ({ kind: 'ptr', name: '', type });
const typedef = (name: string, type: number): BtfType => ({ kind: 'typedef', name, type });
const array = (type: number, count = 1): BtfType => ({
  kind: 'array',
  name: '',
  type,
  indexType: 1,
  count,
});
const member = (type: number, bitOffset = 0, bits = 0): BtfMember => ({
  name: 'm',
  type,
  bitOffset,
  bits,
});
const struct = (sizeBytes: number, ...members: BtfMember[]): BtfType => ({
  kind: 'struct',
  name: 'S',
  sizeBytes,
  members,
});
const datasec = (sizeBytes: number, ...vars: [number, number, number][]): BtfType => ({
  kind: 'datasec',
  name: '.data',
  sizeBytes,
  vars: vars.map(([type, offsetBytes, size]) => ({ type, offsetBytes, sizeBytes: size })),
});
const variable = (type: number): BtfType => ({ kind: 'var', name: 'v', type, linkage: 'global' });
const proto = (type: number, ...params: number[]): BtfType => ({
  kind: 'func_proto',
  name: '',
  type,
  params: params.map((of) => ({ name: '', type: of })),
});
const func = (name: string, type: number): BtfType => ({
  kind: 'func',
  name,
  type,
  linkage: 'static',
});
const declTag = (type: number, component: number): BtfType => ({
  kind: 'decl_tag',
  name: 't',
  type,
  component,
});

function refusalOf(bytes: Uint8Array): { errno: number; log: string } {
  try {
    btf_parse(bytes);
  } catch (error) {
    if (error instanceof BtfError) return { errno: error.errno, log: error.log };
    throw error;
  }
  return { errno: 0, log: '' };
}

describe('BTF_LOAD refuses types with the errno and the words of the kernel', () => {
  const deep = Array.from({ length: 40 }, (_, i) => array(i + 3));
  const cases: readonly [string, BtfType[], number, string][] = [
    ['nothing wrong', [struct(8, member(1), member(1, 32))], 0, ''],
    ['no such type', [ptr(9)], EINVAL, '[2] PTR (anon) type_id=9 Invalid type_id'],
    ['a typedef of itself', [typedef('T', 2)], EEXIST, 'Loop detected'],
    ['typedefs in a circle', [typedef('T', 3), typedef('U', 2)], EEXIST, 'Loop detected'],
    ['a struct in itself', [struct(4, member(2))], EEXIST, '[2] STRUCT S size=4 vlen=1 Loop'],
    ['through an array', [struct(4, member(3)), array(2)], EEXIST, 'Loop detected'],
    ['pointers in a circle', [ptr(3), ptr(2)], EEXIST, 'Loop detected'],
    ['not through a pointer', [struct(8, member(3)), ptr(2)], 0, ''],
    ['40 arrays of arrays', [...deep, INT], E2BIG, 'Exceeded max resolving depth:32'],
    [
      'a member of void',
      [struct(4, member(0))],
      EINVAL,
      'm type_id=0 bits_offset=0 Invalid type_id',
    ],
    ['a member beyond', [struct(4, member(1, 8))], EINVAL, 'Member exceeds struct_size'],
    [
      'an offset beyond',
      [struct(4, member(1, 64))],
      EINVAL,
      'Member bits_offset exceeds its struct',
    ],
    ['a wide bitfield', [struct(8, member(1, 0, 33))], EINVAL, 'Invalid member bitfield_size'],
    ['an odd pointer', [struct(16, member(3, 1)), ptr(1)], EINVAL, 'Member is not byte aligned'],
    ['a member of no size', [struct(8, member(3)), proto(0)], EINVAL, 'Invalid member'],
    [
      'members backwards',
      [struct(8, member(1, 32), member(1))],
      EINVAL,
      'Invalid member bits_offset',
    ],
    ['an array of void', [array(0)], EINVAL, 'Invalid elem'],
    [
      'an index of no int',
      [{ ...array(1), indexType: 3 } as BtfType, ptr(1)],
      EINVAL,
      'Invalid index',
    ],
    ['a huge array', [array(1, 0x4000_0000)], EINVAL, 'Array size overflows U32_MAX'],
    ['a name', [typedef('a b', 1)], EINVAL, '[2] TYPEDEF a b type_id=1 Invalid name'],
    ['no name', [typedef('', 1)], EINVAL, '[2] TYPEDEF (anon) type_id=1 Invalid name'],
    ['an enum of 3 bytes', [enumOf(3)], EINVAL, '[2] ENUM E size=3 vlen=0 Unexpected size'],
    ['a float of 3', [{ kind: 'float', name: 'f', sizeBytes: 3 }], EINVAL, 'Invalid type_size'],
    ['a section of no size', [variable(1), datasec(0)], EINVAL, 'size == 0'],
    ['a section of an int', [datasec(4, [1, 0, 4])], EINVAL, 'Not a VAR kind member'],
    ['overlap', [variable(1), datasec(8, [2, 0, 4], [2, 3, 4])], EINVAL, 'Invalid offset'],
    ['beyond a section', [variable(1), datasec(4, [2, 2, 4])], EINVAL, 'Invalid offset+size'],
    ['a small variable', [variable(1), datasec(4, [2, 0, 2])], EINVAL, 'Invalid size'],
    ['a variable of void', [variable(0)], EINVAL, 'Invalid type_id'],
    ['a function of an int', [func('f', 1)], EINVAL, '[2] FUNC f type_id=1 Invalid type_id'],
    [
      'unnamed arguments',
      [proto(1, 1), func('f', 2)],
      EINVAL,
      '[3] FUNC f type_id=2 Invalid arg#1',
    ],
    ['an argument of void', [proto(0, 0, 1)], EINVAL, 'Invalid arg#1'],
    ['returning no size', [proto(2)], EINVAL, 'Invalid return type'],
    ['a tag of an int', [declTag(1, -1)], EINVAL, '[2] DECL_TAG t type=1 component_idx=-1 Invalid'],
    ['a tag of no member', [struct(4, member(1)), declTag(2, 1)], EINVAL, 'Invalid component_idx'],
  ];
  test.each(cases)('%s', (_, types, errno, log) => {
    const refusal = refusalOf(encodeBtf(makeBtf([undefined, INT, ...types])));
    expect(refusal.errno).toBe(errno);
    expect(refusal.log).toContain(log);
  });
});

function enumOf(sizeBytes: number): BtfType {
  return { kind: 'enum', name: 'E', sizeBytes, signed: false, values: [] };
}

describe('BTF_LOAD refuses bytes with the errno and the words of the kernel', () => {
  const good = encodeBtf(makeBtf([undefined, INT, ptr(1)]));
  const word =
    (at: number, value: number) =>
    (bytes: Uint8Array): Uint8Array => {
      new DataView(bytes.buffer).setUint32(at, value, true);
      return bytes;
    };
  const cases: readonly [string, (bytes: Uint8Array) => Uint8Array, number, string][] = [
    ['nothing wrong', (b) => b, 0, ''],
    ['no bytes', () => new Uint8Array(0), EINVAL, 'hdr_len not found'],
    ['magic', word(0, 0x0001_eb9e), EINVAL, 'Invalid magic'],
    ['version', word(0, 0x0002_eb9f), ENOTSUPP, 'Unsupported version'],
    ['flags', word(0, 0x0101_eb9f), ENOTSUPP, 'Unsupported flags'],
    ['a short header', word(4, 8), EINVAL, 'btf_header not found'],
    ['a long header', word(4, 0xffff_ffff), EINVAL, 'btf_header not found'],
    ['a header with more', word(4, 28), E2BIG, 'Unsupported btf_header'],
    ['only a header', (b) => b.slice(0, 24), EINVAL, 'No data'],
    ['strings beyond', word(16, 0xffff_fffc), EINVAL, 'Invalid section offset'],
    ['long types', word(12, 0xffff_ffff), EINVAL, 'Total section length too long'],
    ['overlap', word(16, 4), EINVAL, 'Section overlap found'],
    ['a gap', word(12, 4), EINVAL, 'Unsupported section found'],
    ['strings that do not end', (b) => b.fill(65, b.length - 1), EINVAL, 'Invalid string section'],
    ['a name beyond', word(24, 99), EINVAL, '[1] Invalid name_offset:99'],
    ['a kind', word(28, 0x1f00_0000), EINVAL, '[1] Invalid kind:31'],
    ['unused bits', word(28, 0x0101_0000), EINVAL, '[1] Invalid btf_info:1010000'],
    ['parts of an int', word(28, 0x0100_0001), EINVAL, '[1] INT int vlen != 0'],
    ['an int of no size', word(32, 0), EINVAL, 'encoding=SIGNED nr_bits exceeds type_size'],
    ['an int of no encoding', word(36, 0x0300_0020), EINVAL, 'Unsupported encoding'],
    ['unused bits of an int', word(36, 0x1000_0020), EINVAL, 'Invalid int_data:10000020'],
    ['a named pointer', word(40, 1), EINVAL, '[2] PTR int type_id=1 Invalid name'],
    ['2^16 - 1 members', word(44, 0x0400_ffff), EINVAL, 'meta_left:0 meta_needed:786420'],
  ];
  test.each(cases)('%s', (_, change, errno, log) => {
    const refusal = refusalOf(change(good.slice()));
    expect(refusal.errno).toBe(errno);
    expect(refusal.log).toContain(log);
  });
});
