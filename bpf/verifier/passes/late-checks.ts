import { EINVAL } from '../../../kernel/errno.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import type { VerifierEnv } from '../env.ts';

/**
 * What the fix-ups still refuse: tail calls through any of several maps, where the index of a map
 * must be kept in its bounds under speculation. bpf_do_misc_fixups()
 */
export function checkTailCallMaps(env: VerifierEnv): void {
  env.insns.forEach((insn, slot) => {
    if (insn?.kind !== 'call' || insn.target !== 'helper' || insn.imm !== FUNC.tail_call) return;
    const { seen, mapPtrPoison, mapPtrUnpriv } = env.aux[slot]!;
    const isAbused = seen !== 0 && mapPtrUnpriv && mapPtrPoison;
    if (isAbused) throw env.reject(EINVAL, 'tail_call abusing map_ptr');
  });
}

/** Arguments that are stored for calls, and that no call takes. bpf_fixup_call_args() */
export function checkStackArgCounts(env: VerifierEnv): void {
  for (let i = 0; i < env.subprogCnt; i++) {
    const { stackArgCnt, inStackArgCnt, maxOutStackArgCnt: written } = env.subprogs[i]!;
    const taken = stackArgCnt - inStackArgCnt;
    if (written <= taken) continue;
    const text = `func#${i} writes ${written} stack arg slots, but calls only require ${taken}`;
    throw env.reject(EINVAL, text);
  }
}
