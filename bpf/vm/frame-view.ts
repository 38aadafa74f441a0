import { assert } from '../../base/assert.ts';
import { DIRECT_MAP_HIGH, type Memory } from '../../kernel/memory.ts';
import {
  BPF_MAX_LOOPS,
  MAX_BPF_STACK,
  MAX_CALL_FRAMES,
  REGS,
  bpfFrame,
  savedFrameStruct,
} from './frame.ts';

const { off } = bpfFrame;
const SAVED_BYTES = savedFrameStruct.sizeBytes;
const SAVED_PC = savedFrameStruct.off['pc']!;
const SAVED_LOOPS = savedFrameStruct.off['loops']!;
const FP = 10;

/** A bpf_frame between two runs of an engine, as the runner sees and changes it. */
export class FrameView {
  readonly #memory: Memory;
  readonly #frame: number;

  constructor(memory: Memory, frame: number) {
    this.#memory = memory;
    this.#frame = frame;
  }

  /** The first instruction of the main program, with r1 the address of `ctx`. Others are zero. */
  begin(ctx: number): void {
    const memory = this.#memory;
    const frame = this.#frame;
    memory.rawFill(frame + off.regs, 8 * REGS, 0);
    this.setPointer(1, ctx);
    this.setPointer(FP, frame + off.stack + MAX_BPF_STACK);
    memory.setRawU32(frame + off.depth, 0);
    memory.setRawU32(frame + off.countdown, 0);
    this.restart();
  }

  /** The first instruction of the program at this depth. */
  restart(): void {
    this.pc = 0;
    this.#memory.setRawU32(this.#frame + off.loops, BPF_MAX_LOOPS);
  }

  get pc(): number {
    return this.#memory.rawU32(this.#frame + off.pc);
  }

  set pc(slot: number) {
    this.#memory.setRawU32(this.#frame + off.pc, slot);
  }

  get fuel(): number {
    return this.#memory.rawU32(this.#frame + off.fuel) | 0;
  }

  set fuel(insnCount: number) {
    this.#memory.setRawU32(this.#frame + off.fuel, insnCount);
  }

  get depth(): number {
    return this.#memory.rawU32(this.#frame + off.depth);
  }

  /** Where r1 stands. */
  get args(): number {
    return this.#frame + off.regs + 8;
  }

  reg(r: number): bigint {
    return this.#memory.rawLoad(this.#frame + off.regs + 8 * r, 8);
  }

  setReg(r: number, value: bigint): void {
    this.#memory.rawStore(this.#frame + off.regs + 8 * r, 8, value);
  }

  /** The low half, signed. */
  s32(r: number): number {
    return this.#memory.rawU32(this.#frame + off.regs + 8 * r) | 0;
  }

  pointer(r: number): number {
    return this.#memory.rawPtr(this.#frame + off.regs + 8 * r);
  }

  /** Sign-extended. */
  setNumber(r: number, value: number): void {
    const at = this.#frame + off.regs + 8 * r;
    this.#memory.setRawU32(at, value);
    this.#memory.setRawU32(
      at + 4,
      (value | 0) === value ? value >> 31 : Math.floor(value / 2 ** 32),
    );
  }

  /** A memory offset, NULL or an error number, as a pointer. */
  setPointer(r: number, value: number): void {
    const at = this.#frame + off.regs + 8 * r;
    this.#memory.setRawU32(at, value);
    this.#memory.setRawU32(at + 4, value > 0 ? DIRECT_MAP_HIGH : value >> 31);
  }

  /** The instruction at pc is done: a call, or any that takes one slot. */
  next(): void {
    this.pc++;
    this.fuel--;
  }

  /** Where depth `depth` goes on after the call that it makes. */
  savedPc(depth: number): number {
    return this.#memory.rawU32(this.#frame + off.saved + depth * SAVED_BYTES + SAVED_PC);
  }

  /** As a call of the subprogram at `pc` does, to come back to where it stands. */
  enter(pc: number): void {
    const memory = this.#memory;
    const { depth } = this;
    assert(depth + 1 < MAX_CALL_FRAMES, 'a callback one frame too deep passed the checker');
    const saved = this.#frame + off.saved + depth * SAVED_BYTES;
    for (let i = 0; i < 4; i++) memory.rawStore(saved + 8 * i, 8, this.reg(6 + i));
    memory.setRawU32(saved + SAVED_PC, this.pc);
    memory.setRawU32(saved + SAVED_LOOPS, memory.rawU32(this.#frame + off.loops));
    this.#setDepth(depth + 1);
    this.pc = pc;
    memory.setRawU32(this.#frame + off.loops, BPF_MAX_LOOPS);
  }

  /** As the exit of a subprogram does. */
  leave(): void {
    const memory = this.#memory;
    const depth = this.depth - 1;
    const saved = this.#frame + off.saved + depth * SAVED_BYTES;
    for (let i = 0; i < 4; i++) this.setReg(6 + i, memory.rawLoad(saved + 8 * i, 8));
    this.pc = memory.rawU32(saved + SAVED_PC);
    memory.setRawU32(this.#frame + off.loops, memory.rawU32(saved + SAVED_LOOPS));
    this.#setDepth(depth);
  }

  #setDepth(depth: number): void {
    this.#memory.setRawU32(this.#frame + off.depth, depth);
    this.setPointer(FP, this.#frame + off.stack + (depth + 1) * MAX_BPF_STACK);
  }
}
