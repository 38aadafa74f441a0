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

/** What the immediate of an atomic says; undefined where it is none, nor load-acquire or so. */
export function atomicOfImm(imm: number): { op: AtomicOp; fetch: boolean } | undefined {
  const fetch = (imm & BPF_FETCH) !== 0;
  const op = ATOMIC_OPS.find(({ code }) => code === (imm & ~BPF_FETCH))?.op;
  const mustFetch = op === 'xchg' || op === 'cmpxchg';
  return op === undefined || (mustFetch && !fetch) ? undefined : { op, fetch };
}

/** Instruction classes: RFC 9669, section 3.1. */
export const CLASS = {
  LD: 0x00,
  LDX: 0x01,
  ST: 0x02,
  STX: 0x03,
  ALU: 0x04,
  JMP: 0x05,
  JMP32: 0x06,
  ALU64: 0x07,
} as const;

/** The source bit of arithmetic and jumps: a register instead of the immediate. */
export const SRC_X = 0x08;

/** Sizes of memory accesses, by their bits in the opcode. `letter` is the kernel log's. */
export const SIZES = [
  { bytes: 4, code: 0x00, letter: 'w' },
  { bytes: 2, code: 0x08, letter: 'h' },
  { bytes: 1, code: 0x10, letter: 'b' },
  { bytes: 8, code: 0x18, letter: 'dw' },
] as const;

/** Modes of loads and stores: RFC 9669, section 5, and Linux's own for faulting loads. */
export const MODE = {
  IMM: 0x00,
  ABS: 0x20,
  IND: 0x40,
  MEM: 0x60,
  MEMSX: 0x80,
  ATOMIC: 0xc0,
} as const;

/** Linux's inside the kernel only: include/linux/filter.h. They never come from user space. */
export const PROBE_MODE = { probe_mem: 0x20, probe_memsx: 0x40 } as const;

/** The same of accesses to an arena: BPF_PROBE_MEM32, BPF_PROBE_MEM32SX, BPF_PROBE_ATOMIC. */
export const ARENA_MODE = { mem: 0xa0, memsx: 0xc0, atomic: 0xe0 } as const;

/** Opcodes that are none of the tables'. */
export const CODE = {
  ld_imm64: 0x18,
  ja: 0x05,
  gotol: 0x06,
  call: 0x85,
  exit: 0x95,
  may_goto: 0xe5,
  gotox: 0x0d,
  neg: 0x84,
  neg64: 0x87,
  end_le: 0xd4,
  end_be: 0xdc,
  bswap: 0xd7,
} as const;

/** In the immediate of an atomic: what it fetches, and what is no operation but an order. */
export const BPF_FETCH = 0x01;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;
/** The offset of a mov that converts between address spaces. */
export const ADDR_SPACE_CAST_OFF = 1;

/** By the source register of ld_imm64: BPF_PSEUDO_*, include/uapi/linux/bpf.h. */
export const IMM_SOURCES = [
  'value',
  'map_fd',
  'map_value',
  'btf_id',
  'func',
  'map_idx',
  'map_idx_value',
] as const;

/** By the source register of a call. */
export const CALL_TARGETS = ['helper', 'subprog', 'kfunc'] as const;
