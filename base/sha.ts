/** Rotations of 32-bit words. */
const rotl = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n));

/** The message with its padding, as big-endian words. FIPS 180-4, section 5.1.1 */
function padded(bytes: Uint8Array): DataView {
  const blocks = Math.floor((bytes.length + 8) / 64) + 1;
  const out = new Uint8Array(blocks * 64);
  out.set(bytes);
  out[bytes.length] = 0x80;
  const view = new DataView(out.buffer);
  view.setUint32(out.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(out.length - 4, (bytes.length * 8) >>> 0);
  return view;
}

function digest(state: Int32Array): Uint8Array {
  const out = new Uint8Array(state.length * 4);
  const view = new DataView(out.buffer);
  state.forEach((word, i) => view.setInt32(i * 4, word));
  return out;
}

/** 20 bytes. FIPS 180-4, section 6.1: only for what Linux still makes with it. */
export function sha1(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes);
  const h = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const w = new Int32Array(80);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let t = 0; t < 80; t++) {
      w[t] =
        t < 16
          ? view.getInt32(at + t * 4)
          : rotl(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1);
    }
    let [a, b, c, d, e] = h as unknown as [number, number, number, number, number];
    for (let t = 0; t < 80; t++) {
      const [f, k] = sha1Round(t, b, c, d);
      const next = (rotl(a, 5) + f + e + k + w[t]!) | 0;
      [e, d, c, b, a] = [d, c, rotl(b, 30), a, next];
    }
    [a, b, c, d, e].forEach((word, i) => (h[i] = h[i]! + word));
  }
  return digest(h);
}

function sha1Round(t: number, b: number, c: number, d: number): [f: number, k: number] {
  if (t < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (t < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (t < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

const PRIMES: readonly number[] = (() => {
  const found: number[] = [];
  for (let n = 2; found.length < 64; n++) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
})();

/** The first 32 bits of the fraction of a root. */
function fraction(value: number): number {
  return ((value - Math.floor(value)) * 2 ** 32) | 0;
}

const K = Int32Array.from(PRIMES, (p) => fraction(Math.cbrt(p)));

/** 32 bytes. FIPS 180-4, section 6.2 */
export function sha256(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes);
  const h = Int32Array.from(PRIMES.slice(0, 8), (p) => fraction(Math.sqrt(p)));
  const w = new Int32Array(64);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let t = 0; t < 64; t++) {
      w[t] = t < 16 ? view.getInt32(at + t * 4) : schedule(w, t);
    }
    const v = h.slice();
    for (let t = 0; t < 64; t++) sha256Round(v, K[t]!, w[t]!);
    for (let i = 0; i < 8; i++) h[i] = h[i]! + v[i]!;
  }
  return digest(h);
}

function schedule(w: Int32Array, t: number): number {
  const a = w[t - 15]!;
  const b = w[t - 2]!;
  const s0 = rotr(a, 7) ^ rotr(a, 18) ^ (a >>> 3);
  const s1 = rotr(b, 17) ^ rotr(b, 19) ^ (b >>> 10);
  return (s1 + w[t - 7]! + s0 + w[t - 16]!) | 0;
}

function sha256Round(v: Int32Array, k: number, w: number): void {
  const [a, b, c, d, e, f, g, h] = v as unknown as number[];
  const s1 = rotr(e!, 6) ^ rotr(e!, 11) ^ rotr(e!, 25);
  const t1 = (h! + s1 + ((e! & f!) ^ (~e! & g!)) + k + w) | 0;
  const s0 = rotr(a!, 2) ^ rotr(a!, 13) ^ rotr(a!, 22);
  const t2 = (s0 + ((a! & b!) ^ (a! & c!) ^ (b! & c!))) | 0;
  v.set([(t1 + t2) | 0, a!, b!, c!, (d! + t1) | 0, e!, f!, g!]);
}
