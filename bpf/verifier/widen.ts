import type { VerifierEnv } from './env.ts';
import { exploredStatesOf } from './explored.ts';
import type { Reg } from './reg.ts';
import { sameButIds } from './regs-equal.ts';
import { unknownReg } from './regs.ts';
import { isSpilled } from './stack.ts';
import type { VerifierState } from './state.ts';
import { SCALAR_VALUE } from './types.ts';

// A loop comes to an end when a round brings nothing new. So that it may, scalars which changed in
// the last round, and on which nothing relied, are forgotten.

/** same_callsites() */
export function sameCallsites(a: VerifierState, b: VerifierState): boolean {
  if (a.frames.length !== b.frames.length) return false;
  return a.frames.every((frame, i) => frame.callsite === b.frames[i]!.callsite);
}

/** The state in which this path was here the last time. find_prev_entry() */
export function findPrevEntry(
  env: VerifierEnv,
  cur: VerifierState,
  insnIdx: number,
): VerifierState | undefined {
  return exploredStatesOf(env, insnIdx).findLast(
    (state) =>
      state.insnIdx === insnIdx &&
      state.branches > 0 &&
      sameCallsites(state, cur) &&
      state.dfsDepth < cur.dfsDepth,
  );
}

/** widen_imprecise_scalars() */
export function widenImpreciseScalars(
  env: VerifierEnv,
  old: VerifierState,
  cur: VerifierState,
): void {
  for (let fr = old.curframe; fr >= 0; fr--) {
    const before = old.frames[fr]!;
    const { regs, stack } = cur.frames[fr]!;
    for (let i = 0; i < regs.length; i++) regs[i] = widened(env, before.regs[i]!, regs[i]!);
    const slots = Math.min(before.stack.length, stack.length);
    for (let i = 0; i < slots; i++) {
      const slot = stack[i]!;
      if (!isSpilled(before.stack[i]!) || !isSpilled(slot)) continue;
      const reg = widened(env, before.stack[i]!.reg, slot.reg);
      if (reg !== slot.reg) stack[i] = slot.withReg(reg);
    }
  }
}

/** maybe_widen_reg() */
function widened(env: VerifierEnv, old: Reg, cur: Reg): Reg {
  if (old.type !== SCALAR_VALUE || cur.type !== SCALAR_VALUE) return cur;
  if (old.precise || cur.precise || sameButIds(old, cur)) return cur;
  return unknownReg(env);
}
