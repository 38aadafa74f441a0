const LOW_SEED = 0x243f6a88; // the first bits of pi: nothing up the sleeve
const HIGH_SEED = 0x85a308d3 | 0;

/**
 * A fingerprint of a stream of integers: two 32-bit lanes of MurmurHash3 with different
 * multipliers, joined at the end. Fast and allocation-free, for use at every step of a run; not
 * for keeping out an enemy. Austin Appleby, MurmurHash3_x86_32 and _128 (constants, fmix32).
 */
export class Fingerprint {
  #low = LOW_SEED;
  #high = HIGH_SEED;
  #count = 0;

  /** Forgets everything added so far. */
  reset(): void {
    this.#low = LOW_SEED;
    this.#high = HIGH_SEED;
    this.#count = 0;
  }

  /** Adds the low 32 bits of an integer. */
  add(value: number): void {
    let low = Math.imul(value, 0xcc9e2d51);
    low = this.#low ^ Math.imul((low << 15) | (low >>> 17), 0x1b873593);
    this.#low = (Math.imul((low << 13) | (low >>> 19), 5) + 0xe6546b64) | 0;
    let high = Math.imul(value, 0x239b961b);
    high = this.#high ^ Math.imul((high << 16) | (high >>> 16), 0xab0e9789);
    this.#high = (Math.imul((high << 17) | (high >>> 15), 5) + 0x0bcaa747) | 0;
    this.#count = (this.#count + 1) | 0;
  }

  /** Adds a whole number of up to 53 bits, such as a time in nanoseconds. */
  addWide(value: number): void {
    this.add(value);
    this.add(Math.floor(value / 0x1_0000_0000));
  }

  /** Adds a text and its length, so that `ab` then `c` differs from `a` then `bc`. */
  addString(text: string): void {
    this.add(text.length);
    for (let i = 0; i < text.length; i++) this.add(text.charCodeAt(i));
  }

  /** 16 hexadecimal digits. More may be added afterwards. */
  digest(): string {
    let low = mix(this.#low ^ this.#count);
    let high = mix(this.#high ^ this.#count);
    low = (low + high) | 0;
    high = (high + low) | 0;
    return hex32(low) + hex32(mix(high));
  }
}

/** The fingerprint of one text: 16 hexadecimal digits. */
export function fingerprintOf(text: string): string {
  const fingerprint = new Fingerprint();
  fingerprint.addString(text);
  return fingerprint.digest();
}

/** Spreads each bit of an int32 over all of them: MurmurHash3's fmix32. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
