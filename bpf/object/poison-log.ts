import { POISON_HELPER } from '../btf/core.ts';
import { POISON_CALL_KFUNC_BASE, type RelocatedProgram } from './relocate.ts';

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
  if (!poison || (helper !== POISON_HELPER && helper < POISON_CALL_KFUNC_BASE)) return log;
  const said =
    poison.kind === 'core'
      ? ['<invalid CO-RE relocation>', `failed to resolve CO-RE relocation ${poison.text}`]
      : ['<missing kfunc call>', `kfunc '${poison.text}' is referenced but wasn't resolved`];
  lines.splice(refused - 1, 2, `${slot}: ${said[0]}`, said[1]!);
  return lines.join('\n');
}

/** verifier.c: check_helper_call() */
const REFUSAL = 'invalid func unknown#';
