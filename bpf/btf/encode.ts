import { assert } from '../../base/assert.ts';
import {
  BTF_KINDS,
  BTF_MAGIC,
  BTF_VERSION,
  HEADER_BYTES,
  INT_ENCODINGS,
  LINKAGES,
  VLEN_MAX,
} from './kinds.ts';
import type { Btf, BtfType } from './types.ts';

/** The bytes of a .BTF section; equal names stand once, in the order of first use. */
export function encodeBtf(btf: Pick<Btf, 'types'>): Uint8Array {
  return new BtfEncoder(btf).bytes();
}

/** A string table under construction: of .BTF, which .BTF.ext shares. */
export class Strings {
  readonly #offsets = new Map<string, number>([['', 0]]);
  #size = 1;

  offset(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const at = this.#size;
    this.#offsets.set(text, at);
    this.#size += text.length + 1;
    return at;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    for (const [text, at] of this.#offsets) {
      for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    }
    return bytes;
  }
}

/** Types encoded, and their strings, to which .BTF.ext adds before they are bytes. */
export class BtfEncoder {
  readonly strings = new Strings();
  readonly #words: number[] = [];

  constructor({ types }: Pick<Btf, 'types'>) {
    for (let id = 1; id < types.length; id++) encodeType(types[id]!, this.#words, this.strings);
  }

  bytes(): Uint8Array {
    const words = this.#words;
    const text = this.strings.bytes();
    const bytes = new Uint8Array(HEADER_BYTES + words.length * 4 + text.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, BTF_MAGIC, true);
    view.setUint8(2, BTF_VERSION);
    const header = [HEADER_BYTES, 0, words.length * 4, words.length * 4, text.length];
    header.forEach((value, i) => view.setUint32(4 + i * 4, value, true));
    words.forEach((word, i) => view.setUint32(HEADER_BYTES + i * 4, word >>> 0, true));
    bytes.set(text, HEADER_BYTES + words.length * 4);
    return bytes;
  }
}

function encodeType(type: BtfType, words: number[], strings: Strings): void {
  const { vlen, flag, sizeOrType } = headOf(type);
  const kind = BTF_KINDS.indexOf(type.kind);
  assert(vlen <= VLEN_MAX, `BTF: ${type.kind} ${type.name} has ${vlen} parts`);
  const info = (flag ? 1 << 31 : 0) | (kind << 24) | vlen;
  words.push(strings.offset(type.name), info, sizeOrType);
  encodeRest(type, words, strings);
}

/** struct btf_type */
function headOf(type: BtfType): { vlen: number; flag: boolean; sizeOrType: number } {
  const head = { vlen: 0, flag: false, sizeOrType: 0 };
  switch (type.kind) {
    case 'array':
      return head;
    case 'fwd':
      return { ...head, flag: type.of === 'union' };
    case 'struct':
    case 'union': {
      const flag = type.members.some(({ bits }) => bits > 0);
      return { vlen: type.members.length, flag, sizeOrType: type.sizeBytes };
    }
    case 'enum':
    case 'enum64':
      return { vlen: type.values.length, flag: type.signed, sizeOrType: type.sizeBytes };
    case 'func':
      return { ...head, vlen: LINKAGES.indexOf(type.linkage), sizeOrType: type.type };
    case 'func_proto':
      return { ...head, vlen: type.params.length, sizeOrType: type.type };
    case 'datasec':
      return { ...head, vlen: type.vars.length, sizeOrType: type.sizeBytes };
    case 'int':
    case 'float':
      return { ...head, sizeOrType: type.sizeBytes };
    default:
      return { ...head, sizeOrType: type.type };
  }
}

/** What follows struct btf_type. */
function encodeRest(type: BtfType, words: number[], strings: Strings): void {
  switch (type.kind) {
    case 'int': {
      const encoding = INT_ENCODINGS.indexOf(type.encoding);
      words.push((encoding << 24) | (type.bitOffset << 16) | type.bits);
      return;
    }
    case 'array':
      words.push(type.type, type.indexType, type.count);
      return;
    case 'struct':
    case 'union':
      for (const { name, type: of, bits, bitOffset } of type.members) {
        words.push(strings.offset(name), of, (bits << 24) | bitOffset);
      }
      return;
    case 'enum':
    case 'enum64':
      for (const { name, value } of type.values) {
        words.push(strings.offset(name), Number(BigInt.asIntN(32, value)));
        if (type.kind === 'enum64') words.push(Number(BigInt.asIntN(32, value >> 32n)));
      }
      return;
    case 'func_proto':
      for (const { name, type: of } of type.params) words.push(strings.offset(name), of);
      return;
    case 'var':
      words.push(LINKAGES.indexOf(type.linkage));
      return;
    case 'datasec':
      for (const entry of type.vars) words.push(entry.type, entry.offsetBytes, entry.sizeBytes);
      return;
    case 'decl_tag':
      words.push(type.component);
      return;
    default:
  }
}
