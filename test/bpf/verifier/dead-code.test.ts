import { describe, expect, test } from 'vitest';
import { assemble } from '../../../bpf/isa/asm.ts';
import { disasmProgram } from '../../../bpf/isa/disasm.ts';
import { removeDeadCode, sanitizeDeadCode } from '../../../bpf/verifier/fixup/dead-code.ts';

/** All but some slots are come to. */
function without(...dead: readonly number[]): (slot: number) => boolean {
  const gone = new Set(dead);
  return (slot) => !gone.has(slot);
}

describe('removeDeadCode', () => {
  test('makes a jump of a branch with one way, and takes out what it goes over', () => {
    const insns = assemble('r0 = 1\nif r0 == 1 goto +2\nr0 = 2\nr0 = 3\nexit');
    const { insns: left, was, now } = removeDeadCode(insns, without(2, 3));
    expect(disasmProgram(left)).toEqual(['0: (b7) r0 = 1', '1: (95) exit']);
    expect(was).toEqual([0, 4]);
    expect([...now]).toEqual([0, 1, 1, 1, 1, 2]);
  });

  test('moves jumps, calls and callbacks over what is gone, and keeps constants whole', () => {
    const text =
      'r1 = 7 ll\nif r1 == 0 goto +1\ngoto +3\nr0 = 1\nr0 = 2\nr0 = 3\n' +
      'call pc+1\nexit\nr0 = 0\nexit';
    const { insns: left } = removeDeadCode(assemble(text), without(4, 5, 6));
    expect(disasmProgram(left)).toEqual([
      '0: (18) r1 = 0x7',
      '2: (85) call pc+1',
      '3: (95) exit',
      '4: (b7) r0 = 0',
      '5: (95) exit',
    ]);
  });

  test('leaves the code of who has no capability where it is', () => {
    const insns = assemble('goto +1\nr0 = 2\nr0 = 0\nexit');
    expect(disasmProgram(sanitizeDeadCode(insns, without(1)))[1]).toBe('1: (05) goto pc-1');
  });
});
