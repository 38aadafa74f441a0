import { EINVAL } from '../../kernel/errno.ts';
import type { AccessBytes, Insn, Insns, LoadMode } from './insn.ts';
import { FRAME_POINTER, INSN_BYTES, PARAMS_POINTER } from './insn.ts';
import * as ops from './ops.ts';
import { CLASS, CODE, MODE, SRC_X } from './ops.ts';

/** Why bytes are no instruction, in the verifier's words. */
export interface DecodeError {
  readonly errno: number;
  readonly message: string;
  /** The slot at which it stands. */
  readonly slot: number;
}

/** The fields of one slot: struct bpf_insn, include/uapi/linux/bpf.h. */
export interface RawInsn {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

export function rawInsn(view: DataView, slot: number): RawInsn {
  const at = slot * INSN_BYTES;
  const regs = view.getUint8(at + 1);
  return {
    code: view.getUint8(at),
    dst: regs & 0xf,
    src: regs >> 4,
    off: view.getInt16(at + 2, true),
    imm: view.getInt32(at + 4, true),
  };
}

/** One instruction, or why there is none: a text of the verifier's, or '' for its own opcode's. */
export type Decoded = Insn | string;

const UNKNOWN = '';
const LOAD64 = CLASS.LDX | MODE.MEM | 0x18;
const STORE_IMM64 = CLASS.ST | MODE.MEM | 0x18;
const STORE_REG64 = CLASS.STX | MODE.MEM | 0x18;

const aluOps = new Map(ops.ALU_OPS.map((row) => [row.code | (row.off << 8), row.op]));
const jmpOps = new Map(ops.JMP_OPS.map(({ code, op }) => [code as number, op]));
const sizes = new Map(ops.SIZES.map(({ code, bytes }) => [code as number, bytes as AccessBytes]));
const probeModes = new Map<number, LoadMode>(
  Object.entries(ops.PROBE_MODE).map(([mode, code]) => [code, mode as LoadMode]),
);

/**
 * A whole program of `bytes.length / 8` slots that an engine can run as it is, or the first thing
 * wrong with it. Registers beyond r10 are refused here too. check_and_resolve_insns()
 */
export function decodeProgram(bytes: Uint8Array): Insns | DecodeError {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / INSN_BYTES);
  const insns: (Insn | null)[] = [];
  const error = (slot: number, message: string): DecodeError => ({ errno: EINVAL, message, slot });
  for (let slot = 0; slot < count; slot++) {
    const raw = rawInsn(view, slot);
    const next = slot + 1 < count ? rawInsn(view, slot + 1) : undefined;
    const insn = decodeInsn(raw, next);
    const wrong = typeof insn === 'string' ? reasonOf(insn, raw) : notRun(insn);
    if (wrong !== undefined || typeof insn === 'string') return error(slot, wrong!);
    insns.push(insn);
    if (insn.kind === 'ld_imm64') {
      insns.push(null);
      slot++;
    }
  }
  return insns;
}

/** A program as it comes to the verifier: null where nothing can be, and in second slots. */
export function decodeLoaded(bytes: Uint8Array): Insns {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.floor(bytes.length / INSN_BYTES);
  const insns: (Insn | null)[] = [];
  while (insns.length < count) {
    const slot = insns.length;
    const insn = decodeInsn(
      rawInsn(view, slot),
      slot + 1 < count ? rawInsn(view, slot + 1) : undefined,
    );
    insns.push(typeof insn === 'string' ? null : insn);
    if (typeof insn !== 'string' && insn.kind === 'ld_imm64') insns.push(null);
  }
  return insns;
}

/** In words, of what decodeInsn() says. */
export function reasonOf(said: string, raw: RawInsn): string {
  return said === UNKNOWN ? `unknown opcode ${hex(raw.code)}` : said;
}

/** Why an instruction that the verifier may come upon cannot run as it is. */
function notRun(insn: Insn): string | undefined {
  if (insn.kind === 'bad_atomic') return `BPF_ATOMIC uses invalid atomic opcode ${hex(insn.imm)}`;
  if (insn.kind === 'gotox') return `unknown opcode ${hex(CODE.gotox)}`;
  const isStore = insn.kind === 'st' || insn.kind === 'stx';
  const isParams = isStore ? insn.dst > FRAME_POINTER : insn.kind === 'ldx' && insn.src > 10;
  return isParams ? `R${PARAMS_POINTER} is invalid` : undefined;
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0');
}

/** is_stack_arg_st(), is_stack_arg_stx() */
export function isStackArgStore({ code, dst, off }: RawInsn): boolean {
  const isStore = code === STORE_IMM64 || code === STORE_REG64;
  return isStore && dst === PARAMS_POINTER && off < 0 && off % 8 === 0;
}

/** is_stack_arg_ldx() */
export function isStackArgLoad({ code, src, off }: RawInsn): boolean {
  return code === LOAD64 && src === PARAMS_POINTER && off > 0 && off % 8 === 0;
}

/**
 * What the verifier takes for an instruction, which may be more than can run as it is. `next` is
 * the slot behind it, of which only ld_imm64 takes anything.
 */
export function decodeInsn(raw: RawInsn, next?: RawInsn): Decoded {
  const { dst, src } = raw;
  if (dst > FRAME_POINTER && !isStackArgStore(raw)) return `R${dst} is invalid`;
  if (src > FRAME_POINTER && !isStackArgLoad(raw)) return `R${src} is invalid`;
  switch (raw.code & 0x07) {
    case CLASS.LD:
      return decodeLd(raw, next);
    case CLASS.LDX:
      return decodeLdx(raw);
    case CLASS.ST:
      return decodeSt(raw);
    case CLASS.STX:
      return decodeStx(raw);
    case CLASS.JMP:
    case CLASS.JMP32:
      return decodeJmp(raw);
    default:
      return decodeAlu(raw);
  }
}

function decodeLd(raw: RawInsn, next: RawInsn | undefined): Decoded {
  const { code, dst, src, off, imm } = raw;
  if (code === CODE.ld_imm64) {
    if (!next || next.code !== 0 || next.dst !== 0 || next.src !== 0 || next.off !== 0) {
      return 'invalid bpf_ld_imm64 insn';
    }
    if (off !== 0) return 'BPF_LD_IMM64 uses reserved fields';
    const from = ops.IMM_SOURCES[src];
    if (!from) return 'unrecognized bpf_ld_imm64 insn';
    return { kind: 'ld_imm64', from, dst, imm, next: next.imm };
  }
  const size = sizes.get(code & 0x18)!;
  const mode = code & 0xe0;
  if (size === 8 || (mode !== MODE.ABS && mode !== MODE.IND)) return UNKNOWN;
  if (dst !== 0 || off !== 0 || (mode === MODE.ABS && src !== 0)) {
    return 'BPF_LD_[ABS|IND] uses reserved fields';
  }
  if (mode === MODE.ABS) return { kind: 'ld_abs', size, imm };
  return { kind: 'ld_ind', size, src, imm };
}

function decodeLdx({ code, dst, src, off, imm }: RawInsn): Decoded {
  const size = sizes.get(code & 0x18)!;
  const modeBits = code & 0xe0;
  let mode: LoadMode | undefined = probeModes.get(modeBits);
  if (modeBits === MODE.MEM) mode = 'mem';
  if (modeBits === MODE.MEMSX) mode = 'memsx';
  if (!mode || (size === 8 && mode.endsWith('sx'))) return UNKNOWN;
  if (imm !== 0) return mode.startsWith('probe') ? UNKNOWN : 'BPF_LDX uses reserved fields';
  return { kind: 'ldx', mode, size, dst, src, off };
}

function decodeSt({ code, dst, src, off, imm }: RawInsn): Decoded {
  if ((code & 0xe0) !== MODE.MEM) return UNKNOWN;
  if (src !== 0) return 'BPF_ST uses reserved fields';
  return { kind: 'st', size: sizes.get(code & 0x18)!, dst, off, imm };
}

function decodeStx(raw: RawInsn): Decoded {
  const { code, dst, src, off, imm } = raw;
  const size = sizes.get(code & 0x18)!;
  if ((code & 0xe0) === MODE.MEM) {
    return imm === 0 ? { kind: 'stx', size, dst, off, src } : 'BPF_STX uses reserved fields';
  }
  if ((code & 0xe0) !== MODE.ATOMIC) return UNKNOWN;
  if (imm === ops.BPF_LOAD_ACQ) return { kind: 'load_acquire', size, dst, src, off };
  if (imm === ops.BPF_STORE_REL) return { kind: 'store_release', size, dst, off, src };
  const atomic = ops.atomicOfImm(imm);
  if (!atomic || size < 4) return { kind: 'bad_atomic', size, dst, off, src, imm };
  return { kind: 'atomic', ...atomic, size: size as 4 | 8, dst, off, src };
}

function decodeJmp(raw: RawInsn): Decoded {
  const { code, dst, src, off, imm } = raw;
  const wide = (code & 0x07) === CLASS.JMP;
  switch (code) {
    case CODE.call: {
      const target = ops.CALL_TARGETS[src];
      if (!target || dst !== 0 || (target !== 'kfunc' && off !== 0)) {
        return 'BPF_CALL uses reserved fields';
      }
      return { kind: 'call', target, imm, off };
    }
    case CODE.exit:
      return imm === 0 && src === 0 && dst === 0
        ? { kind: 'exit' }
        : 'BPF_EXIT uses reserved fields';
    case CODE.ja:
    case CODE.gotol: {
      const long = code === CODE.gotol;
      if (src !== 0 || dst !== 0 || (long ? off : imm) !== 0) return 'BPF_JA uses reserved fields';
      return { kind: 'ja', long, off: long ? imm : off };
    }
    case CODE.may_goto:
      return src === 0 && dst === 0 && imm === 0
        ? { kind: 'may_goto', off }
        : `invalid may_goto imm ${imm}`;
    case CODE.gotox:
      return src === 0 && imm === 0 && off === 0
        ? { kind: 'gotox', dst }
        : 'BPF_JA|BPF_X uses reserved fields';
    default:
  }
  const op = jmpOps.get(code & 0xf0);
  if (!op) return UNKNOWN;
  if ((code & SRC_X) !== 0) {
    if (imm !== 0) return 'BPF_JMP/JMP32 uses reserved fields';
    return { kind: 'jmp', op, wide, dst, src: { reg: src }, off };
  }
  if (src !== 0) return 'BPF_JMP/JMP32 uses reserved fields';
  return { kind: 'jmp', op, wide, dst, src: { imm }, off };
}

function decodeAlu(raw: RawInsn): Decoded {
  const { code, dst, src, off, imm } = raw;
  const wide = (code & 0x07) === CLASS.ALU64;
  const isReg = (code & SRC_X) !== 0;
  switch (code & 0xf0) {
    case CODE.neg & 0xf0:
      if (isReg) return UNKNOWN;
      if (src !== 0 || off !== 0 || imm !== 0) return 'BPF_NEG uses reserved fields';
      return { kind: 'neg', wide, dst };
    case CODE.end_le & 0xf0: {
      if (wide && isReg) return UNKNOWN;
      if (src !== 0 || off !== 0 || (imm !== 16 && imm !== 32 && imm !== 64)) {
        return 'BPF_END uses reserved fields';
      }
      const to = wide ? 'bswap' : isReg ? 'be' : 'le';
      return { kind: 'endian', to, bits: imm, dst };
    }
    case 0xb0:
      return decodeMov(raw, wide, isReg);
    default:
  }
  const isDivision = (code & 0xf0) === 0x30 || (code & 0xf0) === 0x90;
  if (!aluOps.has(code & 0xf0)) return UNKNOWN;
  if ((off !== 0 && !(isDivision && off === 1)) || (isReg ? imm : src) !== 0) {
    return 'BPF_ALU uses reserved fields';
  }
  const op = aluOps.get((code & 0xf0) | (off << 8))!;
  return { kind: 'alu', op, wide, dst, src: isReg ? { reg: src } : { imm } };
}

function decodeMov({ dst, src, off, imm }: RawInsn, wide: boolean, isReg: boolean): Decoded {
  const RESERVED = 'BPF_MOV uses reserved fields';
  if (!isReg) {
    if (src !== 0 || off !== 0) return RESERVED;
    return { kind: 'alu', op: 'mov', wide, dst, src: { imm } };
  }
  if (off === ops.ADDR_SPACE_CAST_OFF && wide) {
    return { kind: 'addr_space_cast', dst, src, as: imm };
  }
  if (imm !== 0) return RESERVED;
  if (off === 0) return { kind: 'alu', op: 'mov', wide, dst, src: { reg: src } };
  if (off !== 8 && off !== 16 && !(off === 32 && wide)) return RESERVED;
  return { kind: 'movsx', wide, bits: off, dst, src };
}
