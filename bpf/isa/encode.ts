import { INSN_BYTES, type Insn, type Insns, type Operand } from './insn.ts';
import * as ops from './ops.ts';
import { CLASS, CODE, MODE, SRC_X } from './ops.ts';

const alu = new Map<string, (typeof ops.ALU_OPS)[number]>(ops.ALU_OPS.map((row) => [row.op, row]));
const jmp = new Map<string, number>(ops.JMP_OPS.map(({ op, code }) => [op, code]));
const atomic = new Map<string, number>(ops.ATOMIC_OPS.map(({ op, code }) => [op, code]));
const sizes = new Map<number, number>(ops.SIZES.map(({ bytes, code }) => [bytes, code]));

/** The bytes of a program; behind each ld_imm64 stands null, for its second slot. */
export function encodeProgram(insns: Insns): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_BYTES);
  const view = new DataView(bytes.buffer);
  insns.forEach((insn, slot) => {
    if (insn) encodeInsn(insn, view, slot);
  });
  return bytes;
}

/** Writes one instruction to its slot; ld_imm64 to the one behind it too. */
export function encodeInsn(insn: Insn, view: DataView, slot: number): void {
  const { code, dst = 0, src = 0, off = 0, imm = 0 } = fieldsOf(insn);
  const at = slot * INSN_BYTES;
  view.setUint8(at, code);
  view.setUint8(at + 1, dst | (src << 4));
  view.setInt16(at + 2, off, true);
  view.setInt32(at + 4, imm, true);
  if (insn.kind === 'ld_imm64') {
    view.setInt32(at + INSN_BYTES, 0, true);
    view.setInt32(at + INSN_BYTES + 4, insn.next, true);
  }
}

interface Slot {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  readonly off?: number;
  readonly imm?: number;
}

function operand(code: number, src: Operand): Pick<Slot, 'code' | 'src' | 'imm'> {
  return 'reg' in src ? { code: code | SRC_X, src: src.reg } : { code, imm: src.imm };
}

function fieldsOf(insn: Insn): Slot {
  switch (insn.kind) {
    case 'alu': {
      const { code, off } = alu.get(insn.op)!;
      return { ...operand(classOf(insn.wide) | code, insn.src), dst: insn.dst, off };
    }
    case 'movsx': {
      const code = classOf(insn.wide) | alu.get('mov')!.code | SRC_X;
      return { code, dst: insn.dst, src: insn.src, off: insn.bits };
    }
    case 'addr_space_cast': {
      const code = CLASS.ALU64 | alu.get('mov')!.code | SRC_X;
      return { code, dst: insn.dst, src: insn.src, off: ops.ADDR_SPACE_CAST_OFF, imm: insn.as };
    }
    case 'neg':
      return { code: insn.wide ? CODE.neg64 : CODE.neg, dst: insn.dst };
    case 'endian': {
      const code = { le: CODE.end_le, be: CODE.end_be, bswap: CODE.bswap }[insn.to];
      return { code, dst: insn.dst, imm: insn.bits };
    }
    case 'jmp': {
      const code = (insn.wide ? CLASS.JMP : CLASS.JMP32) | jmp.get(insn.op)!;
      return { ...operand(code, insn.src), dst: insn.dst, off: insn.off };
    }
    case 'ja':
      return insn.long ? { code: CODE.gotol, imm: insn.off } : { code: CODE.ja, off: insn.off };
    case 'may_goto':
      return { code: CODE.may_goto, off: insn.off };
    case 'gotox':
      return { code: CODE.gotox, dst: insn.dst };
    case 'call': {
      const src = ops.CALL_TARGETS.indexOf(insn.target);
      return { code: CODE.call, src, off: insn.off, imm: insn.imm };
    }
    case 'exit':
      return { code: CODE.exit };
    default:
      return memoryFields(insn);
  }
}

type MemoryInsn = Extract<
  Insn,
  {
    kind:
      | 'ld_imm64'
      | 'ldx'
      | 'st'
      | 'stx'
      | 'atomic'
      | 'bad_atomic'
      | 'load_acquire'
      | 'store_release'
      | 'ld_abs'
      | 'ld_ind';
  }
>;

function memoryFields(insn: MemoryInsn): Slot {
  if (insn.kind === 'ld_imm64') {
    const src = ops.IMM_SOURCES.indexOf(insn.from);
    return { code: CODE.ld_imm64, dst: insn.dst, src, imm: insn.imm };
  }
  const size = sizes.get(insn.size)!;
  const isArena = 'arena' in insn && insn.arena === true;
  const mem = isArena ? ops.ARENA_MODE.mem : MODE.MEM;
  const atomics = isArena ? ops.ARENA_MODE.atomic : MODE.ATOMIC;
  switch (insn.kind) {
    case 'ldx': {
      const memsx = isArena ? ops.ARENA_MODE.memsx : MODE.MEMSX;
      const mode = { mem, memsx, ...ops.PROBE_MODE }[insn.mode];
      return { code: CLASS.LDX | size | mode, dst: insn.dst, src: insn.src, off: insn.off };
    }
    case 'st':
      return { code: CLASS.ST | size | mem, dst: insn.dst, off: insn.off, imm: insn.imm };
    case 'stx':
      return { code: CLASS.STX | size | mem, dst: insn.dst, src: insn.src, off: insn.off };
    case 'atomic': {
      const imm = atomic.get(insn.op)! | (insn.fetch ? ops.BPF_FETCH : 0);
      const code = CLASS.STX | size | atomics;
      return { code, dst: insn.dst, src: insn.src, off: insn.off, imm };
    }
    case 'bad_atomic': {
      const { dst, src, off, imm } = insn;
      return { code: CLASS.STX | size | MODE.ATOMIC, dst, src, off, imm };
    }
    case 'load_acquire':
    case 'store_release': {
      const imm = insn.kind === 'load_acquire' ? ops.BPF_LOAD_ACQ : ops.BPF_STORE_REL;
      const code = CLASS.STX | size | atomics;
      return { code, dst: insn.dst, src: insn.src, off: insn.off, imm };
    }
    case 'ld_abs':
      return { code: CLASS.LD | size | MODE.ABS, imm: insn.imm };
    case 'ld_ind':
      return { code: CLASS.LD | size | MODE.IND, src: insn.src, imm: insn.imm };
  }
}

function classOf(wide: boolean): number {
  return wide ? CLASS.ALU64 : CLASS.ALU;
}
