import { EACCES } from '../../../kernel/errno.ts';
import { type ArgNo, BPF_READ } from './access-types.ts';
import type { VerifierEnv } from '../env.ts';
import { checkFastcallStackContract } from '../passes/fastcall-contract.ts';
import { pushJmpHistory } from '../search/history.ts';
import { verboseLinfo } from '../report/line-info.ts';
import { constReg, isNullReg, type Reg } from '../values/reg.ts';
import { isPointerReg, markRegUnknown } from '../values/regs.ts';
import { assignScalarIdBeforeMov, clearScalarId } from '../insns/linked-regs.ts';
import { allBytes, isSpilled, spiOf, type StackSlot } from '../values/stack.ts';
import { checkStackRangeInitialized } from './stack-range.ts';
import { byteOf, fitsIn } from './stack-write.ts';
import { type FuncState, INSN_F_STACK_ACCESS } from '../state.ts';
import { tnumText } from '../report/print-state.ts';
import * as t from '../types.ts';

const SLOT = t.BPF_REG_SIZE;

/** A known zero. __mark_reg_const_zero() */
function markRegConstZero(env: VerifierEnv, regno: number): void {
  env.regs[regno] = constReg(0n, !env.bpfCapable);
}

/** Bytes that may be read; what stands in each says whether they may. */
function checkReadable(env: VerifierEnv, slot: StackSlot, off: number, size: number): void {
  const first = byteOf(off);
  for (let i = 0; i < size; i++) {
    const type = slot.typeAt((first - i) & (SLOT - 1));
    switch (type) {
      case t.STACK_MISC:
      case t.STACK_ZERO:
        continue;
      case t.STACK_SPILL:
        if (isSpilled(slot)) continue;
        break;
      case t.STACK_INVALID:
        if (env.allowUninitStack) continue;
        break;
      case t.STACK_POISON:
        throw env.reject(
          EACCES,
          `reading from stack off ${off}+${i} size ${size}, ` +
            'slot poisoned by dead code elimination',
        );
      default:
    }
    throw env.reject(EACCES, `invalid read from stack off ${off}+${i} size ${size}`);
  }
}

/** Zero if all bytes are, else some number. mark_reg_stack_read() */
function markRegStackRead(
  env: VerifierEnv,
  from: FuncState,
  minOff: number,
  maxOff: number,
  dstRegno: number,
): void {
  for (let i = minOff; i < maxOff; i++) {
    const spi = spiOf(i);
    env.markSlotScratched(spi);
    if (from.stack[spi]!.typeAt(byteOf(i)) === t.STACK_ZERO) continue;
    markRegUnknown(env, env.regs, dstRegno);
    return;
  }
  markRegConstZero(env, dstRegno);
}

/** Bytes of a slot, from the lowest address on, that hold what was spilled. */
function spilledBytes(slot: StackSlot): number {
  let size = 1;
  while (size < SLOT && slot.typeAt(SLOT - 1 - size) === t.STACK_SPILL) size++;
  return size;
}

/** How many bytes are of a type. */
function countOf(slot: StackSlot, off: number, size: number, type: number): number {
  const first = byteOf(off);
  let count = 0;
  for (let i = 0; i < size; i++) if (slot.typeAt((first - i) & (SLOT - 1)) === type) count++;
  return count;
}

const SPILLED = allBytes(t.STACK_SPILL);

/** `dstRegno` -1: it goes to no register. check_stack_read_fixed_off() */
function checkStackReadFixedOff(
  env: VerifierEnv,
  from: FuncState,
  off: number,
  size: number,
  dstRegno: number,
): void {
  const spi = spiOf(off);
  const slot = from.stack[spi]!;
  env.markSlotScratched(spi);
  checkFastcallStackContract(env, env.frame, env.insnIdx, off);
  if (!isSpilled(slot)) {
    checkReadable(env, slot, off, size);
    if (dstRegno >= 0) markRegStackRead(env, from, off, off + size, dstRegno);
    return;
  }
  if (size !== SLOT || slot.types !== SPILLED) {
    if (!readPartly(env, from, off, size, dstRegno)) return;
  } else if (dstRegno >= 0) {
    if (env.bpfCapable) assignIdToSlot(env, from, spi);
    env.regs[dstRegno] = from.stack[spi]!.reg;
  } else if (isPointerReg(env.allowPtrLeaks, slot.reg)) {
    throw env.reject(EACCES, `leaking pointer from stack off ${off}`);
  }
  pushJmpHistory(env, env.cur, INSN_F_STACK_ACCESS, spi, from.frameno);
}

/** So that what is loaded from it is known to be the same. */
function assignIdToSlot(env: VerifierEnv, from: FuncState, spi: number): void {
  const slot = from.stack[spi]!;
  const reg = assignScalarIdBeforeMov(env, slot.reg);
  if (reg !== slot.reg) from.stack[spi] = slot.withReg(reg);
}

/** Part of what was spilled, or other bytes beside it. Whether it is the value that was spilled. */
function readPartly(
  env: VerifierEnv,
  from: FuncState,
  off: number,
  size: number,
  dstRegno: number,
): boolean {
  const spi = spiOf(off);
  const slot = from.stack[spi]!;
  if (slot.reg.type !== t.SCALAR_VALUE) {
    verboseLinfo(env, env.insnIdx, '; ');
    throw env.reject(EACCES, 'invalid size of register fill');
  }
  if (dstRegno < 0) return false;
  const spillSize = spilledBytes(slot);
  if (size <= spillSize && off % SLOT === 0) {
    fillLowBytes(env, from, spi, size, spillSize, dstRegno);
    return true;
  }
  checkReadable(env, slot, off, size);
  if (countOf(slot, off, size, t.STACK_SPILL) === size && isNullReg(slot.reg)) {
    markRegConstZero(env, dstRegno);
    return true;
  }
  if (countOf(slot, off, size, t.STACK_ZERO) === size) markRegConstZero(env, dstRegno);
  else markRegUnknown(env, env.regs, dstRegno);
  return false;
}

/** The low bytes of a scalar that was spilled: what cuts it to size comes later. */
function fillLowBytes(
  env: VerifierEnv,
  from: FuncState,
  spi: number,
  size: number,
  spillSize: number,
  dstRegno: number,
): void {
  const isWhole = size === 4 && spillSize === 4 && fitsIn(from.stack[spi]!.reg, 4);
  if (env.bpfCapable && isWhole) assignIdToSlot(env, from, spi);
  const { reg } = from.stack[spi]!;
  env.regs[dstRegno] = fitsIn(reg, size) ? reg : clearScalarId(reg);
}

/** check_stack_read_var_off() */
function checkStackReadVarOff(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  dstRegno: number,
): void {
  const from = env.func(reg);
  checkStackRangeInitialized(env, reg, argno, off, size, false, BPF_READ, undefined);
  const minOff = Number(reg.s.smin) + off;
  const maxOff = Number(reg.s.smax) + off;
  markRegStackRead(env, from, minOff, maxOff + size, dstRegno);
  checkFastcallStackContract(env, from, env.insnIdx, minOff);
}

/** check_stack_read() */
export function checkStackRead(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  dstRegno: number,
): void {
  const { s } = reg;
  if (s.isConst) {
    checkStackReadFixedOff(env, env.func(reg), off + s.num, size, dstRegno);
    return;
  }
  if (dstRegno < 0) {
    throw env.reject(
      EACCES,
      'variable offset stack pointer cannot be passed into helper function; ' +
        `var_off=${tnumText(s.tnum)} off=${off} size=${size}`,
    );
  }
  checkStackReadVarOff(env, reg, argno, off, size, dstRegno);
}
