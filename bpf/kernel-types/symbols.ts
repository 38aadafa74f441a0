import { idOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';

/**
 * Where kernel text and variables would be that programs name: nothing of the simulated memory is
 * there, so that a load through such a pointer reads zero.
 */
const TEXT = 0xffff_ffff_8100_0000n;
const VARIABLES = 0xffff_ffff_8200_0000n;
const SYMBOL_BYTES = 64n;

/** Symbols without types that objects name. */
const UNTYPED: readonly string[] = [
  '__per_cpu_start',
  '__per_cpu_end',
  '__start_BTF',
  '__stop_BTF',
  'bpf_link_fops',
  'bpf_map_fops',
  'bpf_prog_fops',
  'init_task',
  'jiffies',
  '_stext',
  '_etext',
];

/** What /proc/kallsyms says of a name. */
export function symbolAddress(btf: Btf, name: string): bigint | undefined {
  const variable = idOf(btf, name, 'var');
  if (variable !== 0) return VARIABLES + SYMBOL_BYTES * BigInt(variable);
  const fn = idOf(btf, name, 'func');
  if (fn !== 0) return TEXT + SYMBOL_BYTES * BigInt(fn);
  const index = UNTYPED.indexOf(name);
  return index < 0 ? undefined : VARIABLES - SYMBOL_BYTES * BigInt(index + 1);
}
