import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { decodeProgram } from '../../../bpf/isa/decode.ts';
import { disasm, disasmProgram } from '../../../bpf/isa/disasm.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import type { Insn } from '../../../bpf/isa/insn.ts';
import { everyForm, formOf, insnOfForm } from '../../kit/bpf-forms.ts';

const LOG = readFileSync(new URL('../../data/bpf-log-lines.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** The bytes of one slot each, in hex. */
function bytesOf(text: string): string[] {
  const hex = Buffer.from(encodeProgram(assemble(text))).toString('hex');
  return hex.match(/.{16}/g) ?? [];
}

test('instructions are written as in the log of Linux 7.2', () => {
  const callee = () => 'bpf_get_prandom_u32';
  expect(disasmProgram(assemble(LOG.join('\n')), { callee })).toEqual(LOG);
});

describe('every form comes back from its text and from its bytes', () => {
  test.each([...everyForm(), 'addr_space_cast'])('%s', (form) => {
    fc.assert(
      fc.property(insnOfForm(form), (insn) => {
        expect(formOf(insn)).toBe(form);
        const slots = insn.kind === 'ld_imm64' ? [insn, null] : [insn];
        expect(assemble(disasm(insn))).toEqual(slots);
        expect(assemble(`7: (00) ${disasm(insn)} ; R0=0`)).toEqual(slots);
        expect(decodeProgram(encodeProgram(slots))).toEqual(slots);
      }),
      { numRuns: 50 },
    );
  });
});

test('the two spellings give the same bytes', () => {
  const pairs = [
    ['mov %r1, 5', 'r1 = 5', 'b701000005000000'],
    ['mov32 %r1, %r2', 'w1 = w2', 'bc21000000000000'],
    ['add %r3, 0xffffffff', 'r3 += -1', '07030000ffffffff'],
    ['sdiv32 %r3, %r4', 'w3 s/= w4', '3c43010000000000'],
    ['smod %r3, -7', 'r3 s%= -7', '97030100f9ffffff'],
    ['arsh %r3, 63', 'r3 s>>= 63', 'c70300003f000000'],
    ['neg32 %r9', 'w9 = -w9', '8409000000000000'],
    ['movsx832 %r1, %r2', 'w1 = (s8)w2', 'bc21080000000000'],
    ['movsx3264 %r1, %r2', 'r1 = (s32)r2', 'bf21200000000000'],
    ['be16 %r1', 'r1 = be16 r1', 'dc01000010000000'],
    ['swap64 %r1', 'r1 = bswap64 r1', 'd701000040000000'],
    ['ldxw %r0, [%r1+2]', 'r0 = *(u32 *)(r1 +2)', '6110020000000000'],
    ['ldxsb %r0, [%r1]', 'r0 = *(s8 *)(r1 +0)', '9110000000000000'],
    ['stb [%r1-1], 0xff', '*(u8 *)(r1 -1) = 255', '7201ffffff000000'],
    ['stxdw [%r10-8], %r2', '*(u64 *)(r10 -8) = r2', '7b2af8ff00000000'],
    ['jeq %r1, 0x10, +3', 'if r1 == 0x10 goto pc+3', '1501030010000000'],
    ['jslt32 %r1, %r2, -3', 'if w1 s< w2 goto pc-3', 'ce21fdff00000000'],
    ['ja +1', 'goto +1', '0500010000000000'],
    ['ja32 +1', 'gotol pc+1', '0600000001000000'],
    ['call 6', 'call unknown#6', '8500000006000000'],
    ['call helper 6', 'call bpf_trace_printk#6', '8500000006000000'],
    ['call local +2', 'call pc+2', '8510000002000000'],
    ['call runtime 6', 'call kernel-function#6', '8520000006000000'],
    ['lock add [%r10-8], %r1', 'lock *(u64 *)(r10 -8) += r1', 'db1af8ff00000000'],
    [
      'lock fetch or32 [%r10-8], %r1',
      'r1 = atomic_fetch_or((u32 *)(r10 -8), r1)',
      'c31af8ff41000000',
    ],
    [
      'lock cmpxchg [%r10-8], %r1',
      'r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)',
      'db1af8fff1000000',
    ],
  ];
  for (const [ubpf, log, bytes] of pairs) {
    expect(bytesOf(ubpf!), ubpf).toEqual([bytes]);
    expect(bytesOf(log!), log).toEqual([bytes]);
  }
});

test('numbers of 64 bits take two slots', () => {
  const wide = ['18010000efcdab89', '0000000067452301'];
  for (const text of [
    'lddw %r1, 0x0123456789abcdef',
    'r1 = 0x123456789abcdef',
    'r1 = 81985529216486895 ll',
  ]) {
    expect(bytesOf(text), text).toEqual(wide);
  }
  expect(bytesOf('r1 = -1 ll')).toEqual(['18010000ffffffff', '00000000ffffffff']);
  expect(bytesOf('r1 = map[fd:3][0]+16')).toEqual(['1821000003000000', '0000000010000000']);
});

test('labels, comments and helpers by name', () => {
  const text = `
    ; a comment, and a number in front, as in the log
    0: (b7) r0 = 3          # three times
    again: r0 -= 1          // counts down
    if r0 != 0 goto again
    call sum
    jeq %r0, 0, exit
    r2 = subprog[sum]
    call bpf_ktime_get_ns
    exit
    sum:
    exit
  `;
  const helper = (name: string) => (name === 'bpf_ktime_get_ns' ? 5 : undefined);
  expect(disasmProgram(assemble(text, { helper }))).toEqual([
    '0: (b7) r0 = 3',
    '1: (17) r0 -= 1',
    '2: (55) if r0 != 0x0 goto pc-2',
    '3: (85) call pc+5',
    '4: (15) if r0 == 0x0 goto pc+3',
    '5: (18) r2 = subprog[+3]',
    '7: (85) call unknown#5',
    '8: (95) exit',
    '9: (95) exit',
  ]);
});

test.each([
  ['r0 = r11', "line 1: 'r11' is no register: there are r0 to r10"],
  ['exit\nr0 =', "line 2: 'r0 =' is no instruction"],
  ['r0 += w1', 'line 1: r0 and w1 are of different widths'],
  ['goto nowhere', "line 1: no label 'nowhere'"],
  ['a:\na: exit', "line 2: label 'a' stands here again"],
  ['r0 += 4294967296', 'line 1: 4294967296 needs more than 32 bits'],
  ['lddw %r0, 0x10000000000000000', 'line 1: 0x10000000000000000 needs more than 64 bits'],
  ['mov %r0', 'line 1: mov takes 2 operands, not 1'],
  ['ldxw %r0, %r1', "line 1: '%r1' is no memory: expected [%r1+2]"],
  ['ldxw %r0, [%r1+40000]', 'line 1: offset +40000 needs more than 16 bits'],
  ['r0 = *(s64 *)(r1 +0)', 'line 1: (s64 *): 64 bits have no sign to add'],
  ['r1 = -r2', 'line 1: r1 = -r2: only of the register itself'],
  ['lock *(u8 *)(r1 +0) += r2', 'line 1: (u8 *): not of that size'],
  ['r2 = atomic64_xchg((u64 *)(r1 +0), r3)', 'line 1: xchg: the old value comes in r3'],
  [`goto far\n${'exit\n'.repeat(40_000)}far: exit`, 'line 1: 40000 slots are too far for goto'],
  [`r0 = ${'9'.repeat(1000)} ll`, `line 1: ${'9'.repeat(40)}… needs more than 64 bits`],
])('what is no program is said in one line: %s', (text, message) => {
  expect(() => assemble(text)).toThrow(new InputError(message));
});

test('whatever the text, it is a program or an InputError', () => {
  const words =
    'r0 w1 %r2 = += *(u64 *) (r10 -8) goto pc+1 call lock exit 5 0x5 ll if s> : a [%r1+2] , # map[';
  const word = fc.constantFrom('\n', ...words.split(' '));
  const text = fc.oneof(
    fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(text, (source) => {
      let insns: readonly (Insn | null)[] = [];
      try {
        insns = assemble(source);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
      expect(insns.length * 8).toBe(encodeProgram(insns).length);
    }),
    { numRuns: 2000 },
  );
});
