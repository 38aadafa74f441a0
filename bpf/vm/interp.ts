import { assert } from '../../base/assert.ts';
import { Bug } from '../../base/errors.ts';
import { DIRECT_MAP_HIGH, type Memory } from '../../kernel/memory.ts';
import { READ, RMW, WRITE } from '../../sim/request.ts';
import { FRAME_POINTER, type AccessBytes, type Insn, type Insns } from '../isa/insn.ts';
import { ALU, ATOMIC, JMP, swapBytes } from './alu.ts';
import { arenaPlace } from './arena.ts';
import type { Engine, EngineMaker, EngineWorld, Executable } from './engine.ts';
import {
  ACCESS,
  BPF_MAX_TIMED_LOOPS,
  EXIT,
  FAULT,
  FUEL,
  HELPER,
  MAX_BPF_STACK,
  MAX_CALL_FRAMES,
  REGS,
  bpfFrame,
  kernelAddress,
  savedFrameStruct,
  type Status,
} from './frame.ts';

const HIGH = BigInt(DIRECT_MAP_HIGH);
const { off, sizeBytes: FRAME_BYTES } = bpfFrame;
const SAVED_BYTES = savedFrameStruct.sizeBytes;
const SAVED_PC = savedFrameStruct.off['pc']!;
const SAVED_LOOPS = savedFrameStruct.off['loops']!;
/** The registers that a call keeps: r6 to r9. */
const KEPT = [6, 7, 8, 9] as const;

/** What an instruction answers: none of the statuses, but go on. */
const NEXT = -1;
type Outcome = Status | typeof NEXT;
type Of<K extends Insn['kind']> = Extract<Insn, { kind: K }>;

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);

/**
 * The reference interpreter: one instruction after the other, as RFC 9669 tells it, in BigInt. The
 * oracle of the fast engine. What is here between entry and return is the frame's.
 */
class Interp implements Engine {
  readonly name = 'interp';
  readonly #insns: Insns;
  readonly #world: EngineWorld;
  readonly #memory: Memory;
  /** The frame's own; wraps what is stored in it. */
  #regs = new BigUint64Array();
  #frame = 0;
  #fine = false;
  #pc = 0;
  #depth = 0;
  #entryDepth = 0;
  #fuel = 0;
  #loops = 0;
  /** Whether the present instruction has been stopped for. */
  #passes = false;

  constructor(program: Executable, world: EngineWorld) {
    this.#insns = program.insns;
    this.#world = world;
    this.#memory = world.memory;
  }

  run(frame: number, fine: boolean): Status {
    this.#load(frame);
    this.#fine = fine;
    this.#passes = true;
    for (;;) {
      if (this.#fuel <= 0) return this.#leave(FUEL);
      const insn = this.#insns[this.#pc];
      assert(insn, `no instruction at slot ${this.#pc}`);
      const outcome = this.#step(insn);
      if (outcome !== NEXT) return this.#leave(outcome);
      this.#fuel--;
      this.#passes = false;
    }
  }

  #load(frame: number): void {
    const memory = this.#memory;
    if (frame !== this.#frame) {
      this.#regs = new BigUint64Array(memory.wasm.buffer, frame + off.regs, REGS);
      this.#frame = frame;
    }
    this.#pc = memory.rawU32(frame + off.pc);
    this.#depth = memory.rawU32(frame + off.depth);
    this.#entryDepth = this.#depth;
    this.#fuel = memory.rawU32(frame + off.fuel) | 0;
    this.#loops = memory.rawU32(frame + off.loops);
  }

  #save(): void {
    const memory = this.#memory;
    const frame = this.#frame;
    memory.setRawU32(frame + off.pc, this.#pc);
    memory.setRawU32(frame + off.depth, this.#depth);
    memory.setRawU32(frame + off.fuel, this.#fuel);
    memory.setRawU32(frame + off.loops, this.#loops);
  }

  #leave(status: Status): Status {
    if (status === EXIT) this.#fuel--;
    this.#save();
    return status;
  }

  #step(insn: Insn): Outcome {
    switch (insn.kind) {
      case 'alu':
      case 'movsx':
      case 'neg':
      case 'endian':
        this.#compute(insn);
        return this.#goOn(0);
      case 'ld_imm64':
        this.#regs[insn.dst] = (BigInt(insn.next) << 32n) | u32(BigInt(insn.imm));
        return this.#goOn(1);
      case 'ldx':
      case 'load_acquire':
        return this.#loads(insn);
      case 'st':
        return this.#stores(insn, BigInt(insn.imm));
      case 'stx':
      case 'store_release':
        return this.#stores(insn, this.#regs[insn.src]!);
      case 'atomic':
        return this.#atomic(insn);
      case 'ja':
        return this.#goOn(insn.off);
      case 'may_goto':
        return this.#mayGoto(insn.off);
      case 'jmp':
        return this.#goOn(this.#jumps(insn) ? insn.off : 0);
      case 'call':
        return insn.target === 'subprog' ? this.#enter(this.#pc + 1 + insn.imm) : this.#call();
      case 'exit':
        return this.#exit();
      case 'ld_abs':
      case 'ld_ind':
        return HELPER;
      case 'addr_space_cast':
        this.#regs[insn.dst] = this.#userAddress(u32(this.#regs[insn.src]!));
        return this.#goOn(0);
      case 'gotox':
      case 'bad_atomic':
        throw new Bug(`${insn.kind} passed the checker`);
    }
  }

  /** An address in the arena as user space has it; NULL stays NULL. */
  #userAddress(low: bigint): bigint {
    const high = this.#memory.rawU32(this.#frame + off.arenaHigh);
    return low === 0n ? 0n : (BigInt(high) << 32n) | low;
  }

  /** Goes on behind the instruction, `slots` further. */
  #goOn(slots: number, _done?: unknown): Outcome {
    this.#pc += 1 + slots;
    return NEXT;
  }

  #compute(insn: Of<'alu' | 'movsx' | 'neg' | 'endian'>): void {
    const wide = insn.kind === 'endian' || insn.wide;
    const result = this.#result(insn);
    this.#regs[insn.dst] = wide ? u64(result) : u32(result);
  }

  #result(insn: Of<'alu' | 'movsx' | 'neg' | 'endian'>): bigint {
    const dst = this.#regs[insn.dst]!;
    switch (insn.kind) {
      case 'alu': {
        const bits = insn.wide ? 64 : 32;
        return ALU[insn.op](BigInt.asUintN(bits, dst), this.#operand(insn.src, bits), bits);
      }
      case 'movsx':
        return BigInt.asIntN(insn.bits, this.#regs[insn.src]!);
      case 'neg':
        return -dst;
      case 'endian':
        return insn.to === 'le' ? BigInt.asUintN(insn.bits, dst) : swapBytes(dst, insn.bits);
    }
  }

  /** Immediates are sign-extended. */
  #operand(src: Of<'alu'>['src'], bits: 32 | 64): bigint {
    return BigInt.asUintN(bits, 'reg' in src ? this.#regs[src.reg]! : BigInt(src.imm));
  }

  #jumps(insn: Of<'jmp'>): boolean {
    const bits = insn.wide ? 64 : 32;
    const dst = BigInt.asUintN(bits, this.#regs[insn.dst]!);
    return JMP[insn.op](dst, this.#operand(insn.src, bits), bits);
  }

  // Memory

  #loads(insn: Of<'ldx' | 'load_acquire'>): Outcome {
    const { size, dst } = insn;
    const mode = insn.kind === 'ldx' ? insn.mode : 'mem';
    const addr = u64(this.#regs[insn.src]! + BigInt(insn.off));
    const at = insn.arena ? this.#reachArena(addr, size, READ) : this.#reach(addr, size, READ);
    if (at === ACCESS || at === HELPER) return at;
    let value = 0n;
    if (typeof at === 'bigint') value = this.#memory.rawLoad(Number(at), size);
    else if (!mode.startsWith('probe')) return FAULT;
    this.#regs[dst] = mode.endsWith('sx') ? BigInt.asIntN(8 * size, value) : value;
    return this.#goOn(0);
  }

  #stores(insn: Of<'st' | 'stx' | 'store_release'>, value: bigint): Outcome {
    const { size } = insn;
    const addr = u64(this.#regs[insn.dst]! + BigInt(insn.off));
    const at = insn.arena ? this.#reachArena(addr, size, WRITE) : this.#reach(addr, size, WRITE);
    if (typeof at === 'number') return at;
    this.#memory.rawStore(Number(at), size, value);
    return this.#goOn(0);
  }

  #atomic(insn: Of<'atomic'>): Outcome {
    const { size, op } = insn;
    const addr = u64(this.#regs[insn.dst]! + BigInt(insn.off));
    const at = insn.arena ? this.#reachArena(addr, size, RMW) : this.#reach(addr, size, RMW);
    if (typeof at === 'number') return at;
    const cut = (value: bigint): bigint => BigInt.asUintN(8 * size, value);
    const old = this.#memory.rawLoad(Number(at), size);
    const value = ATOMIC[op](old, cut(this.#regs[insn.src]!), cut(this.#regs[0]!));
    this.#memory.rawStore(Number(at), size, value);
    if (op === 'cmpxchg') this.#regs[0] = old;
    else if (insn.fetch) this.#regs[insn.src] = old;
    return this.#goOn(0);
  }

  /** The offset of the bytes that may be touched now, else the status to leave with. */
  #reach(addr: bigint, size: AccessBytes, kind: number): bigint | typeof ACCESS | typeof FAULT {
    const at = addr >> 32n === HIGH ? Number(u32(addr)) : -1;
    const isOwn = at >= this.#frame + off.stack && at + size <= this.#frame + FRAME_BYTES;
    if (isOwn) return BigInt(at);
    if (this.#fine && !this.#passes && !this.#countDown())
      return this.#stop(ACCESS, addr, size, kind);
    if (this.#memory.allows(at, size)) return BigInt(at);
    return this.#stop(FAULT, addr, size, kind);
  }

  /** The same of an access to the arena. */
  #reachArena(
    addr: bigint,
    size: AccessBytes,
    kind: number,
  ): bigint | typeof ACCESS | typeof HELPER {
    const tables = this.#memory.rawU32(this.#frame + off.arena);
    const at = arenaPlace(this.#memory, tables, addr, size);
    if (this.#fine && !this.#passes && !this.#countDown()) {
      return this.#stop(ACCESS, at === 0 ? addr : kernelAddress(at), size, kind);
    }
    return at === 0 ? HELPER : BigInt(at);
  }

  /** Whether one more access may be done without a stop. */
  #countDown(): boolean {
    const at = this.#frame + off.countdown;
    const left = this.#memory.rawU32(at);
    if (left > 0) this.#memory.setRawU32(at, left - 1);
    return left > 0;
  }

  #stop<S extends Status>(status: S, addr: bigint, size: number, kind: number): S {
    this.#memory.rawStore(this.#frame + off.accessAddr, 8, addr);
    this.#memory.setRawU32(this.#frame + off.accessSize, size);
    this.#memory.setRawU32(this.#frame + off.accessKind, kind);
    return status;
  }

  #mayGoto(off: number): Outcome {
    const left = this.#loops & BPF_MAX_TIMED_LOOPS;
    if (left === 0) return this.#goOn(off);
    if (left === 1) return HELPER;
    this.#loops--;
    return this.#goOn(0);
  }

  // Calls

  #call(): Outcome {
    this.#save();
    if (!this.#world.callHelper(this.#frame, this.#pc)) return HELPER;
    return this.#goOn(0);
  }

  #enter(pc: number): Outcome {
    if (this.#depth + 1 >= MAX_CALL_FRAMES) return this.#stop(FAULT, 0n, 0, 0);
    const saved = this.#frame + off.saved + this.#depth * SAVED_BYTES;
    KEPT.forEach((r, i) => this.#memory.rawStore(saved + 8 * i, 8, this.#regs[r]!));
    this.#memory.setRawU32(saved + SAVED_PC, this.#pc + 1);
    this.#memory.setRawU32(saved + SAVED_LOOPS, this.#loops);
    this.#depth++;
    this.#regs[FRAME_POINTER] = this.#regs[FRAME_POINTER]! + BigInt(MAX_BPF_STACK);
    this.#loops = BPF_MAX_TIMED_LOOPS;
    this.#pc = pc;
    return NEXT;
  }

  #exit(): Outcome {
    if (this.#depth === this.#entryDepth) return EXIT;
    this.#depth--;
    const saved = this.#frame + off.saved + this.#depth * SAVED_BYTES;
    KEPT.forEach((r, i) => (this.#regs[r] = this.#memory.rawLoad(saved + 8 * i, 8)));
    this.#regs[FRAME_POINTER] = this.#regs[FRAME_POINTER]! - BigInt(MAX_BPF_STACK);
    this.#pc = this.#memory.rawU32(saved + SAVED_PC);
    this.#loops = this.#memory.rawU32(saved + SAVED_LOOPS);
    return NEXT;
  }
}

export const interp: EngineMaker = {
  name: 'interp',
  make: (program, world) => new Interp(program, world),
};
