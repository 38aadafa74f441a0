import type { VerifierEnv } from '../env.ts';
import { bpfMarkChainPrecision } from './precision.ts';
import type { Reg } from '../values/reg.ts';
import { FRAME_POINTER } from '../values/regs.ts';
import { isSpilled } from '../values/stack.ts';
import type { FuncState, VerifierState } from '../state.ts';
import { SCALAR_VALUE } from '../types.ts';

/**
 * What was relied on from a kept state on is relied on in one that is equal to it; whether a mark
 * was new. propagate_precision()
 */
export function propagatePrecision(
  env: VerifierEnv,
  old: VerifierState,
  cur: VerifierState,
): boolean {
  for (let fr = old.curframe; fr >= 0; fr--) {
    const names = wantFrame(env, old.frames[fr]!, fr);
    if (names !== '' && env.log.isVerbose) env.verbose(`frame ${fr}: propagating ${names}\n`);
  }
  return bpfMarkChainPrecision(env, cur, -1);
}

/** What is precise in a frame, as the log has it, put into env.bt. */
function wantFrame({ bt, log }: VerifierEnv, { regs, stack }: FuncState, fr: number): string {
  let names = '';
  const name = (text: string): void => {
    if (log.isVerbose) names += names === '' ? text : `,${text}`;
  };
  for (let i = 0; i < FRAME_POINTER; i++) {
    if (!isPrecise(regs[i]!)) continue;
    bt.setReg(fr, i);
    name(`r${i}`);
  }
  for (let i = 0; i < stack.length; i++) {
    if (!isSpilled(stack[i]!) || !isPrecise(stack[i]!.reg)) continue;
    bt.setSlot(fr, i);
    name(`fp${-(i + 1) * 8}`);
  }
  return names;
}

const isPrecise = (reg: Reg): boolean => reg.precise && reg.type === SCALAR_VALUE;
