import type { Insn } from '../../bpf/isa/insn.ts';
import { ALU_OPS, ATOMIC_OPS, JMP_OPS } from '../../bpf/isa/ops.ts';

/** What of the instruction set an instruction is: `alu add wide imm`. */
export function formOf(insn: Insn): string {
  const { kind } = insn;
  switch (kind) {
    case 'alu':
    case 'jmp':
      return `${kind} ${insn.op} ${insn.wide} ${'reg' in insn.src ? 'reg' : 'imm'}`;
    case 'movsx':
      return `${kind} ${insn.bits} ${insn.wide}`;
    case 'neg':
      return `${kind} ${insn.wide}`;
    case 'endian':
      return `${kind} ${insn.to} ${insn.bits}`;
    case 'ldx':
      return `${kind} ${insn.mode} ${insn.size}`;
    case 'atomic':
      return `${kind} ${insn.op} ${insn.fetch} ${insn.size}`;
    case 'ja':
      return `${kind} ${insn.long}`;
    case 'call':
      return `${kind} ${insn.target}`;
    default:
      return 'size' in insn ? `${kind} ${insn.size}` : kind;
  }
}

/** Every form that a checked program may have, but for addr_space_cast: there are no arenas. */
export function everyForm(): string[] {
  const both = [true, false];
  return [
    ...ALU_OPS.flatMap(({ op }) =>
      both.flatMap((wide) => [`alu ${op} ${wide} reg`, `alu ${op} ${wide} imm`]),
    ),
    ...JMP_OPS.flatMap(({ op }) =>
      both.flatMap((wide) => [`jmp ${op} ${wide} reg`, `jmp ${op} ${wide} imm`]),
    ),
    ...['8 true', '8 false', '16 true', '16 false', '32 true'].map((form) => `movsx ${form}`),
    ...['le', 'be', 'bswap'].flatMap((to) => [16, 32, 64].map((bits) => `endian ${to} ${bits}`)),
    ...['mem', 'probe_mem'].flatMap((mode) => [1, 2, 4, 8].map((size) => `ldx ${mode} ${size}`)),
    ...['memsx', 'probe_memsx'].flatMap((mode) => [1, 2, 4].map((size) => `ldx ${mode} ${size}`)),
    ...['st', 'stx', 'load_acquire', 'store_release'].flatMap((kind) =>
      [1, 2, 4, 8].map((size) => `${kind} ${size}`),
    ),
    ...ATOMIC_OPS.flatMap(({ op }) =>
      [4, 8].flatMap((size) =>
        both
          .filter((fetch) => fetch || !op.endsWith('xchg'))
          .map((fetch) => `atomic ${op} ${fetch} ${size}`),
      ),
    ),
    ...['ld_abs', 'ld_ind'].flatMap((kind) => [1, 2, 4].map((size) => `${kind} ${size}`)),
    ...['helper', 'kfunc', 'subprog'].map((target) => `call ${target}`),
    ...both.flatMap((yes) => [`ja ${yes}`, `neg ${yes}`]),
    'ld_imm64',
    'may_goto',
    'exit',
  ];
}
