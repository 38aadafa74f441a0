import { DIRECT_MAP_HIGH, PAGE_SHIFT, PAGE_SIZE } from '../../kernel/memory.ts';
import { READ, RMW, WRITE } from '../../sim/request.ts';
import type { AccessBytes, Insn } from '../isa/insn.ts';
import { ARENA_ENTRIES, ARENA_TABLE_SHIFT, isArenaInsn } from '../vm/arena.ts';
import { ACCESS, FAULT, HELPER, MAX_BPF_STACK, bpfFrame } from '../vm/frame.ts';
import { emitAtomicResult } from './alu.ts';
import { accessOf, isInFrame } from './blocks.ts';
import type { Emission, Place } from './emission.ts';
import { A32, A64, AT, COUNTDOWN, FRAME, RESUMED, STACK, local } from './locals.ts';
import { I32, I64, MEM, OP, Code, type FunctionBody, type Label, type MemOp } from './wasm.ts';

type Of<K extends Insn['kind']> = Extract<Insn, { kind: K }>;

const { off } = bpfFrame;
const STACK_BYTES = bpfFrame.sizeBytes - off.stack;

/** Functions that emitted code calls, by index: those imported, and behind `run` two of its own. */
export const CALL_HELPER = 0;
const REACH = 1;
const CHECK = 3;
const NOTE = 4;

const LOADS: Readonly<Record<AccessBytes, { readonly zero: MemOp; readonly sign: MemOp }>> = {
  1: { zero: MEM.i64Load8U, sign: MEM.i64Load8S },
  2: { zero: MEM.i64Load16U, sign: MEM.i64Load16S },
  4: { zero: MEM.i64Load32U, sign: MEM.i64Load32S },
  8: { zero: MEM.i64Load, sign: MEM.i64Load },
};

const STORES: Readonly<Record<AccessBytes, MemOp>> = {
  1: MEM.i64Store8,
  2: MEM.i64Store16,
  4: MEM.i64Store32,
  8: MEM.i64Store,
};

/** Size and kind of an access, in one word. */
function accessWord(size: number, kind: number): number {
  return size | (kind << 8);
}

export function emitLoad(e: Emission, insn: Of<'ldx' | 'load_acquire'>, place: Place): void {
  const { code } = e;
  const mode = insn.kind === 'ldx' ? insn.mode : 'mem';
  const { zero, sign } = LOADS[insn.size];
  const load = (): void => {
    const offset = pushAddress(e, insn);
    code.memory(mode.endsWith('sx') ? sign : zero, offset);
    code.localSet(local(insn.dst));
  };
  if (!mode.startsWith('probe')) {
    emitReach(e, insn, READ, place);
    return load();
  }
  const done = code.block();
  const fails = code.block();
  emitReach(e, insn, READ, place, fails);
  load();
  code.br(done);
  code.end();
  code.i64Const(0);
  code.localSet(local(insn.dst));
  code.end();
}

export function emitStore(
  e: Emission,
  insn: Of<'st' | 'stx' | 'store_release'>,
  place: Place,
): void {
  const { code } = e;
  emitReach(e, insn, WRITE, place);
  const offset = pushAddress(e, insn);
  if (insn.kind === 'st') code.i64Const(insn.imm);
  else code.localGet(local(insn.src));
  code.memory(STORES[insn.size], offset);
}

export function emitAtomic(e: Emission, insn: Of<'atomic'>, place: Place): void {
  const { code } = e;
  emitReach(e, insn, RMW, place);
  code.memory(LOADS[insn.size].zero, pushAddress(e, insn));
  code.localSet(A64);
  const offset = pushAddress(e, insn);
  emitAtomicResult(code, insn);
  code.memory(STORES[insn.size], offset);
  if (!insn.fetch && insn.op !== 'cmpxchg') return;
  code.localGet(A64);
  code.localSet(local(insn.op === 'cmpxchg' ? 0 : insn.src));
}

/** Puts the address of an access that has been reached on the stack: what to add to it. */
function pushAddress(e: Emission, insn: Insn): number {
  const { base, off: offset, size } = accessOf(insn)!;
  if (!isArenaInsn(insn) && isInFrame(base, offset, size)) {
    e.code.localGet(STACK);
    return MAX_BPF_STACK + offset;
  }
  e.code.localGet(AT);
  e.code.op(OP.i32WrapI64);
  return 0;
}

/** Goes on only if the bytes may be touched now; else leaves, or goes to `fails`. */
function emitReach(e: Emission, insn: Insn, kind: number, place: Place, fails?: Label): void {
  const { base, off: offset, size } = accessOf(insn)!;
  if (isArenaInsn(insn)) return emitReachArena(e, insn, kind, place);
  if (isInFrame(base, offset, size)) return;
  const { code } = e;
  code.localGet(local(base));
  code.i64Const(offset, (offset >> 31) - DIRECT_MAP_HIGH);
  code.op(OP.i64Add);
  code.localSet(AT);
  if (e.isOwnStack(place.slot)) return;
  const word = accessWord(size, kind);
  if (e.fine) emitStop(e, size, word, place);

  const reached = code.block();
  const isOdd = code.block();
  code.localGet(AT);
  const bits = plainBits(e.memoryBytes, size);
  code.i64Const(~bits, -1);
  code.op(OP.i64And);
  code.i64Const(0);
  code.op(OP.i64Ne);
  code.brIf(isOdd);
  pushShifted(code, 3);
  code.memory(MEM.i32Load8U, e.shadowBase);
  code.op(OP.i32Eqz);
  code.brIf(reached);
  code.end();
  code.localGet(FRAME);
  code.localGet(AT);
  code.i32Const(word);
  code.call(CHECK);
  if (fails === undefined) {
    code.brIf(reached);
    e.leave(FAULT, place);
  } else {
    code.op(OP.i32Eqz);
    code.brIf(fails);
  }
  code.end();
  if (kind !== READ) emitTouch(e, word);
}

/** Of an access to the arena: by its page tables; leaves where a page is missing. */
function emitReachArena(e: Emission, insn: Insn, kind: number, place: Place): void {
  const { base, off: offset, size } = accessOf(insn)!;
  const { code } = e;
  const word = accessWord(size, kind);
  code.localGet(local(base));
  code.i64Const(offset, offset >> 31);
  code.op(OP.i64Add);
  code.localSet(AT);
  emitWalk(code, size);
  if (e.fine) {
    const passes = code.block();
    emitCountDown(e, { place, passes, word }, () => {
      pushPlace(code);
      code.localGet(AT);
      code.i64Const(0, -DIRECT_MAP_HIGH);
      code.op(OP.i64Add);
      code.localGet(A32);
      code.op(OP.select);
    });
    code.end();
    code.i32Const(-1);
    code.localSet(RESUMED);
  }
  code.localGet(A32);
  code.op(OP.i32Eqz);
  code.if();
  e.leave(HELPER, place);
  code.end();
  pushPlace(code);
  code.localSet(AT);
  if (kind !== READ) emitTouch(e, word);
}

function pushPlace(code: Code): void {
  code.localGet(A32);
  code.op(OP.i64ExtendI32U);
}

/** A32: the offset of the bytes at the arena's address AT, or 0. vm/arena.ts: arenaPlace() */
function emitWalk(code: Code, size: number): void {
  const pushIndex = (shift: number): void => {
    pushShifted(code, shift - 2);
    code.i32Const((ARENA_ENTRIES - 1) * 4);
    code.op(OP.i32And);
    code.op(OP.i32Add);
    code.memory(MEM.i32Load, 0);
  };
  const pushInPage = (): void => {
    code.localGet(AT);
    code.op(OP.i32WrapI64);
    code.i32Const(PAGE_SIZE - 1);
    code.op(OP.i32And);
  };
  code.i32Const(0);
  code.localSet(A32);
  const isOdd = code.block();
  code.localGet(AT);
  code.i64Const(32);
  code.op(OP.i64ShrU);
  code.i64Const(0);
  code.op(OP.i64Ne);
  code.brIf(isOdd);
  if (size > 1) {
    pushInPage();
    code.i32Const(PAGE_SIZE - size);
    code.op(OP.i32GtU);
    code.brIf(isOdd);
  }
  code.localGet(FRAME);
  code.memory(MEM.i32Load, off.arena);
  pushIndex(ARENA_TABLE_SHIFT);
  pushIndex(PAGE_SHIFT);
  code.localTee(A32);
  code.op(OP.i32Eqz);
  code.brIf(isOdd);
  code.localGet(A32);
  pushInPage();
  code.op(OP.i32Add);
  code.localSet(A32);
  code.end();
}

/** An address in the arena as user space has it; NULL stays NULL. */
export function emitCast(code: Code, { dst, src }: Of<'addr_space_cast'>): void {
  code.localGet(local(src));
  code.op(OP.i32WrapI64);
  code.localSet(A32);
  code.localGet(FRAME);
  code.memory(MEM.i32Load, off.arenaHigh);
  code.op(OP.i64ExtendI32U);
  code.i64Const(32);
  code.op(OP.i64Shl);
  pushPlace(code);
  code.op(OP.i64Or);
  code.i64Const(0);
  code.localGet(A32);
  code.op(OP.select);
  code.localSet(local(dst));
}

/**
 * The bits that the offset of an aligned access to memory may have; above the greatest power of
 * two that memory has bytes, accesses take the slow way.
 */
function plainBits(memoryBytes: number, size: number): number {
  return (1 << (31 - Math.clz32(memoryBytes))) - size;
}

/** Puts the offset, shifted to the right, on the stack. */
function pushShifted(code: Code, bits: number): void {
  code.localGet(AT);
  code.op(OP.i32WrapI64);
  code.i32Const(bits);
  code.op(OP.i32ShrU);
}

/** Before the first write to a page its bytes are saved. */
function emitTouch(e: Emission, word: number): void {
  const { code } = e;
  pushShifted(code, PAGE_SHIFT);
  code.memory(MEM.i32Load8U, e.dirtyBase);
  code.op(OP.i32Eqz);
  code.if();
  code.localGet(AT);
  code.op(OP.i32WrapI64);
  code.i32Const(word);
  code.call(REACH);
  code.op(OP.drop);
  code.end();
}

/** Fine mode: leaves before an access to what is not the program's own stack. */
function emitStop(e: Emission, size: number, word: number, place: Place): void {
  const { code } = e;
  const passes = code.block();
  code.localGet(AT);
  code.localGet(FRAME);
  code.op(OP.i64ExtendI32U);
  code.op(OP.i64Sub);
  code.i64Const(off.stack);
  code.op(OP.i64Sub);
  code.i64Const(STACK_BYTES - size);
  code.op(OP.i64LeU);
  code.brIf(passes);
  emitCountDown(e, { place, passes, word }, () => code.localGet(AT));
  code.end();
  code.i32Const(-1);
  code.localSet(RESUMED);
}

interface Stop {
  readonly place: Place;
  readonly passes: Label;
  readonly word: number;
}

/** Goes to `passes` where the access has been stopped for; leaves where no more may be done. */
function emitCountDown(e: Emission, { place, passes, word }: Stop, pushAt: () => void): void {
  const { code } = e;
  code.localGet(RESUMED);
  code.i32Const(place.slot);
  code.op(OP.i32Eq);
  code.brIf(passes);
  code.localGet(COUNTDOWN);
  code.op(OP.i32Eqz);
  code.if();
  code.localGet(FRAME);
  pushAt();
  code.i32Const(word);
  code.call(NOTE);
  e.leave(ACCESS, place);
  code.end();
  code.localGet(COUNTDOWN);
  code.i32Const(1);
  code.op(OP.i32Sub);
  code.localSet(COUNTDOWN);
}

/** The FAULT of a call that is too deep: no access. */
export function emitNoteNothing(code: Code): void {
  code.localGet(FRAME);
  code.i64Const(0, -DIRECT_MAP_HIGH);
  code.i32Const(accessWord(0, 0));
  code.call(NOTE);
}

const WORD_ARGS = [I32, I64, I32] as const;

/**
 * (frame, address less the direct map's begin, word): whether an access may be done that is
 * unaligned, partly allowed, beyond memory or forbidden; if not, it stands in the frame.
 */
export function checkFunction(memoryBytes: number): FunctionBody {
  const code = new Code();
  const [frame, at, word] = [0, 1, 2];
  code.localGet(at);
  code.i64Const(memoryBytes);
  code.op(OP.i64LtU);
  code.if();
  code.localGet(at);
  code.op(OP.i32WrapI64);
  code.localGet(frame);
  code.op(OP.i32Sub);
  code.i32Const(off.stack);
  code.op(OP.i32Sub);
  code.i32Const(STACK_BYTES);
  pushSize(code, word);
  code.op(OP.i32Sub);
  code.op(OP.i32LeU);
  returnTrueIf(code);
  code.localGet(at);
  code.op(OP.i32WrapI64);
  code.localGet(word);
  code.call(REACH);
  returnTrueIf(code);
  code.end();
  code.localGet(frame);
  code.localGet(at);
  code.localGet(word);
  code.call(NOTE);
  code.i32Const(0);
  return { type: { params: WORD_ARGS, results: [I32] }, locals: [], code };
}

function returnTrueIf(code: Code): void {
  code.if();
  code.i32Const(1);
  code.op(OP.return);
  code.end();
}

function pushSize(code: Code, word: number): void {
  code.localGet(word);
  code.i32Const(0xff);
  code.op(OP.i32And);
}

/** (frame, address less the direct map's begin, word): notes an access in the frame. */
export function noteFunction(): FunctionBody {
  const code = new Code();
  const [frame, at, word] = [0, 1, 2];
  code.localGet(frame);
  code.localGet(at);
  code.i64Const(0, DIRECT_MAP_HIGH);
  code.op(OP.i64Add);
  code.memory(MEM.i64Store, off.accessAddr);
  code.localGet(frame);
  pushSize(code, word);
  code.memory(MEM.i32Store, off.accessSize);
  code.localGet(frame);
  code.localGet(word);
  code.i32Const(8);
  code.op(OP.i32ShrU);
  code.memory(MEM.i32Store, off.accessKind);
  return { type: { params: WORD_ARGS, results: [] }, locals: [], code };
}
