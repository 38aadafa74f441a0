import type { Insn } from '../../isa/insn.ts';
import { FRAME_POINTER } from '../../isa/insn.ts';
import { MAX_STACK_ARG_SLOTS } from './arg-state.ts';
import { ARG_IMPRECISE, argAdd, argIsFp, ArgTrack } from './arg-track.ts';
import { helperStackAccessBytes, kfuncStackAccessBytes, UNKNOWN_BYTES } from './call-access.ts';
import { getCallSummary } from '../passes/call-summary.ts';
import type { VerifierEnv } from '../env.ts';
import { addRange, HALF_SLOT_BYTES, HALF_SLOTS } from '../values/spis.ts';
import { type FuncInstance, MAY_READ, MUST_WRITE } from './stack-liveness.ts';
import { MAX_BPF_FUNC_REG_ARGS, MAX_BPF_REG } from '../types.ts';

/** The instruction may read any slot of a frame. */
export function markWholeRead(instance: FuncInstance, frame: number, insnIdx: number): void {
  markRead(instance, frame, insnIdx, 0, HALF_SLOTS - 1);
}

/** … of its own frame, and of all that called it. */
export function markAllFramesRead(instance: FuncInstance, insnIdx: number): void {
  for (let frame = 0; frame <= instance.depth; frame++) markWholeRead(instance, frame, insnIdx);
}

function markRead(
  instance: FuncInstance,
  frame: number,
  insnIdx: number,
  lo: number,
  hi: number,
): void {
  addRange(instance.masksOf(frame), instance.at(insnIdx) + MAY_READ, lo, hi);
}

/** `bytes` below zero are written; of UNKNOWN_BYTES any are read. record_stack_access_off() */
function recordAt(
  instance: FuncInstance,
  fpOff: number,
  bytes: number,
  frame: number,
  insnIdx: number,
): void {
  if (fpOff >= 0) return; // out of bounds: to be refused later
  if (bytes === UNKNOWN_BYTES || bytes > 0) {
    const hi = Math.trunc((-fpOff - 1) / HALF_SLOT_BYTES);
    const lo = bytes > 0 ? Math.max(Math.trunc((-fpOff - bytes) / HALF_SLOT_BYTES), 0) : 0;
    markRead(instance, frame, insnIdx, lo, hi);
    return;
  }
  // Only what is written as a whole is surely written.
  const hi = Math.trunc(-fpOff / HALF_SLOT_BYTES) - 1;
  const end = Math.trunc((-fpOff + bytes + HALF_SLOT_BYTES - 1) / HALF_SLOT_BYTES);
  const lo = Math.max(end, 0);
  if (lo > hi) return;
  addRange(instance.masksOf(frame), instance.at(insnIdx) + MUST_WRITE, lo, hi);
}

/** Through a pointer into a frame that is known. record_stack_access() */
function recordInFrame(
  instance: FuncInstance,
  arg: ArgTrack,
  bytes: number,
  insnIdx: number,
): void {
  const { frame, offs } = arg;
  const isRead = bytes > 0 || bytes === UNKNOWN_BYTES;
  if (bytes === 0) return;
  if (offs.length === 0) {
    if (isRead) markWholeRead(instance, frame, insnIdx);
    return;
  }
  if (!isRead && offs.length !== 1) return; // one of several: none is surely written
  for (const off of offs) recordAt(instance, off, bytes, frame, insnIdx);
}

function record(instance: FuncInstance, arg: ArgTrack, bytes: number, insnIdx: number): void {
  if (arg.frame >= 0 && arg.frame <= instance.depth) {
    recordInFrame(instance, arg, bytes, insnIdx);
  } else if (arg.frame === ARG_IMPRECISE) {
    for (let frame = 0; frame <= instance.depth; frame++) {
      if ((arg.mask & (1 << frame)) !== 0) markWholeRead(instance, frame, insnIdx);
    }
  }
}

/** Through which register an instruction goes to memory, and how many bytes it reads. */
function accessOf(insn: Insn): { base: number; off: number; bytes: number } | undefined {
  switch (insn.kind) {
    case 'ldx':
    case 'load_acquire':
      return { base: insn.src, off: insn.off, bytes: insn.size };
    case 'atomic':
    case 'bad_atomic':
      return { base: insn.dst, off: insn.off, bytes: insn.size };
    case 'st':
    case 'stx':
    case 'store_release':
      return { base: insn.dst, off: insn.off, bytes: -insn.size };
    default:
      return undefined;
  }
}

/** record_load_store_access() */
export function recordLoadStoreAccess(
  insn: Insn,
  instance: FuncInstance,
  regs: readonly ArgTrack[],
  insnIdx: number,
): void {
  const access = accessOf(insn);
  if (!access || access.base > FRAME_POINTER) return;
  let arg = regs[access.base]!;
  if (arg.offs.length > 0) {
    const offs = arg.offs.map((off) => argAdd(off, access.off));
    const isKnown = offs.every((off) => off !== undefined);
    arg = new ArgTrack(arg.frame, isKnown ? (offs as number[]) : []);
  }
  record(instance, arg, access.bytes, insnIdx);
}

/** record_arg_access() */
function recordArg(
  env: VerifierEnv,
  instance: FuncInstance,
  arg: ArgTrack,
  argIdx: number,
  insnIdx: number,
): void {
  if (!argIsFp(arg)) return;
  const insn = env.insns[insnIdx]!;
  if (insn.kind !== 'call' || insn.target === 'subprog') return;
  const bytesOf = insn.target === 'helper' ? helperStackAccessBytes : kfuncStackAccessBytes;
  const bytes = bytesOf(env, insn, argIdx, insnIdx);
  if (bytes !== 0) record(instance, arg, bytes, insnIdx);
}

/** What a helper or kfunc does to the stack through its arguments. record_call_access() */
export function recordCallAccess(
  env: VerifierEnv,
  instance: FuncInstance,
  regs: readonly ArgTrack[],
  insnIdx: number,
): void {
  const insn = env.insns[insnIdx]!;
  if (insn.kind !== 'call' || insn.target === 'subprog') return;
  const params = getCallSummary(env, insn)?.numParams ?? MAX_BPF_FUNC_REG_ARGS;
  for (let i = 0; i < Math.min(params, MAX_BPF_FUNC_REG_ARGS); i++) {
    recordArg(env, instance, regs[1 + i]!, i, insnIdx);
  }
  for (let i = 0; i < MAX_STACK_ARG_SLOTS && i < params - MAX_BPF_FUNC_REG_ARGS; i++) {
    recordArg(env, instance, regs[MAX_BPF_REG + i]!, i + MAX_BPF_FUNC_REG_ARGS, insnIdx);
  }
}
