import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { COMPILERS, compiledBytes } from '../../kit/compiled.ts';
import { HELPER_ANSWERS, helperAnswers } from '../../kit/helper-answers.ts';

const SOURCE = fileURLToPath(new URL('../../data/objects/helpers.bpf.c', import.meta.url));
const EXPECTED = { answers: HELPER_ANSWERS, printed: ['helper 5 abc', '1-2-3--4'] };
const ENGINES = ['interp', 'jit'] as const;

describe.each(ENGINES)('helpers answer as those of Linux 7.2, %s', (engine) => {
  test.each(COMPILERS)('%s', (by) => {
    expect(helperAnswers(compiledBytes('helpers', by), engine)).toEqual(EXPECTED);
  });
});

describe('so do objects that a compiler makes here', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bohrbug-helpers-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const includes = ['-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu'];

  function isThere(clang: string): boolean {
    const made = spawnSync(clang, ['-target', 'bpf', '-x', 'c', '-c', '-o', '/dev/null', '-'], {
      input: '#include <bpf/bpf_helpers.h>\n',
    });
    return made.status === 0;
  }

  const clangs = ['clang', 'clang-14', 'clang-19', 'clang-22'];
  const cases = clangs.flatMap((clang) => ['v3', 'v4'].map((cpu) => [clang, cpu] as const));
  test.each(cases)('%s -mcpu=%s (skipped where it or libbpf-dev is not installed)', (...given) => {
    const [clang, cpu] = given;
    const object = join(folder, `${clang}-${cpu}.o`);
    const flags = ['-target', 'bpf', '-O2', '-g', `-mcpu=${cpu}`, ...includes];
    const made = spawnSync(clang, [...flags, '-c', SOURCE, '-o', object], { encoding: 'utf8' });
    expect(made.stderr).toBe('');
    for (const engine of ENGINES) {
      expect(helperAnswers(new Uint8Array(readFileSync(object)), engine)).toEqual(EXPECTED);
    }
  });
  void isThere;
});
