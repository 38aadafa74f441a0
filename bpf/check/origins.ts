import type { Helper } from '../helpers/prototype.ts';
import { FRAME_POINTER, type Insn, type Insns, type Reg } from '../isa/insn.ts';
import { MAX_BPF_STACK } from '../vm/frame.ts';
import { jumpTarget, subprogTarget } from './subprogs.ts';

/**
 * What a register or a word of the stack holds, as far as it matters here: a number, so that a
 * state is an array of them. Besides these three, a pointer into the function's own stack by its
 * offset from r10, and the constants that name a map or a function, by the slot they came from.
 */
const OTHER = 0;
/** A pointer to a struct of the kernel's own, through which a load may fault. */
const KERNEL = 1;
const CTX = 2;
const STACK = 0x1_0000;
const OFFSET_MAX = 0x7fff;
const MAP = 0x10_0000;
const FUNC = 0x30_0000;
const SLOTS_MAX = 0x20_0000;

const REG_COUNT = 11;
const WORD_COUNT = MAX_BPF_STACK / 8;
const STATE_WORDS = REG_COUNT + WORD_COUNT;
/** Of the registers, and of the words of the stack downwards from r10: what was spilled there. */
type State = Int32Array;

/** An access to the stack. `off` is from r10. */
export interface StackAccess {
  readonly slot: number;
  readonly reg: Reg;
  readonly off: number;
  readonly size: number;
  readonly isWrite: boolean;
}

/** Where a program follows pointers. */
export interface Followed {
  /** Slots of the loads through pointers to the kernel's structs. */
  readonly kernelLoads: ReadonlySet<number>;
  /** Bytes of the context up to the end of the furthest access. prog->aux->max_ctx_offset */
  readonly ctxBytes: number;
  /** Accesses to the stack at known offsets, in no order. */
  readonly stack: readonly StackAccess[];
  /** By the slot of a call, then by register: the slot of the constant in it; -1: none is. */
  readonly maps: ReadonlyMap<number, number>;
  readonly funcs: ReadonlyMap<number, number>;
}

const isStack = (value: number): boolean =>
  value > STACK - OFFSET_MAX - 1 && value <= STACK + OFFSET_MAX;
const isMap = (value: number): boolean => value >= MAP && value < MAP + SLOTS_MAX;
const isFunc = (value: number): boolean => value >= FUNC && value < FUNC + SLOTS_MAX;

/**
 * Follows pointers through a program, flow-sensitively, each function by itself: a small part of
 * what the verifier knows of types. Where paths join, what differs is OTHER, or KERNEL if either
 * is: a load that reads zero where it faults does no harm.
 */
export function followPointers(
  insns: Insns,
  subprogs: readonly number[],
  calls: ReadonlyMap<number, Helper>,
): Followed {
  return new Follower(insns, calls).run(subprogs);
}

class Follower {
  readonly #insns: Insns;
  readonly #calls: ReadonlyMap<number, Helper>;
  /** By slot where a block begins: what holds on entry, whatever the way there. */
  readonly #entries = new Map<number, State>();
  readonly #todo: number[] = [];
  /** What holds where the walk is. */
  readonly #now: State = new Int32Array(STATE_WORDS);
  readonly #kernelLoads = new Set<number>();
  readonly #stack = new Map<number, StackAccess>();
  readonly #maps = new Map<number, number>();
  readonly #funcs = new Map<number, number>();
  readonly #heads: Uint8Array;
  #ctxBytes = 0;

  constructor(insns: Insns, calls: ReadonlyMap<number, Helper>) {
    this.#insns = insns;
    this.#calls = calls;
    this.#heads = new Uint8Array(insns.length + 1);
  }

  run(subprogs: readonly number[]): Followed {
    for (const [slot, insn] of this.#insns.entries()) {
      const target = insn ? jumpTarget(insn, slot) : undefined;
      if (target !== undefined) this.#heads[target] = 1;
    }
    for (const start of subprogs) {
      this.#heads[start] = 1;
      this.#now.fill(OTHER);
      this.#now[FRAME_POINTER] = STACK;
      if (start === 0) this.#now[1] = CTX;
      this.#flow(start);
    }
    for (let head = this.#todo.pop(); head !== undefined; head = this.#todo.pop()) {
      this.#walk(head);
    }
    return {
      kernelLoads: this.#kernelLoads,
      ctxBytes: this.#ctxBytes,
      stack: [...this.#stack.values()],
      maps: this.#maps,
      funcs: this.#funcs,
    };
  }

  /** What holds now also holds where a block begins. */
  #flow(head: number): void {
    const entry = this.#entries.get(head);
    if (!entry) {
      this.#entries.set(head, this.#now.slice());
      this.#todo.push(head);
      return;
    }
    let changed = false;
    for (let at = 0; at < STATE_WORDS; at++) {
      const before = entry[at]!;
      const joined = join(before, this.#now[at]!);
      if (joined === before) continue;
      entry[at] = joined;
      changed = true;
    }
    if (changed) this.#todo.push(head);
  }

  /** From the begin of a block to where another begins, or nothing goes on. */
  #walk(head: number): void {
    this.#now.set(this.#entries.get(head)!);
    for (let slot = head; ;) {
      const insn = this.#insns[slot]!;
      this.#look(insn, slot);
      if (insn.kind === 'call') this.#call(insn, slot);
      else this.#step(insn, slot);
      const target = jumpTarget(insn, slot);
      if (target !== undefined) this.#flow(target);
      if (insn.kind === 'exit' || insn.kind === 'ja') return;
      slot += insn.kind === 'ld_imm64' ? 2 : 1;
      if (this.#heads[slot]) {
        this.#flow(slot);
        return;
      }
    }
  }

  /** What the instruction does through a pointer. */
  #look(insn: Insn, slot: number): void {
    const touch = touchOf(insn);
    if (!touch) return;
    const { reg, off, size, isWrite } = touch;
    const value = this.#now[reg]!;
    if (value === KERNEL && insn.kind === 'ldx') this.#kernelLoads.add(slot);
    if (value === CTX) this.#ctxBytes = Math.max(this.#ctxBytes, off + size);
    if (!isStack(value)) this.#stack.delete(slot);
    else this.#stack.set(slot, { slot, reg, off: value - STACK + off, size, isWrite });
  }

  #call(insn: Extract<Insn, { kind: 'call' }>, slot: number): void {
    const callee = subprogTarget(insn, slot);
    const helper = this.#calls.get(slot);
    const now = this.#now;
    if (callee !== undefined) this.#enter(callee);
    helper?.args.forEach(({ kind }, i) => {
      const value = now[i + 1]!;
      if (kind === 'const_map_ptr') this.#maps.set(slot, isMap(value) ? value - MAP : -1);
      if (kind === 'ptr_to_func') this.#funcs.set(slot, isFunc(value) ? value - FUNC : -1);
    });
    const passed = helper ? helper.args.length : 5;
    for (let reg = 1; reg <= passed; reg++) {
      if (isStack(now[reg]!)) this.#lend(now[reg]! - STACK, slot, reg);
    }
    now.fill(OTHER, 0, 6);
    if (helper?.ret.startsWith('ptr_to_btf_id')) now[0] = KERNEL;
  }

  /** A subprogram begins with its arguments; those that point to the caller's stack are its. */
  #enter(callee: number): void {
    const kept = this.#now.slice();
    this.#now.fill(OTHER);
    for (let reg = 1; reg <= 5; reg++) {
      const value = kept[reg]!;
      this.#now[reg] = value === KERNEL || value === CTX ? value : OTHER;
    }
    this.#now[FRAME_POINTER] = STACK;
    this.#flow(callee);
    this.#now.set(kept);
  }

  /** Whoever is called may use the stack from there on. */
  #lend(off: number, slot: number, reg: Reg): void {
    this.#stack.set(-1 - slot * 8 - reg, { slot, reg, off, size: 0, isWrite: true });
  }

  #step(insn: Insn, slot: number): void {
    const now = this.#now;
    switch (insn.kind) {
      case 'alu':
        now[insn.dst] = aluValue(insn, now);
        break;
      case 'ldx':
        now[insn.dst] = this.#loaded(insn);
        break;
      case 'st':
      case 'stx':
      case 'store_release':
        this.#stored(insn);
        break;
      case 'ld_imm64':
        now[insn.dst] = constant(insn, slot);
        break;
      case 'movsx':
      case 'neg':
      case 'endian':
      case 'addr_space_cast':
      case 'load_acquire':
        now[insn.dst] = OTHER;
        break;
      case 'atomic':
        this.#stored(insn);
        if (insn.fetch) now[insn.op === 'cmpxchg' ? 0 : insn.src] = OTHER;
        break;
      case 'ld_abs':
      case 'ld_ind':
        now.fill(OTHER, 0, 6);
        break;
      default:
    }
  }

  #loaded({ src, off, size }: Extract<Insn, { kind: 'ldx' }>): number {
    const from = this.#now[src]!;
    if (size !== 8) return OTHER;
    if (from === CTX || from === KERNEL) return KERNEL;
    const word = isStack(from) ? wordAt(from - STACK + off) : undefined;
    return word === undefined ? OTHER : this.#now[word]!;
  }

  /** Words that are written to in part hold nothing. */
  #stored(insn: Extract<Insn, { kind: 'st' | 'stx' | 'store_release' | 'atomic' }>): void {
    const to = this.#now[insn.dst]!;
    if (!isStack(to)) return;
    const off = to - STACK + insn.off;
    const isSpill = insn.kind === 'stx' && insn.size === 8 && (off & 7) === 0;
    for (let at = off - (off & 7); at < off + insn.size; at += 8) {
      const word = wordAt(at);
      if (word !== undefined) this.#now[word] = isSpill ? this.#now[insn.src]! : OTHER;
    }
  }
}

function join(a: number, b: number): number {
  if (a === b) return a;
  return a === KERNEL || b === KERNEL ? KERNEL : OTHER;
}

interface Touch {
  readonly reg: Reg;
  readonly off: number;
  readonly size: number;
  readonly isWrite: boolean;
}

function touchOf(insn: Insn): Touch | undefined {
  switch (insn.kind) {
    case 'ldx':
    case 'load_acquire':
      return { reg: insn.src, off: insn.off, size: insn.size, isWrite: false };
    case 'st':
    case 'stx':
    case 'atomic':
    case 'store_release':
      return { reg: insn.dst, off: insn.off, size: insn.size, isWrite: true };
    default:
      return undefined;
  }
}

function constant({ from }: Extract<Insn, { kind: 'ld_imm64' }>, slot: number): number {
  switch (from) {
    case 'btf_id':
      return KERNEL;
    case 'map_fd':
    case 'map_idx':
      return MAP + slot;
    case 'func':
      return FUNC + slot;
    default:
      return OTHER;
  }
}

/** Adding a number to a pointer leaves it one of its kind. */
function aluValue({ op, wide, dst, src }: Extract<Insn, { kind: 'alu' }>, now: State): number {
  if (!wide) return OTHER;
  if (op === 'mov') return 'reg' in src ? now[src.reg]! : OTHER;
  if (op !== 'add' && op !== 'sub') return OTHER;
  const value = now[dst]!;
  if (value <= CTX) return value;
  if (!isStack(value) || !('imm' in src)) return OTHER;
  const moved = op === 'add' ? value + src.imm : value - src.imm;
  return isStack(moved) ? moved : OTHER;
}

/** Where a state has the word of the stack at this offset. */
function wordAt(off: number): number | undefined {
  const word = -off / 8 - 1;
  const isOne = Number.isInteger(word) && word >= 0 && word < WORD_COUNT;
  return isOne ? REG_COUNT + word : undefined;
}
