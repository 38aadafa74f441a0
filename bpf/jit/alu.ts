import type { Insn, Operand, Reg } from '../isa/insn.ts';
import type { AluOp, AtomicOp, JmpOp } from '../isa/ops.ts';
import { A32, A64, B32, B64, local } from './locals.ts';
import { OP, type Code, type Op } from './wasm.ts';

type Of<K extends Insn['kind']> = Extract<Insn, { kind: K }>;
type Division = 'div' | 'mod' | 'sdiv' | 'smod';

/** What one WebAssembly instruction does: shifts too take their count modulo the width. */
const WIDE: Readonly<Record<Exclude<AluOp, 'mov' | Division>, Op>> = {
  add: OP.i64Add,
  sub: OP.i64Sub,
  mul: OP.i64Mul,
  or: OP.i64Or,
  and: OP.i64And,
  xor: OP.i64Xor,
  lsh: OP.i64Shl,
  rsh: OP.i64ShrU,
  arsh: OP.i64ShrS,
};

const NARROW: Readonly<Record<Exclude<AluOp, 'mov' | Division>, Op>> = {
  add: OP.i32Add,
  sub: OP.i32Sub,
  mul: OP.i32Mul,
  or: OP.i32Or,
  and: OP.i32And,
  xor: OP.i32Xor,
  lsh: OP.i32Shl,
  rsh: OP.i32ShrU,
  arsh: OP.i32ShrS,
};

/** Puts a register on the stack; narrow: its low half. */
function pushReg(code: Code, reg: Reg, wide: boolean): void {
  code.localGet(local(reg));
  if (!wide) code.op(OP.i32WrapI64);
}

function pushOperand(code: Code, src: Operand, wide: boolean): void {
  if ('reg' in src) pushReg(code, src.reg, wide);
  else if (wide) code.i64Const(src.imm);
  else code.i32Const(src.imm);
}

/** Takes a result of either width from the stack; the upper half of a narrow one becomes zero. */
function popReg(code: Code, reg: Reg, wide: boolean): void {
  if (!wide) code.op(OP.i64ExtendI32U);
  code.localSet(local(reg));
}

export function emitAlu(code: Code, { op, wide, dst, src }: Of<'alu'>): void {
  switch (op) {
    case 'mov':
      pushOperand(code, src, wide);
      break;
    case 'div':
    case 'mod':
    case 'sdiv':
    case 'smod':
      return 'reg' in src
        ? divideByReg(code, { op, wide, dst, src: src.reg })
        : divideByImm(code, { op, wide, dst, imm: src.imm });
    default:
      pushReg(code, dst, wide);
      pushOperand(code, src, wide);
      code.op((wide ? WIDE : NARROW)[op]);
  }
  popReg(code, dst, wide);
}

interface Divided {
  readonly op: Division;
  readonly wide: boolean;
  readonly dst: Reg;
}

const DIVIDE_WIDE = {
  div: OP.i64DivU,
  mod: OP.i64RemU,
  sdiv: OP.i64DivS,
  smod: OP.i64RemS,
} as const;
const DIVIDE_NARROW = {
  div: OP.i32DivU,
  mod: OP.i32RemU,
  sdiv: OP.i32DivS,
  smod: OP.i32RemS,
} as const;

/** WebAssembly traps where eBPF gives 0 or the dividend: those are seen here. */
function divideByImm(code: Code, insn: Divided & { readonly imm: number }): void {
  const { op, wide, dst, imm } = insn;
  const isDivision = op === 'div' || op === 'sdiv';
  if (imm === 0 || (imm === -1 && op === 'sdiv')) {
    if (isDivision) pushZero(code, wide);
    if (imm === -1 || !isDivision) pushReg(code, dst, wide);
    if (imm === -1) code.op(wide ? OP.i64Sub : OP.i32Sub);
  } else {
    pushReg(code, dst, wide);
    pushOperand(code, { imm }, wide);
    code.op((wide ? DIVIDE_WIDE : DIVIDE_NARROW)[op]);
  }
  popReg(code, dst, wide);
}

function divideByReg(code: Code, insn: Divided & { readonly src: Reg }): void {
  const { op, wide, dst, src } = insn;
  const divisor = wide ? B64 : B32;
  pushReg(code, src, wide);
  code.localTee(divisor);
  code.op(wide ? OP.i64Eqz : OP.i32Eqz);
  code.if();
  if (op === 'div' || op === 'sdiv') pushZero(code, wide);
  else pushReg(code, dst, wide);
  popReg(code, dst, wide);
  code.op(OP.else);
  if (op === 'sdiv') {
    // The least number by -1 overflows to itself; any other is negated.
    code.localGet(divisor);
    if (wide) code.i64Const(-1);
    else code.i32Const(-1);
    code.op(wide ? OP.i64Eq : OP.i32Eq);
    code.if();
    pushZero(code, wide);
    pushReg(code, dst, wide);
    code.op(wide ? OP.i64Sub : OP.i32Sub);
    popReg(code, dst, wide);
    code.op(OP.else);
  }
  pushReg(code, dst, wide);
  code.localGet(divisor);
  code.op((wide ? DIVIDE_WIDE : DIVIDE_NARROW)[op]);
  popReg(code, dst, wide);
  if (op === 'sdiv') code.end();
  code.end();
}

function pushZero(code: Code, wide: boolean): void {
  if (wide) code.i64Const(0);
  else code.i32Const(0);
}

export function emitNeg(code: Code, { wide, dst }: Of<'neg'>): void {
  pushZero(code, wide);
  pushReg(code, dst, wide);
  code.op(wide ? OP.i64Sub : OP.i32Sub);
  popReg(code, dst, wide);
}

export function emitMovsx(code: Code, { wide, bits, dst, src }: Of<'movsx'>): void {
  pushReg(code, src, wide);
  if (wide) {
    code.op(bits === 8 ? OP.i64Extend8S : bits === 16 ? OP.i64Extend16S : OP.i64Extend32S);
  } else if (bits !== 32) code.op(bits === 8 ? OP.i32Extend8S : OP.i32Extend16S);
  popReg(code, dst, wide);
}

export function emitEndian(code: Code, { to, bits, dst }: Of<'endian'>): void {
  if (to === 'le') truncate(code, dst, bits);
  else if (bits === 64) swap64(code, dst);
  else swap32(code, dst, bits);
}

function truncate(code: Code, dst: Reg, bits: 16 | 32 | 64): void {
  if (bits === 64) return;
  pushReg(code, dst, false);
  if (bits === 16) {
    code.i32Const(0xffff);
    code.op(OP.i32And);
  }
  popReg(code, dst, false);
}

/** Every other byte of the value turned left by 8 and by 24 is at its place. */
function swap32(code: Code, dst: Reg, bits: 16 | 32): void {
  const part = (turn: number, mask: number): void => {
    code.localGet(A32);
    code.i32Const(turn);
    code.op(OP.i32Rotl);
    code.i32Const(mask);
    code.op(OP.i32And);
  };
  pushReg(code, dst, false);
  code.localSet(A32);
  part(8, 0x00ff_00ff);
  part(24, 0xff00_ff00 | 0);
  code.op(OP.i32Or);
  if (bits === 16) {
    code.i32Const(16);
    code.op(OP.i32ShrU);
  }
  popReg(code, dst, false);
}

/** Bytes within 16 bits, those within 32, those within 64. */
function swap64(code: Code, dst: Reg): void {
  const half = (mask: number, shift: number): void => {
    code.localGet(A64);
    code.i64Const(mask, mask);
    code.op(OP.i64And);
    code.i64Const(shift);
    code.op(OP.i64Shl);
    code.localGet(A64);
    code.i64Const(shift);
    code.op(OP.i64ShrU);
    code.i64Const(mask, mask);
    code.op(OP.i64And);
    code.op(OP.i64Or);
  };
  code.localGet(local(dst));
  code.localSet(A64);
  half(0x00ff_00ff, 8);
  code.localSet(A64);
  half(0x0000_ffff, 16);
  code.i64Const(32);
  code.op(OP.i64Rotl);
  code.localSet(local(dst));
}

// Jumps

const TEST_WIDE: Readonly<Record<JmpOp, Op>> = {
  jeq: OP.i64Eq,
  jgt: OP.i64GtU,
  jge: OP.i64GeU,
  jset: OP.i64And,
  jne: OP.i64Ne,
  jsgt: OP.i64GtS,
  jsge: OP.i64GeS,
  jlt: OP.i64LtU,
  jle: OP.i64LeU,
  jslt: OP.i64LtS,
  jsle: OP.i64LeS,
};

const TEST_NARROW: Readonly<Record<JmpOp, Op>> = {
  jeq: OP.i32Eq,
  jgt: OP.i32GtU,
  jge: OP.i32GeU,
  jset: OP.i32And,
  jne: OP.i32Ne,
  jsgt: OP.i32GtS,
  jsge: OP.i32GeS,
  jlt: OP.i32LtU,
  jle: OP.i32LeU,
  jslt: OP.i32LtS,
  jsle: OP.i32LeS,
};

/** Puts on the stack, as an i32, whether the jump is taken. */
export function emitTest(code: Code, { op, wide, dst, src }: Of<'jmp'>): void {
  pushReg(code, dst, wide);
  pushOperand(code, src, wide);
  code.op((wide ? TEST_WIDE : TEST_NARROW)[op]);
  if (op === 'jset' && wide) {
    code.op(OP.i64Eqz);
    code.op(OP.i32Eqz);
  }
}

// Atomics

const ATOMIC_WIDE: Readonly<Record<Exclude<AtomicOp, 'xchg' | 'cmpxchg'>, Op>> = {
  add: OP.i64Add,
  or: OP.i64Or,
  and: OP.i64And,
  xor: OP.i64Xor,
};

/**
 * Puts on the stack what an atomic operation leaves in memory. What was there is in A64, zero-
 * extended; only the operation's width of the result counts.
 */
export function emitAtomicResult(code: Code, { op, size, src }: Of<'atomic'>): void {
  switch (op) {
    case 'xchg':
      return code.localGet(local(src));
    case 'cmpxchg':
      code.localGet(local(src));
      code.localGet(A64);
      code.localGet(A64);
      code.localGet(local(0));
      if (size === 4) {
        code.op(OP.i32WrapI64);
        code.op(OP.i64ExtendI32U);
      }
      code.op(OP.i64Eq);
      return code.op(OP.select);
    default:
      code.localGet(A64);
      code.localGet(local(src));
      return code.op(ATOMIC_WIDE[op]);
  }
}
