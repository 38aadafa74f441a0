import type { Memory } from '../../kernel/memory.ts';

const JHASH_INITVAL = 0xdeadbeef | 0;
const rol32 = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

/**
 * Bob Jenkins's lookup3 of `length` bytes at `addr`, unsigned. include/linux/jhash.h: jhash(), and
 * jhash2() where the length is a multiple of 4, which gives the same.
 */
export function jhash(memory: Memory, addr: number, length: number, initval: number): number {
  let a = (JHASH_INITVAL + length + initval) | 0;
  let b = a;
  let c = a;
  let at = addr;
  let left = length;
  for (; left > 12; left -= 12, at += 12) {
    a = (a + memory.u32(at)) | 0;
    b = (b + memory.u32(at + 4)) | 0;
    c = (c + memory.u32(at + 8)) | 0;
    a = (a - c) ^ rol32(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rol32(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rol32(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rol32(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rol32(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rol32(b, 4);
    b = (b + a) | 0;
  }
  if (left === 0) return c >>> 0;
  a = (a + tail(memory, at, left)) | 0;
  b = (b + tail(memory, at + 4, left - 4)) | 0;
  c = (c + tail(memory, at + 8, left - 8)) | 0;
  c = (c ^ b) - rol32(b, 14);
  a = (a ^ c) - rol32(c, 11);
  b = (b ^ a) - rol32(a, 25);
  c = (c ^ b) - rol32(b, 16);
  a = (a ^ c) - rol32(c, 4);
  b = (b ^ a) - rol32(a, 14);
  c = (c ^ b) - rol32(b, 24);
  return c >>> 0;
}

/** At most four bytes, little-endian. */
function tail(memory: Memory, at: number, left: number): number {
  if (left >= 4) return memory.u32(at);
  let value = 0;
  for (let i = 0; i < left; i++) value |= memory.u8(at + i) << (8 * i);
  return value;
}
