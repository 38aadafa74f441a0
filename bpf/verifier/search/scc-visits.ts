import type { VerifierEnv } from '../env.ts';
import { bpfMarkAllScalarsPrecise } from './precision.ts';
import { propagatePrecision } from './propagate.ts';
import type { SccVisit, VerifierState } from '../state.ts';

// Loops whose end is found by states that are equal (iterators, may_goto, callbacks): while one is
// explored, marks of precision are not complete. So what was found equal in it is written down, and
// the marks are carried along until nothing changes, when all ways out of the loop are explored.
// kernel/bpf/states.c

/** MAX_BACKEDGE_ITERS */
const ROUNDS_MAX = 64;

/**
 * Call sites, and the component that the first frame which is in one is in; or undefined: there is
 * none. compute_scc_callchain()
 */
function callchainOf(env: VerifierEnv, state: VerifierState): string | undefined {
  let callsites = '';
  for (let i = 0; i < state.frames.length; i++) {
    const insnIdx = state.insnIdxOf(i);
    const { scc } = env.aux[insnIdx]!;
    if (scc !== 0) return `(${callsites}${scc})`;
    if (i < state.curframe) callsites += `${insnIdx},`;
  }
  return undefined;
}

/** As the log has it: a call in slot 0 ends the list there. format_callchain() */
function callchainText(callchain: string): string {
  const callsites = callchain.slice(1, -1).split(',');
  const scc = callsites.pop();
  const end = callsites.indexOf('0');
  return `(${[...(end < 0 ? callsites : callsites.slice(0, end)), scc].join(',')})`;
}

function logScc(env: VerifierEnv, what: string, callchain: string): void {
  if (env.log.isVerbose) env.verbose(`SCC ${what} ${callchainText(callchain)}\n`);
}

/** A state is kept: it may be the first in a loop. maybe_enter_scc() */
export function maybeEnterScc(env: VerifierEnv, state: VerifierState): void {
  const callchain = callchainOf(env, state);
  if (callchain === undefined) return;
  let visit = env.sccVisits.get(callchain);
  if (!visit) {
    visit = { callchain, entryState: undefined, backedges: [], numBackedges: 0 };
    env.sccVisits.set(callchain, visit);
  }
  if (visit.entryState) return;
  visit.entryState = state;
  logScc(env, 'enter', callchain);
}

/** Nothing is left to explore from a state: it may be the one that entered. maybe_exit_scc() */
export function maybeExitScc(env: VerifierEnv, state: VerifierState): void {
  const callchain = callchainOf(env, state);
  if (callchain === undefined) return;
  const visit = env.sccVisits.get(callchain);
  if (!visit) {
    if (state.speculative) return;
    throw env.bug(`scc exit: no visit info for call chain ${callchain}`);
  }
  if (visit.entryState !== state) return;
  logScc(env, 'exit', callchain);
  visit.entryState = undefined;
  env.numBackedges -= visit.numBackedges;
  visit.numBackedges = 0;
  updatePeakStates(env);
  propagateBackedges(env, visit);
}

/** `backedge` was found equal to `state`. add_scc_backedge() */
export function addSccBackedge(
  env: VerifierEnv,
  state: VerifierState,
  backedge: VerifierState,
): void {
  const callchain = callchainOf(env, state);
  if (callchain === undefined) {
    throw env.bug(`add backedge: no SCC in verification path, insn_idx ${state.insnIdx}`);
  }
  const visit = env.sccVisits.get(callchain);
  if (!visit) throw env.bug(`add backedge: no visit info for call chain ${callchain}`);
  logScc(env, 'backedge', callchain);
  visit.backedges.push(backedge);
  visit.numBackedges++;
  env.numBackedges++;
  updatePeakStates(env);
}

/** Its loop is being explored, and more may still be relied on. incomplete_read_marks() */
export function incompleteReadMarks(env: VerifierEnv, state: VerifierState): boolean {
  const callchain = callchainOf(env, state);
  if (callchain === undefined) return false;
  const visit = env.sccVisits.get(callchain);
  return visit !== undefined && visit.backedges.length > 0;
}

/** propagate_backedges() */
function propagateBackedges(env: VerifierEnv, visit: SccVisit): void {
  // The last one that was found first.
  const backedges = visit.backedges.toReversed();
  let isChanged = backedges.length > 0;
  for (let round = 0; isChanged; round++) {
    if (round > ROUNDS_MAX) {
      if (env.log.isVerbose) env.verbose('propagate_backedges: too many iterations\n');
      for (const backedge of backedges) bpfMarkAllScalarsPrecise(env, backedge);
      break;
    }
    isChanged = false;
    for (const backedge of backedges) {
      if (propagatePrecision(env, backedge.equalState!, backedge)) isChanged = true;
    }
  }
  visit.backedges = [];
}

/** update_peak_states() */
export function updatePeakStates(env: VerifierEnv): void {
  const now = env.exploredStatesSize + env.freeListSize + env.numBackedges;
  if (now > env.peakStates) env.peakStates = now;
}
