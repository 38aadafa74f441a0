import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { COMPILERS, compiledBytes } from '../kit/compiled.ts';
import { mutated } from '../kit/mutate.ts';
import { bohrbug } from './kit.ts';

const objects = COMPILERS.flatMap((by) => [
  compiledBytes('foreign', by),
  compiledBytes('core', by),
]);
const folder = mkdtempSync(join(tmpdir(), 'bohrbug-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));

const COMMANDS: readonly (readonly string[])[] = [
  ['dump', 'x.o'],
  ['dump', 'x.o', '--btf'],
  ['disasm', 'x.o'],
  ['run', 'x.o', '--prog', 'on_exec'],
  ['asm', 'x.o'],
];

test.each(COMMANDS)(
  'bpf %s %s %s: whatever the file, an answer or one line and exit 2',
  (...args) =>
    fc.assert(
      fc.asyncProperty(mutated(objects), async (bytes) => {
        writeFileSync(join(folder, 'x.o'), bytes);
        const { code, err, out } = await bohrbug(['bpf', ...args], { cwd: folder });
        expect([0, 1, 2]).toContain(code);
        if (code !== 2) return;
        expect(out).toBe('');
        // Where the kernel refuses a program, its log follows.
        expect(err.split('\n')[0]).toMatch(/^bohrbug: .{1,4000}$/);
      }),
      { numRuns: 100, seed: 1 },
    ),
);
