/** The two-operand ALU operations: RFC 9669, section 4.1. Each is one row here and nowhere else. */
export const ALU_OPS = [
  { op: 'add', code: 0x00, off: 0, sign: '+=' },
  { op: 'sub', code: 0x10, off: 0, sign: '-=' },
  { op: 'mul', code: 0x20, off: 0, sign: '*=' },
  { op: 'div', code: 0x30, off: 0, sign: '/=' },
  { op: 'sdiv', code: 0x30, off: 1, sign: 's/=' },
  { op: 'or', code: 0x40, off: 0, sign: '|=' },
  { op: 'and', code: 0x50, off: 0, sign: '&=' },
  { op: 'lsh', code: 0x60, off: 0, sign: '<<=' },
  { op: 'rsh', code: 0x70, off: 0, sign: '>>=' },
  { op: 'mod', code: 0x90, off: 0, sign: '%=' },
  { op: 'smod', code: 0x90, off: 1, sign: 's%=' },
  { op: 'xor', code: 0xa0, off: 0, sign: '^=' },
  { op: 'mov', code: 0xb0, off: 0, sign: '=' },
  { op: 'arsh', code: 0xc0, off: 0, sign: 's>>=' },
] as const;
export type AluOp = (typeof ALU_OPS)[number]['op'];

/** Conditional jumps: RFC 9669, section 4.3. */
export const JMP_OPS = [
  { op: 'jeq', code: 0x10, sign: '==' },
  { op: 'jgt', code: 0x20, sign: '>' },
  { op: 'jge', code: 0x30, sign: '>=' },
  { op: 'jset', code: 0x40, sign: '&' },
  { op: 'jne', code: 0x50, sign: '!=' },
  { op: 'jsgt', code: 0x60, sign: 's>' },
  { op: 'jsge', code: 0x70, sign: 's>=' },
  { op: 'jlt', code: 0xa0, sign: '<' },
  { op: 'jle', code: 0xb0, sign: '<=' },
  { op: 'jslt', code: 0xc0, sign: 's<' },
  { op: 'jsle', code: 0xd0, sign: 's<=' },
] as const;
export type JmpOp = (typeof JMP_OPS)[number]['op'];

/** Atomic operations: RFC 9669, section 5.3. The code stands in the immediate. */
export const ATOMIC_OPS = [
  { op: 'add', code: 0x00, sign: '+=' },
  { op: 'or', code: 0x40, sign: '|=' },
  { op: 'and', code: 0x50, sign: '&=' },
  { op: 'xor', code: 0xa0, sign: '^=' },
  { op: 'xchg', code: 0xe0, sign: 'xchg' },
  { op: 'cmpxchg', code: 0xf0, sign: 'cmpxchg' },
] as const;
export type AtomicOp = (typeof ATOMIC_OPS)[number]['op'];
