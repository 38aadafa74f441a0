import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../bpf/isa/asm.ts';
import type { Insn, Insns } from '../../../bpf/isa/insn.ts';
import { jit } from '../../../bpf/jit/jit.ts';
import { exec } from '../../../bpf/vm/exec.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { everyForm, formOf } from '../../kit/bpf-forms.ts';
import { alu, exit, load, mov, number64, store } from '../../kit/bpf-program.ts';

const ENGINES = [interp, jit];

/** The rows of a table of test/data, without its remarks. */
function rowsOf(name: string): string[][] {
  const text = readFileSync(new URL(`../../data/${name}`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => line.split(' | '));
}

/** r0 of a program without memory, on every engine. */
function results(insns: Insns, bytes: Uint8Array = new Uint8Array()): bigint[] {
  return ENGINES.map((engine) => {
    const result = exec({ insns, subprogs: [0] }, engine, bytes);
    if ('error' in result) throw new Error(result.error);
    return result.r0;
  });
}

const touches = (insn: Insn): boolean =>
  ['ldx', 'st', 'stx', 'atomic', 'load_acquire', 'store_release'].includes(insn.kind);
const loads = (insn: Insn): boolean => insn.kind === 'ldx' || insn.kind === 'load_acquire';

function littleEndian(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer);
}

/** r1 points to `memory` on the stack; r0 and r2 as given; then `insns`. */
function onStack(memory: bigint, r0: bigint, r2: bigint, insns: Insns): Insns {
  const pointer = [store(8, 10, -8, 3), mov(1, 'r10'), alu('add', 1, -8)];
  return [...number64(3, memory), ...pointer, ...number64(0, r0), ...number64(2, r2), ...insns];
}

describe('an instruction computes what it should, on every engine', () => {
  test.each(rowsOf('bpf-ops.txt'))('%s, r0 %s, r1 %s: %s', (text, r0, second, after) => {
    const insns = assemble(text!);
    const insn = insns[0]!;
    const expected = ENGINES.map(() => BigInt(after!));
    const [a, b] = [BigInt(r0!), BigInt(second!)];
    if (!touches(insn)) {
      const skipped = 'off' in insn ? [mov(0, 0)] : [];
      const all = [...number64(0, a), ...number64(1, b), ...insns, ...skipped, exit];
      expect(results(all)).toEqual(expected);
      return;
    }
    const look = loads(insn) ? [exit] : [load(8, 0, 1, 0), exit];
    expect(results(onStack(b, a, 0n, [...insns, ...look]))).toEqual(expected);
    const inBuffer = [...number64(0, a), ...insns, ...look];
    expect(results(inBuffer, littleEndian(b))).toEqual(expected);
  });

  test.each(rowsOf('bpf-atomics.txt'))('%s, r0 %s, memory %s, r2 %s', (text, ...numbers) => {
    const [r0, memory, r2, ...after] = numbers.map(BigInt);
    const insns = assemble(text!);
    const looks = [[load(8, 0, 1, 0), exit], [exit], [mov(0, 'r2'), exit]];
    for (const [i, look] of looks.entries()) {
      const expected = ENGINES.map(() => after[i]);
      expect(results(onStack(memory!, r0!, r2!, [...insns, ...look]))).toEqual(expected);
      const inBuffer = [...number64(0, r0!), ...number64(2, r2!), ...insns, ...look];
      expect(results(inBuffer, littleEndian(memory!))).toEqual(expected);
    }
  });

  test('the tables have every form but calls, exits, packets and probes', () => {
    const rows = [...rowsOf('bpf-ops.txt'), ...rowsOf('bpf-atomics.txt')];
    const forms = new Set(rows.map(([text]) => formOf(assemble(text!)[0]!)));
    const elsewhere = /^(call|exit|ld_abs|ld_ind)|probe/;
    expect([...forms].toSorted()).toEqual(
      everyForm()
        .filter((form) => !elsewhere.test(form))
        .toSorted(),
    );
  });
});
