import { EACCES, EINVAL } from '../../kernel/errno.ts';
import { FRAME_POINTER, type Insn, type Insns } from '../isa/insn.ts';
import type { Executable } from './engine.ts';
import { findSubprogs, jumpTarget, type Reject } from './subprogs.ts';

/**
 * What engines run, of instructions that need nothing of a kernel; or the first reason why they
 * cannot, in the verifier's words. Unlike for a kernel, code may be dead and functions recurse.
 */
export function executableOf(insns: Insns): Executable | Reject {
  const subprogs = findSubprogs(insns);
  if ('errno' in subprogs) return subprogs;
  for (const [slot, insn] of insns.entries()) {
    if (insn === null) continue;
    const message = needsKernel(insn) ?? landing(insns, insn, slot);
    if (message !== undefined) return { errno: EINVAL, message };
    if (writtenBy(insn) === FRAME_POINTER) {
      return { errno: EACCES, message: 'frame pointer is read only' };
    }
  }
  return { insns, subprogs };
}

function landing(insns: Insns, insn: Insn, slot: number): string | undefined {
  const isCall = insn.kind === 'call' && insn.target === 'subprog';
  const target = isCall ? slot + 1 + insn.imm : jumpTarget(insn, slot);
  if (target === undefined || insns[target]) return undefined;
  return `jump into the middle of ldimm64 insn ${target - 1}`;
}

/** The register that it writes to, beside those of a call. */
function writtenBy(insn: Insn): number | undefined {
  switch (insn.kind) {
    case 'st':
    case 'stx':
    case 'store_release':
    case 'jmp':
      return undefined;
    case 'atomic':
      return insn.fetch && insn.op !== 'cmpxchg' ? insn.src : undefined;
    default:
      return 'dst' in insn ? insn.dst : undefined;
  }
}

function needsKernel(insn: Insn): string | undefined {
  switch (insn.kind) {
    case 'call':
      if (insn.target === 'helper') return `invalid func unknown#${insn.imm}`;
      return insn.target === 'kfunc'
        ? 'calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF'
        : undefined;
    case 'ld_imm64':
      return insn.from === 'value' ? undefined : 'unrecognized bpf_ld_imm64 insn';
    case 'ld_abs':
    case 'ld_ind':
      return 'BPF_LD_[ABS|IND] instructions not allowed for this program type';
    case 'addr_space_cast':
      return 'addr_space_cast insn can only be used in a program that has an associated arena';
    default:
      return undefined;
  }
}
