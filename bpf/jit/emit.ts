import { Bug } from '../../base/errors.ts';
import { FRAME_POINTER, type Insn, type Insns } from '../isa/insn.ts';
import {
  BPF_MAX_TIMED_LOOPS,
  EXIT,
  FAULT,
  HELPER,
  MAX_BPF_STACK,
  MAX_CALL_FRAMES,
  REGS,
  bpfFrame,
  savedFrameStruct,
} from '../vm/frame.ts';
import { emitAlu, emitEndian, emitMovsx, emitNeg, emitTest } from './alu.ts';
import { registersOf, targetOf, type Block, type Cut, type Unit } from './blocks.ts';
import type { Emission, Place } from './emission.ts';
import {
  A32,
  BLOCK,
  COUNTDOWN,
  DEPTH,
  ENTRY_DEPTH,
  FRAME,
  FUEL_LEFT,
  LOCALS,
  LOOPS,
  PC,
  RUN,
  STACK,
  STATUS,
  local,
} from './locals.ts';
import {
  CALL_HELPER,
  checkFunction,
  emitAtomic,
  emitCast,
  emitLoad,
  emitNoteNothing,
  emitStore,
  noteFunction,
} from './memory.ts';
import { Code, I32, MEM, OP, moduleBytes, type FunctionImport, type Label } from './wasm.ts';

/** Status besides those of frame.ts: the run goes on at pc, but not in this unit. */
export const ELSEWHERE = 5;

const { off } = bpfFrame;
const SAVED_BYTES = savedFrameStruct.sizeBytes;
const SAVED_PC = off.saved + savedFrameStruct.off['pc']!;
const SAVED_LOOPS = off.saved + savedFrameStruct.off['loops']!;
/** The registers that a call keeps. */
const KEPT = [6, 7, 8, 9] as const;
/** The registers that hold a call's arguments. */
const ARGS = [1, 2, 3, 4, 5] as const;

/**
 * In the order of their indices in memory.ts. Both are of one type, since V8 compiles a wrapper for
 * each type of import.
 */
const IMPORTS: readonly FunctionImport[] = [
  /** (frame, slot): whether the call is done. */
  { name: 'callHelper', type: { params: [I32, I32], results: [I32] } },
  /** (offset, word): whether the access may be done; if it writes, its pages have been saved. */
  { name: 'reach', type: { params: [I32, I32], results: [I32] } },
];

export interface Source {
  readonly insns: Insns;
  readonly cut: Cut;
  readonly unit: Unit;
  /** Where stepping ends: by slot, the instructions of the block that begins there, else 0. */
  readonly resumes: Int32Array | null;
  /** Whether an exit may be one from a subprogram that the program has called. */
  readonly returns: boolean;
  readonly ownStack: Uint8Array | undefined;
  readonly layout: Pick<Emission, 'memoryBytes' | 'shadowBase' | 'dirtyBase'>;
}

/** The module of one unit. Its `run` is of type RUN. */
export function emitUnit(source: Source): Uint8Array<ArrayBuffer> {
  const run = new UnitEmission(source);
  run.emit();
  return moduleBytes(IMPORTS, [
    { type: RUN, locals: LOCALS, code: run.code },
    checkFunction(source.layout.memoryBytes),
    noteFunction(),
  ]);
}

/**
 * One loop about one switch on BLOCK, with the blocks in the order of their slots: forward jumps go
 * straight to the end of a wasm block, backward ones through the switch. Registers are locals.
 */
class UnitEmission implements Emission {
  readonly code = new Code();
  readonly fine: boolean;
  readonly memoryBytes: number;
  readonly shadowBase: number;
  readonly dirtyBase: number;
  readonly #insns: Insns;
  readonly #ownStack: Uint8Array | undefined;
  readonly #unit: Unit;
  readonly #resumes: Int32Array | null;
  readonly #used: readonly boolean[];
  readonly #returns: boolean;
  #exit: Label = 0;
  #switch: Label = 0;
  #return: Label = 0;
  /** By block: branches to it go to its begin, as long as it is ahead. */
  #ahead: Label[] = [];
  #current = 0;

  constructor({ insns, ownStack, cut, unit, resumes, returns, layout }: Source) {
    this.fine = cut.fine;
    this.memoryBytes = layout.memoryBytes;
    this.shadowBase = layout.shadowBase;
    this.dirtyBase = layout.dirtyBase;
    this.#insns = insns;
    this.#ownStack = ownStack;
    this.#unit = unit;
    this.#resumes = resumes;
    this.#used = registersOf(insns, unit, returns);
    this.#returns = returns;
  }

  emit(): void {
    const { code } = this;
    const { blocks } = this.#unit;
    this.#enter();
    this.#exit = code.block();
    this.#switch = code.loop();
    this.#return = code.block();
    for (let i = blocks.length - 1; i >= 0; i--) this.#ahead[i] = code.block();
    code.localGet(BLOCK);
    code.brTable(this.#ahead);
    for (const [i, block] of blocks.entries()) {
      code.end();
      this.#current = i;
      this.#block(block);
    }
    this.leave(ELSEWHERE, { slot: this.#unit.end, undone: 0 });
    code.end();
    if (this.#returns) this.#afterExit();
    code.end();
    code.end();
    this.#spill();
    code.localGet(STATUS);
  }

  isOwnStack(slot: number): boolean {
    return this.#ownStack?.[slot] === 1;
  }

  leave(status: number, { slot, undone }: Place): void {
    const { code } = this;
    if (undone > 0) {
      code.localGet(FUEL_LEFT);
      code.i32Const(undone);
      code.op(OP.i32Add);
      code.localSet(FUEL_LEFT);
    }
    code.i32Const(slot);
    code.localSet(PC);
    code.i32Const(status);
    code.localSet(STATUS);
    code.br(this.#exit);
  }

  // Frame and locals

  #enter(): void {
    const { code } = this;
    for (let r = 0; r < REGS; r++) {
      if (this.#used[r]) this.#loadReg(r);
    }
    const load = (index: number, offset: number): void => {
      code.localGet(FRAME);
      code.memory(MEM.i32Load, offset);
      code.localSet(index);
    };
    load(FUEL_LEFT, off.fuel);
    load(LOOPS, off.loops);
    load(DEPTH, off.depth);
    if (this.fine) load(COUNTDOWN, off.countdown);
    code.localGet(FRAME);
    code.i32Const(off.stack);
    code.op(OP.i32Add);
    code.localGet(DEPTH);
    code.i32Const(MAX_BPF_STACK);
    code.op(OP.i32Mul);
    code.op(OP.i32Add);
    code.localSet(STACK);
  }

  #spill(): void {
    const { code } = this;
    for (let r = 0; r < REGS; r++) {
      if (this.#used[r]) this.#storeReg(r);
    }
    const store = (index: number, offset: number): void => {
      code.localGet(FRAME);
      code.localGet(index);
      code.memory(MEM.i32Store, offset);
    };
    store(FUEL_LEFT, off.fuel);
    store(LOOPS, off.loops);
    store(DEPTH, off.depth);
    store(PC, off.pc);
    if (this.fine) store(COUNTDOWN, off.countdown);
  }

  #loadReg(r: number): void {
    this.code.localGet(FRAME);
    this.code.memory(MEM.i64Load, off.regs + 8 * r);
    this.code.localSet(local(r));
  }

  #storeReg(r: number): void {
    this.code.localGet(FRAME);
    this.code.localGet(local(r));
    this.code.memory(MEM.i64Store, off.regs + 8 * r);
  }

  /** Adds a constant to an i32 local. */
  #add(index: number, value: number): void {
    this.code.localGet(index);
    this.code.i32Const(value);
    this.code.op(OP.i32Add);
    this.code.localSet(index);
  }

  // Blocks

  #block({ first, end, count }: Block): void {
    const { code } = this;
    const resumes = this.#resumes?.[first] ?? 0;
    if (resumes > 0) {
      code.localGet(FUEL_LEFT);
      code.i32Const(resumes);
      code.op(OP.i32GeS);
      this.#leaveIf(ELSEWHERE, { slot: first, undone: 0 });
    }
    code.localGet(FUEL_LEFT);
    code.i32Const(count);
    code.op(OP.i32Sub);
    code.localTee(FUEL_LEFT);
    code.i32Const(0);
    code.op(OP.i32LtS);
    this.#leaveIf(ELSEWHERE, { slot: first, undone: count });
    let undone = count;
    for (let slot = first; slot < end; slot++) {
      const insn = this.#insns[slot];
      if (insn) this.#insn(insn, { slot, undone: undone-- });
    }
  }

  #leaveIf(status: number, place: Place): void {
    this.code.if();
    this.leave(status, place);
    this.code.end();
  }

  #insn(insn: Insn, place: Place): void {
    const { code } = this;
    switch (insn.kind) {
      case 'alu':
        return emitAlu(code, insn);
      case 'movsx':
        return emitMovsx(code, insn);
      case 'neg':
        return emitNeg(code, insn);
      case 'endian':
        return emitEndian(code, insn);
      case 'ld_imm64':
        code.i64Const(insn.imm, insn.next);
        return code.localSet(local(insn.dst));
      case 'ldx':
      case 'load_acquire':
        return emitLoad(this, insn, place);
      case 'st':
      case 'stx':
      case 'store_release':
        return emitStore(this, insn, place);
      case 'atomic':
        return emitAtomic(this, insn, place);
      case 'ja':
        return this.#goTo(targetOf(insn, place.slot)!);
      case 'may_goto':
        return this.#mayGoto(targetOf(insn, place.slot)!, place);
      case 'jmp':
        return this.#goToIf(targetOf(insn, place.slot)!, () => emitTest(code, insn));
      case 'call':
        return insn.target === 'subprog'
          ? this.#callSubprogram(targetOf(insn, place.slot)!, place)
          : this.#callHelper(place);
      case 'exit':
        return this.#exitInsn(place);
      case 'ld_abs':
      case 'ld_ind':
        return this.leave(HELPER, place);
      case 'addr_space_cast':
        return emitCast(code, insn);
      case 'gotox':
      case 'bad_atomic':
        throw new Bug(`${insn.kind} passed the checker`);
    }
  }

  // Jumps

  /** The block at a slot, or -1 if another unit has it. */
  #blockAt(slot: number): number {
    return this.#unit.blockAt[slot - this.#unit.first] ?? -1;
  }

  #goTo(slot: number): void {
    const { code } = this;
    const block = this.#blockAt(slot);
    if (block < 0) return this.leave(ELSEWHERE, { slot, undone: 0 });
    if (block > this.#current) return code.br(this.#ahead[block]!);
    code.i32Const(block);
    code.localSet(BLOCK);
    code.br(this.#switch);
  }

  #goToIf(slot: number, pushTest: () => void): void {
    const { code } = this;
    const block = this.#blockAt(slot);
    if (block > this.#current) {
      pushTest();
      return code.brIf(this.#ahead[block]!);
    }
    if (block >= 0) {
      code.i32Const(block);
      code.localSet(BLOCK);
      pushTest();
      return code.brIf(this.#switch);
    }
    pushTest();
    this.#leaveIf(ELSEWHERE, { slot, undone: 0 });
  }

  #mayGoto(slot: number, place: Place): void {
    const { code } = this;
    const left = (): void => {
      code.localGet(LOOPS);
      code.i32Const(BPF_MAX_TIMED_LOOPS);
      code.op(OP.i32And);
    };
    this.#goToIf(slot, () => {
      left();
      code.op(OP.i32Eqz);
    });
    left();
    code.i32Const(1);
    code.op(OP.i32Eq);
    this.#leaveIf(HELPER, place);
    this.#add(LOOPS, -1);
  }

  // Calls

  /** Only the arguments and the fuel, which is exact, go through the frame, and the result. */
  #callHelper(place: Place): void {
    const { code } = this;
    for (const r of ARGS) this.#storeReg(r);
    code.localGet(FRAME);
    code.localGet(FUEL_LEFT);
    code.i32Const(place.undone);
    code.op(OP.i32Add);
    code.memory(MEM.i32Store, off.fuel);
    code.localGet(FRAME);
    code.i32Const(place.slot);
    code.call(CALL_HELPER);
    code.op(OP.i32Eqz);
    this.#leaveIf(HELPER, place);
    this.#loadReg(0);
  }

  #callSubprogram(slot: number, place: Place): void {
    const { code } = this;
    code.localGet(DEPTH);
    code.i32Const(MAX_CALL_FRAMES - 1);
    code.op(OP.i32GeU);
    code.if();
    emitNoteNothing(code);
    this.leave(FAULT, place);
    code.end();
    this.#findSaved();
    for (const [i, r] of KEPT.entries()) {
      code.localGet(A32);
      code.localGet(local(r));
      code.memory(MEM.i64Store, off.saved + 8 * i);
    }
    code.localGet(A32);
    code.i32Const(place.slot + 1);
    code.memory(MEM.i32Store, SAVED_PC);
    code.localGet(A32);
    code.localGet(LOOPS);
    code.memory(MEM.i32Store, SAVED_LOOPS);
    code.i32Const(BPF_MAX_TIMED_LOOPS);
    code.localSet(LOOPS);
    this.#moveStack(1);
    this.#goTo(slot);
  }

  /** To the deeper (1) or the outer (-1) frame, as call traces of helpers are to show. */
  #moveStack(frames: 1 | -1): void {
    const { code } = this;
    this.#add(DEPTH, frames);
    code.localGet(FRAME);
    code.localGet(DEPTH);
    code.memory(MEM.i32Store, off.depth);
    this.#add(STACK, frames * MAX_BPF_STACK);
    code.localGet(local(FRAME_POINTER));
    code.i64Const(frames * MAX_BPF_STACK);
    code.op(OP.i64Add);
    code.localSet(local(FRAME_POINTER));
  }

  /** A32: what has to be added to offsets in the saved frame of the present depth. */
  #findSaved(): void {
    const { code } = this;
    code.localGet(FRAME);
    code.localGet(DEPTH);
    code.i32Const(SAVED_BYTES);
    code.op(OP.i32Mul);
    code.op(OP.i32Add);
    code.localSet(A32);
  }

  #exitInsn(place: Place): void {
    const { code } = this;
    const done = { slot: place.slot, undone: 0 };
    if (!this.#returns) return this.leave(EXIT, done);
    code.localGet(DEPTH);
    code.localGet(ENTRY_DEPTH);
    code.op(OP.i32Eq);
    this.#leaveIf(EXIT, done);
    code.br(this.#return);
  }

  /** What all exits from subprograms share: back to where the call was made from. */
  #afterExit(): void {
    const { code } = this;
    this.#moveStack(-1);
    this.#findSaved();
    for (const [i, r] of KEPT.entries()) {
      code.localGet(A32);
      code.memory(MEM.i64Load, off.saved + 8 * i);
      code.localSet(local(r));
    }
    code.localGet(A32);
    code.memory(MEM.i32Load, SAVED_LOOPS);
    code.localSet(LOOPS);
    code.localGet(A32);
    code.memory(MEM.i32Load, SAVED_PC);
    code.localSet(PC);
    this.#goToAny(this.#returnSlots());
    code.i32Const(ELSEWHERE);
    code.localSet(STATUS);
    code.br(this.#exit);
  }

  /** Where calls of this unit come back to, ascending. */
  #returnSlots(): number[] {
    const slots: number[] = [];
    for (let slot = this.#unit.first; slot < this.#unit.end - 1; slot++) {
      const insn = this.#insns[slot];
      if (insn?.kind === 'call' && insn.target === 'subprog') slots.push(slot + 1);
    }
    return slots;
  }

  /** Goes to that one of the slots which PC is, found by halving; goes on if it is none. */
  #goToAny(slots: readonly number[]): void {
    const { code } = this;
    const [first, second] = slots;
    if (first === undefined) return;
    code.localGet(PC);
    if (second === undefined) {
      code.i32Const(first);
      code.op(OP.i32Eq);
      code.if();
      code.i32Const(this.#blockAt(first));
      code.localSet(BLOCK);
      code.br(this.#switch);
    } else {
      const middle = slots.length >> 1;
      code.i32Const(slots[middle]!);
      code.op(OP.i32LtU);
      code.if();
      this.#goToAny(slots.slice(0, middle));
      code.op(OP.else);
      this.#goToAny(slots.slice(middle));
    }
    code.end();
  }
}
