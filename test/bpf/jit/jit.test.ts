import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Insn, Insns } from '../../../bpf/isa/insn.ts';
import { jitWith } from '../../../bpf/jit/jit.ts';
import { CodeCache } from '../../../bpf/jit/link.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { BpfWorld, type Stop } from '../../kit/bpf-world.ts';
import { HELPERS, randomPrograms, type Piece, type RandomProgram } from '../../kit/random-bpf.ts';

const ALL: Piece = { fuel: 1 << 20, fine: false, countdown: 0 };
const add = (dst: number, imm: number): Insn => ({
  kind: 'alu',
  op: 'add',
  wide: true,
  dst,
  src: { imm },
});
const storeValue = (off: number): Insn => ({ kind: 'stx', size: 8, dst: 9, off, src: 1 });
const exit: Insn = { kind: 'exit' };

/** A program that ends, and makes use of memory. */
const plain: Insns = [add(1, 5), storeValue(8), add(0, 1), exit];

function programOf(insns: Insns, ...pieces: Piece[]): RandomProgram {
  return { insns, subprogs: [0], pieces };
}

const world = new BpfWorld();

/** The stops of a run by engines that have `cache`. */
function run(program: RandomProgram, cache: CodeCache): Stop[] {
  return world.run(program, [jitWith(cache)]);
}

const isSame = (a: Stop, b: Stop | undefined): boolean =>
  a.status === b?.status &&
  Buffer.compare(a.frame, b.frame) === 0 &&
  Buffer.compare(a.buffer, b.buffer) === 0;

function expectSame(program: RandomProgram, cache = new CodeCache()): void {
  const expected = world.run(program, [interp]);
  const found = run(program, cache);
  expect(found.length).toBe(expected.length);
  const different = found.findIndex((stop, i) => !isSame(stop, expected[i]));
  expect(found[different]).toEqual(expected[different]);
}

test('a program that is loaded again is not compiled again, on whatever machine', () => {
  const cache = new CodeCache();
  const first = run(programOf(plain, ALL), cache);
  expect(cache.compileCount).toBe(1);
  const again = plain.map((insn) => structuredClone(insn));
  expect(new BpfWorld().run(programOf(again, ALL), [jitWith(cache)])).toEqual(first);
  expect(cache.compileCount).toBe(1);
});

test('another constant, and another mode of running, is other code', () => {
  const cache = new CodeCache();
  run(programOf(plain, ALL), cache);
  run(programOf([add(1, 6), ...plain.slice(1)], ALL), cache);
  expect(cache.compileCount).toBe(2);
  run(programOf(plain, { fuel: 1 << 20, fine: true, countdown: 9 }), cache);
  expect(cache.compileCount).toBe(3);
});

test('single steps are compiled only where the fuel ends within a block', () => {
  const cache = new CodeCache();
  run(programOf(plain, ALL), cache);
  run(programOf(plain, { ...ALL, fuel: plain.length }), cache);
  expect(cache.compileCount).toBe(1);
  run(programOf(plain, { ...ALL, fuel: plain.length - 1 }), cache);
  expect(cache.compileCount).toBe(2);
});

test('the cache forgets what was used least recently', () => {
  const cache = new CodeCache();
  const make = (constant: number): RandomProgram => programOf([add(0, constant), exit], ALL);
  for (let i = 0; i < 512; i++) run(make(i), cache);
  run(make(0), cache);
  expect(cache.compileCount).toBe(512);
  run(make(512), cache); // in the place of 1
  run(make(0), cache);
  expect(cache.compileCount).toBe(513);
  run(make(1), cache);
  expect(cache.compileCount).toBe(514);
});

/** Jumps ahead and back, from unit to unit, over slots of every kind. */
function largeProgram(insnCount: number): Insns {
  const insns: (Insn | null)[] = [];
  while (insns.length < insnCount) {
    const i = insns.length;
    insns.push(add(1, i), storeValue((i % 7) * 8));
    insns.push({ kind: 'jmp', op: 'jset', wide: true, dst: 1, src: { imm: 1 << (i % 9) }, off: 2 });
    insns.push({ kind: 'ld_imm64', from: 'value', dst: 2, imm: i, next: -i }, null);
  }
  insns.push({ kind: 'may_goto', off: 1 });
  insns.push({ kind: 'ja', long: true, off: -Math.trunc(insnCount / 3) * 3 });
  return [...insns, exit];
}

test.each([12_000, 40_000])('a program of %i instructions runs as in the reference', (count) => {
  const insns = largeProgram(count);
  for (const fuel of [17, 500, 2_000, 1 << 20]) {
    expectSame(programOf(insns, { ...ALL, fuel }, { fuel, fine: true, countdown: 3 }));
  }
});

test('registers that a unit does not name keep what another unit has put in them', () => {
  const insns: Insn[] = [add(5, 77), add(8, 99)];
  while (insns.length < 5_000) insns.push(add(1, 1));
  const call: Insn = { kind: 'call', target: 'helper', imm: HELPERS.pure, off: 0 };
  expectSame(programOf([...insns, call, exit], ALL));
});

test('a program of jumps alone runs as in the reference', () => {
  const insns = Array.from({ length: 10_000 }, (_, i): Insn => {
    const off = i % 5 === 4 ? -3 : i % 4;
    return {
      kind: 'jmp',
      op: i % 5 === 4 ? 'jgt' : 'jeq',
      wide: true,
      dst: 0,
      src: { imm: 0 },
      off,
    };
  });
  expectSame(programOf([...insns, exit, exit, exit, exit], ALL));
});

test('fuel is exact at every value', () => {
  const cache = new CodeCache();
  const programs = fc.sample(randomPrograms, { numRuns: 10, seed: 9669 });
  for (const { insns, subprogs } of programs) {
    for (let fuel = 1; fuel < 40; fuel++) {
      expectSame({ insns, subprogs, pieces: [{ ...ALL, fuel }] }, cache);
    }
  }
});
