import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';
import { insnLine } from '../report/insn-text.ts';
import { FRAME_POINTER } from '../values/regs.ts';
import {
  type HistoryEntry,
  INSN_F_DST_REG_STACK,
  INSN_F_SRC_REG_STACK,
  INSN_F_STACK_ACCESS,
  INSN_F_STACK_ARG_ACCESS,
} from '../state.ts';
import { findSubprog, subprogIsGlobal } from '../subprog-query.ts';
import { MAX_CALL_FRAMES } from '../types.ts';

// One instruction on the way back: what was looked for after it, in terms of what was before it.
// kernel/bpf/backtrack.c: backtrack_insn()

/** The step was done. */
export const TRACED = 0;
/** It cannot be told: all scalars are taken to be precise. ENOTSUPP */
export const UNTRACEABLE = 1;
type Outcome = typeof TRACED | typeof UNTRACEABLE;

type InsnOf<K extends Insn['kind']> = Extract<Insn, { readonly kind: K }>;
type Fetching = InsnOf<'ldx' | 'load_acquire' | 'atomic'>;
type Storing = InsnOf<'st' | 'stx' | 'store_release' | 'atomic'>;

/** r1 to r5: BPF_REGMASK_ARGS */
export const ARGS_MASK = 0b11_1110;
const R0 = 0;
const BPF_FUNC_TAIL_CALL = 12;

/** `subseqIdx` came after `idx` on this path. backtrack_insn() */
export function backtrackInsn(
  env: VerifierEnv,
  idx: number,
  subseqIdx: number,
  hist: HistoryEntry | undefined,
): Outcome {
  const insn = env.insns[idx];
  if (!insn) return TRACED; // the second half of ld_imm64
  if (env.log.isVerbose) logStep(env, idx);
  const isLinked = hist !== undefined && hist.linkedRegs.length > 0;
  if (isLinked) btSyncLinkedRegs(env, hist);
  const outcome = backtrackKind(env, insn, idx, subseqIdx, hist);
  if (isLinked && outcome === TRACED) btSyncLinkedRegs(env, hist);
  return outcome;
}

function logStep(env: VerifierEnv, idx: number): void {
  const { bt } = env;
  const regs = regMaskText(bt.regMask(bt.frame));
  const stack = stackMaskText(bt.slots(bt.frame));
  env.verbose(`mark_precise: frame${bt.frame}: regs=${regs} stack=${stack} before `);
  env.verbose(insnLine(env, idx));
}

/** `r0,r2`: fmt_reg_mask() */
export function regMaskText(mask: number): string {
  const names: string[] = [];
  for (let i = 0; i < 32; i++) if (((mask >>> i) & 1) !== 0) names.push(`r${i}`);
  return names.join(',');
}

/** `-8,-24`: bpf_fmt_stack_mask() */
export function stackMaskText(slots: readonly number[]): string {
  return slots.map((spi) => -(spi + 1) * 8).join(',');
}

/** If one of those that got to know the same matters, all do. bpf_bt_sync_linked_regs() */
export function btSyncLinkedRegs({ bt }: VerifierEnv, { linkedRegs }: HistoryEntry): void {
  const isWanted = linkedRegs.some(({ isReg, frameno, index }) =>
    isReg ? bt.hasReg(frameno, index) : bt.hasSlot(frameno, index),
  );
  if (!isWanted) return;
  for (const { isReg, frameno, index } of linkedRegs) {
    if (isReg) bt.setReg(frameno, index);
    else bt.setSlot(frameno, index);
  }
}

function backtrackKind(
  env: VerifierEnv,
  insn: Insn,
  idx: number,
  subseqIdx: number,
  hist: HistoryEntry | undefined,
): Outcome {
  switch (insn.kind) {
    case 'alu':
      backtrackAlu(env, insn);
      return TRACED;
    case 'movsx':
    case 'addr_space_cast':
      backtrackMov(env, insn.dst, insn.src);
      return TRACED;
    case 'ldx':
    case 'load_acquire':
      backtrackLoad(env, insn, hist);
      return TRACED;
    case 'atomic':
      if (!insn.fetch) return backtrackStore(env, insn, hist);
      backtrackLoad(env, insn, hist);
      return TRACED;
    case 'st':
    case 'stx':
    case 'store_release':
      return backtrackStore(env, insn, hist);
    case 'jmp':
      backtrackJmp(env, insn, hist);
      return TRACED;
    case 'call':
      return backtrackCall(env, insn, idx, subseqIdx);
    case 'exit':
      backtrackExit(env, subseqIdx);
      return TRACED;
    case 'ld_imm64':
      env.bt.clearReg(env.bt.frame, insn.dst);
      return TRACED;
    case 'ld_abs':
    case 'ld_ind':
      if (env.bt.hasReg(env.bt.frame, R0)) return UNTRACEABLE;
      // The other way goes out of the function.
      if (subseqIdx !== idx + 1) subprogEnter(env);
      return TRACED;
    default:
      return TRACED; // neg, endian: what is wanted of dst after is wanted before
  }
}

function backtrackAlu({ bt }: VerifierEnv, insn: InsnOf<'alu'>): void {
  const { frame } = bt;
  if (!bt.hasReg(frame, insn.dst)) return;
  if (insn.op === 'mov') bt.clearReg(frame, insn.dst);
  if ('reg' in insn.src && insn.src.reg !== FRAME_POINTER) bt.setReg(frame, insn.src.reg);
}

function backtrackMov({ bt }: VerifierEnv, dst: number, src: number): void {
  const { frame } = bt;
  if (!bt.hasReg(frame, dst)) return;
  bt.clearReg(frame, dst);
  if (src !== FRAME_POINTER) bt.setReg(frame, src);
}

/** What was wanted of the register is wanted of the slot, if a scalar was spilled there. */
function backtrackLoad({ bt }: VerifierEnv, insn: Fetching, hist: HistoryEntry | undefined): void {
  const loaded = loadedReg(insn);
  if (!bt.hasReg(bt.frame, loaded)) return;
  bt.clearReg(bt.frame, loaded);
  if (!hist) return;
  if ((hist.flags & INSN_F_STACK_ARG_ACCESS) !== 0) bt.setArg(bt.frame - 1, hist.spi);
  else if ((hist.flags & INSN_F_STACK_ACCESS) !== 0) bt.setSlot(hist.frame, hist.spi);
}

function loadedReg(insn: Fetching): number {
  if (insn.kind !== 'atomic') return insn.dst;
  return insn.op === 'cmpxchg' ? R0 : insn.src;
}

function backtrackStore(
  { bt }: VerifierEnv,
  insn: Storing,
  hist: HistoryEntry | undefined,
): Outcome {
  // A scalar is no address: pointers have been subtracted.
  if (bt.hasReg(bt.frame, insn.dst)) return UNTRACEABLE;
  if (!hist) return TRACED;
  const { flags, spi, frame } = hist;
  if ((flags & INSN_F_STACK_ARG_ACCESS) !== 0) {
    if (!bt.hasArg(bt.frame, spi)) return TRACED;
    bt.clearArg(bt.frame, spi);
  } else {
    if ((flags & INSN_F_STACK_ACCESS) === 0 || !bt.hasSlot(frame, spi)) return TRACED;
    bt.clearSlot(frame, spi);
  }
  if (insn.kind !== 'st') bt.setReg(bt.frame, insn.src);
  return TRACED;
}

/** What is wanted of one side of a comparison is wanted of the other. */
function backtrackJmp(
  { bt }: VerifierEnv,
  insn: InsnOf<'jmp'>,
  hist: HistoryEntry | undefined,
): void {
  if (!('reg' in insn.src)) return;
  const { frame } = bt;
  const flags = hist?.flags ?? 0;
  if (!bt.hasReg(frame, insn.dst) && !bt.hasReg(frame, insn.src.reg)) return;
  if ((flags & INSN_F_SRC_REG_STACK) === 0) bt.setReg(frame, insn.src.reg);
  if ((flags & INSN_F_DST_REG_STACK) === 0) bt.setReg(frame, insn.dst);
}

function backtrackCall(
  env: VerifierEnv,
  insn: InsnOf<'call'>,
  idx: number,
  subseqIdx: number,
): Outcome {
  const { bt } = env;
  if (insn.target === 'subprog') {
    backtrackSubprogCall(env, idx + insn.imm + 1);
    return TRACED;
  }
  // A call that calls back, and the way goes on in the callback: its entry is come to.
  if (env.aux[idx]!.callsCallback && idx !== subseqIdx - 1) {
    leaveCallback(env);
    return TRACED;
  }
  if (insn.target === 'kfunc' && insn.imm === 0) return UNTRACEABLE;
  bt.clearReg(bt.frame, R0);
  if ((bt.regMask(bt.frame) & ARGS_MASK) !== 0) {
    throw env.bug(`backtracking call unexpected regs ${hexMask(env)}`);
  }
  const isTailCall = insn.target === 'helper' && insn.imm === BPF_FUNC_TAIL_CALL;
  if (isTailCall && subseqIdx - idx !== 1) subprogEnter(env);
  return TRACED;
}

/** The call of a function: of a static one, its entry is come to; a global one is not entered. */
function backtrackSubprogCall(env: VerifierEnv, start: number): void {
  const { bt } = env;
  const subprog = findSubprog(env, start);
  if (subprog < 0) throw env.bug(`no subprog at ${start}`);
  if (subprogIsGlobal(env, subprog)) {
    if ((bt.regMask(bt.frame) & ARGS_MASK) !== 0) {
      throw env.bug(`global subprog unexpected regs ${hexMask(env)}`);
    }
    bt.clearReg(bt.frame, R0);
    return;
  }
  checkEntryMasks(env, 'static subprog');
  for (let regno = 1; regno <= 5; regno++) {
    if (!bt.hasReg(bt.frame, regno)) continue;
    bt.clearReg(bt.frame, regno);
    bt.setReg(bt.frame - 1, regno);
  }
  if (bt.argMask(bt.frame) !== 0) {
    const mask = bt.argMask(bt.frame).toString(16);
    throw env.bug(`static subprog leftover stack arg slots ${mask}`);
  }
  subprogExit(env);
}

/** At the entry of a function nothing but arguments can be wanted. */
function checkEntryMasks(env: VerifierEnv, what: string): void {
  const { bt } = env;
  if ((bt.regMask(bt.frame) & ~ARGS_MASK) !== 0) {
    throw env.bug(`${what} unexpected regs ${hexMask(env)}`);
  }
  if (bt.hasSlots(bt.frame)) {
    throw env.bug(`${what} leftover stack slots ${stackMaskText(bt.slots(bt.frame))}`);
  }
}

/** Its arguments are not those of the call. */
function leaveCallback(env: VerifierEnv): void {
  const { bt } = env;
  checkEntryMasks(env, 'callback');
  for (let regno = 1; regno <= 5; regno++) bt.clearReg(bt.frame, regno);
  subprogExit(env);
}

/** The exit of a function or of a callback, which returned behind a call. */
function backtrackExit(env: VerifierEnv, subseqIdx: number): void {
  const { bt } = env;
  const call = subseqIdx > 0 ? env.insns[subseqIdx - 1] : undefined;
  const isFromSubprog = call?.kind === 'call' && call.target === 'subprog';
  const isR0Wanted = isFromSubprog && bt.hasReg(bt.frame, R0);
  if (isFromSubprog && (bt.regMask(bt.frame) & ARGS_MASK) !== 0) {
    throw env.bug(`backtracking exit unexpected regs ${hexMask(env)}`);
  }
  bt.clearReg(bt.frame, R0);
  subprogEnter(env);
  if (isR0Wanted) bt.setReg(bt.frame, R0);
}

function subprogEnter(env: VerifierEnv): void {
  const { bt } = env;
  if (bt.frame === MAX_CALL_FRAMES - 1) {
    throw env.bug(`subprog enter from frame ${bt.frame}`);
  }
  bt.frame++;
}

function subprogExit(env: VerifierEnv): void {
  if (env.bt.frame === 0) throw env.bug('subprog exit from frame 0');
  env.bt.frame--;
}

const hexMask = ({ bt }: VerifierEnv): string => bt.regMask(bt.frame).toString(16);
