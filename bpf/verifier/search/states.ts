import { EINVAL } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { exploredListOf } from './explored.ts';
import { pushJmpHistory } from './history.ts';
import { verboseLinfo } from '../report/line-info.ts';
import { printVerifierState } from '../report/print-state.ts';
import { propagatePrecision } from './propagate.ts';
import { EXACT, NOT_EXACT, RANGE_WITHIN } from './regs-equal.ts';
import {
  addSccBackedge,
  incompleteReadMarks,
  maybeEnterScc,
  maybeExitScc,
  updatePeakStates,
} from './scc-visits.ts';
import { spiOf } from '../values/stack.ts';
import { cleanVerifierState, clearSingularIds, markAllScalarsImprecise } from './states-clean.ts';
import { iterActiveDepthsDiffer, statesEqual, statesMaybeLooping } from './states-equal.ts';
import type { VerifierState } from '../state.ts';
import { ITER_ACTIVE } from '../types.ts';

/** BPF_COMPLEXITY_LIMIT_STATES */
const UNPRIV_STATES_MAX = 64;
/** Longer histories make a new state necessary. */
const HISTORY_MAX = 40;
const R1 = 1;

/** A path has ended, and so have, perhaps, its states. bpf_update_branch_counts() */
export function updateBranchCounts(env: VerifierEnv, from: VerifierState): void {
  for (let state: VerifierState | undefined = from; state; state = state.parent) {
    state.branches--;
    if (state.branches > 0) return;
    if (state.branches < 0)
      throw env.bug(`update_branch_counts:branches_to_explore=${state.branches}`);
    maybeExitScc(env, state);
    if (state !== from) maybeFreeVerifierState(env, state);
  }
}

/** Counts it out; that nothing refers to it any more is all there is to do. */
function maybeFreeVerifierState(env: VerifierEnv, state: VerifierState): void {
  if (!state.inFreeList || state.branches !== 0 || incompleteReadMarks(env, state)) return;
  state.inFreeList = false;
  env.freeListSize--;
}

/**
 * Whether a state that was explored allows all that the current one does, so that this path need
 * not be gone. If not, the current one may be kept. bpf_is_state_visited()
 */
export function isStateVisited(env: VerifierEnv, insnIdx: number): boolean {
  const { cur } = env;
  const aux = env.aux[insnIdx]!;
  const isForced = env.testStateFreq || aux.forceCheckpoint || cur.history.length > HISTORY_MAX;
  const visit: Visit = { insnIdx, isForced, isToAdd: isForced || isFarFromLast(env) };
  cleanVerifierState(env, cur);
  const list = exploredListOf(env, insnIdx);
  const count = list.length;
  for (let i = count - 1; i >= 0; i--) {
    const old = list[i]!;
    if (old.insnIdx !== insnIdx) continue;
    const found = compare(env, old, visit);
    if (found !== MISS) {
      hit(env, old, insnIdx, found === HIT_LOOP);
      return true;
    }
    if (visit.isToAdd) old.missCnt++;
    if (isUseless(old, aux.forceCheckpoint)) {
      list.splice(i, 1);
      toFreeList(env, old);
    }
  }
  if (env.maxStatesPerInsn < count) env.maxStatesPerInsn = count;
  if (!env.bpfCapable && count > UNPRIV_STATES_MAX) return false;
  if (visit.isToAdd) list.push(addState(env, insnIdx));
  return false;
}

interface Visit {
  readonly insnIdx: number;
  /** A state is kept here in any case. */
  readonly isForced: boolean;
  isToAdd: boolean;
}

const MISS = 0;
const HIT = 1;
/** Equal to a state of a loop that is still explored. */
const HIT_LOOP = 2;
type Found = typeof MISS | typeof HIT | typeof HIT_LOOP;

/** At least 2 jumps and 8 instructions since a state was kept. */
function isFarFromLast(env: VerifierEnv): boolean {
  return (
    env.jmpsProcessed - env.prevJmpsProcessed >= 2 && env.insnProcessed - env.prevInsnProcessed >= 8
  );
}

/** It missed too often. */
function isUseless(old: VerifierState, isCheckpoint: boolean): boolean {
  const n = isCheckpoint && old.branches > 0 ? 64 : 3;
  return old.missCnt > old.hitCnt * n + n;
}

function toFreeList(env: VerifierEnv, old: VerifierState): void {
  old.inFreeList = true;
  env.freeListSize++;
  env.exploredStatesSize--;
  maybeFreeVerifierState(env, old);
}

function compare(env: VerifierEnv, old: VerifierState, visit: Visit): Found {
  const { cur } = env;
  if (old.branches === 0) {
    const isLoop = incompleteReadMarks(env, old);
    if (!statesEqual(env, old, cur, isLoop ? RANGE_WITHIN : NOT_EXACT)) return MISS;
    return isLoop ? HIT_LOOP : HIT;
  }
  if (isConverged(env, old, visit.insnIdx)) return HIT_LOOP;
  // In a loop: states of each round help little, so not too many of them.
  if (
    !visit.isForced &&
    env.jmpsProcessed - env.prevJmpsProcessed < 20 &&
    env.insnProcessed - env.prevInsnProcessed < 100
  ) {
    visit.isToAdd = false;
  }
  return MISS;
}

/** The old state is one that this path came through: a loop, which has to come to an end. */
function isConverged(env: VerifierEnv, old: VerifierState, insnIdx: number): boolean {
  const { cur } = env;
  const isOtherAsyncEntry =
    old.frame.inAsyncCallbackFn && old.frame.asyncEntryCnt !== cur.frame.asyncEntryCnt;
  if (isOtherAsyncEntry) return false;
  const aux = env.aux[insnIdx]!;
  if (aux.isIterNext) return statesEqual(env, old, cur, RANGE_WITHIN) && isIterActive(env);
  const isOtherRound = old.mayGotoDepth !== cur.mayGotoDepth;
  if (env.insns[insnIdx]!.kind === 'may_goto' && isOtherRound) {
    if (statesEqual(env, old, cur, RANGE_WITHIN)) return true;
  }
  if (aux.callsCallback) return statesEqual(env, old, cur, RANGE_WITHIN);
  checkInfiniteLoop(env, old, insnIdx);
  return false;
}

/** The iterator that r1 points to has not come to its end. */
function isIterActive(env: VerifierEnv): boolean {
  const iter = env.regs[R1]!;
  const slot = env.func(iter).stack[spiOf(iter.s.num)]!;
  return slot.reg.iterState === ITER_ACTIVE;
}

function checkInfiniteLoop(env: VerifierEnv, old: VerifierState, insnIdx: number): void {
  const { cur } = env;
  const isLooping =
    statesMaybeLooping(old, cur) &&
    statesEqual(env, old, cur, EXACT) &&
    !iterActiveDepthsDiffer(old, cur) &&
    old.mayGotoDepth === cur.mayGotoDepth &&
    old.callbackUnrollDepth === cur.callbackUnrollDepth;
  if (!isLooping) return;
  verboseLinfo(env, insnIdx, '; ');
  env.verbose(`infinite loop detected at insn ${insnIdx}\n`);
  env.verbose('cur state:');
  printVerifierState(env, cur, cur.curframe, true);
  env.verbose('old state:');
  printVerifierState(env, old, cur.curframe, true);
  throw env.reject(EINVAL, '');
}

/** The path ends here, and what was relied on from `old` on is relied on in it. */
function hit(env: VerifierEnv, old: VerifierState, insnIdx: number, isLoop: boolean): void {
  const { cur } = env;
  old.hitCnt++;
  if (env.aux[env.insnIdx]!.jmpPoint) pushJmpHistory(env, cur, 0, 0, 0);
  propagatePrecision(env, old, cur);
  if (!isLoop) return;
  const backedge = cur.copy();
  backedge.equalState = old;
  backedge.insnIdx = insnIdx;
  addSccBackedge(env, old, backedge);
}

/** The current state is kept: what follows becomes its child. */
function addState(env: VerifierEnv, insnIdx: number): VerifierState {
  const { cur } = env;
  env.totalStates++;
  env.exploredStatesSize++;
  updatePeakStates(env);
  env.prevJmpsProcessed = env.jmpsProcessed;
  env.prevInsnProcessed = env.insnProcessed;
  if (env.bpfCapable) markAllScalarsImprecise(cur);
  clearSingularIds(cur);
  const kept = cur.keptCopy();
  kept.insnIdx = insnIdx;
  if (kept.branches !== 1) {
    throw env.bug(`is_state_visited:branches_to_explore=${kept.branches} insn ${insnIdx}`);
  }
  maybeEnterScc(env, kept);
  cur.parent = kept;
  cur.firstInsnIdx = insnIdx;
  cur.dfsDepth = kept.dfsDepth + 1;
  cur.history = [];
  return kept;
}
