import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { sameButIds } from './regs-equal.ts';
import { unknownReg } from '../values/regs.ts';
import { isSpilled } from '../values/stack.ts';
import type { VerifierState } from '../state.ts';
import { SCALAR_VALUE } from '../types.ts';

/** A scalar that changes from one round of a loop to the next, if nobody needs it exactly. */
function maybeWidenReg(env: VerifierEnv, old: Reg, cur: Reg): Reg {
  if (old.type !== SCALAR_VALUE || cur.type !== SCALAR_VALUE) return cur;
  if (old.precise || cur.precise || sameButIds(old, cur)) return cur;
  return unknownReg(env);
}

/** So that a loop ends, `cur` forgets what differs from `old`. widen_imprecise_scalars() */
export function widenImpreciseScalars(
  env: VerifierEnv,
  old: VerifierState,
  cur: VerifierState,
): void {
  old.frames.forEach((from, i) => {
    const to = cur.frames[i]!;
    for (let r = 0; r < to.regs.length; r++) {
      to.regs[r] = maybeWidenReg(env, from.regs[r]!, to.regs[r]!);
    }
    for (let spi = 0; spi < Math.min(from.stack.length, to.stack.length); spi++) {
      const [was, is] = [from.stack[spi]!, to.stack[spi]!];
      if (!isSpilled(was) || !isSpilled(is)) continue;
      const reg = maybeWidenReg(env, was.reg, is.reg);
      if (reg !== is.reg) to.stack[spi] = is.withReg(reg);
    }
  });
}
