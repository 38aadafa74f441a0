import { E2BIG, EACCES, EFAULT, EINVAL, EPERM } from '../../kernel/errno.ts';
import { accountCurrentPath, accountProcessedInsn } from './search/account.ts';
import { popStack } from './search/branches.ts';
import type { VerifierEnv } from './env.ts';
import { pushJmpHistory } from './search/history.ts';
import { insnLine } from './report/insn-text.ts';
import { INSNS_MAX } from './limits.ts';
import { verboseLinfo } from './report/line-info.ts';
import type { Outcome } from './outcome.ts';
import {
  markVerifierStateScratched,
  printInsnState,
  printVerifierState,
  verifierStateScratched,
} from './report/print-state.ts';
import { Rejection } from './rejection.ts';
import { isStateVisited, updateBranchCounts } from './search/states.ts';
import { checkInsn, markInsnSeen } from './step.ts';

/** Goes all paths from env.cur at env.insnIdx on, depth first. do_check() */
export function doCheck(env: VerifierEnv): void {
  const walk: Walk = { isToPrint: false };
  env.prevInsnIdx = -1;
  for (;;) {
    if (goOne(env, walk)) continue;
    accountCurrentPath(env);
    markVerifierStateScratched(env);
    updateBranchCounts(env, env.cur);
    if (!popStack(env)) return;
    walk.isToPrint = true;
  }
}

interface Walk {
  /** The whole state is to be printed: the path did not come from the line above. */
  isToPrint: boolean;
}

/** One instruction; false: the path ends. env.prevInsnIdx is the one that the path came from. */
function goOne(env: VerifierEnv, walk: Walk): boolean {
  const { cur, insnIdx } = env;
  env.curHistEnt = undefined;
  const aux = env.aux[insnIdx];
  if (!aux) {
    const message = `invalid insn idx ${insnIdx} insn_cnt ${env.insns.length}`;
    throw env.reject(EFAULT, message);
  }
  accountProcessedInsn(env);
  if (env.insnProcessed > INSNS_MAX) {
    throw env.reject(E2BIG, `BPF program is too large. Processed ${env.insnProcessed} insn`);
  }
  cur.lastInsnIdx = env.prevInsnIdx;
  cur.insnIdx = insnIdx;
  if (env.observe) env.observe(env);
  else if (aux.prunePoint && isStateVisited(env, insnIdx)) {
    if (env.log.isLevel) logSafe(env, walk);
    return false;
  }
  if (aux.jmpPoint) pushJmpHistory(env, cur, 0, 0, 0);
  if (env.log.isLevel) logInsn(env, walk);
  markInsnSeen(env);
  if (cur.speculative && aux.nospec) return false;
  const outcome = cur.speculative ? stepSpeculatively(env) : checkInsn(env);
  if (outcome === 'exit') return false;
  if (outcome === 'next') env.insnIdx++;
  else if (env.insns[insnIdx]!.kind === 'exit') walk.isToPrint = true;
  env.prevInsnIdx = insnIdx;
  // Behind it stands a barrier.
  return !(cur.speculative && aux.nospecResult);
}

/**
 * What would be refused cannot be come to with a barrier before it, where only a misprediction
 * leads there. error_recoverable_with_nospec()
 */
function stepSpeculatively(env: VerifierEnv): Outcome {
  const aux = env.curAux;
  try {
    return checkInsn(env);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const { errno } = error;
    if (errno !== EPERM && errno !== EACCES && errno !== EINVAL) throw error;
    aux.nospec = true;
    aux.aluState = 0;
    return 'exit';
  }
}

const speculativeText = (env: VerifierEnv): string =>
  env.cur.speculative ? ' (speculative execution)' : '';

function logSafe(env: VerifierEnv, walk: Walk): void {
  const { prevInsnIdx, insnIdx } = env;
  if (!walk.isToPrint) env.verbose(`${insnIdx}: safe\n`);
  else env.verbose(`\nfrom ${prevInsnIdx} to ${insnIdx}${speculativeText(env)}: safe\n`);
}

function logInsn(env: VerifierEnv, walk: Walk): void {
  const { cur, insnIdx, log } = env;
  if (log.isVerbose && walk.isToPrint) {
    env.verbose(`\nfrom ${env.prevInsnIdx} to ${insnIdx}${speculativeText(env)}:`);
    printVerifierState(env, cur, cur.curframe, true);
    walk.isToPrint = false;
  }
  if (verifierStateScratched(env)) printInsnState(env, cur, cur.curframe);
  verboseLinfo(env, insnIdx, '; ');
  const start = log.position;
  env.verbose(insnLine(env, insnIdx));
  env.prevInsnPrintPos = log.position - start;
  env.prevLogPos = log.position;
}
