import { InputError } from '../../base/errors.ts';
import {
  going,
  intOf,
  isReg,
  number64,
  offsetOf,
  operandOf,
  regOf,
  targetOf,
  type Statement,
} from './asm-statement.ts';
import type { AccessBytes, ImmSource, Insn, LoadMode } from './insn.ts';
import * as ops from './ops.ts';

interface Form {
  readonly pattern: RegExp;
  make(groups: readonly string[]): Statement;
}

const REG = String.raw`(r\d+)`;
/** A register of either width. */
const ANY = String.raw`([rw]\d+)`;
const NUM = String.raw`(-?(?:0x[\da-fA-F]+|\d+))`;
const OPERAND = String.raw`([rw]\d+|-?(?:0x[\da-fA-F]+|\d+))`;
const TYPE = String.raw`\(([us])(8|16|32|64) \*\)`;
const PLACE = String.raw`${TYPE} \(${REG} ([+-] ?(?:0x[\da-fA-F]+|\d+))\)`;

const aluOps = new Map(ops.ALU_OPS.map(({ sign, op }) => [sign as string, op]));
const jmpOps = new Map(ops.JMP_OPS.map(({ sign, op }) => [sign as string, op]));
const atomicOps = new Map(ops.ATOMIC_OPS.map(({ sign, op }) => [sign as string, op]));
const ATOMIC_NAMES = ops.ATOMIC_OPS.map(({ op }) => op);

/** `source` is a pattern in which a blank stands for one or none. */
function form(source: string, make: Form['make']): Form {
  const pattern = new RegExp(`^${source.replaceAll(/ (?!\?)/g, ' ?')}$`);
  return { pattern, make };
}

/** An instruction that goes nowhere. */
function plain(source: string, make: (...groups: string[]) => Insn): Form {
  return form(source, (groups) => ({ insn: make(...groups) }));
}

function signs(rows: ReadonlyMap<string, unknown>): string {
  const escaped = [...rows.keys()].map((sign) => sign.replaceAll(/[+*/|^&]/g, String.raw`\$&`));
  return `(${escaped.join('|')})`;
}

const isWide = (reg: string): boolean => reg.startsWith('r');

/** In one instruction all registers are of one width. */
function sameWidth(a: string, b: string): void {
  if (isReg(b) && a[0] !== b[0]) throw new InputError(`${a} and ${b} are of different widths`);
}

function sizeOf(sign: string, bits: string): AccessBytes {
  if (sign !== 'u') throw new InputError(`(s${bits} *): only loads extend the sign`);
  return (Number(bits) / 8) as AccessBytes;
}

function narrowSize(sign: string, bits: string, sizes: readonly number[]): 1 | 2 | 4 | 8 {
  const size = sizeOf(sign, bits);
  if (!sizes.includes(size)) throw new InputError(`(u${bits} *): not of that size`);
  return size;
}

const ALU: Form[] = [
  plain(`${ANY} ${signs(aluOps)} ${OPERAND}`, (dst, sign, src) => {
    sameWidth(dst!, src!);
    const isNumber = sign === '=' && isWide(dst!) && src!.startsWith('0x');
    if (isNumber) return number64(regOf(dst!), src!);
    const op = aluOps.get(sign!)!;
    return { kind: 'alu', op, wide: isWide(dst!), dst: regOf(dst!), src: operandOf(src!) };
  }),
  plain(`${ANY} = \\(s(8|16|32)\\) ${ANY}`, (dst, bits, src) => {
    sameWidth(dst!, src!);
    const wide = isWide(dst!);
    if (!wide && bits === '32') throw new InputError(`(s32) into the 32 bits of ${dst}`);
    const from = Number(bits) as 8 | 16 | 32;
    return { kind: 'movsx', wide, bits: from, dst: regOf(dst!), src: regOf(src!) };
  }),
  plain(`${ANY} = -${ANY}`, (dst, src) => {
    if (dst !== src) throw new InputError(`${dst} = -${src}: only of the register itself`);
    return { kind: 'neg', wide: isWide(dst!), dst: regOf(dst!) };
  }),
  plain(`${REG} = (le|be|bswap)(16|32|64) ${REG}`, (dst, to, bits, src) => {
    if (dst !== src) throw new InputError(`${to}${bits}: only of the register itself`);
    return {
      kind: 'endian',
      to: to as 'le' | 'be' | 'bswap',
      bits: Number(bits) as 16 | 32 | 64,
      dst: regOf(dst!),
    };
  }),
  plain(`${REG} = addr_space_cast\\(${REG}, ${NUM}, ${NUM}\\)`, (dst, src, to, from) => ({
    kind: 'addr_space_cast',
    dst: regOf(dst!),
    src: regOf(src!),
    as: (intOf(to!, 16) << 16) | (intOf(from!, 16) & 0xffff),
  })),
];

const imm64 = (from: ImmSource, dst: string, imm: string, next = '0'): Insn => ({
  kind: 'ld_imm64',
  from,
  dst: regOf(dst),
  imm: intOf(imm, 32),
  next: intOf(next, 32),
});
const PLUS = String.raw`([+-]\d+)?`;

const IMM64: Form[] = [
  plain(`${REG} = ${NUM} ll`, (dst, number) => number64(regOf(dst!), number!)),
  plain(`${REG} = map\\[(fd|idx):${NUM}\\](\\[0\\])?${PLUS}`, (dst, by, imm, value, next) => {
    const source = `map_${by as 'fd' | 'idx'}` as const;
    if (value === undefined) return imm64(source, dst!, imm!, next);
    return imm64(source === 'map_fd' ? 'map_value' : 'map_idx_value', dst!, imm!, next);
  }),
  plain(`${REG} = btf\\[fd:${NUM}\\]\\[id:${NUM}\\]`, (dst, fd, id) =>
    imm64('btf_id', dst!, id!, fd),
  ),
  form(`${REG} = subprog\\[(\\S+)\\]${PLUS}`, ([dst, target, next]) =>
    going(targetOf(target!, 32), (off) => imm64('func', dst!, String(off), next)),
  ),
];

const LOADS: Form[] = [
  plain(`${REG} = (probe )?\\*${PLACE}`, (dst, probe, sign, bits, src, off) => {
    if (sign === 's' && bits === '64') throw new InputError('(s64 *): 64 bits have no sign to add');
    const mode: LoadMode = `${probe === undefined ? '' : 'probe_'}mem${sign === 's' ? 'sx' : ''}`;
    const size = (Number(bits) / 8) as AccessBytes;
    return { kind: 'ldx', mode, size, dst: regOf(dst!), src: regOf(src!), off: offsetOf(off!) };
  }),
  plain(`${REG} = load_acquire\\(${PLACE}\\)`, (dst, sign, bits, src, off) => ({
    kind: 'load_acquire',
    size: sizeOf(sign!, bits!),
    dst: regOf(dst!),
    src: regOf(src!),
    off: offsetOf(off!),
  })),
  plain(`r0 = \\*${TYPE} skb\\[${NUM}\\]`, (sign, bits, imm) => ({
    kind: 'ld_abs',
    size: narrowSize(sign!, bits!, [1, 2, 4]) as 1 | 2 | 4,
    imm: intOf(imm!, 32),
  })),
  plain(`r0 = \\*${TYPE} skb\\[${REG} \\+ ${NUM}\\]`, (sign, bits, src, imm) => ({
    kind: 'ld_ind',
    size: narrowSize(sign!, bits!, [1, 2, 4]) as 1 | 2 | 4,
    src: regOf(src!),
    imm: intOf(imm!, 32),
  })),
];

const STORES: Form[] = [
  plain(`\\*${PLACE} = (?:${REG}|${NUM})`, (sign, bits, dst, off, src, imm) => {
    const to = { size: sizeOf(sign!, bits!), dst: regOf(dst!), off: offsetOf(off!) };
    if (src === undefined) return { kind: 'st', ...to, imm: intOf(imm!, 32) };
    return { kind: 'stx', ...to, src: regOf(src) };
  }),
  plain(`store_release\\(${PLACE}, ${REG}\\)`, (sign, bits, dst, off, src) => ({
    kind: 'store_release',
    size: sizeOf(sign!, bits!),
    dst: regOf(dst!),
    off: offsetOf(off!),
    src: regOf(src!),
  })),
  plain(`lock \\*${PLACE} ${signs(atomicOps)} ${REG}`, (sign, bits, dst, off, opSign, src) => ({
    kind: 'atomic',
    op: atomicOps.get(opSign!)!,
    fetch: false,
    size: narrowSize(sign!, bits!, [4, 8]) as 4 | 8,
    dst: regOf(dst!),
    off: offsetOf(off!),
    src: regOf(src!),
  })),
  plain(
    `${REG} = atomic(64)?_(?:fetch_)?(${ATOMIC_NAMES.join('|')})\\(${PLACE}(, r0)?, ${REG}\\)`,
    fetching,
  ),
];

/** The register that takes the old value is the operand, or r0. */
function fetching(
  result?: string,
  wide?: string,
  name?: string,
  sign?: string,
  bits?: string,
  dst?: string,
  off?: string,
  compared?: string,
  src?: string,
): Insn {
  const op = ops.ATOMIC_OPS.find((row) => row.op === name)!.op;
  const size = narrowSize(sign!, bits!, wide === undefined ? [4] : [8]) as 4 | 8;
  const isCompared = op === 'cmpxchg';
  if (isCompared !== (compared !== undefined)) throw new InputError(`${op}: wrong operands`);
  const expected = isCompared ? 'r0' : src;
  if (result !== expected) throw new InputError(`${op}: the old value comes in ${expected}`);
  return {
    kind: 'atomic',
    op,
    fetch: true,
    size,
    dst: regOf(dst!),
    off: offsetOf(off!),
    src: regOf(src!),
  };
}

const JUMPS: Form[] = [
  form(`if ${ANY} ${signs(jmpOps)} ${OPERAND} goto (\\S+)`, ([dst, sign, src, target]) => {
    sameWidth(dst!, src!);
    return going(targetOf(target!), (off) => ({
      kind: 'jmp',
      op: jmpOps.get(sign!)!,
      wide: isWide(dst!),
      dst: regOf(dst!),
      src: operandOf(src!),
      off,
    }));
  }),
  form(String.raw`goto (\S+)`, ([target]) =>
    going(targetOf(target!), (off) => ({ kind: 'ja', long: false, off })),
  ),
  form(String.raw`gotol (\S+)`, ([target]) =>
    going(targetOf(target!, 32), (off) => ({ kind: 'ja', long: true, off })),
  ),
  form(String.raw`may_goto (\S+)`, ([target]) =>
    going(targetOf(target!), (off) => ({ kind: 'may_goto', off })),
  ),
];

const FORMS: readonly Form[] = [...ALU, ...IMM64, ...LOADS, ...STORES, ...JUMPS];

/**
 * A statement in the spelling of the verifier's log, as disasm() gives it. `text` has no two blanks
 * in a row. Undefined if it is none.
 */
export function logStatement(text: string): Statement | undefined {
  for (const { pattern, make } of FORMS) {
    const match = pattern.exec(text);
    if (match) return make(match.slice(1));
  }
  return undefined;
}
