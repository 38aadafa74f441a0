import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import { ALU_OPS } from '../../isa/ops.ts';
import { CNUM32_UNBOUNDED, S64_MIN, cnum64Add, cnum64Negate } from '../values/cnum.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { unknownReg } from '../values/regs.ts';
import {
  type SanitizeInfo,
  commitPtrAlu,
  sanitizeCheckBounds,
  sanitizeNeeded,
  sanitizePtrAlu,
} from './sanitize.ts';
import { Scalar } from '../values/scalar.ts';
import { tnumAdd, tnumSub } from '../values/tnum.ts';
import * as t from '../types.ts';

type AluInsn = Extract<Insn, { kind: 'alu' }>;

const VAR_OFF_MAX = BigInt(t.BPF_MAX_VAR_OFF);

/** By opcode, as signed and unsigned division have one. bpf_alu_string */
const SIGNS: ReadonlyMap<string, string> = new Map(
  ALU_OPS.map(({ op, code }) => [op, ALU_OPS.find((row) => row.code === code)!.sign]),
);

/** `+=` */
export function aluSign({ op }: AluInsn): string {
  return SIGNS.get(op)!;
}

/** Pointers that any amount may be added to. */
const MOVABLE: ReadonlySet<number> = new Set([
  t.PTR_TO_CTX,
  t.PTR_TO_MAP_VALUE,
  t.PTR_TO_MAP_KEY,
  t.PTR_TO_STACK,
  t.PTR_TO_PACKET_META,
  t.PTR_TO_PACKET,
  t.PTR_TO_TP_BUFFER,
  t.PTR_TO_BTF_ID,
  t.PTR_TO_MEM,
  t.PTR_TO_BUF,
  t.PTR_TO_FUNC,
  t.CONST_PTR_TO_DYNPTR,
]);

/** Whether such a pointer may be moved at all: some only by constants, or by 0. */
function isMovable(op: string, type: number, off: Scalar): boolean {
  const base = t.baseType(type);
  if (MOVABLE.has(base)) return true;
  if (base === t.PTR_TO_FLOW_KEYS && off.isConst) return true;
  if (base !== t.CONST_PTR_TO_MAP && base !== t.PTR_TO_FLOW_KEYS) return false;
  return off.isConst && off.smin === 0n && op === 'add';
}

function isFar(off: bigint): boolean {
  return off >= VAR_OFF_MAX || off <= -VAR_OFF_MAX;
}

/** check_reg_sane_offset_scalar() */
function checkRegSaneOffsetScalar(env: VerifierEnv, s: Scalar, type: number): void {
  const { smin } = s;
  const name = regTypeStr(type);
  if (s.isConst && isFar(s.svalue)) {
    const text = `math between ${name} pointer and ${s.svalue} is not allowed`;
    throw env.reject(EINVAL, text);
  }
  if (smin === S64_MIN) {
    const text = `math between ${name} pointer and register with unbounded min value`;
    throw env.reject(EINVAL, `${text} is not allowed`);
  }
  if (isFar(smin)) {
    throw env.reject(EINVAL, `value ${smin} makes ${name} pointer be out of bounds`);
  }
}

/** check_reg_sane_offset_ptr() */
function checkRegSaneOffsetPtr(env: VerifierEnv, s: Scalar, type: number): void {
  const off = s.isConst && isFar(s.svalue) ? s.svalue : s.smin;
  if (!isFar(off)) return;
  throw env.reject(EINVAL, `${regTypeStr(type)} pointer offset ${off} is not allowed`);
}

/**
 * A pointer and a scalar, in either order: the pointer is moved, or it is refused. `ptrIsDst`: the
 * pointer is in the destination. adjust_ptr_min_max_vals()
 */
export function adjustPtrMinMaxVals(
  env: VerifierEnv,
  insn: AluInsn,
  ptr: Reg,
  off: Scalar,
  ptrIsDst: boolean,
): void {
  const { regs } = env;
  const { op, wide, dst } = insn;
  if (off.isConst && !off.r64.isConst) {
    // Of a path that cannot be.
    regs[dst] = unknownReg(env);
    return;
  }
  if (!wide) {
    if (op !== 'sub' || !env.allowPtrLeaks) {
      throw env.reject(EACCES, `R${dst} 32-bit pointer arithmetic prohibited`);
    }
    regs[dst] = unknownReg(env);
    return;
  }
  checkMovable(env, insn, ptr, off);
  regs[dst] = ptr;
  // Every read through it may fault and then gives 0: where it points to does not matter.
  if (t.baseType(ptr.type) === t.PTR_TO_MEM && (ptr.type & t.PTR_UNTRUSTED) !== 0) return;
  checkRegSaneOffsetScalar(env, off, ptr.type);
  checkRegSaneOffsetPtr(env, ptr.s, ptr.type);

  const info: SanitizeInfo = { aux: { aluState: 0, aluLimit: 0 }, maskToLeft: false };
  const isSanitized = sanitizeNeeded(op);
  if (isSanitized) sanitizePtrAlu(env, insn, ptr, off, ptrIsDst, info);
  const moved = movePointer(env, insn, ptr, off, ptrIsDst);
  checkRegSaneOffsetPtr(env, moved.s, ptr.type);
  const synced = moved.with({ s: moved.s.sync() });
  regs[dst] = synced;
  sanitizeCheckBounds(env, dst, synced);
  if (isSanitized) commitPtrAlu(env, insn, synced, info);
}

function checkMovable(env: VerifierEnv, { op, dst }: AluInsn, { type }: Reg, off: Scalar): void {
  const name = regTypeStr(type);
  if (t.mayBeNull(type)) {
    const text = `R${dst} pointer arithmetic on ${name} prohibited, null-check it first`;
    throw env.reject(EACCES, text);
  }
  if (!isMovable(op, type, off)) {
    throw env.reject(EACCES, `R${dst} pointer arithmetic on ${name} prohibited`);
  }
}

/** By addition or subtraction; ranges not yet synced. */
function movePointer(
  env: VerifierEnv,
  insn: AluInsn,
  ptr: Reg,
  off: Scalar,
  ptrIsDst: boolean,
): Reg {
  const { op, dst } = insn;
  const { tnum, r64 } = ptr.s;
  switch (op) {
    case 'add': {
      const sum = cnum64Add(r64, off.r64);
      const s = new Scalar(tnumAdd(tnum, off.tnum), sum, CNUM32_UNBOUNDED);
      return afterPacketMove(env, ptr.with({ s }), off, !off.isConst);
    }
    case 'sub': {
      if (!ptrIsDst) {
        throw env.reject(EACCES, `R${dst} tried to subtract pointer from scalar`);
      }
      if (ptr.type === t.PTR_TO_STACK) {
        throw env.reject(EACCES, `R${dst} subtraction from stack pointer prohibited`);
      }
      const difference = cnum64Add(r64, cnum64Negate(off.r64));
      const s = new Scalar(tnumSub(tnum, off.tnum), difference, CNUM32_UNBOUNDED);
      return afterPacketMove(env, ptr.with({ s }), off, !off.isConst && off.smin < 0n);
    }
    case 'and':
    case 'or':
    case 'xor':
      throw env.reject(EACCES, `R${dst} bitwise operator ${aluSign(insn)} on pointer prohibited`);
    default: {
      const text = `R${dst} pointer arithmetic with ${aluSign(insn)} operator prohibited`;
      throw env.reject(EACCES, text);
    }
  }
}

/**
 * A packet pointer moved by an unknown amount is a new one: what is known of others says nothing
 * of it. That it is at the end of the packet is no longer true in any case.
 */
function afterPacketMove(env: VerifierEnv, reg: Reg, off: Scalar, isLost: boolean): Reg {
  if (!t.isPktPointer(reg.type)) return reg;
  const id = off.isConst ? reg.id : env.newId();
  return reg.with({ id, range: isLost || reg.range < 0 ? 0 : reg.range });
}
