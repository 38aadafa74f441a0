import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';

/** How many slots it takes. */
export function insnSlots(insn: Insn | null): number {
  return insn?.kind === 'ld_imm64' ? 2 : 1;
}

const NOWHERE: readonly number[] = [];

/**
 * Where an instruction may go on within its function, falling through first; tail calls and packet
 * loads have an end of the function among that. bpf_insn_successors()
 */
export function insnSuccessors(env: VerifierEnv, insnIdx: number): readonly number[] {
  const aux = env.aux[insnIdx]!;
  return aux.jt ?? (aux.successors ??= successorsOf(env.insns[insnIdx]!, insnIdx));
}

function successorsOf(insn: Insn | null, insnIdx: number): readonly number[] {
  switch (insn?.kind) {
    case 'exit':
      return NOWHERE;
    case 'ja':
      return [insnIdx + insn.off + 1];
    case 'jmp':
    case 'may_goto':
      return [insnIdx + 1, insnIdx + insn.off + 1];
    default:
      return [insnIdx + insnSlots(insn)];
  }
}
