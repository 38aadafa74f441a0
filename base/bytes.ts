import { assert } from './assert.ts';
import { InputError } from './errors.ts';

/** Bytes of LEB128 that the largest safe integer, 2^53 - 1, takes: 7 bits each. */
const VARINT_BYTES_MAX = 8;

/**
 * Reads little-endian numbers from bytes that somebody else wrote. Every read beyond the end, and
 * every malformed number, is an InputError that names what was read and the offset.
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #offset = 0;

  /** `what` names the input in messages: `token`, `vmlinux.btf`. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Bytes from the start of the input to the next read. */
  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Goes to an offset from the start; the end itself is allowed. */
  seek(offset: number): void {
    if (!(Number.isInteger(offset) && offset >= 0 && offset <= this.#bytes.length)) {
      throw this.error(`seek to ${offset}, the end is at ${this.#bytes.length}`);
    }
    this.#offset = offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  s32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** The next `count` bytes, without a copy. */
  bytes(count: number): Uint8Array {
    const start = this.#take(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** An unsigned LEB128 number of at most 53 bits, in its shortest form. DWARF 5, section 7.6. */
  varint(): number {
    const start = this.#offset;
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte & 0x80) continue;
      if (byte === 0 && i > 0) break; // a longer way to write a shorter number
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    this.#offset = start;
    throw this.error('malformed variable-length number');
  }

  /** A text as ByteWriter.text() writes it. */
  text(): string {
    const length = this.varint();
    if (length > this.remaining) throw this.error(`text of ${length} characters is cut off`);
    let text = '';
    for (let i = 0; i < length; i++) {
      const unit = this.varint();
      if (unit > 0xffff) throw this.error(`${unit} is no character`);
      text += String.fromCharCode(unit);
    }
    return text;
  }

  /** An error at the present offset, to be thrown by the caller. */
  error(message: string): InputError {
    return new InputError(`${this.#what}: ${message}, at offset ${this.#offset}`);
  }

  #take(count: number): number {
    if (!(count >= 0 && count <= this.remaining)) {
      throw this.error(`${count} bytes expected, ${this.remaining} left`);
    }
    const start = this.#offset;
    this.#offset += count;
    return start;
  }
}

/** Writes little-endian numbers into bytes that grow as needed. */
export class ByteWriter {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    const start = this.#grow(1);
    this.#view.setUint8(start, value);
  }

  u16(value: number): void {
    const start = this.#grow(2);
    this.#view.setUint16(start, value, true);
  }

  u32(value: number): void {
    const start = this.#grow(4);
    this.#view.setUint32(start, value, true);
  }

  s32(value: number): void {
    const start = this.#grow(4);
    this.#view.setInt32(start, value, true);
  }

  u64(value: bigint): void {
    const start = this.#grow(8);
    this.#view.setBigUint64(start, value, true);
  }

  bytes(bytes: Uint8Array): void {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
  }

  /** An unsigned LEB128 number of at most 53 bits. DWARF 5, section 7.6. */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `varint(${value}): out of range`);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** The number of UTF-16 units, then each as a varint: ASCII takes a byte a character. */
  text(text: string): void {
    this.varint(text.length);
    for (let i = 0; i < text.length; i++) this.varint(text.charCodeAt(i));
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for `count` bytes and returns where they start. Replaces #bytes and #view. */
  #grow(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}
