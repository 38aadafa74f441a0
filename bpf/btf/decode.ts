import { E2BIG, EINVAL } from '../../kernel/errno.ts';
import { InputError } from '../../base/errors.ts';
import { makeBtf } from './btf.ts';
import { checkTypes } from './check.ts';
import * as kinds from './kinds.ts';
import { BTF_KINDS, HEADER_BYTES, LINKAGES, TYPE_BYTES } from './kinds.ts';
import type { Btf, BtfKind, BtfMember, BtfType } from './types.ts';

/** What is wrong with BTF, as BTF_LOAD reports it. */
export class BtfError extends InputError {
  readonly errno: number;
  constructor(errno: number, message: string) {
    super(message);
    this.errno = errno;
  }
}

/** Types of a .BTF section. kernel/bpf/btf.c: BTF_MAX_TYPE */
const TYPES_MAX = 0x000f_ffff;

/**
 * The types of a .BTF section. Throws BtfError: what is wrong, in the kernel's words where it has
 * some. kernel/bpf/btf.c: btf_parse_hdr(), btf_check_all_metas(), btf_check_all_types()
 */
export function decodeBtf(bytes: Uint8Array, name: string): Btf {
  const types = new Decoder(bytes, name).types();
  const btf = makeBtf(types);
  const wrong = checkTypes(btf);
  if (wrong) throw new BtfError(wrong.errno, `${name}: BTF: ${wrong.message}`);
  return btf;
}

class Decoder {
  readonly #name: string;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #strings: Uint8Array = new Uint8Array(0);
  /** Names by offset: most are used more than once. */
  readonly #texts = new Map<number, string>();
  #at = 0;
  #end = 0;
  #id = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#name = name;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  types(): (BtfType | undefined)[] {
    this.#header();
    const types: (BtfType | undefined)[] = [undefined];
    while (this.#at < this.#end) {
      this.#id = types.length;
      if (this.#id > TYPES_MAX) this.#fail(`more than ${TYPES_MAX} types`, E2BIG);
      types.push(this.#type());
    }
    return types;
  }

  #fail(message: string, errno: number = EINVAL): never {
    throw new BtfError(errno, `${this.#name}: BTF: ${message}`);
  }

  #failType(message: string): never {
    this.#fail(`[${this.#id}] ${message}`);
  }

  #header(): void {
    const view = this.#view;
    if (this.#bytes.length < HEADER_BYTES) this.#fail('hdr_len not found');
    if (view.getUint16(0, true) !== kinds.BTF_MAGIC) this.#fail('Invalid magic');
    if (view.getUint8(2) !== kinds.BTF_VERSION) this.#fail('Unsupported version');
    if (view.getUint8(3) !== 0) this.#fail('Unsupported flags');
    const hdrLen = view.getUint32(4, true);
    const [typeOff, typeLen, strOff, strLen] = [8, 12, 16, 20].map((at) =>
      view.getUint32(at, true),
    );
    if (hdrLen < HEADER_BYTES || hdrLen > this.#bytes.length) this.#fail('Invalid hdr_len');
    const left = this.#bytes.length - hdrLen;
    if (typeOff! % 4 !== 0) this.#fail('Unaligned type_off');
    if (typeOff! + typeLen! > left) this.#fail('Total section length too long');
    if (strOff! + strLen! > left) this.#fail('Total section length too long');
    if (typeOff! + typeLen! > strOff!) this.#fail('Section overlap found');
    this.#strings = this.#bytes.subarray(hdrLen + strOff!, hdrLen + strOff! + strLen!);
    if (strLen === 0 || this.#strings[0] !== 0 || this.#strings.at(-1) !== 0) {
      this.#fail('Invalid string section');
    }
    this.#at = hdrLen + typeOff!;
    this.#end = this.#at + typeLen!;
  }

  #u32(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  #s32(): number {
    return this.#u32() | 0;
  }

  #need(count: number): void {
    if (this.#at + count > this.#end) {
      this.#failType(`meta_left:${this.#end - this.#at} meta_needed:${count}`);
    }
  }

  #text(offset: number): string {
    const known = this.#texts.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.#strings.length) this.#failType(`Invalid name_offset:${offset}`);
    let text = '';
    for (let i = offset; this.#strings[i] !== 0; i++)
      text += String.fromCharCode(this.#strings[i]!);
    this.#texts.set(offset, text);
    return text;
  }

  #type(): BtfType {
    this.#need(TYPE_BYTES);
    const name = this.#text(this.#u32());
    const info = this.#u32();
    const size = this.#u32();
    const kind = BTF_KINDS[(info >>> 24) & 0x1f];
    const vlen = info & 0xffff;
    if ((info & 0x60ff_0000) !== 0) {
      this.#failType(`Invalid btf_info:${info.toString(16)}`);
    }
    if (!kind || kind === 'void') this.#failType(`Invalid kind:${(info >>> 24) & 0x1f}`);
    return this.#ofKind({ name, kind, vlen, flag: info >>> 31 === 1, size });
  }

  #ofKind(meta: Meta): BtfType {
    const { name, kind, vlen, size } = meta;
    switch (kind) {
      case 'int':
        return this.#int(meta);
      case 'array':
        return { kind, name: '', type: this.#u32(), indexType: this.#u32(), count: this.#u32() };
      case 'struct':
      case 'union':
        return { kind, name, sizeBytes: size, members: this.#members(meta) };
      case 'enum':
      case 'enum64':
        return { kind, name, sizeBytes: size, signed: meta.flag, values: this.#enum(meta) };
      case 'fwd':
        return { kind, name, of: meta.flag ? 'union' : 'struct' };
      case 'func':
        return { kind, name, type: size, linkage: this.#linkage(vlen) };
      case 'func_proto':
        return { kind, name: '', type: size, params: this.#params(vlen) };
      case 'var':
        return { kind, name, type: size, linkage: this.#linkage(this.#u32()) };
      case 'datasec':
        return { kind, name, sizeBytes: size, vars: this.#vars(vlen) };
      case 'float':
        return { kind, name, sizeBytes: size };
      case 'decl_tag':
        return { kind, name, type: size, component: this.#s32() };
      case 'ptr':
        return { kind, name: '', type: size };
      default:
        return { kind, name, type: size };
    }
  }

  #int({ name, size }: Meta): BtfType {
    const data = this.#u32();
    if ((data & 0xf000_ff00) !== 0) {
      this.#failType(`Invalid int_data:${data.toString(16)}`);
    }
    const encoding = kinds.INT_ENCODINGS[(data >>> 24) & 0xf];
    if (encoding === undefined || (encoding === '' && data >>> 24 !== 0)) {
      this.#failType('Unsupported encoding');
    }
    const bits = data & 0xff;
    const bitOffset = (data >>> 16) & 0xff;
    if (bits + bitOffset > size * 8 || bits > 128) this.#failType('nr_bits exceeds type_size');
    return { kind: 'int', name, sizeBytes: size, encoding, bitOffset, bits };
  }

  #members({ vlen, flag }: Meta): BtfMember[] {
    this.#need(vlen * 12);
    return Array.from({ length: vlen }, () => {
      const name = this.#text(this.#u32());
      const type = this.#u32();
      const offset = this.#u32();
      return flag
        ? { name, type, bitOffset: offset & 0xff_ffff, bits: offset >>> 24 }
        : { name, type, bitOffset: offset, bits: 0 };
    });
  }

  #enum({ kind, vlen, flag }: Meta): { name: string; value: bigint }[] {
    const wide = kind === 'enum64';
    this.#need(vlen * (wide ? 12 : 8));
    return Array.from({ length: vlen }, () => {
      const name = this.#text(this.#u32());
      const low = BigInt(this.#u32());
      const value = wide ? (BigInt(this.#u32()) << 32n) | low : low;
      return { name, value: flag ? BigInt.asIntN(wide ? 64 : 32, value) : value };
    });
  }

  #params(vlen: number): { name: string; type: number }[] {
    this.#need(vlen * 8);
    return Array.from({ length: vlen }, () => ({
      name: this.#text(this.#u32()),
      type: this.#u32(),
    }));
  }

  #vars(vlen: number): { type: number; offsetBytes: number; sizeBytes: number }[] {
    this.#need(vlen * 12);
    return Array.from({ length: vlen }, () => ({
      type: this.#u32(),
      offsetBytes: this.#u32(),
      sizeBytes: this.#u32(),
    }));
  }

  #linkage(value: number): (typeof LINKAGES)[number] {
    return LINKAGES[value] ?? this.#failType('Linkage not supported');
  }
}

interface Meta {
  readonly name: string;
  readonly kind: BtfKind;
  readonly vlen: number;
  /** kind_flag */
  readonly flag: boolean;
  /** Or the type that it refers to. */
  readonly size: number;
}
