import {
  type ArgState,
  type ArgStateOut,
  MAX_ARG_SPILL_SLOTS,
  MAX_AT_TRACK_REGS,
  MAX_STACK_ARG_SLOTS,
} from './arg-state.ts';
import { argSingle, type ArgTrack, argTrackEq, argTrackJoin } from './arg-track.ts';
import { NO_ARG } from './arg-track.ts';
import { logArgChanges, logArgJoin, logSubprogArgs } from './arg-log.ts';
import { argTrackXfer, type ArgPlace } from './arg-xfer.ts';
import type { VerifierEnv } from '../env.ts';
import { FRAME_POINTER } from '../../isa/insn.ts';
import { recordCallAccess, recordLoadStoreAccess } from './stack-access.ts';
import type { FuncInstance } from './stack-liveness.ts';
import { insnSuccessors } from '../passes/successors.ts';
import { MAX_BPF_REG } from '../types.ts';

/** What is known of pointers to stack on the way through the calls of a program. */
export interface ArgWalk {
  /** By frame: the call that made the next one. */
  readonly callsites: number[];
  /** By call: what was spilled on the stack then. env->callsite_at_stack */
  readonly callsiteStacks: Map<number, readonly ArgTrack[]>;
}

/** Registers before each instruction of a function, from its first; undefined: not come to. */
export type ArgsIn = readonly (ArgState | undefined)[];

const NO_SPILLS: readonly ArgTrack[] = Array.from<ArgTrack>({ length: MAX_ARG_SPILL_SLOTS }).fill(
  NO_ARG,
);

/** How a function begins: with what its caller hands over, if any. */
function entryState(depth: number, entry: readonly ArgTrack[] | undefined): ArgState {
  const regs = Array.from<ArgTrack>({ length: MAX_AT_TRACK_REGS }).fill(NO_ARG);
  for (let r = 1; entry && r <= 5; r++) regs[r] = entry[r]!;
  regs[FRAME_POINTER] = argSingle(depth, 0);
  return { regs, stack: NO_SPILLS };
}

/**
 * Follows pointers to stack through one function until nothing new is found, and records what each
 * instruction does to the stacks. compute_subprog_args()
 */
export function computeSubprogArgs(
  env: VerifierEnv,
  entry: readonly ArgTrack[] | undefined,
  instance: FuncInstance,
  walk: ArgWalk,
): ArgsIn {
  const { subprog, depth, start, insnCnt } = instance;
  const states: (ArgState | undefined)[] = Array.from({ length: insnCnt });
  states[0] = entryState(depth, entry);
  const place: ArgPlace = {
    depth,
    stackArgs: Array.from(
      { length: MAX_STACK_ARG_SLOTS },
      (_, i) => entry?.[MAX_BPF_REG + i] ?? NO_ARG,
    ),
    callerStack: (frame) => walk.callsiteStacks.get(walk.callsites[frame]!),
  };
  if (env.log.isVerbose) env.verbose(`subprog#${subprog}: analyzing (depth ${depth})...\n`);
  while (passOnce(env, instance, states, place));
  for (const insnIdx of backwards(env, subprog)) {
    const state = states[insnIdx - start];
    if (state) recordInsn(env, instance, state, insnIdx);
    const { callsCallback } = env.aux[insnIdx]!;
    const insn = env.insns[insnIdx];
    const isCall = insn?.kind === 'call' && insn.target === 'subprog';
    if (isCall || callsCallback) walk.callsiteStacks.set(insnIdx, state?.stack ?? NO_SPILLS);
  }
  logSubprogArgs(env, instance, states);
  return states;
}

/** The instructions of a function in reverse post-order: each before those that it leads to. */
function* backwards(env: VerifierEnv, subprog: number): Generator<number> {
  const first = env.subprogs[subprog]!.postorderStart;
  for (let i = env.subprogs[subprog + 1]!.postorderStart - 1; i >= first; i--) {
    yield env.postorder[i]!;
  }
}

/** Whether anything became known. */
function passOnce(
  env: VerifierEnv,
  { subprog, start, insnCnt }: FuncInstance,
  states: (ArgState | undefined)[],
  place: ArgPlace,
): boolean {
  let changed = false;
  for (const insnIdx of backwards(env, subprog)) {
    const state = states[insnIdx - start];
    if (!state) continue;
    const out = argTrackXfer(env.insns[insnIdx]!, state, place);
    if (env.log.isVerbose) logArgChanges(env, insnIdx, state, out);
    for (const target of insnSuccessors(env, insnIdx)) {
      const to = target - start;
      if (to < 0 || to >= insnCnt) continue;
      const joined = joinState(env, insnIdx, target, states[to], out);
      if (joined === states[to]) continue;
      states[to] = joined;
      changed = true;
    }
  }
  return changed;
}

function joinState(
  env: VerifierEnv,
  insnIdx: number,
  target: number,
  old: ArgState | undefined,
  { regs, stack }: ArgStateOut,
): ArgState {
  if (!old) return { regs, stack };
  const say = env.log.isVerbose
    ? (isReg: boolean) => (i: number, a: ArgTrack, b: ArgTrack, to: ArgTrack) => {
        logArgJoin(env, { insnIdx, target, index: isReg ? i : -i - 1 }, a, b, to);
      }
    : undefined;
  const joinedRegs = joinArrays(old.regs, regs, say?.(true));
  const joinedStack = joinArrays(old.stack, stack, say?.(false));
  if (joinedRegs === old.regs && joinedStack === old.stack) return old;
  return { regs: joinedRegs, stack: joinedStack };
}

/** The old array itself if nothing changes. arg_track_join() */
function joinArrays(
  old: readonly ArgTrack[],
  from: readonly ArgTrack[],
  say: ((i: number, a: ArgTrack, b: ArgTrack, to: ArgTrack) => void) | undefined,
): readonly ArgTrack[] {
  if (old === from) return old;
  let joined: ArgTrack[] | undefined;
  for (let i = 0; i < old.length; i++) {
    const a = old[i]!;
    const to = argTrackJoin(a, from[i]!);
    if (argTrackEq(a, to)) continue;
    joined ??= old.slice();
    joined[i] = to;
    say?.(i, a, from[i]!, to);
  }
  return joined ?? old;
}

function recordInsn(
  env: VerifierEnv,
  instance: FuncInstance,
  { regs }: ArgState,
  insnIdx: number,
): void {
  const insn = env.insns[insnIdx]!;
  recordLoadStoreAccess(insn, instance, regs, insnIdx);
  if (insn.kind === 'call') recordCallAccess(env, instance, regs, insnIdx);
}
