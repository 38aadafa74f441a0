import { ARGS_MASK, backtrackInsn, regMaskText, stackMaskText, TRACED } from './backtrack.ts';
import type { VerifierEnv } from '../env.ts';
import { printVerifierState } from '../report/print-state.ts';
import type { Reg } from '../values/reg.ts';
import { FRAME_POINTER } from '../values/regs.ts';
import { isSpilled, isSpilledScalar } from '../values/stack.ts';
import type { FuncState, HistoryEntry, VerifierState } from '../state.ts';
import { BPF_MAIN_FUNC, SCALAR_VALUE } from '../types.ts';

// Which scalars' values a path relied on. Only those of kept states matter: two states are the same
// if they differ in other scalars. kernel/bpf/backtrack.c

/** The value of a scalar register has been relied on. mark_chain_precision() */
export function markChainPrecision(env: VerifierEnv, regno: number): void {
  bpfMarkChainPrecision(env, env.cur, regno);
}

/** The values of what env.bt says have been. mark_chain_precision_batch() */
export function markChainPrecisionBatch(env: VerifierEnv, startingState: VerifierState): void {
  bpfMarkChainPrecision(env, startingState, -1);
}

/** Whether a mark was new. bpf_mark_chain_precision() */
export function bpfMarkChainPrecision(
  env: VerifierEnv,
  startingState: VerifierState,
  regno: number,
): boolean {
  if (!env.bpfCapable) return false;
  const { bt } = env;
  bt.frame = startingState.curframe;
  if (regno >= 0) {
    if (startingState.frame.regs[regno]!.type !== SCALAR_VALUE) {
      throw env.bug('backtracking misuse');
    }
    bt.setReg(bt.frame, regno);
  }
  if (bt.isEmpty) return false;
  return new Walk(env, startingState).run();
}

/** The way from a state back to where all that is wanted was written. */
class Walk {
  readonly #env: VerifierEnv;
  readonly #start: VerifierState;
  #subseqIdx = -1;
  #isFirst = true;
  #isChanged = false;

  constructor(env: VerifierEnv, start: VerifierState) {
    this.#env = env;
    this.#start = start;
  }

  run(): boolean {
    const { bt } = this.#env;
    let state = this.#start;
    let lastIdx = state.insnIdx;
    for (;;) {
      this.#logStart(lastIdx, state);
      if (lastIdx < 0) {
        this.#reachEntry(state);
        return this.#isChanged;
      }
      if (this.#walkState(state, lastIdx)) return this.#isChanged;
      const { parent, firstInsnIdx } = state;
      if (!parent) break;
      for (let frame = bt.frame; frame >= 0; frame--) {
        this.#markFrame(parent, frame);
        if (this.#env.log.isVerbose) this.#logParent(parent, frame);
      }
      if (bt.isEmpty) return this.#isChanged;
      this.#subseqIdx = firstInsnIdx;
      state = parent;
      lastIdx = parent.lastInsnIdx;
    }
    this.#giveUp();
    return this.#isChanged;
  }

  #logStart(lastIdx: number, { firstInsnIdx }: VerifierState): void {
    const env = this.#env;
    if (!env.log.isVerbose) return;
    env.verbose(`mark_precise: frame${env.bt.frame}: last_idx ${lastIdx} `);
    env.verbose(`first_idx ${firstInsnIdx} subseq_idx ${this.#subseqIdx} \n`);
  }

  /** Back through the instructions of one state; true: nothing is wanted any more. */
  #walkState(state: VerifierState, lastIdx: number): boolean {
    const env = this.#env;
    const { history, firstInsnIdx } = state;
    let left = history.length;
    let i = lastIdx;
    for (;;) {
      if (this.#isFirst) {
        this.#isFirst = false;
      } else if (backtrackInsn(env, i, this.#subseqIdx, entryAt(history, left, i)) !== TRACED) {
        this.#giveUp();
        return true;
      }
      if (env.bt.isEmpty) return true;
      this.#subseqIdx = i;
      // get_prev_insn_idx()
      if (i === firstInsnIdx && (left === 0 || (left === 1 && history[0]!.idx === i))) return false;
      const entry = entryAt(history, left, i);
      if (entry) {
        i = entry.prevIdx;
        left--;
      } else {
        i--;
      }
      if (i < 0 || i >= env.insns.length) throw env.bug(`backtracking idx ${i}`);
    }
  }

  /** The entry of a global function: its arguments are what the caller is held to. */
  #reachEntry(state: VerifierState): void {
    const env = this.#env;
    const { bt } = env;
    const frame = state.ownFrame(0, false);
    const isGlobalEntry =
      state.curframe === 0 && frame.subprogno > 0 && frame.callsite === BPF_MAIN_FUNC;
    const mask = bt.regMask(bt.frame);
    if (!isGlobalEntry || bt.hasSlots(bt.frame) || (mask & ~ARGS_MASK) !== 0) {
      const slots = stackMaskText(bt.slots(bt.frame));
      const wanted = `reg_mask ${mask.toString(16)} stack_mask ${slots}`;
      throw env.bug(`backtracking func entry subprog ${frame.subprogno} ${wanted}`);
    }
    for (let regno = 1; regno <= 5; regno++) {
      if (!bt.hasReg(bt.frame, regno)) continue;
      bt.clearReg(bt.frame, regno);
      const reg = frame.regs[regno]!;
      if (reg.type === SCALAR_VALUE) frame.regs[regno] = this.#mark(reg);
    }
  }

  /** Marks in a kept state; what is no scalar, or marked, is not looked for further. */
  #markFrame(state: VerifierState, frameno: number): void {
    const { bt } = this.#env;
    if (bt.isFrameEmpty(frameno)) return;
    const frame = state.ownFrame(frameno, bt.hasSlots(frameno));
    for (let mask = bt.regMask(frameno), i = 0; mask !== 0; mask >>>= 1, i++) {
      if ((mask & 1) === 0) continue;
      const reg = frame.regs[i]!;
      if (isUnmarked(reg)) frame.regs[i] = this.#mark(reg);
      else bt.clearReg(frameno, i);
    }
    if (bt.hasSlots(frameno)) this.#markSlots(frame, frameno);
    for (let mask = bt.argMask(frameno), i = 0; mask !== 0; mask >>>= 1, i++) {
      const reg = (mask & 1) === 0 ? undefined : frame.stackArgRegs[i];
      if (!reg) continue;
      if (isUnmarked(reg)) frame.stackArgRegs[i] = this.#mark(reg);
      else bt.clearArg(frameno, i);
    }
  }

  #markSlots({ stack }: FuncState, frameno: number): void {
    const env = this.#env;
    for (const spi of env.bt.slots(frameno)) {
      const slot = stack[spi];
      if (!slot) throw env.bug(`stack slot ${spi}, total slots ${stack.length}`);
      if (isSpilledScalar(slot) && !slot.reg.precise) {
        stack[spi] = slot.withReg(this.#mark(slot.reg));
      } else {
        env.bt.clearSlot(frameno, spi);
      }
    }
  }

  #mark(reg: Reg): Reg {
    this.#isChanged = true;
    return reg.with({ precise: true });
  }

  #logParent(state: VerifierState, frameno: number): void {
    const env = this.#env;
    const regs = regMaskText(env.bt.regMask(frameno));
    const stack = stackMaskText(env.bt.slots(frameno));
    env.verbose(`mark_precise: frame${frameno}: parent state regs=${regs} stack=${stack}: `);
    printVerifierState(env, state, frameno, true);
  }

  /** Where what is wanted came from cannot be told. */
  #giveUp(): void {
    if (this.#env.bt.isEmpty) return;
    bpfMarkAllScalarsPrecise(this.#env, this.#start);
    this.#env.bt.reset();
  }
}

const isUnmarked = (reg: Reg): boolean => reg.type === SCALAR_VALUE && !reg.precise;

/** get_jmp_hist_entry() */
function entryAt(
  history: readonly HistoryEntry[],
  left: number,
  idx: number,
): HistoryEntry | undefined {
  const last = left > 0 ? history[left - 1]! : undefined;
  return last?.idx === idx ? last : undefined;
}

/** bpf_mark_all_scalars_precise() */
export function bpfMarkAllScalarsPrecise(env: VerifierEnv, from: VerifierState): void {
  if (env.log.isVerbose) {
    const at = `frame${from.curframe}`;
    env.verbose(`mark_precise: ${at}: falling back to forcing all scalars precise\n`);
  }
  for (let state = from.parent; state; state = state.parent) {
    for (let i = 0; i < state.frames.length; i++) forcePrecise(env, state.ownFrame(i, true));
  }
}

function forcePrecise(env: VerifierEnv, { regs, stack, frameno }: FuncState): void {
  const log = (what: string): void => {
    if (!env.log.isVerbose) return;
    env.verbose(`force_precise: frame${frameno}: forcing ${what} to be precise\n`);
  };
  for (let i = 0; i < FRAME_POINTER; i++) {
    const reg = regs[i]!;
    if (!isUnmarked(reg)) continue;
    regs[i] = reg.with({ precise: true });
    log(`r${i}`);
  }
  for (let i = 0; i < stack.length; i++) {
    const slot = stack[i]!;
    if (!isSpilled(slot) || !isUnmarked(slot.reg)) continue;
    stack[i] = slot.withReg(slot.reg.with({ precise: true }));
    log(`fp${-(i + 1) * 8}`);
  }
}
