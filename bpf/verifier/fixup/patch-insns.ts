import type { Insn, Insns } from '../../isa/insn.ts';
import { offsetIn, retargeted, type Compacted } from './dead-code.ts';

const S16_MAX = 0x7fff;

/**
 * With several instructions in the place of one: `code`, by its slot. Jumps in there stay in there;
 * a call of a function is given as the one instruction would have it. Undefined: a jump would
 * become too long. bpf_patch_insn_data()
 */
export function patchInsns(insns: Insns, code: ReadonlyMap<number, Insns>): Compacted | undefined {
  const now = new Int32Array(insns.length + 1);
  const was: number[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    now[slot] = was.length;
    const count = code.get(slot)?.length ?? 1;
    for (let i = 0; i < count; i++) was.push(slot);
  }
  now[insns.length] = was.length;
  const patched = insns.flatMap((insn, slot): (Insn | null)[] => {
    const parts = code.get(slot);
    if (parts) return parts.map((part, i) => part && placed(part, i, slot, now));
    return [insn && retargeted(insn, (off) => offsetIn(now, slot, off))];
  });
  return patched.some(isTooLong) ? undefined : { insns: patched, was, now };
}

/** The `i`th instruction of what stands for the one at `slot`. */
function placed(part: Insn, i: number, slot: number, now: Int32Array): Insn {
  if (part.kind !== 'call' || part.target !== 'subprog') return part;
  return { ...part, imm: offsetIn(now, slot, part.imm) - i };
}

function isTooLong(insn: Insn | null): boolean {
  if (insn?.kind !== 'jmp' && insn?.kind !== 'may_goto' && insn?.kind !== 'ja') return false;
  if (insn.kind === 'ja' && insn.long) return false;
  return insn.off > S16_MAX || insn.off < ~S16_MAX;
}
