import { POISON_HELPER } from '../btf/core.ts';
import { POISON_LDIMM64_MAP_BASE, type Poison, type RelocatedProgram } from './relocate.ts';

/**
 * The kernel's log of a program that it refused, with what it says of a poisoned instruction made
 * clear, as libbpf makes it. libbpf.c: fixup_verifier_log()
 */
export function explainPoison(log: string, { poisoned }: RelocatedProgram): string {
  const lines = log.split('\n');
  const refused = lines.findLastIndex((line) => line.startsWith(REFUSAL));
  if (refused < 1) return log;
  const helper = Number(lines[refused]!.slice(REFUSAL.length));
  const slot = Number(/^(\d+): \(85\) call unknown#\d+/.exec(lines[refused - 1]!)?.[1]);
  const poison = poisoned.get(slot);
  if (!poison || (helper !== POISON_HELPER && helper < POISON_LDIMM64_MAP_BASE)) return log;
  const said = SAID[poison.kind](poison.text);
  lines.splice(refused - 1, 2, `${slot}: ${said[0]}`, said[1]!);
  return lines.join('\n');
}

/** What stands in place of the instruction, and what of the reason. */
const SAID: Readonly<Record<Poison['kind'], (text: string) => readonly [string, string]>> = {
  core: (text) => ['<invalid CO-RE relocation>', `failed to resolve CO-RE relocation ${text}`],
  kfunc: (text) => ['<invalid kfunc call>', `kfunc '${text}' is referenced but wasn't resolved`],
  map: (text) => [
    '<invalid BPF map reference>',
    `BPF map '${text}' is referenced but wasn't created`,
  ],
};

/** verifier.c: check_helper_call() */
const REFUSAL = 'invalid func unknown#';
