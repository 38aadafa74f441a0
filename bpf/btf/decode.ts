import { E2BIG, EINVAL, ENOTSUPP } from '../../kernel/errno.ts';
import { InputError } from '../../base/errors.ts';
import { makeBtf } from './btf.ts';
import { StringTable } from '../elf/strings.ts';
import { checkLoad, checkMeta } from './check-load.ts';
import { checkTypes } from './check.ts';
import * as kinds from './kinds.ts';
import { BTF_KINDS, HEADER_BYTES, LINKAGES, TYPE_BYTES } from './kinds.ts';
import { kindName, logType, logWrong } from './log.ts';
import { DEPTH_MAX } from './resolve.ts';
import type { Btf, BtfKind, BtfMember, BtfType } from './types.ts';

/** What is wrong with BTF, as BTF_LOAD reports it. */
export class BtfError extends InputError {
  readonly errno: number;
  /** The lines of the kernel's log. */
  readonly log: string;
  constructor(errno: number, log: string, name: string) {
    super(`${name}: BTF: ${log.replaceAll(/\s+/g, ' ')}`);
    this.errno = errno;
    this.log = log;
  }
}

/** Types of a .BTF section. kernel/bpf/btf.c: BTF_MAX_TYPE */
const TYPES_MAX = 0x000f_ffff;

/** kernel/bpf/btf.c: BTF_MAX_SIZE */
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * The types of a .BTF section of an object, which libbpf has yet to put right, or of a kernel.
 * Throws BtfError: what is wrong, in the kernel's words where it has some.
 * btf.c: btf_sanity_check()
 */
export function decodeBtf(bytes: Uint8Array, name: string): Btf {
  return decode(bytes, name, false);
}

/**
 * The types that BTF_LOAD is given. Throws BtfError. kernel/bpf/btf.c: btf_parse(), of which it
 * reports what that does, and the errno.
 */
export function btf_parse(bytes: Uint8Array): Btf {
  if (bytes.length > BYTES_MAX) throw new BtfError(E2BIG, 'BTF is too big', 'btf');
  return decode(bytes, 'btf', true);
}

function decode(bytes: Uint8Array, name: string, strict: boolean): Btf {
  const types = new Decoder(bytes, name, strict).types();
  const btf = makeBtf(types);
  const wrong =
    checkTypes(btf, strict ? DEPTH_MAX : Infinity) ?? (strict ? checkLoad(btf) : undefined);
  if (wrong) throw new BtfError(wrong.errno, wrong.message, name);
  return btf;
}

class Decoder {
  readonly #name: string;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #strings = new StringTable(new Uint8Array(0));
  #at = 0;
  #end = 0;
  #id = 0;
  /** Of the type at hand, as soon as its kind is known. */
  #meta: Meta | undefined;
  /** For BTF_LOAD: what libbpf would put right is wrong. */
  readonly #strict: boolean;

  constructor(bytes: Uint8Array, name: string, strict: boolean) {
    this.#strict = strict;
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
      const type = this.#type();
      const wrong = this.#strict ? checkMeta(type) : undefined;
      if (wrong !== undefined) this.#fail(logWrong(logType(types, this.#id, type), wrong));
      types.push(type);
    }
    return types;
  }

  #fail(message: string, errno: number = EINVAL): never {
    throw new BtfError(errno, message, this.#name);
  }

  #failType(message: string): never {
    this.#fail(`[${this.#id}] ${message}`);
  }

  #header(): void {
    const view = this.#view;
    const size = this.#bytes.length;
    if (size < HEADER_BYTES) this.#fail('hdr_len not found');
    const hdrLen = view.getUint32(4, true);
    if (hdrLen < HEADER_BYTES || hdrLen > size) this.#fail('btf_header not found');
    if (view.getUint16(0, true) !== kinds.BTF_MAGIC) this.#fail('Invalid magic');
    if (view.getUint8(2) !== kinds.BTF_VERSION) this.#fail('Unsupported version', ENOTSUPP);
    if (view.getUint8(3) !== 0) this.#fail('Unsupported flags', ENOTSUPP);
    if (this.#bytes.subarray(HEADER_BYTES, hdrLen).some((byte) => byte !== 0)) {
      this.#fail('Unsupported btf_header', E2BIG);
    }
    if (hdrLen === size) this.#fail('No data');
    const typeOff = view.getUint32(8, true);
    const typeLen = view.getUint32(12, true);
    const strOff = view.getUint32(16, true);
    const strLen = view.getUint32(20, true);
    this.#layout(size - hdrLen, [
      { off: typeOff, len: typeLen },
      { off: strOff, len: strLen },
    ]);
    const strings = this.#bytes.subarray(hdrLen + strOff, hdrLen + strOff + strLen);
    if (strOff + strLen !== size - hdrLen) this.#fail('String section is not at the end');
    if (strLen - 1 > kinds.BTF_MAX_NAME_OFFSET || strings[0] !== 0 || strings.at(-1) !== 0) {
      this.#fail('Invalid string section');
    }
    if (typeOff % 4 !== 0) this.#fail('Unaligned type_off');
    if (this.#strict && typeLen === 0) this.#fail('No type found');
    this.#strings = new StringTable(strings);
    this.#at = hdrLen + typeOff;
    this.#end = this.#at + typeLen;
  }

  /** That the sections fill the room, in any order. kernel/bpf/btf.c: btf_check_sec_info() */
  #layout(room: number, sections: { off: number; len: number }[]): void {
    let total = 0;
    for (const { off, len } of sections.toSorted((a, b) => a.off - b.off)) {
      if (off > room) this.#fail('Invalid section offset');
      if (total < off) this.#fail('Unsupported section found');
      if (total > off) this.#fail('Section overlap found');
      if (len > room - total) this.#fail('Total section length too long');
      total += len;
    }
    if (total !== room) this.#fail('Unsupported section found');
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
    if (this.#at + count <= this.#end) return;
    const message = `meta_left:${this.#end - this.#at} meta_needed:${count}`;
    if (this.#meta) this.#failKind(this.#meta, message);
    this.#failType(message);
  }

  #text(offset: number): string {
    return this.#strings.at(offset) ?? this.#failType(`Invalid name_offset:${offset}`);
  }

  #type(): BtfType {
    this.#meta = undefined;
    this.#need(TYPE_BYTES);
    const nameAt = this.#u32();
    const info = this.#u32();
    const size = this.#u32();
    const kind = BTF_KINDS[(info >>> 24) & 0x1f];
    const vlen = info & 0xffff;
    if ((info & 0x60ff_0000) !== 0) this.#failType(`Invalid btf_info:${info.toString(16)}`);
    if (!kind || kind === 'void') this.#failType(`Invalid kind:${(info >>> 24) & 0x1f}`);
    const meta = { name: this.#text(nameAt), kind, vlen, flag: info >>> 31 === 1, size };
    const wrong = checkInfo(meta);
    if (wrong !== undefined) this.#failKind(meta, `${detailsOf(meta)}${wrong}`);
    this.#meta = meta;
    return this.#ofKind(meta);
  }

  #failKind(meta: Meta, message: string): never {
    this.#failType(`${kindName(meta)} ${meta.name || '(anon)'} ${message}`);
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
        return { kind, name, type: size, linkage: this.#linkage(meta, vlen) };
      case 'func_proto':
        return { kind, name: '', type: size, params: this.#params(vlen) };
      case 'var':
        return { kind, name, type: size, linkage: this.#linkage(meta, this.#u32()) };
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

  #int(meta: Meta): BtfType {
    const { name, size } = meta;
    const data = this.#u32();
    if ((data & 0xf000_ff00) !== 0) {
      this.#failKind(meta, `Invalid int_data:${data.toString(16)}`);
    }
    const bits = data & 0xff;
    const bitOffset = (data >>> 16) & 0xff;
    const encoding = kinds.INT_ENCODINGS[data >>> 24];
    const isKnown = encoding !== undefined && (encoding !== '' || data >>> 24 === 0);
    const type: BtfType = {
      kind: 'int',
      name,
      sizeBytes: size,
      encoding: encoding ?? '',
      bitOffset,
      bits,
    };
    const fail = (wrong: string): never => this.#fail(logWrong(logType([], this.#id, type), wrong));
    if (bits + bitOffset > 128) fail('nr_bits exceeds 128');
    if (Math.ceil((bits + bitOffset) / 8) > size) fail('nr_bits exceeds type_size');
    if (!isKnown) fail('Unsupported encoding');
    return type;
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

  #linkage(meta: Meta, value: number): (typeof LINKAGES)[number] {
    const isFunc = meta.kind === 'func';
    return (
      LINKAGES[value] ??
      this.#failKind(meta, isFunc ? 'Invalid func linkage' : 'Linkage not supported')
    );
  }
}

const WITH_PARTS: ReadonlySet<BtfKind> = new Set<BtfKind>([
  'struct',
  'union',
  'enum',
  'enum64',
  'func', // its linkage
  'func_proto',
  'datasec',
]);
const WITH_FLAG: ReadonlySet<BtfKind> = new Set<BtfKind>([
  'struct',
  'union',
  'enum',
  'enum64',
  'fwd',
  'decl_tag',
  'type_tag',
]);

const WITHOUT_NAME: ReadonlySet<BtfKind> = new Set<BtfKind>(['ptr', 'array', 'func_proto']);

/** What a line of the log says of a type of which no more is known. */
function detailsOf({ kind, size, vlen }: Meta): string {
  if (REFERRING.has(kind)) return `type_id=${size} `;
  return WITH_PARTS.has(kind) && kind !== 'func_proto' ? `size=${size} vlen=${vlen} ` : '';
}

const REFERRING: ReadonlySet<BtfKind> = new Set<BtfKind>([
  'ptr',
  'typedef',
  'volatile',
  'const',
  'restrict',
  'func',
  'type_tag',
]);

/** What is wrong with the bits that a kind has no use for. */
function checkInfo({ name, kind, vlen, flag, size }: Meta): string | undefined {
  if (vlen !== 0 && !WITH_PARTS.has(kind)) return 'vlen != 0';
  if (flag && !WITH_FLAG.has(kind)) return 'Invalid btf_info kind_flag';
  if (name !== '' && WITHOUT_NAME.has(kind)) return 'Invalid name';
  if (kind === 'array' && size !== 0) return 'size != 0';
  if (kind === 'fwd' && size !== 0) return 'type != 0';
  return undefined;
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
