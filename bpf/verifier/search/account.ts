import type { VerifierEnv } from '../env.ts';
import type { FuncState } from '../state.ts';

// How many instructions have been looked at in each function, with and without what it calls.

/** account_processed_insn() */
export function accountProcessedInsn(env: VerifierEnv): void {
  const { frame } = env;
  env.insnProcessed++;
  frame.insnsSubtotal++;
}

/** At the end of a function. account_processed_insns() */
export function accountProcessedInsns(
  env: VerifierEnv,
  callee: FuncState,
  caller: FuncState | undefined,
): void {
  const { insnsSubtotal } = callee;
  env.subprogs[callee.subprogno]!.insnsTotal += insnsSubtotal;
  if (caller) caller.insnsSubtotal += insnsSubtotal;
  callee.insnsSubtotal = 0;
}

/** At the end of a path, in however many functions. account_current_path() */
export function accountCurrentPath(env: VerifierEnv): void {
  const { frames } = env.cur;
  for (let i = frames.length - 1; i >= 0; i--) {
    accountProcessedInsns(env, frames[i]!, frames[i - 1]);
  }
}
