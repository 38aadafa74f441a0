import { InputError } from '../../base/errors.ts';
import { StringTable } from '../elf/strings.ts';
import { BTF_MAGIC, HEADER_BYTES as BTF_HEADER_BYTES } from './kinds.ts';

/** Where a subprogram begins, and its type: struct bpf_func_info. */
export interface FuncInfo {
  /** Bytes from the start of the section. */
  readonly insnOffset: number;
  readonly typeId: number;
}

/** Which line of the source an instruction comes from: struct bpf_line_info. */
export interface LineInfo {
  readonly insnOffset: number;
  readonly file: string;
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** Offsets of the two strings, as bpf(2) wants them. */
  readonly fileOffset: number;
  readonly textOffset: number;
}

/** What an instruction must be told of the kernel's types: struct bpf_core_relo. */
export interface CoreRelo {
  readonly insnOffset: number;
  readonly typeId: number;
  /** `0:1:2` */
  readonly access: string;
  /** BPF_CORE_*: enum bpf_core_relo_kind */
  readonly kind: number;
}

/** .BTF.ext: records by the name of the section that they are about. */
export interface BtfExt {
  readonly funcs: ReadonlyMap<string, readonly FuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly LineInfo[]>;
  readonly relos: ReadonlyMap<string, readonly CoreRelo[]>;
}

const HEADER_BYTES = 24;
export const HEADER_WITH_CORE_BYTES = 32;
export const FUNC_INFO_BYTES = 8;
export const LINE_INFO_BYTES = 16;
export const CORE_RELO_BYTES = 16;
const INSN_BYTES = 8;

/** `btf` is the .BTF section, whose strings it uses. Throws InputError. tools/lib/bpf/btf.c */
export function decodeBtfExt(bytes: Uint8Array, btf: Uint8Array, name: string): BtfExt {
  return new ExtReader(bytes, stringsOf(btf, name), name).read();
}

function stringsOf(btf: Uint8Array, name: string): Uint8Array {
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  if (btf.length < BTF_HEADER_BYTES) {
    throw new InputError(`${name}: .BTF of ${btf.length} bytes, expected a header`);
  }
  const start = view.getUint32(4, true) + view.getUint32(16, true);
  return btf.subarray(start, start + view.getUint32(20, true));
}

class ExtReader {
  readonly #view: DataView;
  readonly #strings: StringTable;
  readonly #name: string;

  constructor(bytes: Uint8Array, strings: Uint8Array, name: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#strings = new StringTable(strings);
    this.#name = name;
  }

  read(): BtfExt {
    const view = this.#view;
    if (view.byteLength < HEADER_BYTES) this.#fail(`${view.byteLength} bytes, expected a header`);
    if (view.getUint16(0, true) !== BTF_MAGIC) this.#fail('wrong magic, expected eb9f');
    if (view.getUint8(2) !== 1) this.#fail(`version ${view.getUint8(2)}, expected 1`);
    const headerBytes = view.getUint32(4, true);
    const hasCore = headerBytes >= HEADER_WITH_CORE_BYTES && view.byteLength >= headerBytes;
    return {
      funcs: this.#section('func_info', 8, headerBytes, FUNC_INFO_BYTES, (at) => ({
        insnOffset: this.#insnOffset(at),
        typeId: view.getUint32(at + 4, true),
      })),
      lines: this.#section('line_info', 16, headerBytes, LINE_INFO_BYTES, (at) => this.#line(at)),
      relos: hasCore
        ? this.#section('core_relo', 24, headerBytes, CORE_RELO_BYTES, (at) => ({
            insnOffset: this.#insnOffset(at),
            typeId: view.getUint32(at + 4, true),
            access: this.#text(view.getUint32(at + 8, true)),
            kind: view.getUint32(at + 12, true),
          }))
        : new Map(),
    };
  }

  #insnOffset(at: number): number {
    const offset = this.#view.getUint32(at, true);
    if (offset % INSN_BYTES !== 0) this.#fail(`offset ${offset} is at no instruction`);
    return offset;
  }

  #line(at: number): LineInfo {
    const view = this.#view;
    const fileOffset = view.getUint32(at + 4, true);
    const textOffset = view.getUint32(at + 8, true);
    const position = view.getUint32(at + 12, true);
    return {
      insnOffset: this.#insnOffset(at),
      file: this.#text(fileOffset),
      text: this.#text(textOffset),
      line: position >>> 10,
      column: position & 0x3ff,
      fileOffset,
      textOffset,
    };
  }

  /** A record size, then for each section its name, how many records, and those. */
  #section<T>(
    what: string,
    headerAt: number,
    headerBytes: number,
    recordMin: number,
    read: (at: number) => T,
  ): Map<string, T[]> {
    const view = this.#view;
    const found = new Map<string, T[]>();
    let at = headerBytes + view.getUint32(headerAt, true);
    const length = view.getUint32(headerAt + 4, true);
    const end = at + length;
    if (length === 0) return found;
    if (end > view.byteLength) this.#fail(`${what} ends at ${end}, beyond ${view.byteLength}`);
    const recordBytes = this.#u32(at, end, what);
    if (recordBytes < recordMin || recordBytes % 4 !== 0) {
      this.#fail(`${what}: records of ${recordBytes} bytes, expected ${recordMin} or more`);
    }
    at += 4;
    while (at < end) {
      const section = this.#text(this.#u32(at, end, what));
      const count = this.#u32(at + 4, end, what);
      at += 8;
      if (count === 0 || at + count * recordBytes > end) {
        this.#fail(`${what}: ${count} records for ${section} do not fit`);
      }
      const list = found.get(section) ?? [];
      for (let i = 0; i < count; i++) list.push(read(at + i * recordBytes));
      found.set(section, list);
      at += count * recordBytes;
    }
    return found;
  }

  #u32(at: number, end: number, what: string): number {
    if (at + 4 > end) this.#fail(`${what} is cut`);
    return this.#view.getUint32(at, true);
  }

  #text(offset: number): string {
    return this.#strings.at(offset) ?? this.#fail(`string at ${offset} is not there`);
  }

  #fail(what: string): never {
    throw new InputError(`${this.#name}: .BTF.ext: ${what}`);
  }
}
