import { assert } from '../../base/assert.ts';
import { long, ptr, struct, u32 } from '../../base/layout.ts';
import type { Memory } from '../../kernel/memory.ts';
import type { Scratch } from '../attach/scratch.ts';

/** One thing that an invocation holds. Spec 03 R6. */
export const bpf_held = struct('bpf_held', {
  state: u32, // RESERVED, HELD, RELEASING
  pair: u32, // bpf/protect/pairs.ts
  seq: u32,
  insn: u32, // the acquiring call
  addr: ptr('void'),
  flags: ptr('void'), // where interrupt flags were saved
  at: long, // run time of the invocation, in ns
});

/** What one invocation of a program holds, oldest first; the entries stand behind it. */
export const bpf_held_record = struct('bpf_held_record', {
  prog: ptr('struct bpf_prog'),
  count: u32,
  capacity: u32,
  /** Somebody wants the invocation to end: set by any CPU, obeyed at the next kill point. */
  kill: u32,
  seq: u32,
});

/** Room has been made for what a call is about to acquire. */
export const RESERVED = 1;
export const HELD = 2;
/** Its release is under way: whoever kills must not release it again. */
export const RELEASING = 3;

const WORD = 4;
const HEADER = bpf_held_record.sizeBytes;
const ENTRY = bpf_held.sizeBytes;
const ENTRY_WORDS = ENTRY / WORD;
const COUNT = bpf_held_record.off.count / WORD;
const SEQ = bpf_held_record.off.seq / WORD;
const { off } = bpf_held;

/** An entry as values. */
export interface Held {
  readonly state: number;
  readonly pair: number;
  readonly seq: number;
  readonly insn: number;
  readonly addr: number;
  readonly flags: number;
  readonly atNs: number;
}

/**
 * The record of one invocation, in memory, as a stack of entries. Only the invocation itself
 * changes it, so entries are accessed raw; its pages are dirty since it was taken.
 */
export class HeldRecord {
  readonly addr: number;
  readonly sizeBytes: number;
  readonly #capacity: number;
  readonly #words: Uint32Array;

  constructor(memory: Memory, scratch: Scratch, prog: number, capacity: number) {
    this.sizeBytes = HEADER + capacity * ENTRY;
    this.addr = scratch.take(this.sizeBytes);
    assert(this.addr !== 0, 'no memory for the record of what a program holds');
    this.#capacity = capacity;
    memory.beforeWrite(this.addr, this.sizeBytes);
    this.#words = new Uint32Array(memory.wasm.buffer, this.addr, this.sizeBytes / WORD);
    memory.unwatched(() => {
      const s = bpf_held_record.at(memory, this.addr);
      s.prog = prog;
      s.capacity = capacity;
    });
  }

  get count(): number {
    return this.#words[COUNT]!;
  }

  /** Makes room on top. Never fails: the verifier knows how much is held at most. Spec 03 R8. */
  reserve(pair: number, insn: number): void {
    const words = this.#words;
    const count = words[COUNT]!;
    assert(count < this.#capacity, 'a program holds more than the verifier has found possible');
    const at = (HEADER + count * ENTRY) / WORD;
    words[at + off.state / WORD] = RESERVED;
    words[at + off.pair / WORD] = pair;
    words[at + off.seq / WORD] = words[SEQ]!++;
    words[at + off.insn / WORD] = insn;
    words[COUNT] = count + 1;
  }

  /** What the top one was reserved for has been acquired. */
  commit(addr: number, flags: number, atNs: number): void {
    const words = this.#words;
    const at = (HEADER + (words[COUNT]! - 1) * ENTRY) / WORD;
    words[at + off.addr / WORD] = addr;
    words[at + off.flags / WORD] = flags;
    words[at + off.at / WORD] = atNs % 2 ** 32;
    words[at + off.at / WORD + 1] = Math.floor(atNs / 2 ** 32);
    words[at + off.state / WORD] = HELD;
  }

  /** It has not. */
  abort(): void {
    this.#words[COUNT] = this.#words[COUNT]! - 1;
  }

  at(index: number): Held {
    const words = this.#words;
    const at = (HEADER + index * ENTRY) / WORD;
    return {
      state: words[at + off.state / WORD]!,
      pair: words[at + off.pair / WORD]!,
      seq: words[at + off.seq / WORD]!,
      insn: words[at + off.insn / WORD]!,
      addr: words[at + off.addr / WORD]!,
      flags: words[at + off.flags / WORD]!,
      atNs: words[at + off.at / WORD]! + words[at + off.at / WORD + 1]! * 2 ** 32,
    };
  }

  stateAt(index: number): number {
    return this.#words[(HEADER + index * ENTRY + off.state) / WORD]!;
  }

  pairOf(index: number): number {
    return this.#words[(HEADER + index * ENTRY + off.pair) / WORD]!;
  }

  addrOf(index: number): number {
    return this.#words[(HEADER + index * ENTRY + off.addr) / WORD]!;
  }

  release(index: number): void {
    this.#words[(HEADER + index * ENTRY + off.state) / WORD] = RELEASING;
  }

  /** Takes an entry out; those above it move down. */
  erase(index: number): void {
    const words = this.#words;
    const count = words[COUNT]! - 1;
    const at = HEADER / WORD + index * ENTRY_WORDS;
    if (index < count)
      words.copyWithin(at, at + ENTRY_WORDS, HEADER / WORD + (count + 1) * ENTRY_WORDS);
    words[COUNT] = count;
  }

  /** Newest first, then older ones. */
  entries(): Held[] {
    return Array.from({ length: this.count }, (_, i) => this.at(this.count - 1 - i));
  }
}
