import { assert } from '../../base/assert.ts';
import { BtfEncoder } from './encode.ts';
import * as ext from './ext.ts';
import { BTF_MAGIC, BTF_VERSION } from './kinds.ts';
import type { Btf } from './types.ts';

/** Lines and columns share a word: struct bpf_line_info. */
const LINE_MAX = 0x3f_ffff;
const COLUMN_MAX = 0x3ff;

/** The bytes of .BTF and .BTF.ext, which share strings. Offsets in line records are made new. */
export function encodeWithExt(
  btf: Pick<Btf, 'types'>,
  { funcs, lines, relos }: ext.BtfExt,
): { readonly btf: Uint8Array; readonly ext: Uint8Array } {
  const encoder = new BtfEncoder(btf);
  const text = (string: string): number => encoder.strings.offset(string);
  const parts = [
    encodePart(ext.FUNC_INFO_BYTES, funcs, text, ({ insnOffset, typeId }) => [insnOffset, typeId]),
    encodePart(ext.LINE_INFO_BYTES, lines, text, (record) => {
      const { insnOffset, line, column } = record;
      assert(line <= LINE_MAX && column <= COLUMN_MAX, `.BTF.ext: line ${line}:${column}`);
      return [insnOffset, text(record.file), text(record.text), (line << 10) | column];
    }),
    encodePart(ext.CORE_RELO_BYTES, relos, text, ({ insnOffset, typeId, access, kind }) => {
      return [insnOffset, typeId, text(access), kind];
    }),
  ];
  return { btf: encoder.bytes(), ext: withHeader(parts) };
}

/** A record size, then for each section its name, how many records, and those. */
function encodePart<T>(
  recordBytes: number,
  bySection: ReadonlyMap<string, readonly T[]>,
  text: (string: string) => number,
  encode: (record: T) => number[],
): number[] {
  const words: number[] = [];
  for (const [section, records] of bySection) {
    if (records.length === 0) continue;
    words.push(text(section), records.length);
    for (const record of records) words.push(...encode(record));
  }
  return words.length === 0 ? [] : [recordBytes, ...words];
}

/** struct btf_ext_header, with what CO-RE added. */
function withHeader(parts: readonly number[][]): Uint8Array {
  const header: number[] = [BTF_MAGIC | (BTF_VERSION << 16), ext.HEADER_WITH_CORE_BYTES];
  let offset = 0;
  for (const part of parts) {
    header.push(offset, part.length * 4);
    offset += part.length * 4;
  }
  const bytes = new Uint8Array(ext.HEADER_WITH_CORE_BYTES + offset);
  const view = new DataView(bytes.buffer);
  [...header, ...parts.flat()].forEach((word, i) => view.setUint32(i * 4, word >>> 0, true));
  return bytes;
}
