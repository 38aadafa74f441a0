import { checkAttachBtfId } from './passes/attach.ts';
import { checkCfg } from './passes/cfg.ts';
import { checkBtfInfo, checkBtfInfoEarly } from './passes/check-btf.ts';
import { checkAndResolveInsns } from './passes/check-insns.ts';
import { computeConstRegs, pruneDeadBranches } from './passes/const-fold.ts';
import { doCheckMain, doCheckSubprogs } from './entry.ts';
import { VerifierEnv } from './env.ts';
import { markFastcallPatterns, removeFastcallSpillsFills } from './passes/fastcall.ts';
import { computeLiveRegisters } from './passes/live-registers.ts';
import { checkStackArgCounts, checkTailCallMaps } from './passes/late-checks.ts';
import type { VerifierLog } from './report/log.ts';
import { computePostorder } from './passes/postorder.ts';
import { markVerifierStateClean } from './report/print-state.ts';
import type { LoadedProgram } from './program.ts';
import { Rejection } from './rejection.ts';
import { computeScc } from './passes/scc.ts';
import { checkMaxStackDepth } from './passes/stack-depth.ts';
import { printVerificationStats } from './report/stats.ts';
import { addSubprogAndKfunc, checkSubprogs } from './passes/subprogs.ts';
import { sortSubprogsTopo } from './passes/topo.ts';
import { addBoundMaps } from './passes/used-maps.ts';
import type { KernelWorld } from './world.ts';

/** What the verifier says of a program. */
export interface Verified {
  /** 0: it may run; else positive, as EACCES. */
  readonly errno: number;
  readonly log: string;
  /** All that was found out: what the fix-ups go by, and statistics. */
  readonly env: VerifierEnv;
}

/** In Linux's order: the first that refuses is the one that is heard. */
const PASSES: readonly ((env: VerifierEnv) => void)[] = [
  addBoundMaps,
  markVerifierStateClean,
  checkBtfInfoEarly,
  addSubprogAndKfunc,
  checkSubprogs,
  checkBtfInfo,
  checkAndResolveInsns,
  checkCfg,
  computePostorder,
  checkAttachBtfId,
  computeConstRegs,
  pruneDeadBranches,
  sortSubprogsTopo,
  computeScc,
  computeLiveRegisters,
  markFastcallPatterns,
  doCheckMain,
  doCheckSubprogs,
  removeFastcallSpillsFills,
  checkMaxStackDepth,
  checkTailCallMaps,
  checkStackArgCounts,
];

/**
 * Whether a program may be loaded, and why not: the passes of Linux's bpf_check(), of which
 * rewrites of instructions are left out. Of the log's levels 0 is nothing, 1 the last path, 2 all,
 * 4 figures.
 * `observe`: the checking mode, told of each state.
 */
export function verify(
  prog: LoadedProgram,
  world: KernelWorld,
  log: VerifierLog,
  observe?: (env: VerifierEnv) => void,
): Verified {
  const env = new VerifierEnv(prog, world, log, observe);
  const errno = errnoOf(() => {
    for (const pass of PASSES) pass(env);
  });
  printVerificationStats(env);
  return { errno, log: log.text(), env };
}

function errnoOf(run: () => void): number {
  try {
    run();
    return 0;
  } catch (error) {
    if (error instanceof Rejection) return error.errno;
    throw error;
  }
}
