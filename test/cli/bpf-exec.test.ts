import { describe, expect, test } from 'vitest';
import { bohrbug, type Ran } from './kit.ts';

const MOV_R0_R2 = 'bf 20 00 00 00 00 00 00';
const EXIT = '95 00 00 00 00 00 00 00';
const LOAD_BYTE_4 = '71 10 04 00 00 00 00 00'; // r0 = *(u8 *)(r1 +4)

function exec(code: string, ...args: readonly string[]): Promise<Ran> {
  const readStdin = () => Promise.resolve(new TextEncoder().encode(code));
  return bohrbug(['bpf', 'exec', ...args], { readStdin });
}

describe('bohrbug bpf exec', () => {
  test('takes what the conformance suite gives: blanks, and an option that is empty', async () => {
    const code = `${MOV_R0_R2} ${EXIT}`.replaceAll(' ', '  ');
    const ran = await exec(`${code}  \n`, '01  02  03  04  05  06  07  08  09  0a  0b  ', '');
    expect(ran).toMatchObject({ code: 0, out: 'b', err: '' });
  });

  test('gives no memory where none is given', async () => {
    expect(await exec(`${MOV_R0_R2}\n${EXIT}\n`)).toMatchObject({ code: 0, out: '0' });
    expect(await exec(`${MOV_R0_R2}${EXIT}`, '')).toMatchObject({ code: 0, out: '0' });
  });

  test('prints all 64 bits, without 0x', async () => {
    const code = `18 00 00 00 EF BE AD DE 00 00 00 00 00 00 00 80 ${EXIT}`;
    expect(await exec(code)).toMatchObject({ out: '80000000deadbeef' });
    expect(await exec('', '--program', code)).toMatchObject({ out: '80000000deadbeef' });
  });

  test.each([
    ['ff 00 00 00 00 00 00 00', '', /^unknown opcode ff$/],
    [`85 00 00 00 05 00 00 00 ${EXIT}`, '', /^invalid func unknown#5$/],
    [`05 00 05 00 00 00 00 00 ${EXIT}`, '', /^jump out of range from insn 0 to 6$/],
    [MOV_R0_R2, '', /^last insn is not an exit or jmp$/],
    [`b7 0a 00 00 00 00 00 00 ${EXIT}`, '', /^frame pointer is read only$/],
    [
      `${LOAD_BYTE_4} ${EXIT}`,
      '01020304',
      /^at instruction 0: invalid read of 1 bytes at 0xf{4}8880/,
    ],
    [`${LOAD_BYTE_4} ${EXIT}`, '', /^at instruction 0: invalid read of 1 bytes at 0x4$/],
  ])('a program that cannot be run, or strays, is exit 1: %s', async (code, memory, message) => {
    for (const engine of ['interp', 'jit']) {
      const ran = await exec(code, memory, '--engine', engine);
      expect(ran).toMatchObject({ code: 1, out: '' });
      expect(ran.err).toMatch(message);
    }
  });

  test.each([
    ['', [], 'program: 0 bytes, expected instructions of 8 each'],
    ['95 00', [], 'program: 2 bytes, expected instructions of 8 each'],
    ['9', [], 'program: half a byte at the end'],
    ['0x95', [], "program: 'x' is no hex digit"],
    [EXIT, ['01 zz'], "memory: 'z' is no hex digit"],
    [EXIT, ['--engine', 'constructor'], "--engine: 'constructor' is neither interp nor jit"],
    [EXIT, ['00', '11'], 'too many arguments'],
  ])('bad input is one line and exit 2: %s %j', async (code, args, message) => {
    const ran = await exec(code, ...args);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err).not.toContain('\n');
  });
});
