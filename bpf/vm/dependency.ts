import type { Insn, Insns, Reg } from '../isa/insn.ts';

const R0 = 1;
const ARGS = 0b11_1110;
const CALLEE_SAVED = 0b11_1100_0000;
/** Behind the bits of the registers: whether there has been a load at all. */
const ANY = 1 << 11;

/** Instructions and where subprograms begin, the main program's at 0 included. */
interface Code {
  readonly insns: Insns;
  readonly subprogs: readonly number[];
}

/**
 * The instructions whose address may have been computed from what an earlier load gave: a memory
 * model may not have them see less than that load did (address dependency). Memory is not
 * followed: what a load has given counts, and what a helper gives after one, and what a caller
 * passes, so that rather too many are in it.
 */
export function dependentAccesses({ insns, subprogs }: Code): ReadonlySet<number> {
  const dependent = new Set<number>();
  /** By slot: a bit for each register that may hold what was loaded, before it. */
  const before = new Map<number, number>();
  const todo: number[] = [];
  const reach = (slot: number, loaded: number): void => {
    const known = before.get(slot);
    if (known !== undefined && (known | loaded) === known) return;
    before.set(slot, (known ?? 0) | loaded);
    todo.push(slot);
  };
  for (const start of subprogs) reach(start, start === 0 ? 0 : ARGS | ANY);
  for (let slot = todo.pop(); slot !== undefined; slot = todo.pop()) {
    const insn = insns[slot];
    if (!insn) continue;
    const loaded = before.get(slot)!;
    const base = baseOf(insn);
    if (base !== undefined && (loaded & (1 << base)) !== 0) dependent.add(slot);
    for (const next of nextOf(insn, slot)) reach(next, after(insn, loaded));
  }
  return dependent;
}

/** The register that holds the address, where the instruction touches memory. */
function baseOf(insn: Insn): Reg | undefined {
  if (insn.kind === 'ldx' || insn.kind === 'load_acquire') return insn.src;
  if (insn.kind === 'st' || insn.kind === 'stx' || insn.kind === 'store_release') return insn.dst;
  return insn.kind === 'atomic' ? insn.dst : undefined;
}

function nextOf(insn: Insn, slot: number): readonly number[] {
  switch (insn.kind) {
    case 'exit':
      return [];
    case 'ja':
      return [slot + 1 + insn.off];
    case 'jmp':
    case 'may_goto':
      return [slot + 1, slot + 1 + insn.off];
    case 'ld_imm64':
      return [slot + 2];
    default:
      return [slot + 1];
  }
}

function after(insn: Insn, loaded: number): number {
  switch (insn.kind) {
    case 'ldx':
    case 'load_acquire':
      return loaded | (1 << insn.dst) | ANY;
    case 'ld_abs':
    case 'ld_ind':
      return loaded | R0 | ANY;
    case 'call':
      return (loaded & (CALLEE_SAVED | ANY)) | (loaded & ANY ? R0 : 0);
    case 'atomic':
      if (!insn.fetch) return loaded;
      return loaded | ANY | (1 << (insn.op === 'cmpxchg' ? 0 : insn.src));
    case 'ld_imm64':
      return loaded & ~(1 << insn.dst);
    case 'alu': {
      const from = 'reg' in insn.src ? (loaded >> insn.src.reg) & 1 : 0;
      const own = insn.op === 'mov' ? 0 : (loaded >> insn.dst) & 1;
      return (loaded & ~(1 << insn.dst)) | ((from | own) << insn.dst);
    }
    case 'movsx':
    case 'addr_space_cast':
      return (loaded & ~(1 << insn.dst)) | (((loaded >> insn.src) & 1) << insn.dst);
    default:
      return loaded;
  }
}
