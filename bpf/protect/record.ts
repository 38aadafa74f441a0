import { assert } from '../../base/assert.ts';
import { Bug } from '../../base/errors.ts';
import { ptr, struct, u32, u64 } from '../../base/layout.ts';
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
  at: u64, // run time of the invocation, in ns: a double
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
const HEADER = bpf_held_record.sizeBytes / WORD;
const ENTRY = bpf_held.sizeBytes / WORD;
const COUNT = bpf_held_record.off.count / WORD;
const SEQ = bpf_held_record.off.seq / WORD;
const STATE = bpf_held.off.state / WORD;
const PAIR = bpf_held.off.pair / WORD;
const SEQ_OF = bpf_held.off.seq / WORD;
const INSN = bpf_held.off.insn / WORD;
const ADDR = bpf_held.off.addr / WORD;
const FLAGS = bpf_held.off.flags / WORD;
const AT = bpf_held.off.at / WORD;

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
  readonly #times: Float64Array;

  constructor(memory: Memory, scratch: Scratch, prog: number, capacity: number) {
    this.sizeBytes = WORD * (HEADER + capacity * ENTRY);
    this.addr = scratch.take(this.sizeBytes);
    assert(this.addr !== 0, 'no memory for the record of what a program holds');
    this.#capacity = capacity;
    memory.beforeWrite(this.addr, this.sizeBytes);
    this.#words = new Uint32Array(memory.wasm.buffer, this.addr, this.sizeBytes / WORD);
    this.#times = new Float64Array(memory.wasm.buffer, this.addr, this.sizeBytes / 8);
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
    if (count >= this.#capacity) overrun();
    const at = HEADER + count * ENTRY;
    words[at + STATE] = RESERVED;
    words[at + PAIR] = pair;
    words[at + SEQ_OF] = words[SEQ]!++;
    words[at + INSN] = insn;
    words[COUNT] = count + 1;
  }

  /** What the top one was reserved for has been acquired. */
  commit(addr: number, flags: number, atNs: number): void {
    const words = this.#words;
    const at = HEADER + (words[COUNT]! - 1) * ENTRY;
    words[at + ADDR] = addr;
    words[at + FLAGS] = flags;
    this.#times[(at + AT) >> 1] = atNs;
    words[at + STATE] = HELD;
  }

  /** Both at once, where nobody can come in between. What stamp() wants is returned. */
  push(pair: number, insn: number, addr: number): number {
    const words = this.#words;
    const count = words[COUNT]!;
    if (count >= this.#capacity) overrun();
    const at = HEADER + count * ENTRY;
    words[at + STATE] = HELD;
    words[at + PAIR] = pair;
    words[at + SEQ_OF] = words[SEQ]!++;
    words[at + INSN] = insn;
    words[at + ADDR] = addr;
    words[at + FLAGS] = 0;
    words[COUNT] = count + 1;
    return (at + AT) >> 1;
  }

  /** Says when that was. */
  stamp(top: number, atNs: number): void {
    this.#times[top] = atNs;
  }

  /** Takes the newest out where it is this: the most usual release. */
  pop(pair: number, addr: number): boolean {
    const words = this.#words;
    const count = words[COUNT]! - 1;
    if (count < 0) return false;
    const at = HEADER + count * ENTRY;
    if (words[at + PAIR] !== pair || words[at + ADDR] !== addr || words[at + STATE] !== HELD) {
      return false;
    }
    words[COUNT] = count;
    return true;
  }

  /** It has not. */
  abort(): void {
    this.#words[COUNT] = this.#words[COUNT]! - 1;
  }

  at(index: number): Held {
    const words = this.#words;
    const at = HEADER + index * ENTRY;
    return {
      state: words[at + STATE]!,
      pair: words[at + PAIR]!,
      seq: words[at + SEQ_OF]!,
      insn: words[at + INSN]!,
      addr: words[at + ADDR]!,
      flags: words[at + FLAGS]!,
      atNs: this.#times[(at + AT) >> 1]!,
    };
  }

  stateAt(index: number): number {
    return this.#words[HEADER + index * ENTRY + STATE]!;
  }

  pairOf(index: number): number {
    return this.#words[HEADER + index * ENTRY + PAIR]!;
  }

  addrOf(index: number): number {
    return this.#words[HEADER + index * ENTRY + ADDR]!;
  }

  release(index: number): void {
    this.#words[HEADER + index * ENTRY + STATE] = RELEASING;
  }

  /** Takes an entry out; those above it move down. */
  erase(index: number): void {
    const words = this.#words;
    const count = words[COUNT]! - 1;
    const at = HEADER + index * ENTRY;
    if (index < count) words.copyWithin(at, at + ENTRY, HEADER + (count + 1) * ENTRY);
    words[COUNT] = count;
  }

  /** Entries made and taken out so far. Spec 03 R13. */
  get operations(): number {
    return 2 * this.#words[SEQ]! - this.count;
  }

  /** Newest first, then older ones. */
  entries(): Held[] {
    return Array.from({ length: this.count }, (_, i) => this.at(this.count - 1 - i));
  }
}

function overrun(): never {
  throw new Bug('a program holds more than the verifier has found possible');
}
