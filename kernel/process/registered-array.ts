import { access, kernelText, WRITE, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import type { Memory } from '../memory.ts';
import {
  bpf_user_writable,
  bpf_user_writable_entry,
  ENTRY_BYTES,
  entryAddr,
} from './registered-structs.ts';

const REG7 = site('sort', 'REG7');
const WORD_BYTES = 8;

/** What the comparator looks at. */
interface Range {
  readonly start: number;
  readonly size: number;
}

/**
 * The array of regions, as the patch searches and sorts it. Its comparator takes a range inside of
 * an entry for equal to it, else goes by the start: an order only where no region overlaps another.
 * Spec 05, section 4; lib/sort.c, include/linux/bsearch.h
 */
export class RegisteredArray {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  at(array: number): ReturnType<typeof bpf_user_writable.at> {
    return bpf_user_writable.at(this.#memory, array);
  }

  entry(addr: number): ReturnType<typeof bpf_user_writable_entry.at> {
    return bpf_user_writable_entry.at(this.#memory, addr);
  }

  /** The entry in which [start, start + size) lies, or 0, as a binary search finds it. */
  find(array: number, start: number, size: number): number {
    if (array === 0) return 0;
    const key = { start, size };
    let base = 0;
    for (let num = this.at(array).count; num > 0; num >>= 1) {
      const pivot = base + (num >> 1);
      const addr = entryAddr(array, pivot);
      const order = compare(key, this.entry(addr));
      if (order === 0) return addr;
      if (order > 0) {
        base = pivot + 1;
        num--;
      }
    }
    return 0;
  }

  /** Whether any entry shares a byte with the range. */
  overlaps(array: number, start: number, size: number): boolean {
    if (array === 0) return false;
    for (let i = 0; i < this.at(array).count; i++) {
      const entry = this.entry(entryAddr(array, i));
      if (start < entry.start + entry.size && entry.start < start + size) return true;
    }
    return false;
  }

  /**
   * A heap sort that goes down to a leaf first, then back up: sort() of lib/sort.c in v6.9, for
   * which the patch was made. Later ones order what overlaps otherwise.
   */
  *sort(array: number): Sim<void> {
    let left = this.at(array).count;
    /** Entries from here on are a heap already. */
    let root = left >> 1;
    const order = (a: number, b: number): number =>
      compare(this.entry(entryAddr(array, a)), this.entry(entryAddr(array, b)));
    for (;;) {
      if (root > 0) root--;
      else if (--left > 0) yield* this.do_swap(array, 0, left);
      else return;
      let at = root;
      while (2 * at + 2 < left) {
        const child = 2 * at + 1;
        at = order(child, child + 1) >= 0 ? child : child + 1;
      }
      if (2 * at + 2 === left) at = 2 * at + 1; // a leaf that has no sibling
      while (at !== root && order(root, at) >= 0) at = parentOf(at);
      const place = at;
      while (at !== root) {
        at = parentOf(at);
        yield* this.do_swap(array, at, place);
      }
    }
  }

  /** Exchanges two entries word by word, the last first: swap_words_64() */
  *do_swap(array: number, one: number, other: number): Sim<void> {
    const memory = this.#memory;
    for (let off = ENTRY_BYTES - WORD_BYTES; off >= 0; off -= WORD_BYTES) {
      const a = entryAddr(array, one) + off;
      const b = entryAddr(array, other) + off;
      const kept = memory.u64(a);
      const moved = memory.u64(b);
      yield* access(REG7, a, WORD_BYTES, WRITE, () => memory.setU64(a, moved));
      yield* access(REG7, b, WORD_BYTES, WRITE, () => memory.setU64(b, kept));
    }
  }
}

kernelText(RegisteredArray);

function compare(key: Range, entry: Range): number {
  const last = key.start + key.size - 1;
  if (key.start >= entry.start && last <= entry.start + entry.size - 1) return 0;
  return key.start < entry.start ? -1 : 1;
}

function parentOf(index: number): number {
  return (index - 1) >> 1;
}
