/**
 * A union bpf_attr under construction: fields by their offset in include/uapi/linux/bpf.h.
 */
export class Attr {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: number | bigint): this {
    this.#view.setBigInt64(offset, BigInt(value), true);
    return this;
  }

  /** A name, cut to 15 characters as libbpf does. */
  name(offset: number, value: string): this {
    for (let i = 0; i < Math.min(15, value.length); i++) {
      this.bytes[offset + i] = value.charCodeAt(i);
    }
    return this;
  }
}
