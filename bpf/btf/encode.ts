import {
  BTF_KINDS,
  BTF_MAGIC,
  BTF_VERSION,
  HEADER_BYTES,
  INT_ENCODINGS,
  LINKAGES,
} from './kinds.ts';
import type { Btf, BtfType } from './types.ts';

/** The bytes of a .BTF section; equal names stand once, in the order of first use. */
export function encodeBtf({ types }: Pick<Btf, 'types'>): Uint8Array {
  const strings = new Strings();
  const words: number[] = [];
  for (let id = 1; id < types.length; id++) encodeType(types[id]!, words, strings);
  const text = strings.bytes();
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

function encodeType(type: BtfType, words: number[], strings: Strings): void {
  const name = strings.offset(type.name);
  const head = (vlen: number, sizeOrType: number, flag = false): void => {
    const kind = BTF_KINDS.indexOf(type.kind);
    words.push(name, (flag ? 1 << 31 : 0) | (kind << 24) | vlen, sizeOrType);
  };
  switch (type.kind) {
    case 'int': {
      head(0, type.sizeBytes);
      const encoding = INT_ENCODINGS.indexOf(type.encoding);
      words.push((encoding << 24) | (type.bitOffset << 16) | type.bits);
      return;
    }
    case 'array':
      head(0, 0);
      words.push(type.type, type.indexType, type.count);
      return;
    case 'struct':
    case 'union': {
      const flag = type.members.some(({ bits }) => bits > 0);
      head(type.members.length, type.sizeBytes, flag);
      for (const member of type.members) {
        words.push(
          strings.offset(member.name),
          member.type,
          (member.bits << 24) | member.bitOffset,
        );
      }
      return;
    }
    case 'enum':
    case 'enum64':
      head(type.values.length, type.sizeBytes, type.signed);
      for (const { name: label, value } of type.values) {
        words.push(strings.offset(label), Number(BigInt.asIntN(32, value)));
        if (type.kind === 'enum64') words.push(Number(BigInt.asIntN(32, value >> 32n)));
      }
      return;
    case 'fwd':
      head(0, 0, type.of === 'union');
      return;
    case 'func':
      head(LINKAGES.indexOf(type.linkage), type.type);
      return;
    case 'func_proto':
      head(type.params.length, type.type);
      for (const param of type.params) words.push(strings.offset(param.name), param.type);
      return;
    case 'var':
      head(0, type.type);
      words.push(LINKAGES.indexOf(type.linkage));
      return;
    case 'datasec':
      head(type.vars.length, type.sizeBytes);
      for (const entry of type.vars) words.push(entry.type, entry.offsetBytes, entry.sizeBytes);
      return;
    case 'float':
      head(0, type.sizeBytes);
      return;
    case 'decl_tag':
      head(0, type.type);
      words.push(type.component);
      return;
    default:
      head(0, type.type);
  }
}
