import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NO_KERNEL } from '../../../bench/no-kernel.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { decodeLoaded } from '../../../bpf/isa/decode.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { progType } from '../../../bpf/prog/types.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';
import { VerifierLog } from '../../../bpf/verifier/report/log.ts';
import type { LoadedProgram } from '../../../bpf/verifier/program.ts';
import { verify } from '../../../bpf/verifier/verify.ts';

function logOf(code: Uint8Array, logLevel: number, hasCaps = true): string {
  const prog = {
    name: 'test',
    type: progType(PROG_TYPE.SOCKET_FILTER)!,
    expectedAttachType: 0,
    flags: 0,
    isSleepable: false,
    isGplCompatible: true,
    code,
    insns: decodeLoaded(code),
    btf: undefined,
    funcInfo: [],
    lineInfo: [],
    attach: undefined,
    caps: { bpf: hasCaps, perfmon: hasCaps },
    maps: new Map(),
  } as unknown as LoadedProgram;
  return verify(prog, NO_KERNEL, new VerifierLog(logLevel)).log.trimEnd();
}

const LOGS = readFileSync(new URL('../../data/bpf-verifier-logs.txt', import.meta.url), 'utf8')
  .split('\n== ')
  .slice(1)
  .map((block) => {
    const [head = '', log = ''] = block.split('\n-- log\n');
    const [name = '', ...lines] = head.split('\n');
    return { name, text: lines.join('\n'), log: log.trimEnd() };
  });

describe('what Linux 7.2 logs at level 2', () => {
  test.each(LOGS)('$name', ({ text, log }) => {
    expect(logOf(encodeProgram(assemble(text)), 2)).toBe(log);
  });
});

/** The line that says why, of a program in hex; each slot apart from the next. */
function reasonOf(hex: string, hasCaps = true): string {
  const code = Uint8Array.from(hex.replaceAll(' ', '').match(/../g)!, (byte) => parseInt(byte, 16));
  return logOf(code, 1, hasCaps).split('\n').at(-2) ?? '';
}

const END = ' b700000000000000 9500000000000000';

// What Linux 7.2 says of the same bytes.
test.each([
  ['2500000000000000' + END, 'R0 !read_ok'],
  ['b700000000000000', 'last insn is not an exit or jmp'],
  ['0500050000000000' + END, 'jump out of range from insn 0 to 6'],
  ['0500010000000000' + END, 'unreachable insn 1'],
  ['8510000009000000' + END, 'call to invalid destination'],
  ['0500010000000000 1801000001000000 0000000000000000' + END, 'unreachable insn 1'],
  [
    '1500010000000000 1801000001000000 0000000000000000' + END,
    'jump into the middle of ldimm64 insn 1',
  ],
  ['79b0f8ff00000000' + END, 'R11 is invalid'],
  ['61b0080000000000' + END, 'R11 is invalid'],
  ['79b0080000000000' + END, 'invalid read from stack arg off 8 depth 0'],
  ['b70c000000000000' + END, 'R12 is invalid'],
  ['1800010000000000 0000000000000000' + END, 'BPF_LD_IMM64 uses reserved fields'],
  ['1870000000000000 0000000000000000' + END, 'unrecognized bpf_ld_imm64 insn'],
  ['1800000000000000 0100000000000000' + END, 'invalid bpf_ld_imm64 insn'],
  ['3910000000000000' + END, 'unknown opcode 39'],
  ['7910000001000000' + END, 'BPF_LDX uses reserved fields'],
  ['e500000001000000' + END, 'invalid may_goto imm 1'],
  ['0d00010000000000' + END, 'BPF_JA|BPF_X uses reserved fields'],
  ['d300000005000000' + END, 'BPF_ATOMIC uses invalid atomic opcode 05'],
  ['d300000000000000' + END, 'invalid atomic operand size'],
  ['bf01010002000000' + END, 'addr_space_cast insn can only convert between address space 1 and 0'],
  ['8510000001000000 9500000000000000 85100000ffffffff' + END, 'recursive call from () to ()'],
])('%s: %s', (hex, reason) => {
  expect(reasonOf(hex)).toBe(reason);
});

test('without CAP_BPF, a loop is refused for itself', () => {
  expect(
    reasonOf('b700000000000000 0700000001000000 a500feff05000000 9500000000000000', false),
  ).toBe('back-edge from insn 2 to 1');
});
