import type { Insn, Insns } from '../../isa/insn.ts';

/** A program with parts of it taken out or replaced, and where what is left was and is. */
export interface Compacted {
  readonly insns: Insns;
  /** By new slot: what it was. */
  readonly was: readonly number[];
  /** By old slot: where it is; of what is gone, where what came behind it is. */
  readonly now: Int32Array;
}

/** What never runs: a jump to itself. */
const DEAD: Insn = { kind: 'ja', long: false, off: -1 };

/** Leaves everything where it is; what is never come to waits for nobody. sanitize_dead_code() */
export function sanitizeDeadCode(insns: Insns, isAlive: (slot: number) => boolean): Insns {
  return insns.map((insn, slot) => {
    if (insn === null) return isAlive(slot - 1) ? null : DEAD;
    return isAlive(slot) ? insn : DEAD;
  });
}

/**
 * Without what is never come to: branches of which one way is dead become jumps, and jumps to the
 * next instruction go. bpf_opt_hard_wire_dead_code_branches(), bpf_opt_remove_dead_code(),
 * bpf_opt_remove_nops()
 */
export function removeDeadCode(insns: Insns, isAlive: (slot: number) => boolean): Compacted {
  const wired = insns.map((insn, slot) => (insn ? hardWired(insn, slot, isAlive) : null));
  const alive = Uint8Array.from(wired, (insn, slot) => (isAlive(insn ? slot : slot - 1) ? 1 : 0));
  removeNops(wired, alive);
  return compact(wired, alive);
}

function hardWired(insn: Insn, slot: number, isAlive: (slot: number) => boolean): Insn {
  if (insn.kind !== 'jmp' && insn.kind !== 'may_goto') return insn;
  if (!isAlive(slot + 1)) return { kind: 'ja', long: false, off: insn.off };
  if (!isAlive(slot + 1 + insn.off)) return { kind: 'ja', long: false, off: 0 };
  return insn;
}

/** The slots behind each that are left, and before it. */
class Chain {
  readonly #next: Int32Array;
  readonly #before: Int32Array;

  constructor(alive: Uint8Array) {
    const end = alive.length;
    this.#next = new Int32Array(end + 1).fill(end);
    this.#before = new Int32Array(end + 1).fill(-1);
    let last = -1;
    for (let slot = 0; slot <= end; slot++) {
      if (slot < end && alive[slot] === 0) continue;
      this.#before[slot] = last;
      if (last >= 0) this.#next[last] = slot;
      last = slot;
    }
  }

  next(slot: number): number {
    return this.#next[slot]!;
  }

  before(slot: number): number {
    return this.#before[slot]!;
  }

  remove(slot: number): void {
    const next = this.next(slot);
    const before = this.before(slot);
    this.#before[next] = before;
    if (before >= 0) this.#next[before] = next;
  }
}

/** In one sweep; only behind a `may_goto +0` it looks at the one before again, as Linux does. */
function removeNops(insns: Insns, alive: Uint8Array): void {
  const chain = new Chain(alive);
  let slot = alive.indexOf(1);
  while (slot >= 0 && slot < insns.length) {
    const insn = insns[slot];
    const next = chain.next(slot);
    if (!insn || !isNop(insn, slot, next)) {
      slot = next;
      continue;
    }
    const before = chain.before(slot);
    alive[slot] = 0;
    chain.remove(slot);
    slot = insn.kind === 'may_goto' && before >= 0 ? before : next;
  }
}

function isNop(insn: Insn, slot: number, next: number): boolean {
  if (insn.kind !== 'may_goto' && (insn.kind !== 'ja' || insn.long)) return false;
  const target = slot + 1 + insn.off;
  return insn.off >= 0 && target <= next;
}

function compact(insns: Insns, alive: Uint8Array): Compacted {
  const now = new Int32Array(insns.length + 1);
  const was: number[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    now[slot] = was.length;
    if (alive[slot] === 1) was.push(slot);
  }
  now[insns.length] = was.length;
  const moved = was.map((slot) => {
    const insn = insns[slot]!;
    return insn === null ? null : retargeted(insn, (off) => offsetIn(now, slot, off));
  });
  return { insns: moved, was, now };
}

/** What an offset from behind `slot` becomes. */
export function offsetIn(now: Int32Array, slot: number, off: number): number {
  return now[slot + 1 + off]! - now[slot]! - 1;
}

/** Where it names other instructions by their distance, with that moved. */
export function retargeted(insn: Insn, move: (off: number) => number): Insn {
  switch (insn.kind) {
    case 'ja':
    case 'may_goto':
    case 'jmp':
      return { ...insn, off: move(insn.off) };
    case 'call':
      return insn.target === 'subprog' ? { ...insn, imm: move(insn.imm) } : insn;
    case 'ld_imm64':
      return insn.from === 'func' ? { ...insn, imm: move(insn.imm) } : insn;
    default:
      return insn;
  }
}
