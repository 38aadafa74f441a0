import { describe, expect, test } from 'vitest';
import * as errnos from '../../../kernel/errno.ts';
import { checkProgram, parseProgram, type CheckWorld } from '../../../bpf/check/check.ts';
import { progType } from '../../../bpf/prog/types.ts';
import { HELPERS } from '../../../bpf/helpers/table.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import type { Insn, Insns, Reg } from '../../../bpf/isa/insn.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';

const ERRNO = errnos as unknown as Readonly<Record<string, number>>;

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
const call = (imm: number): Insn => ({ kind: 'call', target: 'subprog', imm, off: 0 });

function check(insns: Insns, type: number = PROG_TYPE.TRACING, more: Partial<CheckWorld> = {}) {
  const parsed = parseProgram(encodeProgram(insns));
  if ('errno' in parsed) return parsed;
  return checkProgram(parsed, {
    type: progType(type)!,
    isGpl: true,
    helper: (id) => HELPERS.find((row) => row.id === id),
    kfunc: (id) => ({ errno: 22, message: `kernel btf_id ${id} is not a function` }),
    isSleepable: false,
    framesMax: 16,
    maps: new Map(),
    ...more,
  });
}

/** Each function calls the next, `count` times. */
const nested = (count: number): string => 'call pc+1\nexit\n'.repeat(count);
/** Functions of these bytes of stack, each called by the one before. */
const stacked = (...depths: readonly number[]): string =>
  depths
    .map((bytes, i) => {
      const call = i + 1 < depths.length ? 'call pc+2' : 'r0 = 0';
      return `r1 = 0\n*(u64 *)(r10 -${bytes}) = r1\n${call}\nr0 = 0\nexit`;
    })
    .join('\n');

/** With the answers of Linux 7.2. */
const REJECTED: readonly (readonly [errno: string, message: string, program: string])[] = [
  ['EINVAL', 'jump out of range from insn 0 to 5', 'goto pc+4\nexit'],
  ['EINVAL', 'jump out of range from insn 1 to 3', 'call pc+1\ngoto pc+1\nr0 = 0\nexit'],
  ['EINVAL', 'last insn is not an exit or jmp', 'r0 = 0'],
  ['EINVAL', 'unreachable insn 2', 'r0 = 0\nexit\nexit'],
  ['EACCES', 'frame pointer is read only', 'r10 = 0\nexit'],
  ['EINVAL', 'div by zero', 'r0 = 1\nr0 /= 0\nexit'],
  ['EINVAL', 'invalid shift 64', 'r0 = 1\nr0 <<= 64\nexit'],
  ['EACCES', 'invalid write to stack R10 off=-520 size=8', 'r0 = 0\n*(u64 *)(r10 -520) = r0\nexit'],
  ['EACCES', 'invalid read from stack R10 off=0 size=8', 'r0 = *(u64 *)(r10 +0)\nexit'],
  [
    'EACCES',
    'invalid write to stack R2 off=-600 size=8',
    'r0 = 0\nr2 = r10\nr2 += -600\n*(u64 *)(r2 +0) = r0\nexit',
  ],
  ['EINVAL', 'jump into the middle of ldimm64 insn 0', 'r0 = 0x5\nif r0 == 0x7 goto pc-2\nexit'],
  ['EINVAL', 'call to invalid destination', 'call pc+7\nexit'],
  ['EINVAL', 'invalid func unknown#999', 'call unknown#999\nexit'],
  ['EINVAL', 'program of this type cannot use helper bpf_sys_close#168', 'call 168\nexit'],
  [
    'EINVAL',
    'sleepable helper bpf_copy_from_user#148 in non-sleepable prog',
    'r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall 148\nr0 = 0\nexit',
  ],
  ['EINVAL', 'recursive call from () to ()', 'r0 = 0\ncall pc-2\nexit'],
  ['EINVAL', 'recursive call from () to ()', 'call pc+1\nexit\ncall pc+1\nexit\ncall pc-3\nexit'],
  ['E2BIG', 'the call stack of 17 frames is too deep', `${nested(16)}r0 = 0\nexit`],
  ['E2BIG', 'the call stack of 17 frames is too deep', `${nested(20)}r0 = 0\nexit`],
  ['EACCES', 'combined stack size of 2 calls is 608. Too large', stacked(304, 304)],
  ['EACCES', 'combined stack size of 3 calls is 624. Too large', stacked(200, 200, 200)],
  [
    'EINVAL',
    'tail_call is not allowed in subprogs without BTF',
    'call pc+2\nr0 = 0\nexit\nr2 = map[fd:3]\nr3 = 0\ncall 12\nr0 = 0\nexit',
  ],
  [
    'EINVAL',
    'addr_space_cast insn can only be used in a program that has an associated arena',
    'r1 = 0\nr1 = addr_space_cast(r1, 0, 1)\nr0 = 0\nexit',
  ],
  ['EINVAL', 'kernel btf_id 1 is not a function', 'call kernel-function#1\nr0 = 0\nexit'],
  [
    'EACCES',
    'R2 type=scalar expected=func',
    'r1 = 5\nr2 = 5\nr3 = 0\nr4 = 0\ncall 181\nr0 = 0\nexit',
  ],
];

describe('the structure of programs', () => {
  test.each(REJECTED)('%s: %s', (errno, message, program) => {
    expect(check(assemble(program))).toMatchObject({ errno: ERRNO[errno], message });
  });

  test('what is allowed', () => {
    expect(check(assemble(`${nested(15)}r0 = 0\nexit`))).toMatchObject({ stackDepth: 0 });
    expect(check(assemble(stacked(256, 256)))).toMatchObject({ stackDepth: 256 });
    expect(check(assemble(stacked(512)))).toMatchObject({ stackDepth: 512 });
    // Not an address in the stack, but a number.
    expect(check(assemble('r1 = 9\nr1 += -500\nr0 = 0\nexit'))).toMatchObject({ stackDepth: 0 });
  });

  test('the instruction stands in front of what is said of it', () => {
    const made = check(assemble('r0 = 0\nr1 = 5\ncall 195896080\nexit'));
    expect(made).toMatchObject({ line: '2: (85) call unknown#195896080' });
  });

  test('tail calls beneath much stack', () => {
    const program = 'r6 = r1\n*(u64 *)(r10 -256) = 0\ncall pc+2\nr0 = 0\nexit\n';
    const callee = 'r2 = map[fd:3]\nr3 = 0\ncall 12\nr0 = 0\nexit';
    const made = check(assemble(program + callee), PROG_TYPE.TRACING, { subprogName: () => 'f' });
    expect(made).toMatchObject({
      errno: ERRNO['EACCES'],
      message:
        'tail_calls are not allowed when call stack of previous frames is 256 bytes. Too large',
    });
  });

  test('what known numbers rule out need not exist here', () => {
    const guarded = (test: string): string =>
      `r1 = 0\n${test}\nr0 = 0\nexit\nabsent: call 195896080\nr0 = 0\nexit`;
    const reject = { message: 'invalid func unknown#195896080' };
    for (const test of ['if r1 != 0 goto absent', 'r1 += 7\nif w1 > 7 goto absent']) {
      const made = check(assemble(guarded(test)));
      expect(made, test).not.toHaveProperty('message');
      expect('reached' in made && [...made.reached].slice(-3)).toEqual([0, 0, 0]);
    }
    const unknown = ['if r1 == 0 goto absent', 'call 7\nr1 = r0\nif r1 != 0 goto absent'];
    for (const test of unknown) expect(check(assemble(guarded(test))), test).toMatchObject(reject);
    // In a loop the number is not the same each time.
    const loop = 'again: r1 += 1\nif r1 == 5 goto absent\nif r1 != 9 goto again';
    expect(check(assemble(guarded(loop)))).toMatchObject(reject);
  });

  test('nor what a value rules out that nobody can change', () => {
    const program =
      'r1 = map[fd:3][0]+4\nr1 = *(u32 *)(r1 +0)\nif r1 == 5 goto pc+2\ncall 195896080\nexit\n' +
      'r0 = 0\nexit';
    const frozenValue: CheckWorld['frozenValue'] = (slot, off, size) =>
      slot === 0 && off === 0 && size === 4 ? 5n : undefined;
    const made = check(assemble(program), PROG_TYPE.TRACING, { frozenValue });
    expect(made).not.toHaveProperty('message');
    expect(check(assemble(program))).toHaveProperty('message');
  });

  test('programs made to take long do not', () => {
    // Sixteen layers of sixteen functions, each of which calls all of the next layer.
    const layers = 15;
    const names = Array.from({ length: layers * 16 }, (_, i) => `f${i}`);
    const bodies = names.map((name, i) => {
      const next = names.slice((Math.floor(i / 16) + 1) * 16).slice(0, 16);
      return `${name}:\n${next.map((to) => `call ${to}\n`).join('')}r0 = 0\nexit`;
    });
    const made = check(
      assemble(
        `call f0\n${names
          .slice(1, 16)
          .map((n) => `call ${n}\n`)
          .join('')}exit\n${bodies.join('\n')}`,
      ),
    );
    expect(made).toMatchObject({ stackDepth: 0 });
  });
});

/** Slots of the probing loads. */
const PROBES: readonly (readonly [string, readonly number[], Insns])[] = [
  ['the context itself is plain', [], [ldx(0, 1, 0), exit]],
  ['through what the context holds', [1, 2], [ldx(2, 1, 0), ldx(3, 2, 8), ldx(0, 3, 8), exit]],
  ['after a spill', [3], [ldx(2, 1, 0), stx(10, -8, 2), ldx(3, 10, -8), ldx(0, 3, 0), exit]],
  [
    'not after another spill there',
    [],
    [ldx(2, 1, 0), stx(10, -8, 2), stx(10, -8, 10), ldx(3, 10, -8), ldx(0, 3, -8), exit],
  ],
  [
    'in a subprogram that gets one',
    [4],
    [ldx(1, 1, 0), call(2), mov(0, 0), exit, ldx(0, 1, 0), exit],
  ],
  ['not the context by another name', [], [copy(6, 1), ldx(0, 6, 8), exit]],
  [
    'after a spill by another name of the stack',
    [5],
    assemble(
      'r2 = *(u64 *)(r1 +0)\nr3 = r10\nr3 += -16\n*(u64 *)(r3 +8) = r2\n' +
        'r2 = *(u64 *)(r10 -8)\nr0 = *(u64 *)(r2 +0)\nexit',
    ),
  ],
  [
    'not after a number was stored over it by another name',
    [],
    assemble(
      'r2 = *(u64 *)(r1 +0)\n*(u64 *)(r10 -8) = r2\nr3 = r10\nr3 += -8\n' +
        '*(u32 *)(r3 +0) = 5\nr2 = *(u64 *)(r10 -8)\nr0 = *(u64 *)(r2 +0)\nexit',
    ),
  ],
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
