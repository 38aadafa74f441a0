import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALU_OPS, type AluOp, JMP_OPS, type JmpOp } from '../../../bpf/isa/ops.ts';
import { isScalarBranchTaken } from '../../../bpf/verifier/insns/branch-taken.ts';
import { regsRefineCondOp, type Relation, REVERSE } from '../../../bpf/verifier/insns/refine.ts';
import { byteSwap } from '../../../bpf/verifier/values/scalar-alu-bits.ts';
import { scalarAlu, scalarNeg } from '../../../bpf/verifier/values/scalar-alu.ts';
import * as cast from '../../../bpf/verifier/values/scalar-cast.ts';
import { Scalar } from '../../../bpf/verifier/values/scalar.ts';
import { ALU, JMP, swapBytes } from '../../../bpf/vm/alu.ts';
import {
  anyClaim,
  anyClaimOf,
  anyNumber,
  around,
  type Claim,
  claimsAround,
  corners,
  mayBe,
  u64,
} from '../../kit/scalars.ts';

// What is said of a result must hold for all results of all numbers that the operands may be. The
// numbers are computed by the reference interpreter's own rows.

type ScalarOp = Exclude<AluOp, 'mov'>;

const OPS = ALU_OPS.map(({ op }) => op).filter((op): op is ScalarOp => op !== 'mov');
const RELATIONS: readonly Relation[] = [...JMP_OPS.map(({ op }) => op), 'jnset'];
const RUNS = 8000;

function compute(op: AluOp, wide: boolean, x: bigint, y: bigint): bigint {
  const bits = wide ? 64 : 32;
  const cut = (n: bigint): bigint => BigInt.asUintN(bits, n);
  return cut(ALU[op](cut(x), cut(y), bits));
}

function holds(relation: Relation, wide: boolean, x: bigint, y: bigint): boolean {
  const bits = wide ? 64 : 32;
  const cut = (n: bigint): bigint => BigInt.asUintN(bits, n);
  if (relation === 'jnset') return !JMP.jset(cut(x), cut(y), bits);
  return JMP[relation](cut(x), cut(y), bits);
}

function checkAlu(op: ScalarOp, wide: boolean, a: Claim, b: Claim): void {
  const result = scalarAlu(op, wide, a.s, b.s);
  if (result === undefined) return;
  for (const x of a.members) {
    for (const y of b.members) {
      const n = compute(op, wide, x, y);
      if (!mayBe(result, n)) expect({ op, wide, a: a.s, b: b.s, result, x, y }).toBe(n);
    }
  }
}

function checkRefine(relation: Relation, wide: boolean, a: Claim, b: Claim): void {
  const [ra, rb] = regsRefineCondOp(a.s, b.s, relation, !wide).map((s) => s.sync()) as [
    Scalar,
    Scalar,
  ];
  for (const x of a.members) {
    for (const y of b.members) {
      if (!holds(relation, wide, x, y) || (mayBe(ra, x) && mayBe(rb, y))) continue;
      expect({ relation, wide, a: a.s, b: b.s, ra, rb, x, y }).toBe('possible');
    }
  }
}

function checkTaken(op: JmpOp, wide: boolean, a: Claim, b: Claim): void {
  const { taken, jump, fallThrough } = isScalarBranchTaken(a.s, b.s, op, !wide, false);
  for (const x of a.members) {
    for (const y of b.members) {
      const isTaken = holds(op, wide, x, y);
      const [sx, sy] = isTaken ? jump : fallThrough;
      const isRight = taken === -1 || taken === (isTaken ? 1 : 0);
      if (isRight && mayBe(sx, x) && mayBe(sy, y)) continue;
      expect({ op, wide, a: a.s, b: b.s, taken, x, y }).toBe(isTaken);
    }
  }
}

const one = (n: bigint): Claim => ({ s: Scalar.of(n), members: [u64(n)] });
const WIDTHS = [true, false];

describe.each(corners)('all claims around %i', (corner) => {
  const claims = claimsAround(corner);
  const small = claimsAround(0n);

  test('are kept by what follows from each other', () => {
    for (const { s, members } of claims) {
      for (const n of members) if (!mayBe(s, n)) expect(s).toBe(n);
      expect(s.sync().isImpossible).toBe(false);
    }
  });

  test.each(OPS)('%s', (op) => {
    const isByConst = ['div', 'sdiv', 'mod', 'smod', 'lsh', 'rsh', 'arsh'].includes(op);
    const counts = [0n, 1n, 2n, 3n, 7n, 31n, 32n, 33n, 63n, -1n, -2n, -7n, 1n << 31n, 1n << 63n];
    const others = isByConst ? [...counts.map(one), ...around(corner).map(one)] : small;
    for (const wide of WIDTHS) {
      for (const a of claims) {
        for (const b of others) {
          checkAlu(op, wide, a, b);
          checkAlu(op, wide, b, a);
        }
      }
    }
  });

  test('of each other', () => {
    const some = claims.filter((_, i) => i % 3 === 0);
    for (const op of ['add', 'sub', 'mul', 'and', 'or', 'xor'] as const) {
      for (const a of some) for (const b of some) for (const w of WIDTHS) checkAlu(op, w, a, b);
    }
  });

  test.each(RELATIONS)('where %s holds', (relation) => {
    for (const wide of WIDTHS) {
      for (const a of claims) for (const b of claims) checkRefine(relation, wide, a, b);
    }
  });

  test.each(JMP_OPS)('whether $op is taken', ({ op }) => {
    for (const wide of WIDTHS) {
      for (const a of claims) for (const b of claims) checkTaken(op, wide, a, b);
    }
  });

  test('negation, halves, bytes and their sign', () => {
    for (const { s, members } of claims) {
      for (const n of members) checkUnary(s, n);
    }
  });
});

function checkUnary(s: Scalar, n: bigint): void {
  const results: [name: string, result: Scalar, n: bigint][] = [
    ['neg', scalarNeg(true, s), u64(-n)],
    ['neg32', scalarNeg(false, s), BigInt.asUintN(32, -n)],
    ['zext', cast.zext32To64(s).sync(), BigInt.asUintN(32, n)],
  ];
  for (const size of [1, 2, 4]) {
    const extended = u64(BigInt.asIntN(size * 8, n));
    results.push([`low ${size}`, cast.coerceRegToSize(s, size), BigInt.asUintN(size * 8, n)]);
    results.push([`signed ${size}`, cast.coerceRegToSizeSx(s, size), extended]);
    if (size === 4) continue;
    const sub = cast.zext32To64(cast.coerceSubregToSizeSx(s, size)).sync();
    results.push([`signed ${size} of 32`, sub, BigInt.asUintN(32, extended)]);
  }
  for (const bits of [16, 32, 64] as const) {
    results.push([`le${bits}`, byteSwap(s, 'le', bits), BigInt.asUintN(bits, n)]);
    results.push([`be${bits}`, byteSwap(s, 'be', bits), swapBytes(n, bits)]);
    results.push([`bswap${bits}`, byteSwap(s, 'bswap', bits), swapBytes(n, bits)]);
  }
  for (const [name, result, expected] of results) {
    if (!mayBe(result, expected)) expect({ name, s, n, result }).toBe(expected);
  }
}

const claimOf = (s: Scalar, n: bigint): Claim => ({ s, members: [n] });
const seed = 7;

describe('random claims', () => {
  test('are kept by what follows from each other', () => {
    const claim = anyNumber.chain((n) => anyClaimOf(n).map((s) => ({ n, s })));
    fc.assert(
      fc.property(claim, ({ n, s }) => {
        const synced = s.sync();
        expect(mayBe(synced, n)).toBe(true);
        checkUnary(synced, n);
      }),
      { numRuns: RUNS, seed },
    );
  });

  test('arithmetic', () => {
    fc.assert(
      fc.property(anyClaim, anyClaim, fc.constantFrom(...OPS), fc.boolean(), (a, b, op, wide) => {
        checkAlu(op, wide, claimOf(a.s, a.n), claimOf(b.s, b.n));
        const count = b.n % (wide ? 64n : 32n);
        checkAlu(op, wide, claimOf(a.s, a.n), one(count));
        checkAlu(op, wide, claimOf(a.s, a.n), one(b.n));
      }),
      { numRuns: RUNS, seed },
    );
  });

  test('comparisons', () => {
    const ops = fc.constantFrom(...JMP_OPS.map(({ op }) => op));
    fc.assert(
      fc.property(anyClaim, anyClaim, ops, fc.boolean(), (a, b, op, wide) => {
        for (const other of [claimOf(b.s, b.n), claimOf(a.s, a.n), one(b.n), one(a.n)]) {
          checkTaken(op, wide, claimOf(a.s, a.n), other);
          checkRefine(op, wide, claimOf(a.s, a.n), other);
          checkRefine(REVERSE[op], wide, claimOf(a.s, a.n), other);
        }
        const self = isScalarBranchTaken(a.s, a.s, op, !wide, true).taken;
        expect([-1, holds(op, wide, a.n, a.n) ? 1 : 0]).toContain(self);
      }),
      { numRuns: RUNS, seed },
    );
  });

  test('two constants give a constant', () => {
    const constant = fc.tuple(anyNumber, anyNumber, fc.boolean());
    fc.assert(
      fc.property(constant, ([x, y, wide]) => {
        for (const op of OPS) {
          const result = scalarAlu(op, wide, Scalar.of(x), Scalar.of(y));
          if (result === undefined || op === 'mod' || op === 'smod') continue;
          expect(result).toEqual(Scalar.of(compute(op, wide, x, y)));
        }
      }),
      { numRuns: 3000, seed },
    );
  });
});

test('small constants exist once', () => {
  expect(Scalar.of(-1n)).toBe(Scalar.of((1n << 64n) - 1n));
  expect(Scalar.ofNumber(-512)).toBe(Scalar.of(-512n));
  expect(Scalar.ofNumber(-513)).toEqual(Scalar.of(-513n));
  expect(Scalar.ofNumber(2 ** 31)).toEqual(Scalar.of(2n ** 31n));
  expect(Scalar.ZERO.sync()).toBe(Scalar.ZERO);
});

test('what is learned where bits and ranges meet', () => {
  // Multiples of 4 from 5 to 10: only 8.
  const s = Scalar.urange(5n, 10n);
  const multiple = scalarAlu('lsh', true, Scalar.UNKNOWN, Scalar.of(2n))!;
  const both = regsRefineCondOp(s, multiple, 'jeq', false)[0].sync();
  expect(both).toEqual(Scalar.of(8n));
  // A low half known by 32-bit jumps narrows a range that crosses no round.
  const near = Scalar.urange(0x1_0000_0000n, 0x1_0000_00ffn);
  const low = regsRefineCondOp(near, Scalar.of(16n), 'jlt', true)[0].sync();
  expect([low.umin, low.umax]).toEqual([0x1_0000_0000n, 0x1_0000_000fn]);
  // Signed and unsigned bounds are one range.
  const negative = regsRefineCondOp(Scalar.UNKNOWN, Scalar.ZERO, 'jslt', false)[0].sync();
  expect(negative.umin).toBe(1n << 63n);
});
