import type { AluOp, AtomicOp, JmpOp } from '../isa/ops.ts';

/** What the reference interpreter computes. Operands are unsigned, and of `bits` bits. */
type Alu = (a: bigint, b: bigint, bits: 32 | 64) => bigint;

const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);
/** Shifts take their count modulo the width. */
const count = (b: bigint, bits: number): bigint => b & BigInt(bits - 1);

/**
 * RFC 9669, section 4.1. Results are cut to the width by whoever stores them. Division by zero
 * gives 0, and modulo by zero the dividend; the least number by -1 overflows to itself, which
 * cutting does here.
 */
export const ALU: Readonly<Record<AluOp, Alu>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  sdiv: (a, b, bits) => (b === 0n ? 0n : signed(a, bits) / signed(b, bits)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  lsh: (a, b, bits) => a << count(b, bits),
  rsh: (a, b, bits) => a >> count(b, bits),
  mod: (a, b) => (b === 0n ? a : a % b),
  smod: (a, b, bits) => (b === 0n ? a : signed(a, bits) % signed(b, bits)),
  xor: (a, b) => a ^ b,
  mov: (_, b) => b,
  arsh: (a, b, bits) => signed(a, bits) >> count(b, bits),
};

type Test = (a: bigint, b: bigint, bits: 32 | 64) => boolean;

/** RFC 9669, section 4.3. */
export const JMP: Readonly<Record<JmpOp, Test>> = {
  jeq: (a, b) => a === b,
  jgt: (a, b) => a > b,
  jge: (a, b) => a >= b,
  jset: (a, b) => (a & b) !== 0n,
  jne: (a, b) => a !== b,
  jsgt: (a, b, bits) => signed(a, bits) > signed(b, bits),
  jsge: (a, b, bits) => signed(a, bits) >= signed(b, bits),
  jlt: (a, b) => a < b,
  jle: (a, b) => a <= b,
  jslt: (a, b, bits) => signed(a, bits) < signed(b, bits),
  jsle: (a, b, bits) => signed(a, bits) <= signed(b, bits),
};

/**
 * What an atomic operation leaves in memory; `old` was there, `r0` is cmpxchg's comparand. All of
 * the operation's width. RFC 9669, section 5.3
 */
export const ATOMIC: Readonly<Record<AtomicOp, (old: bigint, src: bigint, r0: bigint) => bigint>> =
  {
    add: (old, src) => old + src,
    or: (old, src) => old | src,
    and: (old, src) => old & src,
    xor: (old, src) => old ^ src,
    xchg: (_, src) => src,
    cmpxchg: (old, src, r0) => (old === r0 ? src : old),
  };

/** The low `bits` bits with their bytes in the other order. */
export function swapBytes(value: bigint, bits: 16 | 32 | 64): bigint {
  let swapped = 0n;
  for (let at = 0; at < bits; at += 8) {
    swapped = (swapped << 8n) | ((value >> BigInt(at)) & 0xffn);
  }
  return swapped;
}
