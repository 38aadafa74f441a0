import type { Helper } from '../helpers/prototype.ts';
import { FRAME_POINTER, type Insn, type Insns } from '../isa/insn.ts';
import { MAX_BPF_STACK } from '../vm/frame.ts';
import { jumpTarget, subprogTarget } from './subprogs.ts';

/**
 * What a register points to, as far as it decides how a load through it may fail: the context, a
 * struct of the kernel's own, or anything else.
 */
type Origin = 'ctx' | 'kernel' | 'other';
/** Of the registers, and of the words of the stack downwards from r10: spilled pointers. */
type State = readonly Origin[];

const REG_COUNT = 11;
const WORD_COUNT = MAX_BPF_STACK / 8;
const NOTHING: State = Array<Origin>(REG_COUNT + WORD_COUNT).fill('other');

/** Where a program follows pointers. */
export interface Followed {
  /** Slots of the loads through pointers to the kernel's structs. */
  readonly kernelLoads: ReadonlySet<number>;
  /** Bytes of the context up to the end of the furthest access. prog->aux->max_ctx_offset */
  readonly ctxBytes: number;
}

/**
 * Finds the loads through pointers to the kernel's structs: those that were loaded from the
 * context, from another such struct, or given by a helper. They read zero where they fault. The
 * verifier finds the same by types. Flow-sensitive, joins are taken as `kernel` where either is.
 */
export function followPointers(
  insns: Insns,
  subprogs: readonly number[],
  calls: ReadonlyMap<number, Helper>,
): Followed {
  const kernelLoads = new Set<number>();
  let ctxBytes = 0;
  const states: (State | undefined)[] = Array<State | undefined>(insns.length).fill(undefined);
  const todo: number[] = [];
  const flow = (slot: number, state: State): void => {
    const before = states[slot];
    const joined = before ? join(before, state) : state;
    if (before && joined.every((origin, reg) => origin === before[reg])) return;
    states[slot] = joined;
    todo.push(slot);
  };
  for (const start of subprogs) {
    flow(start, start === 0 ? NOTHING.with(1, 'ctx') : NOTHING);
  }
  while (todo.length > 0) {
    const slot = todo.pop()!;
    const insn = insns[slot]!;
    const state = states[slot]!;
    if (insn.kind === 'ldx' && state[insn.src] === 'kernel') kernelLoads.add(slot);
    ctxBytes = Math.max(ctxBytes, ctxEnd(insn, state));
    const after = step(insn, state, calls.get(slot));
    const callee = insn.kind === 'call' ? subprogTarget(insn, slot) : undefined;
    if (callee !== undefined) flow(callee, argumentsOf(state));
    const target = jumpTarget(insn, slot);
    if (target !== undefined) flow(target, after);
    if (insn.kind === 'exit' || insn.kind === 'ja') continue;
    flow(insn.kind === 'ld_imm64' ? slot + 2 : slot + 1, after);
  }
  return { kernelLoads, ctxBytes };
}

/** Bytes of the context that an access reaches to, from where its pointer points. */
function ctxEnd(insn: Insn, state: State): number {
  const isLoad = insn.kind === 'ldx';
  if (!isLoad && insn.kind !== 'st' && insn.kind !== 'stx') return 0;
  return state[isLoad ? insn.src : insn.dst] === 'ctx' ? insn.off + insn.size : 0;
}

/** What a subprogram begins with. */
function argumentsOf(state: State): State {
  return NOTHING.map((origin, at) => (at >= 1 && at <= 5 ? state[at]! : origin));
}

function join(a: State, b: State): State {
  return a.map((origin, reg) => {
    const other = b[reg]!;
    if (origin === other) return origin;
    return origin === 'kernel' || other === 'kernel' ? 'kernel' : 'other';
  });
}

function step(insn: Insn, state: State, helper: Helper | undefined): State {
  switch (insn.kind) {
    case 'alu':
      return set(state, insn.dst, aluOrigin(insn, state));
    case 'ldx': {
      const word = insn.src === FRAME_POINTER && insn.size === 8 ? wordAt(insn.off) : undefined;
      if (word !== undefined) return set(state, insn.dst, state[word]!);
      const from = state[insn.src]!;
      const isPointer = insn.size === 8 && (from === 'ctx' || from === 'kernel');
      return set(state, insn.dst, isPointer ? 'kernel' : 'other');
    }
    case 'stx':
    case 'st': {
      if (insn.dst !== FRAME_POINTER) return state;
      const word = wordAt(insn.off - (insn.off & 7));
      const isSpill = insn.kind === 'stx' && insn.size === 8 && (insn.off & 7) === 0;
      return word === undefined ? state : set(state, word, isSpill ? state[insn.src]! : 'other');
    }
    case 'ld_imm64':
      return set(state, insn.dst, insn.from === 'btf_id' ? 'kernel' : 'other');
    case 'call': {
      const clobbered = state.map((origin, at) => (at <= 5 ? 'other' : origin));
      return set(clobbered, 0, helper?.ret.startsWith('ptr_to_btf_id') ? 'kernel' : 'other');
    }
    case 'movsx':
    case 'neg':
    case 'endian':
    case 'addr_space_cast':
    case 'load_acquire':
      return set(state, insn.dst, 'other');
    case 'atomic':
      return insn.fetch ? set(state, insn.op === 'cmpxchg' ? 0 : insn.src, 'other') : state;
    default:
      return state;
  }
}

/** Adding a number to a pointer leaves it one of its kind. */
function aluOrigin({ op, wide, dst, src }: Extract<Insn, { kind: 'alu' }>, state: State): Origin {
  if (!wide) return 'other';
  if (op === 'mov') return 'reg' in src ? state[src.reg]! : 'other';
  if (op !== 'add' && op !== 'sub') return 'other';
  return state[dst]!;
}

/** Where the state has the word of the stack at this offset. */
function wordAt(off: number): number | undefined {
  const word = -off / 8 - 1;
  const isOne = Number.isInteger(word) && word >= 0 && word < WORD_COUNT;
  return isOne ? REG_COUNT + word : undefined;
}

function set(state: State, reg: number, origin: Origin): State {
  return state[reg] === origin ? state : state.with(reg, origin);
}
