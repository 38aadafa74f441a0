import { E2BIG, EFAULT, ENOENT, ERANGE } from '../../kernel/errno.ts';
import type { Memory } from '../../kernel/memory.ts';
import { args } from '../helpers/args.ts';
import { kernelByteAt } from '../helpers/probe-read.ts';
import type { Call } from '../helpers/prototype.ts';
import { kfunc, type Kfunc } from './prototype.ts';

/** include/uapi/linux/limits.h: no string is looked at further. */
const XATTR_SIZE_MAX = 65_536;
const MAX = BigInt(XATTR_SIZE_MAX);

/** What is at no kernel address, or beyond memory: thrown out of loops, and returned as -errno. */
class Fault {
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}

/** A string in kernel memory, whatever that belongs to: reads fail, and never fault. */
class Text {
  readonly #memory: Memory;
  readonly #at: bigint;

  constructor(memory: Memory, at: bigint) {
    this.#memory = memory;
    this.#at = at;
    if (kernelByteAt(memory, at) === -ERANGE) throw new Fault(ERANGE);
  }

  /** The kernel is compiled with -funsigned-char. */
  char(index: number): number {
    const byte = kernelByteAt(this.#memory, this.#at + BigInt(index));
    if (byte < 0) throw new Fault(EFAULT);
    return byte;
  }
}

const same = (char: number): number => char;
const CASE = 32;

/** Of Latin-1. lib/ctype.c */
function tolower(char: number): number {
  const isUpper = (char >= 65 && char <= 90) || (char >= 192 && char <= 222 && char !== 215);
  return isUpper ? char + CASE : char;
}

function limit(len: bigint): number {
  return Number(len < MAX ? len : MAX);
}

type Fold = (char: number) => number;

/** -1, 0 or 1, of `len` characters at most. */
function compare(one: Text, other: Text, len: bigint, fold: Fold): number {
  const end = limit(len);
  for (let i = 0; i < end; i++) {
    const a = fold(one.char(i));
    const b = fold(other.char(i));
    if (a !== b) return a < b ? -1 : 1;
    if (a === 0) return 0;
  }
  return end === XATTR_SIZE_MAX ? -E2BIG : 0;
}

function find(text: Text, count: bigint, wanted: number): number {
  const end = limit(count);
  for (let i = 0; i < end; i++) {
    const char = text.char(i);
    if (char === wanted) return i;
    if (char === 0) return -ENOENT;
  }
  return end === XATTR_SIZE_MAX ? -E2BIG : -ENOENT;
}

function findOrEnd(text: Text, wanted: number): number {
  for (let i = 0; i < XATTR_SIZE_MAX; i++) {
    const char = text.char(i);
    if (char === 0 || char === wanted) return i;
  }
  return -E2BIG;
}

function findLast(text: Text, wanted: number): number {
  let last = -ENOENT;
  for (let i = 0; i < XATTR_SIZE_MAX; i++) {
    const char = text.char(i);
    if (char === wanted) last = i;
    if (char === 0) return last;
  }
  return -E2BIG;
}

function length(text: Text, count: bigint): number {
  const end = limit(count);
  for (let i = 0; i < end; i++) if (text.char(i) === 0) return i;
  return end === XATTR_SIZE_MAX ? -E2BIG : end;
}

/** How many characters at the beginning are among those of `set`, or are not. */
function span(text: Text, set: Text, isIn: boolean): number {
  for (let i = 0; i < XATTR_SIZE_MAX; i++) {
    const char = text.char(i);
    if (char === 0) return i;
    const at = findOrEnd(set, char);
    if (at < 0) return at;
    if ((set.char(at) === 0) === isIn) return i;
  }
  return -E2BIG;
}

/** Where `part` is, within the first `len` characters. */
function search(text: Text, part: Text, len: bigint, fold: Fold): number {
  for (let i = 0; i < XATTR_SIZE_MAX; i++) {
    let j = 0;
    // One more of the part is read, which may end right there.
    for (; BigInt(i + j) <= len && j < XATTR_SIZE_MAX; j++) {
      const wanted = part.char(j);
      if (wanted === 0) return i;
      if (BigInt(i + j) === len) break;
      const char = text.char(i + j);
      if (char === 0) return -ENOENT;
      if (fold(char) !== fold(wanted)) break;
    }
    if (j === XATTR_SIZE_MAX) return -E2BIG;
    if (BigInt(i + j) === len) return -ENOENT;
  }
  return -E2BIG;
}

/** A row of one string. */
function ofOne(name: string, run: (text: Text, second: bigint, third: bigint) => number): Kfunc {
  return kfunc({
    name,
    args: [args.anything, args.anything, args.anything],
    run: ({ memory }: Call, at, second, third) =>
      answered(() => run(new Text(memory, at), second, third)),
  });
}

/** A row of two. */
function ofTwo(name: string, run: (one: Text, other: Text, len: bigint) => number): Kfunc {
  return kfunc({
    name,
    args: [args.anything, args.anything, args.anything],
    run: ({ memory }: Call, one, other, len) =>
      answered(() => run(new Text(memory, one), new Text(memory, other), len)),
  });
}

function answered(run: () => number): number {
  try {
    return run();
  } catch (error) {
    if (error instanceof Fault) return -error.errno;
    throw error;
  }
}

const charOf = (value: bigint): number => Number(value & 0xffn);
const intOf = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** kernel/bpf/helpers.c */
export const STRING_KFUNCS: readonly Kfunc[] = [
  ofTwo('bpf_strcmp', (one, other) => compare(one, other, MAX, same)),
  ofTwo('bpf_strcasecmp', (one, other) => compare(one, other, MAX, tolower)),
  ofTwo('bpf_strncasecmp', (one, other, len) => compare(one, other, len, tolower)),
  ofOne('bpf_strchr', (text, char) => find(text, MAX, charOf(char))),
  ofOne('bpf_strnchr', (text, count, char) => find(text, count, charOf(char))),
  ofOne('bpf_strchrnul', (text, char) => findOrEnd(text, charOf(char))),
  ofOne('bpf_strrchr', (text, char) => findLast(text, intOf(char))),
  ofOne('bpf_strlen', (text) => length(text, MAX)),
  ofOne('bpf_strnlen', (text, count) => length(text, count)),
  ofTwo('bpf_strspn', (text, accept) => span(text, accept, true)),
  ofTwo('bpf_strcspn', (text, reject) => span(text, reject, false)),
  ofTwo('bpf_strstr', (text, part) => search(text, part, MAX, same)),
  ofTwo('bpf_strcasestr', (text, part) => search(text, part, MAX, tolower)),
  ofTwo('bpf_strnstr', (text, part, len) => search(text, part, len, same)),
  ofTwo('bpf_strncasestr', (text, part, len) => search(text, part, len, tolower)),
];
