import { FRAME_POINTER, type Insn } from '../../isa/insn.ts';
import { getCallSummary } from './call-summary.ts';
import type { VerifierEnv } from '../env.ts';
import type { SubprogInfo } from '../subprog-info.ts';
import { BPF_REG_SIZE } from '../types.ts';

// Compilers save registers around calls that do not touch them, for kernels that do not know that.
// Such a pattern is a row of spills, the call, and the fills in reverse, on slots that nothing else
// uses: where that holds, the spills and fills are taken out.

const ALL_CALLER_SAVED_REGS = 0x3f;
const CALLER_SAVED_REGS = 6;

const NOP: Insn = { kind: 'ja', long: false, off: 0 };

type Spill = Extract<Insn, { kind: 'stx' }>;
type Fill = Extract<Insn, { kind: 'ldx' }>;

function isSpill(insn: Insn | null | undefined): insn is Spill {
  return insn?.kind === 'stx' && insn.size === 8 && insn.dst === FRAME_POINTER;
}

function isFill(insn: Insn | null | undefined): insn is Fill {
  if (insn?.kind !== 'ldx' || insn.mode !== 'mem') return false;
  return insn.size === 8 && insn.src === FRAME_POINTER;
}

/** Finds the patterns, and the lowest slots that they use. mark_fastcall_patterns() */
export function markFastcallPatterns(env: VerifierEnv): void {
  for (let i = 0; i < env.subprogCnt; i++) {
    const subprog = env.subprogs[i]!;
    const end = env.subprogs[i + 1]!.start;
    let lowestOff = 0;
    for (let slot = subprog.start; slot < end; slot++) {
      const insn = env.insns[slot];
      if (isSpill(insn)) lowestOff = Math.min(lowestOff, insn.off);
    }
    for (let slot = subprog.start; slot < end; slot++) {
      if (env.insns[slot]?.kind === 'call') markPatternForCall(env, subprog, slot, lowestOff);
    }
  }
}

/** mark_fastcall_pattern_for_call() */
function markPatternForCall(
  env: VerifierEnv,
  subprog: SubprogInfo,
  call: number,
  lowestOff: number,
): void {
  const summary = getCallSummary(env, env.insns[call]!);
  if (!summary) return;
  const firstClobbered = summary.isVoid ? 1 : 0;
  const clobbered = maskOf(firstClobbered, summary.numParams);
  let expected = ~clobbered & ALL_CALLER_SAVED_REGS;
  let pairs = 0;
  let off = lowestOff;
  for (; pairs < CALLER_SAVED_REGS; pairs++, off += BPF_REG_SIZE) {
    const [spill, fill] = [call - pairs - 1, call + pairs + 1];
    const reg = pairedReg(env, spill, fill, off);
    if (reg < 0 || (expected & (1 << reg)) === 0) break;
    expected &= ~(1 << reg);
    env.aux[spill]!.fastcallPattern = true;
    env.aux[fill]!.fastcallPattern = true;
  }
  if (pairs === 0) return;
  if (summary.fastcall) env.aux[call]!.fastcallSpillsNum = pairs;
  else subprog.keepFastcallStack = true;
  subprog.fastcallStackOff = Math.min(subprog.fastcallStackOff, off);
}

/** Bits from the low to the high one, both included; none if they are the other way round. */
function maskOf(low: number, high: number): number {
  return high < low ? 0 : (2 << high) - (1 << low);
}

/**
 * The register that is spilled to a slot here and filled from there; -1 if that is not so, or the
 * pattern can be jumped into.
 */
function pairedReg(env: VerifierEnv, spill: number, fill: number, off: number): number {
  if (spill < 0 || fill >= env.insns.length) return -1;
  if (env.aux[spill + 1]!.jumpTarget || env.aux[fill]!.jumpTarget) return -1;
  const [stx, ldx] = [env.insns[spill], env.insns[fill]];
  if (!isSpill(stx) || !isFill(ldx)) return -1;
  return stx.src === ldx.dst && stx.off === off && ldx.off === off ? stx.src : -1;
}

/** Takes spills and fills out where a call needs none. bpf_remove_fastcall_spills_fills() */
export function removeFastcallSpillsFills(env: VerifierEnv): void {
  let insns: (Insn | null)[] | undefined;
  for (let i = 0; i < env.subprogCnt; i++) {
    const subprog = env.subprogs[i]!;
    let isChanged = false;
    for (let slot = subprog.start; slot < env.subprogs[i + 1]!.start; slot++) {
      const pairs = env.aux[slot]!.fastcallSpillsNum;
      for (let j = 1; j <= pairs; j++) {
        insns ??= env.insns.slice();
        insns[slot - j] = NOP;
        insns[slot + j] = NOP;
        isChanged = true;
      }
    }
    if (isChanged && !subprog.keepFastcallStack) subprog.stackDepth = -subprog.fastcallStackOff;
  }
  if (insns) env.insns = insns;
}
