import { describe, expect, test } from 'vitest';
import { checkProgram } from '../../../bpf/check/check.ts';
import { progType } from '../../../bpf/prog/types.ts';
import { HELPERS } from '../../../bpf/helpers/table.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import type { Insn, Reg } from '../../../bpf/isa/insn.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';

const exit: Insn = { kind: 'exit' };
const mov = (dst: Reg, src: number): Insn => ({
  kind: 'alu',
  op: 'mov',
  wide: true,
  dst,
  src: { imm: src },
});
const copy = (dst: Reg, src: Reg): Insn => ({
  kind: 'alu',
  op: 'mov',
  wide: true,
  dst,
  src: { reg: src },
});
const ldx = (dst: Reg, src: Reg, off: number): Insn => ({
  kind: 'ldx',
  mode: 'mem',
  size: 8,
  dst,
  src,
  off,
});
const stx = (dst: Reg, off: number, src: Reg): Insn => ({
  kind: 'stx',
  size: 8,
  dst,
  src,
  off,
});
const ja = (off: number): Insn => ({ kind: 'ja', long: false, off });
const call = (imm: number): Insn => ({ kind: 'call', target: 'subprog', imm, off: 0 });
const helper = (imm: number): Insn => ({ kind: 'call', target: 'helper', imm, off: 0 });

function check(insns: readonly Insn[], type: number = PROG_TYPE.TRACING, isGpl = true) {
  return checkProgram(encodeProgram(insns), {
    type: progType(type)!,
    isGpl,
    helper: (id) => HELPERS.find((row) => row.id === id),
    kfunc: (id) => ({ errno: 22, message: `kernel btf_id ${id} is not a function` }),
  });
}

/** Calls itself deeper `count` times. */
const nested = (count: number): Insn[] =>
  Array.from({ length: count }, (): Insn[] => [call(1), exit]).flat();

const REJECTED: readonly (readonly [string, readonly Insn[]])[] = [
  ['jump out of range from insn 0 to 5', [ja(4), exit]],
  ['jump out of range from insn 1 to 3', [call(1), ja(1), mov(0, 0), exit]],
  ['last insn is not an exit or jmp', [mov(0, 0)]],
  ['unreachable insn 2', [mov(0, 0), exit, exit]],
  ['frame pointer is read only', [mov(10, 0), exit]],
  ['invalid write to stack R10 off=-520 size=8', [mov(0, 0), stx(10, -520, 0), exit]],
  ['invalid read from stack R10 off=0 size=8', [ldx(0, 10, 0), exit]],
  ['call to invalid destination', [call(7), exit]],
  ['invalid func unknown#999', [helper(999), exit]],
  ['program of this type cannot use helper bpf_sys_close#168', [helper(168), exit]],
  ['the call stack of 9 frames is too deep !', [...nested(8), mov(0, 0), exit]],
];

describe('the structure of programs', () => {
  test.each(REJECTED)('%s', (message, insns) => {
    expect(check(insns)).toMatchObject({ message });
  });

  test('eight frames are not too many', () => {
    expect(check([...nested(7), mov(0, 0), exit])).toMatchObject({ stackDepth: 0 });
  });
});

/** Slots of the probing loads. */
const PROBES: readonly (readonly [string, readonly number[], readonly Insn[]])[] = [
  ['the context itself is plain', [], [ldx(0, 1, 0), exit]],
  ['through what the context holds', [1, 2], [ldx(2, 1, 0), ldx(3, 2, 8), ldx(0, 3, 8), exit]],
  ['after a spill', [3], [ldx(2, 1, 0), stx(10, -8, 2), ldx(3, 10, -8), ldx(0, 3, 0), exit]],
  [
    'not after another spill there',
    [],
    [ldx(2, 1, 0), stx(10, -8, 2), stx(10, -8, 10), ldx(3, 10, -8), ldx(0, 3, 0), exit],
  ],
  [
    'in a subprogram that gets one',
    [4],
    [ldx(1, 1, 0), call(2), mov(0, 0), exit, ldx(0, 1, 0), exit],
  ],
  ['not the context by another name', [], [copy(6, 1), ldx(0, 6, 8), exit]],
];

describe('loads that read zero where they fault', () => {
  test.each(PROBES)('%s', (_, slots, insns) => {
    const made = check(insns);
    expect('probes' in made && [...made.probes].sort((a, b) => a - b)).toEqual(slots);
  });

  test('not in types whose context holds no pointers of the kernel', () => {
    const insns = [ldx(2, 1, 0), ldx(0, 2, 0), exit];
    expect(check(insns, PROG_TYPE.SYSCALL)).toMatchObject({ probes: new Set(), ctxBytes: 8 });
  });
});
