import { E2BIG, EINVAL } from '../../../kernel/errno.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import type { Insn } from '../../isa/insn.ts';
import { MAX_AT_TRACK_REGS, MAX_STACK_ARG_SLOTS } from './arg-state.ts';
import { ARG_NONE, argIsFp, type ArgTrack, NO_ARG } from './arg-track.ts';
import type { VerifierEnv } from '../env.ts';
import { logInstances } from './liveness-log.ts';
import { mergeInstances, updateInstance } from './live-masks.ts';
import { addSet } from '../values/spis.ts';
import { markAllFramesRead } from './stack-access.ts';
import { FuncInstance, LIVE_BEFORE, MAY_READ, StackLiveness } from './stack-liveness.ts';
import { type ArgsIn, type ArgWalk, computeSubprogArgs } from './subprog-args.ts';
import { findSubprog, subprogIsGlobal } from '../subprog-query.ts';
import { MAX_BPF_REG, MAX_CALL_FRAMES } from '../types.ts';

const MAX_SUBPROG_CALLS = 10_000;

interface Analysis extends ArgWalk {
  readonly env: VerifierEnv;
  readonly liveness: StackLiveness;
  /** By subprogram: what its last analysis found. */
  readonly found: (ArgsIn | undefined)[];
}

/**
 * Finds out what every instruction reads of the stacks, its own and its callers', and what is alive
 * of them: callers before callees, each callee with what it is given.
 * bpf_compute_subprog_arg_access()
 */
export function computeSubprogArgAccess(env: VerifierEnv): void {
  const liveness = new StackLiveness();
  env.liveness = liveness;
  const analysis: Analysis = { env, liveness, found: [], callsites: [], callsiteStacks: new Map() };
  for (let i = env.subprogCnt - 1; i >= 0; i--) {
    const subprog = env.subprogTopoOrder[i]!;
    if (analysis.found[subprog] && !subprogIsGlobal(env, subprog)) continue;
    analyzeSubprog(analysis, undefined, callInstance(analysis, undefined, 0, subprog));
  }
  logInstances(env);
}

/** call_instance() */
function callInstance(
  { env, liveness }: Analysis,
  caller: FuncInstance | undefined,
  call: number,
  subprog: number,
): FuncInstance {
  const depth = caller ? caller.depth + 1 : 0;
  const { start } = env.subprogs[subprog]!;
  const callsite = caller ? call : start;
  const found = liveness.find(callsite, depth);
  if (found) return found;
  const insnCnt = env.subprogs[subprog + 1]!.start - start;
  const instance = new FuncInstance({ callsite, depth, subprog, start, insnCnt });
  liveness.add(instance);
  return instance;
}

/** A function with what it is given, and all that it calls with pointers. analyze_subprog() */
function analyzeSubprog(
  analysis: Analysis,
  entry: readonly ArgTrack[] | undefined,
  instance: FuncInstance,
): void {
  const { env, liveness, found } = analysis;
  liveness.subprogCalls++;
  if (liveness.subprogCalls > MAX_SUBPROG_CALLS) {
    const calls = liveness.subprogCalls;
    throw env.reject(E2BIG, `liveness analysis exceeded complexity limit (${calls} calls)`);
  }
  const isAgain = instance.mustWriteInitialized;
  const fresh = isAgain ? new FuncInstance(instance) : instance;
  found[instance.subprog] = computeSubprogArgs(env, entry, fresh, analysis);
  const first = env.subprogs[instance.subprog]!.postorderStart;
  const end = env.subprogs[instance.subprog + 1]!.postorderStart;
  for (let i = first; i < end; i++) analyzeCallees(analysis, fresh, env.postorder[i]!);
  if (isAgain) mergeInstances(instance, fresh);
  updateInstance(env, instance);
}

function analyzeCallees(analysis: Analysis, instance: FuncInstance, insnIdx: number): void {
  const { env, found, callsites } = analysis;
  const { depth, subprog, start } = instance;
  const regs = found[subprog]![insnIdx - start]?.regs;
  const call = regs && calleeOf(env, instance, regs, insnIdx);
  if (!call || !hasFpArgs(call.args)) return;
  if (depth === MAX_CALL_FRAMES - 1) throw env.reject(EINVAL, '');
  const callee = callInstance(analysis, instance, insnIdx, call.subprog);
  callsites[depth] = insnIdx;
  analyzeSubprog(analysis, call.args, callee);
  // What the callee reads of its callers' stacks is read by the call.
  const entryAt = callee.at(callee.start) + LIVE_BEFORE;
  for (let frame = 0; frame < callee.depth; frame++) {
    const masks = callee.frames[frame];
    if (!masks) continue;
    addSet(instance.masksOf(frame), instance.at(insnIdx) + MAY_READ, masks, entryAt);
  }
}

interface Callee {
  readonly subprog: number;
  /** As it gets to see them. */
  readonly args: readonly ArgTrack[];
}

/** What a call calls, or calls back. */
function calleeOf(
  env: VerifierEnv,
  instance: FuncInstance,
  regs: readonly ArgTrack[],
  insnIdx: number,
): Callee | undefined {
  const insn = env.insns[insnIdx]!;
  const args = Array.from<ArgTrack>({ length: MAX_AT_TRACK_REGS }).fill(NO_ARG);
  if (insn.kind === 'call' && insn.target === 'subprog') {
    const subprog = findSubprog(env, insnIdx + insn.imm + 1);
    for (let r = 1; r <= 5; r++) args[r] = regs[r]!;
    for (let i = 0; i < MAX_STACK_ARG_SLOTS; i++) args[MAX_BPF_REG + i] = regs[MAX_BPF_REG + i]!;
    return subprog < 0 ? undefined : { subprog, args };
  }
  if (!env.aux[insnIdx]!.callsCallback) return undefined;
  const callback = callbackOf(insn);
  if (!callback) return undefined;
  const { constRegSubprogMask, constRegVals } = env.aux[insnIdx]!;
  const ctx = regs[callback.ctxReg]!;
  if ((constRegSubprogMask & (1 << callback.funcReg)) === 0) {
    if (ctx.frame !== ARG_NONE) markAllFramesRead(instance, insnIdx);
    return undefined;
  }
  args[callback.calleeReg] = ctx;
  return { subprog: constRegVals![callback.funcReg]!, args };
}

interface Callback {
  /** The register with the function, and that which is handed on to it, as which register. */
  readonly funcReg: number;
  readonly ctxReg: number;
  readonly calleeReg: number;
}

/** find_callback_subprog() */
const CALLBACKS: ReadonlyMap<number, Callback> = new Map([
  [FUNC.loop, { funcReg: 2, ctxReg: 3, calleeReg: 2 }],
  [FUNC.for_each_map_elem, { funcReg: 2, ctxReg: 3, calleeReg: 4 }],
  [FUNC.find_vma, { funcReg: 3, ctxReg: 4, calleeReg: 3 }],
  [FUNC.user_ringbuf_drain, { funcReg: 2, ctxReg: 3, calleeReg: 2 }],
]);

function callbackOf(insn: Insn): Callback | undefined {
  const isHelper = insn.kind === 'call' && insn.target === 'helper';
  return isHelper ? CALLBACKS.get(insn.imm) : undefined;
}

function hasFpArgs(args: readonly ArgTrack[]): boolean {
  for (let r = 1; r <= 5; r++) if (argIsFp(args[r]!)) return true;
  for (let i = MAX_BPF_REG; i < MAX_AT_TRACK_REGS; i++) if (argIsFp(args[i]!)) return true;
  return false;
}
