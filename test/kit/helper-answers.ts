import { readFileSync } from 'node:fs';
import { BpfSandbox } from '../../scenarios/bpf-object.ts';

/** What the programs of helpers.bpf.c leave in its variables on Linux 7.2: `name | value`. */
export const HELPER_ANSWERS = readFileSync(
  new URL('../data/bpf-helpers.txt', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

const PROGRAMS =
  'strings map_operations callbacks ring_buffer tail_again tail_nowhere ' +
  'tasks task_storage numbers printing';

/** The same here, of an object that a compiler has made of it; and what it has printed. */
export function helperAnswers(
  bytes: Uint8Array,
  engine: 'interp' | 'jit',
): { readonly answers: string[]; readonly printed: string[] } {
  const bpf = new BpfSandbox({ bpf: { engine } });
  const object = bpf.openBytes(bytes, 'helpers.bpf.o').load();
  for (const name of PROGRAMS.split(' ')) {
    const { result } = object.programs[name]!.run();
    if (result !== 0) throw new Error(`${name}: ${result}`);
  }
  const answers = HELPER_ANSWERS.map((row) => {
    const [name, value] = row.split(' | ') as [string, string];
    const map = object.object.mapOf(name);
    const { offsetBytes, sizeBytes } = map.spec.variables.get(name)!;
    const own = Buffer.from(object.map(map.name).lookup(0)!).subarray(offsetBytes);
    const isHex = value.length === 2 * sizeBytes;
    const shown = isHex ? own.subarray(0, sizeBytes).toString('hex') : own.readBigInt64LE();
    return `${name} | ${shown}`;
  });
  const printed = bpf.output.map((line) => line.replace(/^.*bpf_trace_printk: /, ''));
  return { answers, printed };
}
