import {
  ARG_IMPRECISE,
  argAdd,
  argImprecise,
  type ArgTrack,
  argTrackJoin,
  NO_ARG,
} from './arg-track.ts';
import { FRAME_POINTER } from '../../isa/insn.ts';
import { MAX_BPF_FUNC_ARGS, MAX_BPF_FUNC_REG_ARGS, MAX_BPF_REG } from '../types.ts';

/** Slots of the own stack whose pointers are followed: fp-8 down to fp-512. */
export const MAX_ARG_SPILL_SLOTS = 64;
export const MAX_STACK_ARG_SLOTS = MAX_BPF_FUNC_ARGS - MAX_BPF_FUNC_REG_ARGS;
/** Registers, and behind them the arguments on the stack that are on their way to a callee. */
export const MAX_AT_TRACK_REGS = MAX_BPF_REG + MAX_STACK_ARG_SLOTS;

/**
 * What registers and spilled pointers point to before an instruction. The arrays are shared and
 * never changed once they stand in here.
 */
export interface ArgState {
  readonly regs: readonly ArgTrack[];
  readonly stack: readonly ArgTrack[];
}

/** An ArgState on its way through an instruction: an array is copied when it is first changed. */
export class ArgStateOut {
  readonly #in: ArgState;
  regs: readonly ArgTrack[];
  stack: readonly ArgTrack[];
  #ownRegs: ArgTrack[] | undefined;
  #ownStack: ArgTrack[] | undefined;

  constructor(state: ArgState) {
    this.#in = state;
    this.regs = state.regs;
    this.stack = state.stack;
  }

  setReg(index: number, value: ArgTrack): void {
    if (this.regs[index] === value) return;
    this.regs = this.#ownRegs ??= this.#in.regs.slice();
    this.#ownRegs[index] = value;
  }

  setSlot(slot: number, value: ArgTrack): void {
    if (this.stack[slot] === value) return;
    this.stack = this.#ownStack ??= this.#in.stack.slice();
    this.#ownStack[slot] = value;
  }

  joinSlot(slot: number, value: ArgTrack): void {
    this.setSlot(slot, argTrackJoin(this.stack[slot]!, value));
  }
}

/** The slot that begins at r10 + off; -1 if none does. fp_off_to_slot() */
function slotAt(off: number): number {
  if (off >= 0 || off < -MAX_ARG_SPILL_SLOTS * 8 || off % 8 !== 0) return -1;
  return -off / 8 - 1;
}

/** Of an argument on the stack, by its offset from r11. stack_arg_off_to_slot() */
export function stackArgOffToSlot(off: number): number {
  const distance = Math.trunc(Math.abs(off) / 8);
  return distance > MAX_STACK_ARG_SLOTS ? -1 : distance - 1;
}

/** Points, or may point, to the stack of the function itself. can_be_local_fp() */
export function canBeLocalFp(depth: number, regno: number, at: ArgTrack): boolean {
  if (regno === FRAME_POINTER || at.frame === depth) return true;
  return at.frame === ARG_IMPRECISE && (at.mask & (1 << depth)) !== 0;
}

/** What is loaded from the stack of frame `depth`, where it was spilled. fill_from_stack() */
export function fillFromStack(
  src: ArgTrack,
  isFp: boolean,
  off: number,
  stack: readonly ArgTrack[],
  depth: number,
): ArgTrack {
  const imprecise = argImprecise((1 << (depth + 1)) - 1);
  if (isFp) {
    const slot = slotAt(off);
    return slot >= 0 ? stack[slot]! : imprecise;
  }
  if (src.offs.length === 0) return imprecise;
  let result = NO_ARG;
  for (const from of src.offs) {
    const slot = slotAt(argAdd(from, off) ?? 0);
    if (slot < 0) return imprecise;
    result = argTrackJoin(result, stack[slot]!);
  }
  return result;
}

/** A store through `dst` to the own stack: of eight bytes, a spill. spill_to_stack() */
export function spillToStack(
  out: ArgStateOut,
  dst: ArgTrack,
  isFp: boolean,
  insn: { readonly off: number; readonly size: number },
  value: ArgTrack,
): void {
  const stored = insn.size === 8 ? value : NO_ARG;
  if (isFp) {
    const slot = slotAt(insn.off);
    if (slot >= 0) out.setSlot(slot, stored);
    return;
  }
  if (dst.offs.length === 0) {
    for (let slot = 0; slot < MAX_ARG_SPILL_SLOTS; slot++) out.joinSlot(slot, stored);
    return;
  }
  for (const from of dst.offs) {
    const slot = slotAt(argAdd(from, insn.off) ?? 0);
    if (slot < 0) continue;
    if (dst.offs.length === 1) out.setSlot(slot, stored);
    else out.joinSlot(slot, stored);
  }
}

/** Bytes are written: what was spilled there is no more, or maybe not. */
function clearSlots(out: ArgStateOut, off: number, size: number, isSure: boolean): void {
  for (let slot = 0; slot < MAX_ARG_SPILL_SLOTS; slot++) {
    const start = -(slot + 1) * 8;
    if (start >= off + size || start + 8 <= off) continue;
    if (isSure) out.setSlot(slot, NO_ARG);
    else out.joinSlot(slot, NO_ARG);
  }
}

function clearAnySlot(out: ArgStateOut): void {
  for (let slot = 0; slot < MAX_ARG_SPILL_SLOTS; slot++) out.joinSlot(slot, NO_ARG);
}

/** A store that is no spill. clear_stack_for_all_offs() */
export function clearStackForAllOffs(
  out: ArgStateOut,
  dst: ArgTrack,
  isFp: boolean,
  insn: { readonly off: number; readonly size: number },
): void {
  if (isFp) {
    clearSlots(out, insn.off, insn.size, true);
    return;
  }
  if (dst.offs.length === 0) {
    clearAnySlot(out);
    return;
  }
  for (const from of dst.offs) {
    const off = argAdd(from, insn.off);
    if (off === undefined) {
      clearAnySlot(out);
      return;
    }
    clearSlots(out, off, insn.size, dst.offs.length === 1);
  }
}
