import { assert } from '../../base/assert.ts';
import { DIRECT_MAP_HIGH, type Memory } from '../../kernel/memory.ts';
import type { ArenaSpace } from './arena.ts';
import {
  BPF_MAX_TIMED_LOOPS,
  MAX_BPF_STACK,
  MAX_CALL_FRAMES,
  REGS,
  bpfFrame,
  savedFrameStruct,
} from './frame.ts';

const { off } = bpfFrame;
const WORD = 4;
const PC = off.pc / WORD;
const DEPTH = off.depth / WORD;
const FUEL = off.fuel / WORD;
const COUNTDOWN = off.countdown / WORD;
const LOOPS = off.loops / WORD;
const SAVED = off.saved / WORD;
const SAVED_WORDS = savedFrameStruct.sizeBytes / WORD;
const SAVED_PC = savedFrameStruct.off['pc']! / WORD;
const SAVED_LOOPS = savedFrameStruct.off['loops']! / WORD;
const FP = 10;
/** First of the registers that a call keeps, r6 to r9, in words. */
const KEPT = (off.regs + 8 * 6) / WORD;
const KEPT_WORDS = 8;

/**
 * A bpf_frame between two runs of an engine, as the runner sees and changes it: raw, on pages that
 * are dirty since the frame was taken. One for each frame there is.
 */
export class FrameView {
  readonly addr: number;
  /** Where r1 stands. */
  readonly args: number;
  readonly #words: Uint32Array;
  readonly #regs: BigUint64Array;
  readonly #memory: Memory;

  constructor(memory: Memory, frame: number) {
    this.addr = frame;
    this.args = frame + off.regs + 8;
    this.#words = new Uint32Array(memory.wasm.buffer, frame, off.stack / WORD);
    this.#regs = new BigUint64Array(memory.wasm.buffer, frame + off.regs, REGS);
    this.#memory = memory;
  }

  /** The first instruction of the main program, with r1 the address of `ctx`. Others are zero. */
  begin(ctx: number): void {
    this.#words.fill(0, off.regs / WORD, off.regs / WORD + 2 * REGS);
    this.setPointer(1, ctx);
    this.setPointer(FP, this.addr + off.stack + MAX_BPF_STACK);
    this.#words[DEPTH] = 0;
    this.#words[COUNTDOWN] = 0;
    this.restart();
  }

  /** The first instruction of the program at this depth. */
  restart(): void {
    this.pc = 0;
    this.#words[LOOPS] = BPF_MAX_TIMED_LOOPS;
  }

  get pc(): number {
    return this.#words[PC]!;
  }

  set pc(slot: number) {
    this.#words[PC] = slot;
  }

  get fuel(): number {
    return this.#words[FUEL]! | 0;
  }

  set fuel(insnCount: number) {
    this.#words[FUEL] = insnCount;
  }

  /** For the program that is to run next. */
  set arena({ tables, userHigh }: ArenaSpace) {
    this.#words[off.arena / WORD] = tables;
    this.#words[off.arenaHigh / WORD] = userHigh;
  }

  get depth(): number {
    return this.#words[DEPTH]!;
  }

  get loops(): number {
    return this.#words[LOOPS]!;
  }

  set loops(count: number) {
    this.#words[LOOPS] = count;
  }

  /** Of the frame at the present depth. */
  get loopsSince(): bigint {
    return this.#memory.rawLoad(this.addr + off.loopsSince + 8 * this.depth, 8);
  }

  set loopsSince(value: bigint) {
    this.#memory.rawStore(this.addr + off.loopsSince + 8 * this.depth, 8, value);
  }

  reg(r: number): bigint {
    return this.#regs[r]!;
  }

  setReg(r: number, value: bigint): void {
    this.#regs[r] = value;
  }

  /** The low half, signed. */
  s32(r: number): number {
    return this.#words[off.regs / WORD + 2 * r]! | 0;
  }

  /** A memory offset; see Memory.ptr(). */
  pointer(r: number): number {
    return this.#memory.rawPtr(this.addr + off.regs + 8 * r);
  }

  /** Sign-extended. */
  setNumber(r: number, value: number): void {
    const at = off.regs / WORD + 2 * r;
    this.#words[at] = value;
    this.#words[at + 1] = (value | 0) === value ? value >> 31 : Math.floor(value / 2 ** 32);
  }

  /** A memory offset, NULL or an error number, as a pointer. */
  setPointer(r: number, value: number): void {
    const at = off.regs / WORD + 2 * r;
    this.#words[at] = value;
    this.#words[at + 1] = value > 0 ? DIRECT_MAP_HIGH : value >> 31;
  }

  /** The instruction at pc is done: a call, or any that takes one slot. */
  next(): void {
    this.pc++;
    this.fuel--;
  }

  /** Where depth `depth` goes on after the call that it makes. */
  savedPc(depth: number): number {
    return this.#words[SAVED + depth * SAVED_WORDS + SAVED_PC]!;
  }

  /** As a call of the subprogram at `pc` does, to come back to where it stands. */
  enter(pc: number): void {
    const words = this.#words;
    const { depth } = this;
    assert(depth + 1 < MAX_CALL_FRAMES, 'a callback one frame too deep passed the checker');
    const saved = SAVED + depth * SAVED_WORDS;
    words.copyWithin(saved, KEPT, KEPT + KEPT_WORDS);
    words[saved + SAVED_PC] = this.pc;
    words[saved + SAVED_LOOPS] = words[LOOPS]!;
    this.#setDepth(depth + 1);
    this.pc = pc;
    words[LOOPS] = BPF_MAX_TIMED_LOOPS;
  }

  /** As the exit of a subprogram does. */
  leave(): void {
    const words = this.#words;
    const depth = this.depth - 1;
    const saved = SAVED + depth * SAVED_WORDS;
    words.copyWithin(KEPT, saved, saved + KEPT_WORDS);
    this.pc = words[saved + SAVED_PC]!;
    words[LOOPS] = words[saved + SAVED_LOOPS]!;
    this.#setDepth(depth);
  }

  #setDepth(depth: number): void {
    this.#words[DEPTH] = depth;
    this.setPointer(FP, this.addr + off.stack + (depth + 1) * MAX_BPF_STACK);
  }
}
