import { InputError } from '../../base/errors.ts';
import { FRAME_POINTER, type Insn, type Operand, type Reg } from './insn.ts';

/** One line's instruction. With a label, its offset is yet to be put in: withTarget(). */
export interface Statement {
  readonly insn: Insn;
  readonly label?: string;
}

/** What the text of a program may name besides its own labels. */
export interface AsmNames {
  /** The number of a helper. */
  readonly helper?: (name: string) => number | undefined;
}

const NUMBER = /^[+-]? ?(?:0x[\da-f]+|\d+)$/i;

export function isNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** Of any size; null where it is none. */
export function bigOf(text: string): bigint {
  if (!isNumber(text)) throw new InputError(`'${text}' is no number`);
  const digits = text.replace(/^[+-]? ?/, '');
  // A number of a million digits would take minutes.
  if (digits.length > 40) throw new InputError(`${digits.slice(0, 40)}… needs more than 64 bits`);
  return text.startsWith('-') ? -BigInt(digits) : BigInt(digits);
}

/** A signed number of `bits`, or an unsigned one, which then stands for the signed of its bits. */
export function intOf(text: string, bits: 16 | 32): number {
  const value = bigOf(text);
  if (value < -(1n << BigInt(bits - 1)) || value >= 1n << BigInt(bits)) {
    throw new InputError(`${text} needs more than ${bits} bits`);
  }
  return Number(BigInt.asIntN(bits, value));
}

/** The ld_imm64 of a plain number of at most 64 bits, signed or unsigned. */
export function number64(dst: Reg, text: string): Insn {
  const value = bigOf(text);
  if (value < -(1n << 63n) || value >= 1n << 64n) {
    throw new InputError(`${text} needs more than 64 bits`);
  }
  const imm = Number(BigInt.asIntN(32, value));
  return {
    kind: 'ld_imm64',
    from: 'value',
    dst,
    imm,
    next: Number(BigInt.asIntN(32, value >> 32n)),
  };
}

/** An offset of `bits`, which is signed. */
export function offsetOf(text: string, bits: 16 | 32 = 16): number {
  const value = bigOf(text);
  if (BigInt.asIntN(bits, value) !== value) {
    throw new InputError(`offset ${text} needs more than ${bits} bits`);
  }
  return Number(value);
}

/** `r3`, `w3` or `%r3`. */
export function regOf(text: string): Reg {
  const digits = /^%?[rw](\d{1,2})$/.exec(text)?.[1];
  if (digits === undefined) throw new InputError(`'${text}' is no register`);
  const reg = Number(digits);
  if (reg > FRAME_POINTER) throw new InputError(`'${text}' is no register: there are r0 to r10`);
  return reg;
}

export function isReg(text: string): boolean {
  return /^%?[rw]\d+$/.test(text);
}

export function operandOf(text: string): Operand {
  return isReg(text) ? { reg: regOf(text) } : { imm: intOf(text, 32) };
}

/** Where a jump goes: `pc+3`, `+3`, or a label. Only some have 32 bits for it. */
export function targetOf(text: string, bits: 16 | 32 = 16): { off: number; label?: string } {
  const off = /^(?:pc)?([+-].*)$/.exec(text)?.[1];
  if (off !== undefined) return { off: offsetOf(off, bits) };
  if (!/^[A-Za-z_.$][\w.$]*$/.test(text)) throw new InputError(`'${text}' is no label`);
  return { off: 0, label: text };
}

/** A statement whose instruction goes somewhere. */
export function going(
  { off, label }: { off: number; label?: string },
  make: (off: number) => Insn,
): Statement {
  return label === undefined ? { insn: make(off) } : { insn: make(off), label };
}

/** The instruction with its offset, `distance` slots from the one behind it. */
export function withTarget(insn: Insn, distance: number): Insn {
  const isFar = Math.abs(distance) > 0x7fff;
  switch (insn.kind) {
    case 'call':
    case 'ld_imm64':
      return { ...insn, imm: distance };
    case 'ja':
      if (isFar && !insn.long) throw new InputError(`${distance} slots are too far for goto`);
      return { ...insn, off: distance };
    case 'jmp':
    case 'may_goto':
      if (isFar) throw new InputError(`${distance} slots are too far for a jump`);
      return { ...insn, off: distance };
    default:
      throw new InputError(`a ${insn.kind} goes nowhere`);
  }
}

/**
 * What is called: `5` and `helper 5`; `pc+3`, `local NAME`, `local +3`; `runtime 5`; `NAME#5`,
 * which is a kfunc if its name is kernel-function, as where the log knows no better; NAME, which is
 * a helper's or a label.
 */
export function callOf(text: string, { helper }: AsmNames): Statement {
  const call = (target: 'helper' | 'kfunc', imm: string, off = '0'): Statement => ({
    insn: { kind: 'call', target, imm: intOf(imm, 32), off: offsetOf(off) },
  });
  const named = /^([\w-]+)#(-?\d+)(?:\[(-?\d+)\])?$/.exec(text);
  if (named) {
    const [, name, imm, off] = named;
    return call(name === 'kernel-function' ? 'kfunc' : 'helper', imm!, off);
  }
  const [mode, operand] = text.split(' ', 2) as [string, string?];
  if (operand === undefined ? isNumber(mode) && !/^[+-]/.test(mode) : mode === 'helper') {
    return call('helper', operand ?? mode);
  }
  if (operand !== undefined && mode === 'runtime') return call('kfunc', operand);
  if (operand !== undefined && mode !== 'local') throw new InputError(`call of '${text}'`);
  const id = operand === undefined ? helper?.(mode) : undefined;
  if (id !== undefined) return call('helper', String(id));
  const subprog = (imm: number): Insn => ({ kind: 'call', target: 'subprog', imm, off: 0 });
  return going(targetOf(operand ?? mode, 32), subprog);
}
