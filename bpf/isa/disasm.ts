import { encodeInsn } from './encode.ts';
import { INSN_BYTES, type Insn, type Insns, type Operand } from './insn.ts';
import * as ops from './ops.ts';

type Call = Extract<Insn, { kind: 'call' }>;
type LdImm64 = Extract<Insn, { kind: 'ld_imm64' }>;

/** What the bare instruction does not know. kernel/bpf/disasm.h: struct bpf_insn_cbs */
export interface DisasmNames {
  /** The name of a helper or a kfunc. */
  readonly callee?: (call: Call) => string | undefined;
  /** What an ld_imm64 loads, where it is more than a number. */
  readonly imm64?: (insn: LdImm64) => string | undefined;
}

const aluSigns = new Map<string, string>(ops.ALU_OPS.map(({ op, sign }) => [op, sign]));
const jmpSigns = new Map<string, string>(ops.JMP_OPS.map(({ op, sign }) => [op, sign]));
const atomicSigns = new Map<string, string>(ops.ATOMIC_OPS.map(({ op, sign }) => [op, sign]));

/**
 * One instruction as the verifier's log spells it, without its number and opcode:
 * `r1 = *(u64 *)(r10 -8)`. What the log does not tell apart (the sources of ld_imm64, the loads
 * that read zero) gets a spelling of its own, so that `assemble` gives back the same instruction.
 * kernel/bpf/disasm.c: print_bpf_insn()
 */
export function disasm(insn: Insn, names: DisasmNames = {}): string {
  switch (insn.kind) {
    case 'alu':
      return `${reg(insn)} ${aluSigns.get(insn.op)} ${operand(insn)}`;
    case 'movsx':
      return `${reg(insn)} = (s${insn.bits})${reg({ wide: insn.wide, dst: insn.src })}`;
    case 'neg':
      return `${reg(insn)} = -${reg(insn)}`;
    case 'endian':
      return `r${insn.dst} = ${insn.to}${insn.bits} r${insn.dst}`;
    case 'addr_space_cast':
      return `r${insn.dst} = addr_space_cast(r${insn.src}, ${insn.as >>> 16}, ${insn.as & 0xffff})`;
    case 'ld_imm64':
      return `r${insn.dst} = ${names.imm64?.(insn) ?? immText(insn)}`;
    case 'ja':
      return `${insn.long ? 'gotol' : 'goto'} pc${signed(insn.off)}`;
    case 'may_goto':
      return `may_goto pc${signed(insn.off)}`;
    case 'gotox':
      return `gotox r${insn.dst}`;
    case 'jmp': {
      const { op, src } = insn;
      const other = 'reg' in src ? operand(insn) : `0x${(src.imm >>> 0).toString(16)}`;
      return `if ${reg(insn)} ${jmpSigns.get(op)} ${other} goto pc${signed(insn.off)}`;
    }
    case 'call':
      return `call ${calleeText(insn, names)}`;
    case 'exit':
      return 'exit';
    default:
      return memoryText(insn);
  }
}

/** As the verifier's log has it: `3: (7b) *(u64 *)(r10 -8) = r1`. */
export function disasmLine(insn: Insn, slot: number, names?: DisasmNames): string {
  if (insn.kind === 'bad_atomic' && !ops.atomicOfImm(insn.imm)) return `${slot}: ${badText(insn)}`;
  const opcode = opcodeOf(insn).toString(16).padStart(2, '0');
  return `${slot}: (${opcode}) ${disasm(insn, names)}`;
}

/** A whole program, an instruction a line. */
export function disasmProgram(insns: Insns, names?: DisasmNames): string[] {
  return insns.flatMap((insn, slot) => (insn ? [disasmLine(insn, slot, names)] : []));
}

const scratch = new DataView(new ArrayBuffer(2 * INSN_BYTES));

function opcodeOf(insn: Insn): number {
  encodeInsn(insn, scratch, 0);
  return scratch.getUint8(0);
}

function reg({ wide, dst }: { readonly wide: boolean; readonly dst: number }): string {
  return `${wide ? 'r' : 'w'}${dst}`;
}

function operand({ wide, src }: { readonly wide: boolean; readonly src: Operand }): string {
  return 'reg' in src ? reg({ wide, dst: src.reg }) : String(src.imm);
}

function signed(off: number): string {
  return off < 0 ? String(off) : `+${off}`;
}

/** A number stands in hex, which tells it from a mov; the rest as bpftool shows it. */
function immText({ from, imm, next }: LdImm64): string {
  const plus = next === 0 ? '' : signed(next);
  switch (from) {
    case 'value':
      return `0x${((BigInt(next >>> 0) << 32n) | BigInt(imm >>> 0)).toString(16)}`;
    case 'map_fd':
      return `map[fd:${imm}]${plus}`;
    case 'map_value':
      return `map[fd:${imm}][0]${signed(next)}`;
    case 'map_idx':
      return `map[idx:${imm}]${plus}`;
    case 'map_idx_value':
      return `map[idx:${imm}][0]${signed(next)}`;
    case 'btf_id':
      return `btf[fd:${next}][id:${imm}]`;
    case 'func':
      return `subprog[${signed(imm)}]${plus}`;
  }
}

function calleeText(call: Call, { callee }: DisasmNames): string {
  const { target, imm, off } = call;
  if (target === 'subprog') return `pc${signed(imm)}`;
  const name = callee?.(call) ?? (target === 'helper' ? 'unknown' : 'kernel-function');
  return `${name}#${imm}${off === 0 ? '' : `[${off}]`}`;
}

type MemoryInsn = Extract<Insn, { readonly size: unknown }>;

function memoryText(insn: MemoryInsn): string {
  const type = `(u${insn.size * 8} *)`;
  switch (insn.kind) {
    case 'ldx': {
      const { mode, size, dst, src, off } = insn;
      const sign = mode.endsWith('sx') ? 's' : 'u';
      const probe = mode.startsWith('probe') ? 'probe ' : '';
      return `r${dst} = ${probe}*(${sign}${size * 8} *)(r${src} ${signed(off)})`;
    }
    case 'st':
      return `*${type}(r${insn.dst} ${signed(insn.off)}) = ${insn.imm}`;
    case 'stx':
      return `*${type}(r${insn.dst} ${signed(insn.off)}) = r${insn.src}`;
    case 'load_acquire':
      return `r${insn.dst} = load_acquire(${type}(r${insn.src} ${signed(insn.off)}))`;
    case 'store_release':
      return `store_release(${type}(r${insn.dst} ${signed(insn.off)}), r${insn.src})`;
    case 'bad_atomic': {
      const atomic = ops.atomicOfImm(insn.imm);
      const place = `${type}(r${insn.dst} ${signed(insn.off)})`;
      return atomic ? atomicText({ ...insn, ...atomic }, place) : badText(insn);
    }
    case 'atomic':
      return atomicText(insn, `${type}(r${insn.dst} ${signed(insn.off)})`);
    case 'ld_abs':
      return `r0 = *${type}skb[${insn.imm}]`;
    case 'ld_ind':
      return `r0 = *${type}skb[r${insn.src} + ${insn.imm}]`;
  }
}

function badText(insn: Insn): string {
  return `BUG_${opcodeOf(insn).toString(16)}`;
}

interface Atomic {
  readonly op: ops.AtomicOp;
  readonly fetch: boolean;
  readonly size: number;
  readonly src: number;
}

function atomicText(insn: Atomic, place: string): string {
  const { op, fetch, size, src } = insn;
  const name = `atomic${size === 8 ? '64' : ''}`;
  if (op === 'cmpxchg') return `r0 = ${name}_cmpxchg(${place}, r0, r${src})`;
  if (op === 'xchg') return `r${src} = ${name}_xchg(${place}, r${src})`;
  if (fetch) return `r${src} = ${name}_fetch_${op}(${place}, r${src})`;
  return `lock *${place} ${atomicSigns.get(op)} r${src}`;
}
