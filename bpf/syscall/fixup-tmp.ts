import type { Helper } from '../helpers/prototype.ts';
import type { Insn, Insns } from '../isa/insn.ts';
import type { VerifierEnv } from '../verifier/env.ts';
import {
  PTR_TO_BTF_ID,
  PTR_TO_STACK,
  PTR_UNTRUSTED,
  MEM_RDONLY,
  PTR_TO_MEM,
  baseType,
} from '../verifier/types.ts';

const DEAD: Insn = { kind: 'ja', long: false, off: -1 };
export interface Rows {
  helper(id: number): Helper | undefined;
  kfunc(id: number): Helper | undefined;
}
export function fixup(
  env: VerifierEnv,
  rows: Rows,
): {
  insns: Insns;
  subprogs: readonly number[];
  calls: ReadonlyMap<number, Helper>;
  stackDepth: number;
  ctxBytes: number;
  ownStack: Uint8Array;
} {
  const calls = new Map<number, Helper>();
  const ownStack = new Uint8Array(env.insns.length);
  const insns = env.insns.map((insn, slot): Insn | null => {
    const aux = env.aux[slot]!;
    if (!insn) return (env.aux[slot - 1]?.seen ?? 0) === 0 ? DEAD : null;
    if (aux.seen === 0) return DEAD;
    if (insn.kind === 'call' && insn.target !== 'subprog') {
      const row = insn.target === 'helper' ? rows.helper(insn.imm) : rows.kfunc(insn.imm);
      if (row) calls.set(slot, row);
    }
    if (insn.kind === 'ld_imm64' && insn.from === 'func')
      return { ...insn, from: 'value', imm: slot + 1 + insn.imm, next: 0 };
    if (insn.kind === 'ld_imm64') return { ...insn, from: 'value' };
    if (aux.accessTypes === 1 << PTR_TO_STACK) ownStack[slot] = 1;
    if (
      insn.kind === 'ldx' &&
      (baseType(aux.ptrType) === PTR_TO_BTF_ID ||
        aux.ptrType === (PTR_TO_MEM | MEM_RDONLY | PTR_UNTRUSTED))
    ) {
      return { ...insn, mode: insn.mode === 'memsx' ? 'probe_memsx' : 'probe_mem' };
    }
    return insn;
  });
  return {
    insns,
    subprogs: env.subprogs.slice(0, env.subprogCnt).map(({ start }) => start),
    calls,
    stackDepth: env.maxStackDepth,
    ctxBytes: env.maxCtxOffset,
    ownStack,
  };
}
