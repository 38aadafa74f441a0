import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { compiledBytes } from '../../kit/compiled.ts';

const TEXT = readFileSync(new URL('../../data/bpf-strings.txt', import.meta.url), 'utf8');

/** By program: what each of its calls answers, in order. */
const ANSWERS = TEXT.trimEnd()
  .split('\n')
  .slice(1)
  .map((line): [string, number[]] => {
    const [program, ...numbers] = line.split(' ');
    return [program!, numbers.map(Number)];
  });

describe.each(['interp', 'jit'] as const)('kfuncs of strings, as Linux 7.2: %s', (engine) => {
  test.each(ANSWERS)('%s', (program, answers) => {
    const sandbox = new BpfSandbox({ bpf: { engine } });
    const object = sandbox.openBytes(compiledBytes('strings', 'clang-22-v3'), 'strings');
    for (const each of object.object.programs) each.isWanted = each.name === program;
    object.load();
    const { result, retval } = object.programs[program]!.run();
    expect([result, retval]).toEqual([0, answers.length]);
    const bytes = sandbox.run(() => object.object.mapOf('seen').variable('seen'));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    expect(answers.map((_, i) => view.getInt32(4 * i, true))).toEqual(answers);
  });
});
