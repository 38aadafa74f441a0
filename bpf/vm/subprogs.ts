import { E2BIG, EINVAL } from '../../kernel/errno.ts';
import type { Insn, Insns } from '../isa/insn.ts';

const BPF_MAX_SUBPROGS = 256;

/** Why instructions cannot be run, in the verifier's words. */
export interface Reject {
  readonly errno: number;
  readonly message: string;
}

/** Where an instruction goes besides on, as a slot; undefined where nowhere. */
export function jumpTarget(insn: Insn, slot: number): number | undefined {
  switch (insn.kind) {
    case 'ja':
    case 'jmp':
    case 'may_goto':
      return slot + 1 + insn.off;
    default:
      return undefined;
  }
}

/** The subprogram that an instruction names: by a call, or as a callback. */
function subprogTarget(insn: Insn, slot: number): number | undefined {
  if (insn.kind === 'call' && insn.target === 'subprog') return slot + 1 + insn.imm;
  if (insn.kind === 'ld_imm64' && insn.from === 'func') return slot + 1 + insn.imm;
  return undefined;
}

/**
 * First slots of the subprograms, ascending; jumps stay within one, and each ends in an exit or a
 * jump. kernel/bpf/verifier.c: add_subprog_and_kfunc(), check_subprogs()
 */
export function findSubprogs(insns: Insns): readonly number[] | Reject {
  const starts = new Set([0]);
  for (const [slot, insn] of insns.entries()) {
    const target = insn && subprogTarget(insn, slot);
    if (target === undefined || target === null) continue;
    if (target < 0 || target >= insns.length) {
      return { errno: EINVAL, message: 'call to invalid destination' };
    }
    starts.add(target);
  }
  if (starts.size > BPF_MAX_SUBPROGS) return { errno: E2BIG, message: 'too many subprograms' };
  const subprogs = [...starts].sort((a, b) => a - b);
  return checkBodies(insns, subprogs) ?? subprogs;
}

function checkBodies(insns: Insns, subprogs: readonly number[]): Reject | undefined {
  for (const [i, start] of subprogs.entries()) {
    const end = subprogs[i + 1] ?? insns.length;
    for (let slot = start; slot < end; slot++) {
      const insn = insns[slot];
      if (!insn) continue;
      const target = jumpTarget(insn, slot);
      if (target !== undefined && (target < start || target >= end)) {
        const message = `jump out of range from insn ${slot} to ${target}`;
        return { errno: EINVAL, message };
      }
      const next = insn.kind === 'ld_imm64' ? slot + 2 : slot + 1;
      if (next >= end && insn.kind !== 'exit' && insn.kind !== 'ja') {
        return { errno: EINVAL, message: 'last insn is not an exit or jmp' };
      }
    }
  }
  return undefined;
}
