import { EACCES, ENOMEM } from '../../../kernel/errno.ts';
import type { Insn, Operand } from '../../isa/insn.ts';
import { ACCESS_HELPER, argnoFromReg } from '../access/access-types.ts';
import { checkMapAccess } from '../access/access-map.ts';
import { pushStack } from '../search/branches.ts';
import type { VerifierEnv } from '../env.ts';
import { tnumText } from '../report/print-state.ts';
import type { Reg } from '../values/reg.ts';
import { markRegUnknown } from '../values/regs.ts';
import { Rejection } from '../rejection.ts';
import type { Scalar } from '../values/scalar.ts';
import { PTR_TO_MAP_VALUE, PTR_TO_STACK, SCALAR_VALUE } from '../types.ts';

// What the processor may do ahead of a branch that it guesses wrongly: pointers of unprivileged
// programs must stay inside their object even then. So the amounts that they are moved by are
// masked (fixup.ts), by limits that are found here.

/** Where the limits of an instruction stand. InsnAux is one. */
export interface AluLimits {
  aluState: number;
  aluLimit: number;
}

/** struct bpf_sanitize_info */
export interface SanitizeInfo {
  readonly aux: AluLimits;
  maskToLeft: boolean;
}

type AluInsn = Extract<Insn, { kind: 'alu' }>;

export const BPF_ALU_SANITIZE_SRC = 1 << 0;
export const BPF_ALU_SANITIZE_DST = 1 << 1;
export const BPF_ALU_NEG_VALUE = 1 << 2;
export const BPF_ALU_NON_POINTER = 1 << 3;
export const BPF_ALU_IMMEDIATE = 1 << 4;
const MAX_BPF_STACK = 512;

/** Why no limit can be given; OK: it is, or none is needed. REASON_* */
type Reason = 'ok' | 'bounds' | 'type' | 'paths' | 'limit' | 'stack';

/** sanitize_needed() */
export function sanitizeNeeded(op: string): boolean {
  return op === 'add' || op === 'sub';
}

/** can_skip_alu_sanitation() */
function canSkipAluSanitation(env: VerifierEnv, insn: AluInsn): boolean {
  return env.bypassSpecV1 || 'imm' in insn.src || env.curAux.nospec;
}

/** On all paths it must be the same. update_alu_sanitation_state() */
function updateAluSanitationState(aux: AluLimits, state: number, limit: number): Reason {
  if (aux.aluState !== 0 && (aux.aluState !== state || aux.aluLimit !== limit)) return 'paths';
  aux.aluState = state;
  aux.aluLimit = limit;
  return 'ok';
}

/** Two scalars are added or subtracted: not where another path has a pointer. sanitize_val_alu() */
export function sanitizeValAlu(env: VerifierEnv, insn: AluInsn): void {
  if (canSkipAluSanitation(env, insn)) return;
  sanitizeErr(env, insn, updateAluSanitationState(env.curAux, BPF_ALU_NON_POINTER, 0));
}

/** How far it may be moved, or why that cannot be said. retrieve_ptr_limit() */
function retrievePtrLimit(ptr: Reg, toLeft: boolean): number | Reason {
  let limit;
  let max;
  if (ptr.type === PTR_TO_STACK) {
    max = MAX_BPF_STACK + (toLeft ? 1 : 0);
    limit = Number(BigInt.asUintN(32, -ptr.s.value));
  } else if (ptr.type === PTR_TO_MAP_VALUE) {
    max = ptr.map!.valueSize;
    limit = Number(BigInt.asUintN(32, toLeft ? ptr.s.smin : ptr.s.umax));
  } else return 'type';
  return limit >= max ? 'limit' : limit;
}

/** Explores from there too what a wrong guess would lead to. sanitize_speculative_path() */
export function sanitizeSpeculativePath(
  env: VerifierEnv,
  insn: { readonly dst: number; readonly src: Operand } | undefined,
  nextIdx: number,
  curIdx: number,
): void {
  const { regs } = pushStack(env, nextIdx, curIdx, true).frame;
  if (insn === undefined) return;
  markRegUnknown(env, regs, insn.dst);
  if ('reg' in insn.src) markRegUnknown(env, regs, insn.src.reg);
}

/**
 * Before a pointer is moved: finds in which direction, and how far at most. `ptrIsDst`: it is the
 * pointer that is in the destination. sanitize_ptr_alu()
 */
export function sanitizePtrAlu(
  env: VerifierEnv,
  insn: AluInsn,
  ptr: Reg,
  off: Scalar,
  ptrIsDst: boolean,
  info: SanitizeInfo,
): void {
  if (canSkipAluSanitation(env, insn)) return;
  if (!env.cur.speculative) {
    sanitizeErr(env, insn, openWindow(env, insn, ptr, off, ptrIsDst, info));
  }
  // A constant amount needs no mask; any other may come out as 0.
  if (off.isConst) return;
  try {
    sanitizeSpeculativePath(env, undefined, env.insnIdx + 1, env.insnIdx);
  } catch (error) {
    if (error instanceof Rejection) sanitizeErr(env, insn, 'stack');
    throw error;
  }
}

function openWindow(
  env: VerifierEnv,
  { op }: AluInsn,
  ptr: Reg,
  off: Scalar,
  ptrIsDst: boolean,
  info: SanitizeInfo,
): Reason {
  const isNegative = off.smin < 0n;
  if (!off.isConst && isNegative !== off.smax < 0n) return 'bounds';
  info.maskToLeft = op === 'add' ? isNegative : !isNegative;
  const limit = retrievePtrLimit(ptr, info.maskToLeft);
  if (typeof limit === 'string') return limit;
  const state =
    (isNegative ? BPF_ALU_NEG_VALUE : 0) |
    (off.isConst ? BPF_ALU_IMMEDIATE : 0) |
    (ptrIsDst ? BPF_ALU_SANITIZE_SRC : BPF_ALU_SANITIZE_DST);
  // Paths that differ in the amount are not to be taken for the same: their limits may differ.
  if (!off.isConst) env.exploreAluLimits = true;
  return updateAluSanitationState(info.aux, state, limit);
}

/** Behind it: the limit is by how much it has moved. sanitize_ptr_alu() with commit_window */
export function commitPtrAlu(env: VerifierEnv, insn: AluInsn, ptr: Reg, info: SanitizeInfo): void {
  if (canSkipAluSanitation(env, insn) || env.cur.speculative) return;
  const limit = retrievePtrLimit(ptr, info.maskToLeft);
  if (typeof limit === 'string') {
    sanitizeErr(env, insn, limit);
    return;
  }
  const moved = Math.abs(info.aux.aluLimit - limit);
  sanitizeErr(env, insn, updateAluSanitationState(env.curAux, info.aux.aluState, moved));
}

/** Refuses, unless all is well. sanitize_err() */
function sanitizeErr(env: VerifierEnv, insn: AluInsn, reason: Reason): void {
  if (reason === 'ok') return;
  const { op, dst } = insn;
  const src = 'reg' in insn.src ? insn.src.reg : 0;
  const srcIsScalar = env.regs[src]!.type === SCALAR_VALUE;
  const why = 'pointer arithmetic with it prohibited for !root';
  switch (reason) {
    case 'bounds': {
      const regno = srcIsScalar ? src : dst;
      const text = `R${regno} has unknown scalar with mixed signed bounds, ${why}`;
      throw env.reject(EACCES, text);
    }
    case 'type': {
      const regno = srcIsScalar ? dst : src;
      throw env.reject(EACCES, `R${regno} has pointer with unsupported alu operation, ${why}`);
    }
    case 'paths': {
      const text = `R${dst} tried to ${op} from different maps, paths or scalars, ${why}`;
      throw env.reject(EACCES, text);
    }
    case 'limit':
      throw env.reject(EACCES, `R${dst} tried to ${op} beyond pointer bounds, ${why}`);
    case 'stack': {
      const text = `R${dst} could not be pushed for speculative verification, ${why}`;
      throw env.reject(ENOMEM, text);
    }
  }
}

/** check_stack_access_for_ptr_arithmetic() */
function checkStackAccessForPtrArithmetic(env: VerifierEnv, regno: number, { s }: Reg): void {
  const off = s.num;
  if (!s.isConst) {
    throw env.reject(
      EACCES,
      `R${regno} variable stack access prohibited for !root, ` +
        `var_off=${tnumText(s.tnum)} off=${off}`,
    );
  }
  if (off < 0 && off >= -MAX_BPF_STACK) return;
  const text = `R${regno} stack pointer arithmetic goes out of range, prohibited for !root`;
  throw env.reject(EACCES, `${text}; off=${off}`);
}

/** Where it is moved to must be in its object already. sanitize_check_bounds() */
export function sanitizeCheckBounds(env: VerifierEnv, regno: number, reg: Reg): void {
  if (env.bypassSpecV1) return;
  if (reg.type === PTR_TO_STACK) checkStackAccessForPtrArithmetic(env, regno, reg);
  if (reg.type !== PTR_TO_MAP_VALUE) return;
  try {
    checkMapAccess(env, reg, argnoFromReg(regno), 0, 1, false, ACCESS_HELPER);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const text = `R${regno} pointer arithmetic of map value goes out of range`;
    throw env.reject(EACCES, `${text}, prohibited for !root`);
  }
}
