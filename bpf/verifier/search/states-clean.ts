import type { VerifierEnv } from '../env.ts';
import { withoutDelta } from './id-map.ts';
import { liveStackQueryInit, liveStackSlots } from '../liveness/live-stack.ts';
import { isNullReg, NOT_INIT_REG, type Reg } from '../values/reg.ts';
import { FRAME_POINTER } from '../values/regs.ts';
import { SPIS_WORDS } from '../values/spis.ts';
import { allBytes, isSpilled, StackSlot } from '../values/stack.ts';
import type { FuncState, VerifierState } from '../state.ts';
import * as t from '../types.ts';

// What is forgotten of a state before it is compared and kept: the less is known, the more other
// states are equal to it. kernel/bpf/states.c

const POISON_SLOT = new StackSlot(allBytes(t.STACK_POISON), NOT_INIT_REG);
/** Bytes 0 to 3, the half at the higher address; 4 to 7. */
const LOW_HALF = 0x0000_ffff;
const HIGH_HALF = 0xffff_0000;
/** Both halves are alive. */
const BOTH = 3;
const liveHalves = new Uint32Array(SPIS_WORDS);

/** Registers and slots that nothing will read. clean_verifier_state() */
export function cleanVerifierState(env: VerifierEnv, state: VerifierState): void {
  if (state.frames.some(({ stack }) => stack.length > 0)) liveStackQueryInit(env, state);
  for (let i = 0; i < state.frames.length; i++) {
    const live = env.aux[state.insnIdxOf(i)]!.liveRegsBefore;
    cleanFuncState(env, state.frames[i]!, live, i);
  }
}

/** __clean_func_state() */
function cleanFuncState(env: VerifierEnv, frame: FuncState, live: number, frameno: number): void {
  const { regs, stack } = frame;
  for (let i = 0; i < FRAME_POINTER; i++) {
    if (((live >>> i) & 1) === 0) regs[i] = NOT_INIT_REG;
  }
  if (stack.length === 0) return;
  liveStackSlots(env, frameno, liveHalves);
  for (let spi = 0; spi < stack.length; spi++) {
    // Two bits a slot, the lower half first.
    const alive = (liveHalves[spi >>> 4]! >>> ((2 * spi) & 31)) & BOTH;
    const slot = stack[spi]!;
    if (alive === BOTH || slot === POISON_SLOT) continue;
    stack[spi] = cleanedSlot(slot, (alive & 1) !== 0, (alive & 2) !== 0);
  }
}

/** One half is dead, or both. */
function cleanedSlot(slot: StackSlot, isLowLive: boolean, isHighLive: boolean): StackSlot {
  const top = slot.typeAt(7);
  // Overwriting these is noticed by what is in the slot.
  if (top === t.STACK_DYNPTR || top === t.STACK_ITER || top === t.STACK_IRQ_FLAG) return slot;
  if (!isLowLive && !isHighLive) return POISON_SLOT;
  if (isHighLive) return poisoned(slot.types, LOW_HALF, slot.reg);
  if (top !== t.STACK_SPILL) return poisoned(slot.types, HIGH_HALF, NOT_INIT_REG);
  // Of a scalar bytes are left; a zero may be relied on, and of a pointer no part can be read.
  if (slot.reg.type !== t.SCALAR_VALUE || isNullReg(slot.reg)) return slot;
  let misc = slot;
  for (let i = 0; i < 4; i++) {
    if (slot.typeAt(i) === t.STACK_SPILL) misc = misc.withType(i, t.STACK_MISC);
  }
  return poisoned(misc.types, HIGH_HALF, NOT_INIT_REG);
}

function poisoned(types: number, half: number, reg: Reg): StackSlot {
  return new StackSlot((types & ~half) | (allBytes(t.STACK_POISON) & half), reg);
}

/** Relied on from here on is what later paths say. mark_all_scalars_imprecise() */
export function markAllScalarsImprecise(state: VerifierState): void {
  for (const { regs, stack } of state.frames) {
    for (let i = 0; i < FRAME_POINTER; i++) {
      const reg = regs[i]!;
      if (reg.precise && reg.type === t.SCALAR_VALUE) regs[i] = reg.with({ precise: false });
    }
    for (let i = 0; i < stack.length; i++) {
      const slot = stack[i]!;
      if (!slot.reg.precise || !isSpilled(slot) || slot.reg.type !== t.SCALAR_VALUE) continue;
      stack[i] = slot.withReg(slot.reg.with({ precise: false }));
    }
  }
}

/** Ids of scalars that no other shares. bpf_clear_singular_ids() */
export function clearSingularIds(state: VerifierState): void {
  const counts = new Map<number, number>();
  state.mapRegs((reg) => {
    if (reg.type === t.SCALAR_VALUE && reg.id !== 0) {
      const id = withoutDelta(reg.id);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return reg;
  }, isSpilled);
  if (counts.size === 0) return;
  state.mapRegs((reg) => {
    const isSingular =
      reg.type === t.SCALAR_VALUE && reg.id !== 0 && counts.get(withoutDelta(reg.id)) === 1;
    return isSingular ? reg.with({ id: 0, delta: 0 }) : reg;
  }, isSpilled);
}
