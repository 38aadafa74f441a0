import { FRAME_POINTER, type Insn, PARAMS_POINTER } from '../../isa/insn.ts';
import {
  type ArgState,
  ArgStateOut,
  canBeLocalFp,
  clearStackForAllOffs,
  fillFromStack,
  spillToStack,
  stackArgOffToSlot,
} from './arg-state.ts';
import { ARG_IMPRECISE, argPadd, ArgTrack, argTrackAlu64, NO_ARG } from './arg-track.ts';
import { BPF_FETCH } from '../../isa/ops.ts';
import { MAX_BPF_REG } from '../types.ts';

const BPF_CMPXCHG = 0xf0 | BPF_FETCH;

/** Where a function stands whose pointers are followed. */
export interface ArgPlace {
  readonly depth: number;
  /** Its arguments on the stack. */
  readonly stackArgs: readonly ArgTrack[];
  /** What was spilled on the stack of a caller's frame when it called. */
  callerStack(frame: number): readonly ArgTrack[] | undefined;
}

/** What registers and spills point to behind an instruction. arg_track_xfer() */
export function argTrackXfer(insn: Insn, state: ArgState, place: ArgPlace): ArgStateOut {
  const out = new ArgStateOut(state);
  switch (insn.kind) {
    case 'alu':
      out.setReg(insn.dst, insn.wide ? alu64(insn, state.regs) : NO_ARG);
      break;
    case 'neg':
    case 'endian':
      out.setReg(insn.dst, inPlace(insn, state.regs[insn.dst]!));
      break;
    case 'movsx':
    case 'addr_space_cast':
    case 'ld_imm64':
      out.setReg(insn.dst, NO_ARG);
      break;
    case 'call':
      for (let r = 0; r <= 5; r++) out.setReg(r, NO_ARG);
      break;
    case 'ldx':
      out.setReg(insn.dst, loaded(insn, state, place));
      break;
    case 'st':
    case 'stx':
      store(insn, out, place);
      break;
    case 'atomic':
    case 'bad_atomic':
    case 'load_acquire':
    case 'store_release':
      atomic(insn, out, place);
      break;
    default:
  }
  return out;
}

type AluInsn = Extract<Insn, { kind: 'alu' }>;

function alu64({ op, dst, src }: AluInsn, regs: readonly ArgTrack[]): ArgTrack {
  const at = regs[dst]!;
  if ('reg' in src) {
    const other = regs[src.reg]!;
    return op === 'mov' ? other : argTrackAlu64(at, other);
  }
  if (op === 'mov') return NO_ARG;
  if (at.frame < 0) return at;
  if (op === 'add') return argPadd(at, src.imm);
  return op === 'sub' ? argPadd(at, -src.imm) : new ArgTrack(at.frame);
}

/** 64 bits wide, the pointer keeps its frame; else it is none any more. */
function inPlace(insn: Extract<Insn, { kind: 'neg' | 'endian' }>, at: ArgTrack): ArgTrack {
  const isWide = insn.kind === 'neg' ? insn.wide : insn.to === 'bswap';
  if (!isWide) return NO_ARG;
  return at.frame >= 0 ? new ArgTrack(at.frame) : at;
}

function loaded(
  insn: Extract<Insn, { kind: 'ldx' }>,
  { regs, stack }: ArgState,
  { depth, stackArgs, callerStack }: ArgPlace,
): ArgTrack {
  if (insn.src === PARAMS_POINTER) {
    const slot = stackArgOffToSlot(insn.off);
    return slot >= 0 ? stackArgs[slot]! : NO_ARG;
  }
  const src = regs[insn.src]!;
  if (insn.mode !== 'mem' || insn.size !== 8) return NO_ARG;
  if (canBeLocalFp(depth, insn.src, src)) {
    return fillFromStack(src, insn.src === FRAME_POINTER, insn.off, stack, depth);
  }
  if (src.frame >= 0 && src.frame < depth) {
    const callers = callerStack(src.frame);
    if (callers) return fillFromStack(src, false, insn.off, callers, src.frame);
    return NO_ARG;
  }
  return src.frame === ARG_IMPRECISE && src.mask !== 0 ? src : NO_ARG;
}

function store(
  insn: Extract<Insn, { kind: 'st' | 'stx' }>,
  out: ArgStateOut,
  place: ArgPlace,
): void {
  const value = insn.kind === 'stx' ? out.regs[insn.src]! : NO_ARG;
  if (insn.dst === PARAMS_POINTER) {
    const slot = stackArgOffToSlot(insn.off);
    if (slot >= 0) out.setReg(MAX_BPF_REG + slot, value);
    return;
  }
  const dst = out.regs[insn.dst]!;
  if (!canBeLocalFp(place.depth, insn.dst, dst)) return;
  const isFp = insn.dst === FRAME_POINTER;
  if (insn.kind === 'stx') spillToStack(out, dst, isFp, insn, value);
  else clearStackForAllOffs(out, dst, isFp, insn);
}

type AtomicInsn = Extract<
  Insn,
  { kind: 'atomic' | 'bad_atomic' | 'load_acquire' | 'store_release' }
>;

function atomic(insn: AtomicInsn, out: ArgStateOut, place: ArgPlace): void {
  const dst = out.regs[insn.dst]!;
  if (insn.kind !== 'load_acquire' && canBeLocalFp(place.depth, insn.dst, dst)) {
    clearStackForAllOffs(out, dst, insn.dst === FRAME_POINTER, insn);
  }
  const loadReg = atomicLoadReg(insn);
  if (loadReg >= 0) out.setReg(loadReg, NO_ARG);
}

/** The register that an atomic loads; -1: none. bpf_atomic_load_reg() */
export function atomicLoadReg(insn: Insn): number {
  if (insn.kind === 'load_acquire') return insn.dst;
  if (insn.kind === 'bad_atomic') {
    if (insn.imm === BPF_CMPXCHG) return 0;
    return (insn.imm & BPF_FETCH) === 0 ? -1 : insn.src;
  }
  if (insn.kind !== 'atomic' || !insn.fetch) return -1;
  return insn.op === 'cmpxchg' ? 0 : insn.src;
}
