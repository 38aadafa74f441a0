/**
 * Ranges of numbers on a circle: from `base` upwards over `size` more, past the greatest number to
 * 0 if need be. One such range is a range of unsigned numbers, or of signed ones, or both. Values,
 * never changed: `Cnum32` of numbers below 2**32, `Cnum64` the same of bigints. kernel/bpf/cnum.c
 */
export class Cnum32 {
  readonly base: number;
  readonly size: number;

  constructor(base: number, size: number) {
    this.base = base;
    this.size = size;
  }

  get isConst(): boolean {
    return this.size === 0;
  }

  /** Nothing is in it. */
  get isEmpty(): boolean {
    return this.base === U32_MAX && this.size === U32_MAX;
  }

  /** Goes past the greatest unsigned number. */
  get wrapsUnsigned(): boolean {
    return this.size > U32_MAX - this.base;
  }

  /** The last number in it. */
  get last(): number {
    return (this.base + this.size) >>> 0;
  }

  get umin(): number {
    return this.wrapsUnsigned ? 0 : this.base;
  }

  get umax(): number {
    return this.wrapsUnsigned ? U32_MAX : this.base + this.size;
  }

  get smin(): number {
    return this.#wrapsSigned ? S32_MIN : Math.min(this.base | 0, this.last | 0);
  }

  get smax(): number {
    return this.#wrapsSigned ? S32_MAX : Math.max(this.base | 0, this.last | 0);
  }

  /** Goes past the greatest signed number. */
  get #wrapsSigned(): boolean {
    return this.contains(S32_MAX) && this.contains(S32_MAX + 1);
  }

  contains(n: number): boolean {
    if (this.isEmpty) return false;
    return this.wrapsUnsigned ? n >= this.base || n <= this.last : n >= this.base && n <= this.last;
  }

  equals(other: Cnum32): boolean {
    return this === other || (this.base === other.base && this.size === other.size);
  }
}

/** The same of 64 bits: see Cnum32. */
export class Cnum64 {
  readonly base: bigint;
  readonly size: bigint;
  /** The last number in it, not cut to 64 bits. */
  readonly #end: bigint;

  constructor(base: bigint, size: bigint) {
    this.base = base;
    this.size = size;
    this.#end = base + size;
  }

  get isConst(): boolean {
    return this.size === 0n;
  }

  get isEmpty(): boolean {
    return this.base === U64_MAX && this.size === U64_MAX;
  }

  get wrapsUnsigned(): boolean {
    return this.#end > U64_MAX;
  }

  get last(): bigint {
    return u64(this.#end);
  }

  get umin(): bigint {
    return this.wrapsUnsigned ? 0n : this.base;
  }

  get umax(): bigint {
    return this.wrapsUnsigned ? U64_MAX : this.#end;
  }

  get smin(): bigint {
    if (this.#wrapsSigned) return S64_MIN;
    const first = s64(this.base);
    const last = s64(this.#end);
    return first < last ? first : last;
  }

  get smax(): bigint {
    if (this.#wrapsSigned) return S64_MAX;
    const first = s64(this.base);
    const last = s64(this.#end);
    return first > last ? first : last;
  }

  get #wrapsSigned(): boolean {
    return this.contains(S64_MAX) && this.contains(S64_MAX + 1n);
  }

  contains(n: bigint): boolean {
    if (this.isEmpty) return false;
    return this.wrapsUnsigned ? n >= this.base || n <= this.last : n >= this.base && n <= this.#end;
  }

  equals(other: Cnum64): boolean {
    return this === other || (this.base === other.base && this.size === other.size);
  }
}

export const U32_MAX = 0xffff_ffff;
export const S32_MAX = 0x7fff_ffff;
export const S32_MIN = -0x8000_0000;
export const U64_MAX = 0xffff_ffff_ffff_ffffn;
export const S64_MAX = 0x7fff_ffff_ffff_ffffn;
export const S64_MIN = -0x8000_0000_0000_0000n;

export const CNUM32_UNBOUNDED = new Cnum32(0, U32_MAX);
export const CNUM32_EMPTY = new Cnum32(U32_MAX, U32_MAX);
export const CNUM64_UNBOUNDED = new Cnum64(0n, U64_MAX);
export const CNUM64_EMPTY = new Cnum64(U64_MAX, U64_MAX);

function u64(n: bigint): bigint {
  return BigInt.asUintN(64, n);
}

function s64(n: bigint): bigint {
  return BigInt.asIntN(64, n);
}

/** cnum32_from_urange() */
export function cnum32FromUrange(min: number, max: number): Cnum32 {
  return new Cnum32(min >>> 0, (max - min) >>> 0);
}

/** cnum32_from_srange() */
export function cnum32FromSrange(min: number, max: number): Cnum32 {
  const size = (max - min) >>> 0;
  return new Cnum32(size === U32_MAX ? 0 : min >>> 0, size);
}

/** cnum64_from_urange() */
export function cnum64FromUrange(min: bigint, max: bigint): Cnum64 {
  return new Cnum64(u64(min), u64(max - min));
}

/** cnum64_from_srange() */
export function cnum64FromSrange(min: bigint, max: bigint): Cnum64 {
  const size = u64(max - min);
  return new Cnum64(size === U64_MAX ? 0n : u64(min), size);
}

/**
 * What is in both; of two such pieces no one range can be made, then the smaller of a and b.
 * cnum32_intersect()
 */
export function cnum32Intersect(a: Cnum32, b: Cnum32): Cnum32 {
  if (a === b) return a;
  if (a.isEmpty || b.isEmpty) return CNUM32_EMPTY;
  if (a.base > b.base) return cnum32Intersect(b, a);
  // Seen from a.base, where a is 0 to a.size, b begins here:
  const start = b.base - a.base;
  if (b.size > U32_MAX - start) {
    if (start <= a.size) return a.size <= b.size ? a : b;
    return new Cnum32(a.base, Math.min(a.size, (start + b.size) >>> 0));
  }
  if (a.size < start) return CNUM32_EMPTY;
  return new Cnum32(b.base, Math.min(a.size - start, b.size));
}

/** cnum64_intersect() */
export function cnum64Intersect(a: Cnum64, b: Cnum64): Cnum64 {
  if (a === b) return a;
  if (a.isEmpty || b.isEmpty) return CNUM64_EMPTY;
  if (a.base > b.base) return cnum64Intersect(b, a);
  if (b.size === U64_MAX) return a;
  if (a.size === U64_MAX) return b;
  const start = b.base - a.base;
  const end = start + b.size;
  if (end > U64_MAX) {
    if (start <= a.size) return a.size <= b.size ? a : b;
    const tail = u64(end);
    return new Cnum64(a.base, a.size < tail ? a.size : tail);
  }
  if (a.size < start) return CNUM64_EMPTY;
  const rest = a.size - start;
  return new Cnum64(b.base, rest < b.size ? rest : b.size);
}

/** cnum32_add() */
export function cnum32Add(a: Cnum32, b: Cnum32): Cnum32 {
  if (a.isEmpty || b.isEmpty) return CNUM32_EMPTY;
  const size = a.size + b.size;
  if (size > U32_MAX) return CNUM32_UNBOUNDED;
  return normalized32((a.base + b.base) >>> 0, size);
}

/** cnum64_add() */
export function cnum64Add(a: Cnum64, b: Cnum64): Cnum64 {
  if (a.isEmpty || b.isEmpty) return CNUM64_EMPTY;
  const size = a.size + b.size;
  if (size > U64_MAX) return CNUM64_UNBOUNDED;
  return normalized64(u64(a.base + b.base), size);
}

/** cnum32_negate() */
export function cnum32Negate(a: Cnum32): Cnum32 {
  return a.isEmpty ? a : normalized32(-(a.base + a.size) >>> 0, a.size);
}

/** cnum64_negate() */
export function cnum64Negate(a: Cnum64): Cnum64 {
  return a.isEmpty ? a : normalized64(u64(-(a.base + a.size)), a.size);
}

/** A whole circle begins at 0, or just where signed numbers end. */
function normalized32(base: number, size: number): Cnum32 {
  return size === U32_MAX && base !== S32_MAX ? CNUM32_UNBOUNDED : new Cnum32(base, size);
}

function normalized64(base: bigint, size: bigint): Cnum64 {
  return size === U64_MAX && base !== S64_MAX ? CNUM64_UNBOUNDED : new Cnum64(base, size);
}

/** cnum32_is_subset() */
export function cnum32IsSubset(outer: Cnum32, inner: Cnum32): boolean {
  if (inner.isEmpty) return true;
  if (outer.isEmpty) return false;
  const start = (inner.base - outer.base) >>> 0;
  const wraps = inner.size > U32_MAX - start;
  if (wraps && outer.size < U32_MAX) return false;
  return (start + inner.size) >>> 0 <= outer.size;
}

/** cnum64_is_subset() */
export function cnum64IsSubset(outer: Cnum64, inner: Cnum64): boolean {
  if (outer === inner || inner.isEmpty) return true;
  if (outer.isEmpty) return false;
  if (outer.size === U64_MAX) return true;
  return u64(inner.base - outer.base) + inner.size <= outer.size;
}

/** The low halves. cnum32_from_cnum64() */
export function cnum32FromCnum64(a: Cnum64): Cnum32 {
  if (a.isEmpty) return CNUM32_EMPTY;
  if (a.size >= 0xffff_ffffn) return CNUM32_UNBOUNDED;
  return new Cnum32(Number(BigInt.asUintN(32, a.base)), Number(a.size));
}

/**
 * A range of a that holds all of a whose low half is in b: a begins no earlier than b first comes,
 * and ends no later than b last goes. cnum64_cnum32_intersect()
 */
export function cnum64Cnum32Intersect(a: Cnum64, b: Cnum32): Cnum64 {
  if (a.isEmpty || b.isEmpty) return CNUM64_EMPTY;
  if (b.size === U32_MAX) return a;
  // Seen from a.base: a is 0 to a.size, b begins at `start` in each round of 2**32.
  const start = (b.base - Number(BigInt.asUintN(32, a.base))) >>> 0;
  const end = start + b.size;
  const aEnd = Number(BigInt.asUintN(32, a.size));
  if (end > U32_MAX) {
    // b also goes from 0 to `tail` in each round: if a ends between tail and start, cut there.
    const tail = end >>> 0;
    if (aEnd <= tail || aEnd >= start) return a;
    return new Cnum64(a.base, a.size - BigInt(aEnd - tail));
  }
  const size = a.size - BigInt(start);
  if (size < 0n) return CNUM64_EMPTY;
  let over = 0;
  if (aEnd < start) over = aEnd + (2 ** 32 - end);
  else if (aEnd >= end) over = aEnd - end;
  const rest = size - BigInt(over);
  if (rest < 0n) return CNUM64_EMPTY;
  return new Cnum64(u64(a.base + BigInt(start)), rest);
}
