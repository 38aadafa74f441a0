import { EACCES, EFAULT, EINVAL } from '../../../kernel/errno.ts';
import type { Insn } from '../../isa/insn.ts';
import type { VerifierEnv } from '../env.ts';
import { pushJmpHistory } from '../search/history.ts';
import { markChainPrecisionBatch } from '../search/precision.ts';
import { constReg, NOT_INIT_REG, type Reg } from '../values/reg.ts';
import { type FuncState, INSN_F_STACK_ARG_ACCESS } from '../state.ts';
import * as t from '../types.ts';

// Arguments beyond the fifth: they are stored below r11, and loaded from above it by the callee.

/** BPF_REG_PARAMS */
const PARAMS = 11;
const STACK_ARGS_MAX = t.MAX_BPF_FUNC_ARGS - t.MAX_BPF_FUNC_REG_ARGS;
const SLOT = t.BPF_REG_SIZE;

/** is_stack_arg_ldx() */
export function isStackArgLdx(insn: Insn): boolean {
  if (insn.kind !== 'ldx' || insn.mode !== 'mem' || insn.size !== SLOT) return false;
  return insn.src === PARAMS && insn.off > 0 && insn.off % SLOT === 0;
}

function isOutgoing(dst: number, off: number, size: number): boolean {
  return dst === PARAMS && size === SLOT && off < 0 && off % SLOT === 0;
}

/** is_stack_arg_stx() */
export function isStackArgStx(insn: Insn): boolean {
  return insn.kind === 'stx' && isOutgoing(insn.dst, insn.off, insn.size);
}

/** is_stack_arg_st() */
export function isStackArgSt(insn: Insn): boolean {
  return insn.kind === 'st' && isOutgoing(insn.dst, insn.off, insn.size);
}

/** `valueReg` undefined: the instruction's immediate. check_stack_arg_write() */
export function checkStackArgWrite(
  env: VerifierEnv,
  frame: FuncState,
  off: number,
  valueReg: Reg | undefined,
): void {
  const index = -off / SLOT - 1;
  if (index >= STACK_ARGS_MAX) {
    const text = `stack arg write offset ${off} exceeds max ${STACK_ARGS_MAX} stack args`;
    throw env.reject(EINVAL, text);
  }
  const args = frame.stackArgRegs;
  while (args.length <= index) args.push(NOT_INIT_REG);
  const subprog = env.subprogs[frame.subprogno]!;
  subprog.maxOutStackArgCnt = Math.max(subprog.maxOutStackArgCnt, index + 1);
  const { insn } = env;
  args[index] = valueReg ?? constReg(BigInt(insn.kind === 'st' ? insn.imm : 0));
  frame.noStackArgLoad = true;
  pushJmpHistory(env, env.cur, INSN_F_STACK_ARG_ACCESS, index, 0);
}

/** check_stack_arg_read() */
export function checkStackArgRead(
  env: VerifierEnv,
  frame: FuncState,
  off: number,
  dstRegno: number,
): void {
  if (frame.noStackArgLoad) {
    throw env.reject(EINVAL, 'r11 load must be before any r11 store or call insn');
  }
  const index = off / SLOT - 1;
  const count = env.subprogs[frame.subprogno]!.inStackArgCnt;
  if (index + 1 > count) {
    const text = `invalid read from stack arg off ${off} depth ${count * SLOT}`;
    throw env.reject(EACCES, text);
  }
  const caller = env.cur.frames[env.cur.curframe - 1]!;
  env.regs[dstRegno] = caller.stackArgRegs[index]!;
  pushJmpHistory(env, env.cur, INSN_F_STACK_ARG_ACCESS, index, 0);
}

/** The value of an argument, counted from 0, has been relied on. mark_stack_arg_precision() */
export function markStackArgPrecision(env: VerifierEnv, argIdx: number): void {
  env.bt.setArg(env.frame.frameno, argIdx - t.MAX_BPF_FUNC_REG_ARGS);
  markChainPrecisionBatch(env, env.cur);
}

/** All that the callee takes from the stack is there. check_outgoing_stack_args() */
export function checkOutgoingStackArgs(env: VerifierEnv, caller: FuncState, nargs: number): void {
  for (let i = 0; i < nargs - t.MAX_BPF_FUNC_REG_ARGS; i++) {
    if ((caller.stackArgRegs[i]?.type ?? t.NOT_INIT) !== t.NOT_INIT) continue;
    throw env.reject(EFAULT, `callee expects ${nargs} args, stack arg${i + 1} is not initialized`);
  }
}

/** An argument, counted from 0. get_func_arg_reg() */
export function getFuncArgReg(caller: FuncState, regs: readonly Reg[], arg: number): Reg {
  if (arg < t.MAX_BPF_FUNC_REG_ARGS) return regs[arg + 1]!;
  return caller.stackArgRegs[arg - t.MAX_BPF_FUNC_REG_ARGS]!;
}
