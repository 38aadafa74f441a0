import { FRAME_POINTER, type Reg } from '../isa/insn.ts';
import { I32, I64, type FunctionType, type ValueType } from './wasm.ts';

/**
 * The function of a unit: frame, the block to begin with, the depth on entry, the slot whose access
 * has been stopped for (or -1); a status.
 */
export const RUN: FunctionType = { params: [I32, I32, I32, I32], results: [I32] };

// Its parameters and locals, by index.
export const FRAME = 0;
export const BLOCK = 1;
export const ENTRY_DEPTH = 2;
export const RESUMED = 3;
const REG0 = 4;
/** An address less the direct map's begin: an offset if it is valid. */
export const AT = REG0 + FRAME_POINTER + 1;
/** Operands that are needed twice. */
export const A64 = AT + 1;
export const B64 = AT + 2;
export const A32 = AT + 3;
export const B32 = AT + 4;
export const FUEL_LEFT = AT + 5;
export const DEPTH = AT + 6;
export const LOOPS = AT + 7;
export const COUNTDOWN = AT + 8;
/** Offset of the stack of the present depth: its lowest byte. */
export const STACK = AT + 9;
export const PC = AT + 10;
export const STATUS = AT + 11;

export const LOCALS: readonly ValueType[] = [
  ...Array.from({ length: B64 - REG0 + 1 }, (): ValueType => I64),
  ...Array.from({ length: STATUS - B64 }, (): ValueType => I32),
];

export function local(reg: Reg): number {
  return REG0 + reg;
}
