import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { COMPILERS, compiledBytes } from '../../kit/compiled.ts';

const ROWS = readFileSync(new URL('../../data/bpf-helpers.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const PROGRAMS =
  'strings map_operations callbacks ring_buffer tail_again tail_nowhere ' +
  'tasks task_storage numbers printing';
const MATRIX = COMPILERS.flatMap((by) => ['interp', 'jit'].map((engine) => [by, engine] as const));

test.each(MATRIX)('helpers answer as those of Linux 7.2: %s, %s', (by, engine) => {
  const bpf = new BpfSandbox({ bpf: { engine: engine as 'interp' | 'jit' } });
  const object = bpf.openBytes(compiledBytes('helpers', by), 'helpers.bpf.o').load();
  for (const name of PROGRAMS.split(' ')) expect(object.programs[name]!.run().result, name).toBe(0);
  const answers = ROWS.map((row) => {
    const [name, value] = row.split(' | ') as [string, string];
    const { offsetBytes, sizeBytes } = object.object.mapOf(name).spec.variables.get(name)!;
    const bytes = object.map(object.object.mapOf(name).name).lookup(0)!;
    const own = Buffer.from(bytes.subarray(offsetBytes, offsetBytes + sizeBytes));
    const isHex = value.length === 2 * sizeBytes;
    return `${name} | ${isHex ? own.toString('hex') : own.readBigInt64LE()}`;
  });
  expect(answers).toEqual(ROWS);
  expect(bpf.output.map((line) => line.replace(/^.*bpf_trace_printk: /, ''))).toEqual([
    'helper 5 abc',
    '1-2-3--4',
  ]);
});
