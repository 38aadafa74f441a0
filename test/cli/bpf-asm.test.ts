import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { bohrbug, type Ran } from './kit.ts';

const objects = fileURLToPath(new URL('../data/elf', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bohrbug-asm-'));
afterAll(() => rmSync(folder, { recursive: true }));

function piped(stdin: string, ...args: readonly string[]): Promise<Ran> {
  const readStdin = () => Promise.resolve(new TextEncoder().encode(stdin));
  return bohrbug(['bpf', ...args], { readStdin, cwd: folder });
}

const PROGRAM = `
  r1 = 0x1122334455667788
  *(u64 *)(r10 -8) = r1
  r0 = *(u8 *)(r10 -8)
  if r0 != 136 goto out
  call bpf_ktime_get_ns
out:
  exit
`;
const LOG = [
  '0: (18) r1 = 0x1122334455667788',
  '2: (7b) *(u64 *)(r10 -8) = r1',
  '3: (71) r0 = *(u8 *)(r10 -8)',
  '4: (55) if r0 != 0x88 goto pc+1',
  '5: (85) call bpf_ktime_get_ns#5',
  '6: (95) exit',
];

describe('bohrbug bpf asm and disasm', () => {
  test('undo one another, in hex and in a file', async () => {
    const hex = await piped(PROGRAM, 'asm', '-');
    expect(hex).toMatchObject({ code: 0, err: '' });
    expect(hex.out.split('\n')).toHaveLength(7);
    expect(hex.out).toContain('18 01 00 00 88 77 66 55\n00 00 00 00 44 33 22 11\n');
    expect((await piped(hex.out, 'disasm', '-')).out.split('\n')).toEqual(LOG);
    expect((await piped(LOG.join('\n'), 'asm', '-', '-o', 'code.bin')).code).toBe(0);
    expect(readFileSync(join(folder, 'code.bin')).toString('hex')).toBe(
      hex.out.replaceAll(/\s/g, ''),
    );
    expect((await piped('', 'disasm', 'code.bin')).out.split('\n')).toEqual(LOG);
  });

  test('what asm prints, exec runs', async () => {
    const { out } = await piped('mov %r0, 6\nmul %r0, 7\nexit', 'asm', '-');
    expect((await piped(out, 'exec')).out).toBe('2a');
  });

  test('an object is shown by function, with what is to be relocated', async () => {
    const shown = await bohrbug(['bpf', 'disasm', 'tracing.clang-22.o', '--prog', 'on_exec'], {
      cwd: objects,
    });
    expect(shown.code).toBe(0);
    const lines = shown.out.split('\n');
    expect(lines[0]).toBe('; raw_tp/sched_process_exec: on_exec');
    expect(lines).toContain('2: (18) r1 = 0x0 ; map events');
    expect(lines).toContainEqual(
      expect.stringMatching(/^9: .* ; <byte_off> \[22\] struct task_struct\.tgid/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/call bpf_ringbuf_reserve#131$/));
    // A comment at an instruction is nothing to the assembler.
    expect((await piped(shown.out, 'asm', '-')).code).toBe(0);
  });

  test.each([
    ['r0 = 1\nr0 ? 2', ['asm', '-'], "-: line 2: 'r0 ? 2' is no instruction"],
    ['', ['asm', 'nowhere.s'], 'nowhere.s: no such file'],
    ['exit', ['asm', '-', '-o', 'no/such/file'], 'no/such/file: cannot be written: ENOENT'],
    ['95 00', ['disasm', '-'], '-: 2 bytes, expected 8 an instruction'],
    ['ff 00 00 00 00 00 00 00', ['disasm', '-'], '-: instruction 0: unknown opcode ff'],
    ['zz', ['disasm', '-'], "-: 'z' is no hex digit"],
    ['95', ['disasm', '-', '--prog', 'x'], '--prog: - is no object, and has no functions'],
  ])('bad input is one line and exit 2: %j %j', async (stdin, args, message) => {
    const ran = await piped(stdin, ...args);
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toContain(`bohrbug: ${message}`);
    expect(ran.err.split('\n')).toHaveLength(1);
  });

  test('an object without the function asked for', async () => {
    const ran = await bohrbug(['bpf', 'disasm', 'tracing.clang-22.o', '--prog', 'nope'], {
      cwd: objects,
    });
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(
      /--prog: no function 'nope' in tracing\.clang-22\.o, which has count, on_exec, on_getpid/,
    );
  });
});
