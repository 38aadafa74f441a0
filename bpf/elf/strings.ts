/** How often strings may share bytes; more is made to unfold to a lot. */
const TEXT_PER_BYTE = 16;
const SLACK_BYTES = 64;

/**
 * A table of strings that end with a zero byte, named by where they begin. Bytes are characters
 * U+0000 to U+00FF. Each string is made once, and all together stay within a multiple of the table.
 */
export class StringTable {
  readonly #bytes: Uint8Array;
  readonly #texts = new Map<number, string>();
  #left: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#left = TEXT_PER_BYTE * (bytes.length + SLACK_BYTES);
  }

  /** undefined: it is not there, does not end, or too many overlap. */
  at(offset: number): string | undefined {
    const known = this.#texts.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.#bytes.length) return undefined;
    const end = this.#bytes.indexOf(0, offset);
    this.#left -= end - offset;
    if (end < 0 || this.#left < 0) return undefined;
    let text = '';
    for (let i = offset; i < end; i++) text += String.fromCharCode(this.#bytes[i]!);
    this.#texts.set(offset, text);
    return text;
  }
}
