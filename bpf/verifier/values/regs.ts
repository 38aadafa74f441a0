import { EACCES } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { NOT_INIT_REG, UNKNOWN_PRECISE_REG, UNKNOWN_REG, constReg, type Reg } from './reg.ts';
import { NOT_INIT, PTR_TO_ARENA, SCALAR_VALUE } from '../types.ts';

export const FRAME_POINTER = 10;
/** r0 to r5: what a call leaves nothing of. */
export const CALLER_SAVED = [0, 1, 2, 3, 4, 5] as const;

/** Of an operand: read; written, and of unknown value; written by a rule of its own. */
export type RegUse = 'src' | 'dst' | 'dst_no_mark';

/**
 * A register is read or written: what must hold for that. Which instructions wrote only its lower
 * half is not tracked: the engines clear the upper half always. check_reg_arg()
 */
export function checkRegArg(env: VerifierEnv, regno: number, use: RegUse): void {
  const { regs } = env;
  env.scratchedRegs |= 1 << regno;
  if (use === 'src') {
    if (regs[regno]!.type === NOT_INIT) throw env.reject(EACCES, `R${regno} !read_ok`);
    return;
  }
  if (regno === FRAME_POINTER) throw env.reject(EACCES, 'frame pointer is read only');
  if (use === 'dst') regs[regno] = unknownReg(env);
}

/** A scalar of any value: precise from the start where the loader is not capable. */
export function unknownReg(env: VerifierEnv): Reg {
  return env.bpfCapable ? UNKNOWN_REG : UNKNOWN_PRECISE_REG;
}

/** mark_reg_unknown() */
export function markRegUnknown(env: VerifierEnv, regs: Reg[], regno: number): void {
  regs[regno] = unknownReg(env);
}

/** What a call leaves: nothing in r0 to r5. */
export function clearCallerSaved(env: VerifierEnv): void {
  for (const regno of CALLER_SAVED) env.regs[regno] = NOT_INIT_REG;
  env.scratchedRegs |= 0x3f;
}

/** A scalar of that value. __mark_reg_const_zero(), __mark_reg_known() */
export function knownReg(env: VerifierEnv, value: bigint): Reg {
  return constReg(value, !env.bpfCapable);
}

/** Whether a register would give a kernel address away. is_pointer_value() */
export function isPointerValue(env: VerifierEnv, regno: number): boolean {
  return isPointerReg(env.allowPtrLeaks, env.regs[regno]!);
}

/** __is_pointer_value() */
export function isPointerReg(allowPtrLeaks: boolean, reg: Reg): boolean {
  return !allowPtrLeaks && reg.type !== SCALAR_VALUE;
}

/** is_arena_reg() */
export function isArenaReg(env: VerifierEnv, regno: number): boolean {
  return env.regs[regno]!.type === PTR_TO_ARENA;
}
