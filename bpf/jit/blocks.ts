import { FRAME_POINTER, type Insn, type Insns } from '../isa/insn.ts';
import { isArenaInsn } from '../vm/arena.ts';
import { MAX_BPF_STACK, REGS } from '../vm/frame.ts';

/** A stretch of instructions that is entered at its first slot only, and left at its last. */
export interface Block {
  readonly first: number;
  /** The slot behind. */
  readonly end: number;
  /** How many instructions it has. */
  readonly count: number;
}

/** What one wasm function covers: it would take too long to compile a large program at once. */
export interface Unit {
  readonly first: number;
  readonly end: number;
  readonly blocks: readonly Block[];
  /** By slot less first: which block begins there, or -1. */
  readonly blockAt: Int32Array;
}

/** How a program is cut. */
export interface Cut {
  readonly fine: boolean;
  /** Every instruction is a block: for what remains when the fuel does not last for a block. */
  readonly stepping: boolean;
}

const UNIT_SLOTS = 2048;
const STEPPING_UNIT_SLOTS = 512;
/** So that few single steps are left at the end of the fuel. */
const BLOCK_INSNS_MAX = 64;

/**
 * Cut into units of blocks. A block begins wherever a run can be entered often: at the targets of
 * jumps, behind calls, at subprograms, and in fine mode at each access that can be stopped for.
 */
export function unitsOf(insns: Insns, subprogs: readonly number[], cut: Cut): Unit[] {
  const size = cut.stepping ? STEPPING_UNIT_SLOTS : UNIT_SLOTS;
  const leaders = cut.stepping ? everySlot(insns) : leadersOf(insns, subprogs, cut.fine);
  const units: Unit[] = [];
  for (let first = 0; first < insns.length;) {
    let end = Math.min(first + size, insns.length);
    if (insns[end] === null) end++; // not between the halves of ld_imm64
    units.push(unitOf(insns, leaders, first, end));
    first = end;
  }
  return units;
}

function unitOf(insns: Insns, leaders: Uint8Array, first: number, end: number): Unit {
  const blocks: Block[] = [];
  const blockAt = new Int32Array(end - first).fill(-1);
  for (let from = first; from < end;) {
    let to = from;
    let count = 0;
    do {
      if (insns[to]) count++;
      to++;
    } while (to < end && leaders[to] === 0 && (count < BLOCK_INSNS_MAX || !insns[to]));
    blockAt[from - first] = blocks.length;
    blocks.push({ first: from, end: to, count });
    from = to;
  }
  return { first, end, blocks, blockAt };
}

function everySlot(insns: Insns): Uint8Array {
  return Uint8Array.from(insns, (insn) => (insn ? 1 : 0));
}

function leadersOf(insns: Insns, subprogs: readonly number[], fine: boolean): Uint8Array {
  const leaders = new Uint8Array(insns.length + 1);
  for (const slot of subprogs) leaders[slot] = 1;
  for (const [slot, insn] of insns.entries()) {
    if (!insn) continue;
    const target = targetOf(insn, slot);
    if (target !== undefined) leaders[target] = 1;
    if (endsBlock(insn)) leaders[slot + 1] = 1;
    if (fine && isStop(insn)) leaders[slot] = 1;
  }
  return leaders;
}

/** The slot that an instruction may go to, other than the next. */
export function targetOf(insn: Insn, slot: number): number | undefined {
  switch (insn.kind) {
    case 'ja':
    case 'may_goto':
    case 'jmp':
      return slot + 1 + insn.off;
    case 'call':
      return insn.target === 'subprog' ? slot + 1 + insn.imm : undefined;
    default:
      return undefined;
  }
}

/** Calls do too: a run comes back behind them. */
function endsBlock({ kind }: Insn): boolean {
  return (
    kind === 'ja' ||
    kind === 'may_goto' ||
    kind === 'jmp' ||
    kind === 'call' ||
    kind === 'exit' ||
    kind === 'ld_abs' ||
    kind === 'ld_ind'
  );
}

/** The register that an access goes through, its offset and size; undefined: no access. */
export function accessOf(
  insn: Insn,
): { readonly base: number; readonly off: number; readonly size: number } | undefined {
  switch (insn.kind) {
    case 'ldx':
    case 'load_acquire':
      return { base: insn.src, off: insn.off, size: insn.size };
    case 'st':
    case 'stx':
    case 'store_release':
    case 'atomic':
      return { base: insn.dst, off: insn.off, size: insn.size };
    default:
      return undefined;
  }
}

/** Whether an access stays in the stack of its own depth, so that nothing need be checked. */
export function isInFrame(base: number, off: number, size: number): boolean {
  return base === FRAME_POINTER && off >= -MAX_BPF_STACK && off + size <= 0;
}

/** Whether fine mode may stop before it. */
export function isStop(insn: Insn): boolean {
  const access = accessOf(insn);
  if (!access || isArenaInsn(insn)) return access !== undefined;
  return !isInFrame(access.base, access.off, access.size);
}

/** Whether a program calls its own subprograms: else an exit always is the end. */
export function callsSubprograms(insns: Insns): boolean {
  return insns.some((insn) => insn?.kind === 'call' && insn.target === 'subprog');
}

/** By register: whether the unit reads or writes it; where it `returns` from subprograms, too. */
export function registersOf(
  insns: Insns,
  { first, end }: Unit,
  returns: boolean,
): readonly boolean[] {
  const used = Array.from({ length: REGS }, () => false);
  if (returns) used.fill(true, 6);
  for (let slot = first; slot < end; slot++) {
    const insn = insns[slot];
    if (!insn) continue;
    if ('dst' in insn) used[insn.dst] = true;
    if ('src' in insn) {
      const src = typeof insn.src === 'number' ? insn.src : 'reg' in insn.src ? insn.src.reg : 0;
      used[src] = true;
    }
    if (insn.kind === 'atomic' && insn.op === 'cmpxchg') used[0] = true;
    if (insn.kind === 'call') used.fill(true, 0, 6);
  }
  return used;
}
