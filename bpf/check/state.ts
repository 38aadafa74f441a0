import { MAX_BPF_STACK } from '../vm/frame.ts';
import type { Reg } from '../isa/insn.ts';

/**
 * What a register or a word of the stack holds, as far as it matters to the checker: a number, so
 * that a state is an array of them. Besides these three, a pointer into the function's own stack
 * by its offset from r10, and the constants that name a map, a map's value or a function, by the
 * slot that they came from.
 */
export const OTHER = 0;
/** A pointer to a struct of the kernel's own, through which a load may fault. */
export const KERNEL = 1;
export const CTX = 2;
export const STACK = 0x1_0000;
export const MAP = 0x10_0000;
export const FUNC = 0x30_0000;
export const VALUE = 0x50_0000;
const OFFSET_MAX = 0x7fff;
const SLOTS_MAX = 0x20_0000;

const REG_COUNT = 11;
const WORD_COUNT = MAX_BPF_STACK / 8;
const STATE_WORDS = REG_COUNT + WORD_COUNT;

export const isStack = (value: number): boolean => Math.abs(value - STACK) <= OFFSET_MAX;
export const isMap = (value: number): boolean => value >= MAP && value < MAP + SLOTS_MAX;
export const isFunc = (value: number): boolean => value >= FUNC && value < FUNC + SLOTS_MAX;
export const isValue = (value: number): boolean => value >= VALUE && value < VALUE + SLOTS_MAX;

/** What holds at one place of a program. */
export class State {
  /** Of the registers, and of the words of the stack downwards from r10: what was spilled there. */
  readonly #origins = new Int32Array(STATE_WORDS);
  /** By bit: whether a register's number is known. */
  #known = 0;
  /** Unsigned. */
  readonly #numbers = new BigUint64Array(REG_COUNT);

  copyFrom(other: State): void {
    this.#origins.set(other.#origins);
    this.#numbers.set(other.#numbers);
    this.#known = other.#known;
  }

  clone(): State {
    const made = new State();
    made.copyFrom(this);
    return made;
  }

  clear(): void {
    this.#origins.fill(OTHER);
    this.#known = 0;
  }

  get(reg: Reg): number {
    return this.#origins[reg]!;
  }

  /** Its number is then unknown. */
  set(reg: Reg, origin: number): void {
    this.#origins[reg] = origin;
    this.#known &= ~(1 << reg);
  }

  /** A register's number, unsigned, of 64 bits; undefined where it is not known. */
  number(reg: Reg): bigint | undefined {
    return (this.#known & (1 << reg)) === 0 ? undefined : this.#numbers[reg];
  }

  setNumber(reg: Reg, value: bigint): void {
    this.#origins[reg] = OTHER;
    this.#numbers[reg] = value;
    this.#known |= 1 << reg;
  }

  /** All of another register. */
  copy(dst: Reg, src: Reg): void {
    const value = this.number(src);
    this.set(dst, this.get(src));
    if (value !== undefined) this.setNumber(dst, value);
  }

  /** What the stack holds at an offset; OTHER also where that is no word. */
  word(off: number): number {
    const at = wordAt(off);
    return at === undefined ? OTHER : this.#origins[at]!;
  }

  setWord(off: number, origin: number): void {
    const at = wordAt(off);
    if (at !== undefined) this.#origins[at] = origin;
  }

  /**
   * What holds if one of the two does. What differs is OTHER, or KERNEL if either is: a load that
   * reads zero where it faults does no harm. Whether that is less than before.
   */
  join(other: State): boolean {
    let changed = false;
    for (let at = 0; at < STATE_WORDS; at++) {
      const before = this.#origins[at]!;
      const after = joined(before, other.#origins[at]!);
      if (after === before) continue;
      this.#origins[at] = after;
      changed = true;
    }
    let known = this.#known & other.#known;
    for (let reg = 0; reg < REG_COUNT; reg++) {
      if (this.#numbers[reg] !== other.#numbers[reg]) known &= ~(1 << reg);
    }
    if (known === this.#known) return changed;
    this.#known = known;
    return true;
  }
}

function joined(a: number, b: number): number {
  if (a === b) return a;
  return a === KERNEL || b === KERNEL ? KERNEL : OTHER;
}

/** Where a state has the word of the stack at this offset. */
function wordAt(off: number): number | undefined {
  const word = -off / 8 - 1;
  const isOne = Number.isInteger(word) && word >= 0 && word < WORD_COUNT;
  return isOne ? REG_COUNT + word : undefined;
}
