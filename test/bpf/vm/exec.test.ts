import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeProgram } from '../../../bpf/isa/decode.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { jit } from '../../../bpf/jit/jit.ts';
import { isArenaInsn } from '../../../bpf/vm/arena.ts';
import { exec } from '../../../bpf/vm/exec.ts';
import { executableOf } from '../../../bpf/vm/executable.ts';
import { interp } from '../../../bpf/vm/interp.ts';
import { randomPrograms } from '../../kit/random-bpf.ts';

const INSNS_MAX = 2_000;
const BYTES = Uint8Array.from({ length: 24 }, (_, i) => i * 11);

/** Bytecode that was good once: some of its bytes are others, and helpers are not called. */
const bytecode = fc
  .tuple(randomPrograms, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }))
  .map(([{ insns }, changes]) => {
    const kept = insns.map((insn) => {
      const isForKernel =
        insn?.kind === 'ld_abs' ||
        insn?.kind === 'ld_ind' ||
        insn?.kind === 'addr_space_cast' ||
        (insn && isArenaInsn(insn)) ||
        (insn?.kind === 'call' && insn.target !== 'subprog') ||
        (insn?.kind === 'ldx' && insn.mode.startsWith('probe'));
      return isForKernel ? ({ kind: 'neg', wide: true, dst: 0 } as const) : insn;
    });
    const bytes = encodeProgram(kept);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });

test('whatever the bytes, a program is refused, or runs the same on every engine', () => {
  let ran = 0;
  let refused = 0;
  fc.assert(
    fc.property(bytecode, (bytes) => {
      const insns = decodeProgram(bytes);
      const program = 'message' in insns ? insns : executableOf(insns);
      if ('message' in program) {
        refused++;
        return;
      }
      ran++;
      const expected = exec(program, interp, BYTES, INSNS_MAX);
      expect(exec(program, jit, BYTES, INSNS_MAX)).toEqual(expected);
    }),
    { numRuns: 400, seed: 7 },
  );
  expect(Math.min(ran, refused)).toBeGreaterThan(50);
});
