import type { Helper } from '../helpers/prototype.ts';
import type { Insn, Insns, Reg } from '../isa/insn.ts';
import { jumpTarget } from './subprogs.ts';

/**
 * What a register points to, as far as it decides how a load through it may fail: the context, a
 * struct of the kernel's own, or anything else.
 */
type Origin = 'ctx' | 'kernel' | 'other';
type State = readonly Origin[];

const NOTHING: State = Array<Origin>(11).fill('other');

/**
 * Slots of the loads through pointers to the kernel's structs: those that were loaded from the
 * context, from another such struct, or given by a helper. They read zero where they fault. The
 * verifier finds the same by types. Flow-sensitive, joins are taken as `kernel` where either is.
 */
export function kernelLoads(
  insns: Insns,
  subprogs: readonly number[],
  calls: ReadonlyMap<number, Helper>,
): ReadonlySet<number> {
  const found = new Set<number>();
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
    if (insn.kind === 'ldx' && state[insn.src] === 'kernel') found.add(slot);
    const after = step(insn, state, calls.get(slot));
    const target = jumpTarget(insn, slot);
    if (target !== undefined) flow(target, after);
    if (insn.kind === 'exit' || insn.kind === 'ja') continue;
    flow(insn.kind === 'ld_imm64' ? slot + 2 : slot + 1, after);
  }
  return found;
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
      const from = state[insn.src]!;
      const isPointer = insn.size === 8 && (from === 'ctx' || from === 'kernel');
      return set(state, insn.dst, isPointer ? 'kernel' : 'other');
    }
    case 'ld_imm64':
      return set(state, insn.dst, insn.from === 'btf_id' ? 'kernel' : 'other');
    case 'call': {
      const clobbered = state.map((origin, reg) => (reg <= 5 ? 'other' : origin));
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

function set(state: State, reg: Reg, origin: Origin): State {
  return state[reg] === origin ? state : state.with(reg, origin);
}
