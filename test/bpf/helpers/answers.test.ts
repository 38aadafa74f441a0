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
  const include = ['-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu'];
  const compile = (clang: string, cpu: string, from: string, to: string) =>
    spawnSync(
      clang,
      ['-target', 'bpf', '-O2', '-g', `-mcpu=${cpu}`, ...include, '-x', 'c', '-c', from, '-o', to],
      { encoding: 'utf8', input: '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n' },
    );
  const cases = ['clang', 'clang-14', 'clang-22'].flatMap((clang) =>
    ['v3', 'v4'].map((cpu) => {
      const { status, stderr } = compile(clang, cpu, '-', '/dev/null');
      return { clang, cpu, isThere: status === 0 && stderr === '' };
    }),
  );
  test.each(cases.filter(({ isThere }) => isThere))('$clang for $cpu', ({ clang, cpu }) => {
    const object = join(folder, `${clang}-${cpu}.o`);
    expect(compile(clang, cpu, SOURCE, object)).toMatchObject({ status: 0, stderr: '' });
    for (const engine of ENGINES) {
      expect(helperAnswers(new Uint8Array(readFileSync(object)), engine)).toEqual(EXPECTED);
    }
  });
  const missing = cases.filter(({ isThere }) => !isThere);
  test.skip.each(missing)('$clang for $cpu: it or libbpf-dev is not installed', () => {});
});
