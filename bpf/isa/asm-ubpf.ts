import { InputError } from '../../base/errors.ts';
import {
  callOf,
  going,
  intOf,
  number64,
  offsetOf,
  operandOf,
  regOf,
  targetOf,
  type AsmNames,
  type Statement,
} from './asm-statement.ts';
import type { Insn, Reg } from './insn.ts';
import * as ops from './ops.ts';

/** The operands, and how many there must be. */
interface Mnemonic {
  readonly count: number;
  make(operands: readonly string[], names: AsmNames): Statement;
}

const BOTH = [
  { wide: true, suffix: '' },
  { wide: false, suffix: '32' },
] as const;

/**
 * A statement in the spelling of ubpf's assembler and the conformance suite: `add32 %r0, %r1`,
 * `ldxw %r0, [%r1+2]`, `jeq %r1, 0, +5`, `lock fetch add [%r1], %r2`. Undefined if the first word
 * is no mnemonic. github.com/Alan-Jowett/bpf_conformance
 */
export function ubpfStatement(text: string, names: AsmNames): Statement | undefined {
  const word = /^(?:lock (?:fetch )?)?[a-z][a-z\d]*(?= |$)/.exec(text)?.[0];
  const mnemonic = word === undefined ? undefined : MNEMONICS.get(word);
  if (!word || !mnemonic) return undefined;
  const rest = text.slice(word.length).trim();
  const operands = rest === '' ? [] : rest.split(',').map((operand) => operand.trim());
  const { count, make } = mnemonic;
  if (operands.length !== count) {
    throw new InputError(`${word} takes ${count} operands, not ${operands.length}`);
  }
  return make(operands, names);
}

function memoryOf(text: string): { reg: Reg; off: number } {
  const [, reg, off = '0'] = /^\[ ?(%?r\d+) ?([+-].*?)? ?\]$/.exec(text) ?? [];
  if (reg === undefined) throw new InputError(`'${text}' is no memory: expected [%r1+2]`);
  return { reg: regOf(reg), off: offsetOf(off) };
}

const MNEMONICS = new Map<string, Mnemonic>([
  ...aluRows(),
  ...jmpRows(),
  ...memoryRows(),
  ...atomicRows(),
]);

type Rows = [string, Mnemonic][];

function row(name: string, count: number, make: Mnemonic['make']): [string, Mnemonic] {
  return [name, { count, make }];
}

function aluRows(): Rows {
  const two = ops.ALU_OPS.flatMap(({ op }) =>
    BOTH.map(({ wide, suffix }) =>
      row(`${op}${suffix}`, 2, ([dst, src]) => ({
        insn: { kind: 'alu', op, wide, dst: regOf(dst!), src: operandOf(src!) },
      })),
    ),
  );
  const neg = BOTH.map(({ wide, suffix }) =>
    row(`neg${suffix}`, 1, ([dst]) => ({ insn: { kind: 'neg', wide, dst: regOf(dst!) } })),
  );
  const movsx = ([8, 16, 32] as const).flatMap((bits) =>
    [32, 64]
      .filter((to) => to > bits)
      .map((to) =>
        row(`movsx${bits}${to}`, 2, ([dst, src]) => ({
          insn: { kind: 'movsx', wide: to === 64, bits, dst: regOf(dst!), src: regOf(src!) },
        })),
      ),
  );
  const orders = [
    ['le', 'le'],
    ['be', 'be'],
    ['swap', 'bswap'],
    ['bswap', 'bswap'],
  ] as const;
  const endian = orders.flatMap(([name, to]) =>
    ([16, 32, 64] as const).map((bits) =>
      row(`${name}${bits}`, 1, ([dst]) => ({
        insn: { kind: 'endian', to, bits, dst: regOf(dst!) },
      })),
    ),
  );
  return [...two, ...neg, ...movsx, ...endian];
}

function jmpRows(): Rows {
  const conditional = ops.JMP_OPS.flatMap(({ op }) =>
    BOTH.map(({ wide, suffix }) =>
      row(`${op}${suffix}`, 3, ([dst, src, target]) =>
        going(targetOf(target!), (off) => ({
          kind: 'jmp',
          op,
          wide,
          dst: regOf(dst!),
          src: operandOf(src!),
          off,
        })),
      ),
    ),
  );
  const ja = BOTH.map(({ wide, suffix }) =>
    row(`ja${suffix}`, 1, ([target]) =>
      going(targetOf(target!, wide ? 16 : 32), (off) => ({ kind: 'ja', long: !wide, off })),
    ),
  );
  return [
    ...conditional,
    ...ja,
    row('call', 1, ([callee], names) => callOf(callee!, names)),
    row('exit', 0, () => ({ insn: { kind: 'exit' } })),
  ];
}

function memoryRows(): Rows {
  const rows = ops.SIZES.flatMap(({ letter, bytes: size }) => [
    row(`ldx${letter}`, 2, ([dst, from]) => ({ insn: load('mem', size, dst!, from!) })),
    ...(size === 8
      ? []
      : [row(`ldxs${letter}`, 2, ([dst, from]) => ({ insn: load('memsx', size, dst!, from!) }))]),
    row(`st${letter}`, 2, ([to, imm]) => {
      const { reg, off } = memoryOf(to!);
      return { insn: { kind: 'st', size, dst: reg, off, imm: intOf(imm!, 32) } };
    }),
    row(`stx${letter}`, 2, ([to, src]) => {
      const { reg, off } = memoryOf(to!);
      return { insn: { kind: 'stx', size, dst: reg, off, src: regOf(src!) } };
    }),
  ]);
  return [...rows, row('lddw', 2, ([dst, imm]) => ({ insn: number64(regOf(dst!), imm!) }))];
}

function load(mode: 'mem' | 'memsx', size: 1 | 2 | 4 | 8, dst: string, from: string): Insn {
  const { reg, off } = memoryOf(from);
  return { kind: 'ldx', mode, size, dst: regOf(dst), src: reg, off };
}

function atomicRows(): Rows {
  return ops.ATOMIC_OPS.flatMap(({ op }) =>
    BOTH.flatMap(({ wide, suffix }) => {
      const always = op.endsWith('xchg');
      return [false, true].map((asked) =>
        row(`lock ${asked ? 'fetch ' : ''}${op}${suffix}`, 2, ([to, src]) => {
          const { reg, off } = memoryOf(to!);
          const fetch = asked || always;
          const size = wide ? 8 : 4;
          return { insn: { kind: 'atomic', op, fetch, size, dst: reg, off, src: regOf(src!) } };
        }),
      );
    }),
  );
}
