/**
 * Sets of halves of stack slots, 128 of four bytes each: bit 0 is r10-4 to r10-1. Four words of 32
 * bits, of which many sets lie side by side in one array. spis_t
 */
export const SPIS_WORDS = 4;
/** STACK_SLOTS */
export const HALF_SLOTS = 32 * SPIS_WORDS;
/** STACK_SLOT_SZ: bytes of a half. */
export const HALF_SLOT_BYTES = 4;

/** The bits of one word that lie between two half slots, both included. */
function wordOf(word: number, lo: number, hi: number): number {
  const first = Math.max(lo - 32 * word, 0);
  const last = Math.min(hi - 32 * word, 31);
  if (first > 31 || last < first) return 0;
  return (0xffff_ffff >>> (31 - (last - first))) << first;
}

/** Adds the half slots from lo to hi, as far as there are such. spis_or_range() */
export function addRange(sets: Uint32Array, at: number, lo: number, hi: number): void {
  for (let i = 0; i < SPIS_WORDS; i++) sets[at + i]! |= wordOf(i, lo, hi);
}

/** Adds what another set has. spis_or() */
export function addSet(sets: Uint32Array, at: number, from: Uint32Array, fromAt: number): void {
  for (let i = 0; i < SPIS_WORDS; i++) sets[at + i]! |= from[fromAt + i]!;
}

export function hasBit(sets: Uint32Array, at: number, halfSpi: number): boolean {
  return ((sets[at + (halfSpi >>> 5)]! >>> (halfSpi & 31)) & 1) !== 0;
}

export function isEmptySet(sets: Uint32Array, at: number): boolean {
  return (sets[at]! | sets[at + 1]! | sets[at + 2]! | sets[at + 3]!) === 0;
}
