import type { Memory } from '../../kernel/memory.ts';
import type { LineText } from '../../kernel/trace-pipe.ts';
import { parseFormat } from './format.ts';

/** As many as bpf_trace_printk() takes. */
const ARGS_MAX = 3;
/** Of an int: -2147483648. */
const DIGITS_MAX = 11;
const CACHED_MAX = 64;

/** By where they stand. What stands there is compared each time. */
const cached = new Map<number, PlainFormat | undefined>();

/**
 * A format of nothing but text and plain 32-bit numbers: how long its text is can be said without
 * making it. A program that prints in a loop, of which nobody reads but the last lines, spends
 * nearly all its host time in prints.
 */
export class PlainFormat implements LineText {
  readonly #bytes: Uint8Array;
  /** Those of them that make whole ones: so that comparing is fast. */
  readonly #words: Uint32Array;
  /** One more than there are numbers. */
  readonly #texts: readonly string[];
  /** `d`, `i`, `u`, `x` or `X`. */
  readonly #kinds: readonly string[];
  readonly #textLength: number;
  /** The most that its text may take. */
  readonly lengthMax: number;

  constructor(bytes: Uint8Array, texts: readonly string[], kinds: readonly string[]) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.slice(0, bytes.length & ~3).buffer);
    this.#texts = texts;
    this.#kinds = kinds;
    this.#textLength = texts.reduce((sum, { length }) => sum + length, 0);
    this.lengthMax = this.#textLength + DIGITS_MAX * kinds.length;
  }

  /** How many numbers. */
  get argCount(): number {
    return this.#kinds.length;
  }

  lengthOf(words: Uint32Array): number {
    let length = this.#textLength;
    for (let i = 0; i < this.#kinds.length; i++) {
      length += digitsOf(words[2 * i]!, this.#kinds[i]!);
    }
    return length;
  }

  textOf(words: Uint32Array, at: number): string {
    const text = this.#kinds
      .map((kind, i) => this.#texts[i]! + numberText(words[at + 2 * i]!, kind))
      .join('');
    return (text + this.#texts.at(-1)!).replace(/\n$/, '');
  }

  /** Up to its NUL, if no size is given. */
  isAt(memory: Memory, addr: number, size = this.#bytes.length): boolean {
    const bytes = this.#bytes;
    if (bytes.length !== size) return false;
    const words = this.#words;
    for (let i = 0; i < words.length; i++) {
      if (memory.u32(addr + 4 * i) !== words[i]) return false;
    }
    for (let i = 4 * words.length; i < size; i++) {
      if (memory.u8(addr + i) !== bytes[i]) return false;
    }
    return true;
  }
}

/** The format at an address; undefined where it is no plain one. */
export function plainFormat(memory: Memory, addr: number, size: number): PlainFormat | undefined {
  const known = cached.get(addr);
  if (known?.isAt(memory, addr, size)) return known;
  if (cached.size >= CACHED_MAX) cached.clear();
  const made = compile(memory.copyOut(addr, size));
  cached.set(addr, made);
  return made;
}

/** The same of a constant string, of which a NUL says where it ends. */
export function plainString(memory: Memory, addr: number): PlainFormat | undefined {
  const known = cached.get(addr);
  if (known?.isAt(memory, addr)) return known;
  let size = 1;
  while (memory.u8(addr + size - 1) !== 0) size++;
  return plainFormat(memory, addr, size);
}

function compile(bytes: Uint8Array): PlainFormat | undefined {
  const end = bytes.indexOf(0);
  if (end < 0) return undefined;
  const parts = parseFormat(String.fromCharCode(...bytes.subarray(0, end)), ARGS_MAX);
  if (!parts) return undefined;
  const texts = [''];
  const kinds: string[] = [];
  for (const part of parts) {
    if (typeof part === 'string') {
      texts[texts.length - 1] += part;
      continue;
    }
    const { flags, width, what } = part;
    if (flags !== '' || width !== 0 || !/^[diuxX]$/.test(what)) return undefined;
    kinds.push(what);
    texts.push('');
  }
  return new PlainFormat(bytes, texts, kinds);
}

function numberText(word: number, kind: string): string {
  if (kind === 'd' || kind === 'i') return String(word | 0);
  if (kind === 'u') return String(word);
  return kind === 'x' ? word.toString(16) : word.toString(16).toUpperCase();
}

function digitsOf(word: number, kind: string): number {
  if (kind === 'x' || kind === 'X') return Math.max(1, (35 - Math.clz32(word)) >> 2);
  const isNegative = kind !== 'u' && (word | 0) < 0;
  const value = isNegative ? -(word | 0) : word;
  let count = isNegative ? 2 : 1;
  for (let power = 10; power <= value; power *= 10) count++;
  return count;
}
