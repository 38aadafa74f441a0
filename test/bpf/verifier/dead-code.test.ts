import { describe, expect, test } from 'vitest';
import { assemble } from '../../../bpf/isa/asm.ts';
import { disasmProgram } from '../../../bpf/isa/disasm.ts';
import { removeDeadCode, sanitizeDeadCode } from '../../../bpf/verifier/dead-code.ts';
import { movedFuncInfo, movedLineInfo } from '../../../bpf/verifier/moved-info.ts';

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

function records(size: number, slots: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(size * slots.length));
  for (const [i, slot] of slots.entries()) {
    view.setUint32(i * size, slot, true);
    view.setUint32(i * size + 4, 100 + slot, true);
  }
  return new Uint8Array(view.buffer);
}

function slotsOf(bytes: Uint8Array, size: number): [number, number][] {
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / size }, (_, i) => [
    view.getUint32(i * size, true),
    view.getUint32(i * size + 4, true),
  ]);
}

describe('records of what has moved', () => {
  // Slots 2 and 3, and the function at 5 and 6, are gone.
  const moved = { was: [0, 1, 4, 7, 8], now: Int32Array.of(0, 1, 2, 2, 2, 3, 3, 3, 4, 5) };

  test('lines: the last that is gone goes over to what is left behind it', () => {
    const lines = records(16, [0, 2, 3, 5, 7]);
    expect(slotsOf(movedLineInfo(lines, moved), 16)).toEqual([
      [0, 100],
      [2, 103],
      [3, 107],
    ]);
  });

  test('functions: none of those that are gone', () => {
    const funcs = records(8, [0, 5, 7]);
    expect(slotsOf(movedFuncInfo(funcs, moved), 8)).toEqual([
      [0, 100],
      [3, 107],
    ]);
  });
});
