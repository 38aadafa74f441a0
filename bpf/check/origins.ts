import type { Helper } from '../helpers/prototype.ts';
import { FRAME_POINTER } from '../isa/insn.ts';
import type { AccessBytes, Insn, Insns, Operand, Reg } from '../isa/insn.ts';
import { ALU, JMP } from '../vm/alu.ts';
import { CTX, FUNC, isFunc, isMap, isStack, isValue, KERNEL, MAP, OTHER } from './state.ts';
import { STACK, State, VALUE } from './state.ts';
import { jumpTarget, subprogTarget } from './subprogs.ts';

/** An access to the stack, or what is lent to a callee. `off` is from r10. */
export interface StackAccess {
  readonly slot: number;
  readonly reg: Reg;
  readonly off: number;
  readonly size: number;
  readonly isWrite: boolean;
}

/** Where a program follows pointers, and where it goes at all. */
export interface Followed {
  /** By slot, 1: an instruction that no path with known numbers rules out. */
  readonly reached: Uint8Array;
  /** Slots of the loads through pointers to the kernel's structs. */
  readonly kernelLoads: ReadonlySet<number>;
  /** Bytes of the context up to the end of the furthest access. prog->aux->max_ctx_offset */
  readonly ctxBytes: number;
  /** Accesses to the stack at known offsets, in no order. */
  readonly stack: readonly StackAccess[];
  /** By the slot of a call with such an argument: the slot of the constant in it, or -1. */
  readonly maps: ReadonlyMap<number, number>;
  readonly funcs: ReadonlyMap<number, number>;
}

/** What the program is given. */
export interface FollowWorld {
  readonly insns: Insns;
  /** By slot: what is called, where that is known. */
  readonly calls: ReadonlyMap<number, Helper>;
  /**
   * What a load finds in the value of a map that nobody can write to any more: the map that the
   * constant at `slot` names, `off` bytes from where that points. bpf_map_direct_read()
   */
  readonly frozenValue?:
    | ((slot: number, off: number, size: AccessBytes) => bigint | undefined)
    | undefined;
}

/**
 * Follows pointers and known numbers through a program from its begin, each function by itself: a
 * small part of what the verifier knows. Branches that known numbers rule out are not gone: what
 * is there may be what this kernel does not have.
 */
export function followPointers(world: FollowWorld): Followed {
  return new Follower(world).run();
}

class Follower {
  readonly #world: FollowWorld;
  readonly #insns: Insns;
  /** By slot where a block begins: what holds on entry, whatever the way there. */
  readonly #entries = new Map<number, State>();
  readonly #todo: number[] = [];
  /** What holds where the walk is. */
  readonly #now = new State();
  readonly #reached: Uint8Array;
  readonly #heads: Uint8Array;
  readonly #kernelLoads = new Set<number>();
  readonly #stack = new Map<number, StackAccess>();
  readonly #maps = new Map<number, number>();
  readonly #funcs = new Map<number, number>();
  #ctxBytes = 0;

  constructor(world: FollowWorld) {
    this.#world = world;
    this.#insns = world.insns;
    this.#heads = new Uint8Array(world.insns.length + 1);
    this.#reached = new Uint8Array(world.insns.length);
  }

  run(): Followed {
    for (const [slot, insn] of this.#insns.entries()) {
      const target = insn ? (jumpTarget(insn, slot) ?? subprogTarget(insn, slot)) : undefined;
      if (target !== undefined) this.#heads[target] = 1;
    }
    this.#now.set(1, CTX);
    this.#now.set(FRAME_POINTER, STACK);
    this.#flow(0);
    for (let head = this.#todo.pop(); head !== undefined; head = this.#todo.pop()) {
      this.#walk(head);
    }
    return {
      reached: this.#reached,
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
    if (!entry) this.#entries.set(head, this.#now.clone());
    else if (!entry.join(this.#now)) return;
    this.#todo.push(head);
  }

  /** From the begin of a block to where another begins, or nothing goes on. */
  #walk(head: number): void {
    this.#now.copyFrom(this.#entries.get(head)!);
    for (let slot = head; ;) {
      const insn = this.#insns[slot]!;
      this.#reached[slot] = 1;
      this.#look(insn, slot);
      if (insn.kind === 'call') this.#call(insn, slot);
      else this.#step(insn, slot);
      const isTaken = insn.kind === 'jmp' ? this.#isTaken(insn) : undefined;
      const target = jumpTarget(insn, slot);
      if (target !== undefined && isTaken !== false) this.#flow(target);
      if (insn.kind === 'exit' || insn.kind === 'ja' || isTaken === true) return;
      slot += insn.kind === 'ld_imm64' ? 2 : 1;
      if (this.#heads[slot]) {
        this.#flow(slot);
        return;
      }
    }
  }

  #isTaken({ op, wide, dst, src }: Extract<Insn, { kind: 'jmp' }>): boolean | undefined {
    const [a, b] = [this.#now.number(dst), this.#number(src)];
    if (a === undefined || b === undefined) return undefined;
    const bits = wide ? 64 : 32;
    return JMP[op](BigInt.asUintN(bits, a), BigInt.asUintN(bits, b), bits);
  }

  #number(operand: Operand): bigint | undefined {
    return 'reg' in operand ? this.#now.number(operand.reg) : BigInt(operand.imm);
  }

  /** What the instruction does through a pointer. */
  #look(insn: Insn, slot: number): void {
    const touch = touchOf(insn);
    if (!touch) return;
    const { reg, off, size, isWrite } = touch;
    const value = this.#now.get(reg);
    if (value === KERNEL && insn.kind === 'ldx') this.#kernelLoads.add(slot);
    if (value === CTX) this.#ctxBytes = Math.max(this.#ctxBytes, off + size);
    if (!isStack(value)) this.#stack.delete(slot);
    else this.#stack.set(slot, { slot, reg, off: value - STACK + off, size, isWrite });
  }

  #call(insn: Extract<Insn, { kind: 'call' }>, slot: number): void {
    const callee = subprogTarget(insn, slot);
    const helper = this.#world.calls.get(slot);
    const now = this.#now;
    if (callee !== undefined) this.#enter(callee);
    helper?.args.forEach(({ kind }, i) => {
      const value = now.get(i + 1);
      if (kind === 'const_map_ptr') this.#maps.set(slot, isMap(value) ? value - MAP : -1);
      if (kind === 'ptr_to_func') this.#funcs.set(slot, isFunc(value) ? value - FUNC : -1);
    });
    const passed = helper ? helper.args.length : 5;
    for (let reg = 1; reg <= passed; reg++) {
      if (isStack(now.get(reg))) this.#lend(now.get(reg) - STACK, slot, reg);
    }
    this.#clobber();
    if (helper?.ret.startsWith('ptr_to_btf_id')) now.set(0, KERNEL);
  }

  /** What a call leaves of the registers that are not the caller's. */
  #clobber(): void {
    for (let reg = 0; reg <= 5; reg++) this.#now.set(reg, OTHER);
  }

  /** A subprogram begins with its arguments; those that point to the caller's stack are its. */
  #enter(callee: number, args = true): void {
    const kept = this.#now.clone();
    this.#now.clear();
    for (let reg = 1; args && reg <= 5; reg++) {
      const value = kept.get(reg);
      if (value === KERNEL || value === CTX) this.#now.set(reg, value);
    }
    this.#now.set(FRAME_POINTER, STACK);
    this.#flow(callee);
    this.#now.copyFrom(kept);
  }

  /** Whoever is called may use the stack from there on. */
  #lend(off: number, slot: number, reg: Reg): void {
    this.#stack.set(-1 - slot * 8 - reg, { slot, reg, off, size: 0, isWrite: true });
  }

  #step(insn: Insn, slot: number): void {
    const now = this.#now;
    switch (insn.kind) {
      case 'alu':
        this.#alu(insn);
        break;
      case 'ldx':
        this.#load(insn);
        break;
      case 'st':
      case 'stx':
      case 'store_release':
        this.#store(insn);
        break;
      case 'ld_imm64':
        this.#constant(insn, slot);
        break;
      case 'movsx':
      case 'neg':
      case 'endian':
      case 'addr_space_cast':
      case 'load_acquire':
        now.set(insn.dst, OTHER);
        break;
      case 'atomic':
        this.#store(insn);
        if (insn.fetch) now.set(insn.op === 'cmpxchg' ? 0 : insn.src, OTHER);
        break;
      case 'ld_abs':
      case 'ld_ind':
        this.#clobber();
        break;
      default:
    }
  }

  /** Of numbers, their result; adding a number to a pointer leaves it one of its kind. */
  #alu({ op, wide, dst, src }: Extract<Insn, { kind: 'alu' }>): void {
    const now = this.#now;
    if (op === 'mov' && wide && 'reg' in src) {
      now.copy(dst, src.reg);
      return;
    }
    const [a, b] = [op === 'mov' ? 0n : now.number(dst), this.#number(src)];
    if (a !== undefined && b !== undefined) {
      const bits = wide ? 64 : 32;
      const result = ALU[op](BigInt.asUintN(bits, a), BigInt.asUintN(bits, b), bits);
      now.setNumber(dst, BigInt.asUintN(bits, result));
      return;
    }
    now.set(dst, wide && (op === 'add' || op === 'sub') ? this.#moved(op, dst, b) : OTHER);
  }

  #moved(op: 'add' | 'sub', dst: Reg, by: bigint | undefined): number {
    const value = this.#now.get(dst);
    if (value <= CTX) return value;
    if (!isStack(value) || by === undefined) return OTHER;
    const bytes = Number(BigInt.asIntN(64, by));
    const moved = op === 'add' ? value + bytes : value - bytes;
    return isStack(moved) ? moved : OTHER;
  }

  #load({ mode, src, dst, off, size }: Extract<Insn, { kind: 'ldx' }>): void {
    const now = this.#now;
    const from = now.get(src);
    const known =
      isValue(from) && mode === 'mem'
        ? this.#world.frozenValue?.(from - VALUE, off, size)
        : undefined;
    if (known !== undefined) now.setNumber(dst, known);
    else if (size !== 8) now.set(dst, OTHER);
    else if (from === CTX || from === KERNEL) now.set(dst, KERNEL);
    else now.set(dst, isStack(from) ? now.word(from - STACK + off) : OTHER);
  }

  /** Words that are written to in part hold nothing. */
  #store(insn: Extract<Insn, { kind: 'st' | 'stx' | 'store_release' | 'atomic' }>): void {
    const now = this.#now;
    const to = now.get(insn.dst);
    if (!isStack(to)) return;
    const off = to - STACK + insn.off;
    const isSpill = insn.kind === 'stx' && insn.size === 8 && (off & 7) === 0;
    for (let at = off - (off & 7); at < off + insn.size; at += 8) {
      now.setWord(at, isSpill ? now.get(insn.src) : OTHER);
    }
  }

  #constant(insn: Extract<Insn, { kind: 'ld_imm64' }>, slot: number): void {
    const { dst, from, imm, next } = insn;
    switch (from) {
      case 'value':
        this.#now.setNumber(dst, (BigInt(next >>> 0) << 32n) | BigInt(imm >>> 0));
        break;
      case 'btf_id':
        this.#now.set(dst, KERNEL);
        break;
      case 'func':
        this.#enter(subprogTarget(insn, slot)!, false);
        this.#now.set(dst, FUNC + slot);
        break;
      case 'map_fd':
      case 'map_idx':
        this.#now.set(dst, MAP + slot);
        break;
      default:
        this.#now.set(dst, VALUE + slot);
    }
  }
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
