import type { VerifierEnv } from '../env.ts';
import type { LinkedReg, VerifierState } from '../state.ts';

const NONE: readonly LinkedReg[] = [];

/**
 * Records that the way went through this instruction, and what it did to the stack: what the way
 * back needs to know (precision.ts). A second record of one instruction joins the first.
 * bpf_push_jmp_history()
 */
export function pushJmpHistory(
  env: VerifierEnv,
  cur: VerifierState,
  flags: number,
  spi: number,
  frame: number,
  linkedRegs: readonly LinkedReg[] = NONE,
): void {
  const entry = env.curHistEnt;
  if (entry !== undefined) {
    entry.flags |= flags;
    entry.spi = spi;
    entry.frame = frame;
    entry.linkedRegs = linkedRegs;
    return;
  }
  const fresh = { idx: env.insnIdx, prevIdx: env.prevInsnIdx, flags, spi, frame, linkedRegs };
  cur.history.push(fresh);
  env.curHistEnt = fresh;
}
