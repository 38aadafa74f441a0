import type { VerifierEnv } from '../env.ts';
import { INSNS_MAX } from '../limits.ts';
import { BPF_LOG_STATS } from './log.ts';
import { subprogIsGlobal } from '../subprog-query.ts';

/** The end of the log. print_verification_stats() */
export function printVerificationStats(env: VerifierEnv): void {
  if ((env.log.level & BPF_LOG_STATS) !== 0) printBySubprog(env);
  env.verbose(`processed ${env.insnProcessed} insns (limit ${INSNS_MAX}) `);
  env.verbose(`max_states_per_insn ${env.maxStatesPerInsn} total_states ${env.totalStates} `);
  env.verbose(`peak_states ${env.peakStates} mark_read 0\n`);
}

/** It takes no time: the time is simulated. */
function printBySubprog(env: VerifierEnv): void {
  const subprogs = env.subprogs.slice(0, env.subprogCnt);
  const depths = subprogs.map(({ stackDepth }) => stackDepth);
  const totals = subprogs
    .filter((_, i) => i === 0 || subprogIsGlobal(env, i))
    .map(({ insnsTotal }) => insnsTotal);
  env.verbose('verification time 0 usec\n');
  env.verbose(`stack depth ${depths.join('+')} max ${env.maxStackDepth}\n`);
  env.verbose(`insns processed ${totals.join('+')}\n`);
}
