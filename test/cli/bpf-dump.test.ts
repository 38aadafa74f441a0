import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bohrbug, type Ran } from './kit.ts';

const cwd = fileURLToPath(new URL('../data/elf', import.meta.url));
const dump = (...args: readonly string[]): Promise<Ran> =>
  bohrbug(['bpf', 'dump', ...args], { cwd });

describe('bohrbug bpf dump', () => {
  test('shows programs, maps, and what is relocated to what', async () => {
    const { code, out } = await dump('tracing.clang-22.o');
    expect(code).toBe(0);
    const lines = out.split('\n').map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
    for (const line of [
      'tracing, license GPL',
      'on_exec | raw_tp/sched_process_exec | 61 instructions | RAW_TRACEPOINT',
      'count | .text | 20 instructions',
      'counts | HASH | key 4 | value 8 | 128 entries',
      'on_exec+2 | map events',
      'on_exec+9 | <byte_off> [22] struct task_struct.tgid (0:1 @ offset 4)',
      'on_exec+55 | call .text+0',
      'on_getpid+2 | data .rodata+0',
    ]) {
      expect(lines).toContain(line);
    }
  });

  test('shows what the object wants from outside, as JSON too', async () => {
    const document = (await dump('kinds.clang-14.o', '--json')).json();
    expect(document['externs']).toContainEqual({ name: 'kfunc', kind: 'kfunc', weak: true });
    expect(document['programs']).toMatchObject([{ name: 'one', type: 'RAW_TRACEPOINT' }]);
  });

  test('prints types as C, or as a list', async () => {
    expect((await dump('kinds.clang-22.o', '--btf')).out).toContain('struct packed {\n\tchar a;');
    const { types } = (await dump('kinds.clang-22.o', '--btf', '--json')).json<{
      types: { id: number; name: string; values?: unknown }[];
    }>();
    expect(types[0]!.id).toBe(1);
    expect(types.find(({ name }) => name === 'wide')!.values).toEqual([
      { name: 'WIDE_LOW', value: 1 },
      { name: 'WIDE_HIGH', value: '18446744069414584321' },
    ]);
  });

  test.each([
    ['nowhere.o', /^bohrbug: nowhere\.o: no such file$/],
    ['.', /^bohrbug: \.: expected a file$/],
    ['kinds.c', /^bohrbug: kinds\.c: ELF: no header, expected 64 bytes/],
  ])('%s is bad input', async (file, message) => {
    const { code, err } = await dump(file);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
