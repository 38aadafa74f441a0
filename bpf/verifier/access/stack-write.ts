import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import { checkFastcallStackContract } from '../passes/fastcall-contract.ts';
import { pushJmpHistory } from '../search/history.ts';
import { verboseLinfo } from '../report/line-info.ts';
import { markChainPrecision } from '../search/precision.ts';
import { constReg, isNullReg, NOT_INIT_REG, type Reg } from '../values/reg.ts';
import { assignScalarIdBeforeMov } from '../insns/linked-regs.ts';
import { allBytes, isSpilled, isSpilledScalar, spiOf, StackSlot } from '../values/stack.ts';
import { destroyIfDynptrStackSlot } from '../objects/stack-dynptr.ts';
import {
  isStackSlotSpecial,
  markStackSlotMisc,
  scrubSpilledSlot,
} from '../objects/stack-objects.ts';
import { type FuncState, INSN_F_STACK_ACCESS } from '../state.ts';
import * as t from '../types.ts';

const SLOT = t.BPF_REG_SIZE;

/** Types of pointers that the stack keeps as they are: is_spillable_regtype() */
const SPILLABLE: ReadonlySet<number> = new Set([
  t.PTR_TO_MAP_VALUE,
  t.PTR_TO_STACK,
  t.PTR_TO_CTX,
  t.PTR_TO_PACKET,
  t.PTR_TO_PACKET_META,
  t.PTR_TO_PACKET_END,
  t.PTR_TO_FLOW_KEYS,
  t.CONST_PTR_TO_MAP,
  t.PTR_TO_SOCKET,
  t.PTR_TO_SOCK_COMMON,
  t.PTR_TO_TCP_SOCK,
  t.PTR_TO_XDP_SOCK,
  t.PTR_TO_BTF_ID,
  t.PTR_TO_BUF,
  t.PTR_TO_MEM,
  t.PTR_TO_FUNC,
  t.PTR_TO_MAP_KEY,
  t.PTR_TO_ARENA,
]);

function isSpillable(type: number): boolean {
  return SPILLABLE.has(t.baseType(type));
}

/** Which of its slot's bytes is at an offset, as StackSlot counts them. */
export function byteOf(off: number): number {
  return (-off - 1) & (SLOT - 1);
}

/** Bits that a scalar's greatest value takes: whether it is the same in so many bytes. */
export function fitsIn(reg: Reg, size: number): boolean {
  return size === SLOT || reg.s.umax >> BigInt(8 * size) === 0n;
}

/** The register, or a part of it, stands in the slot. save_register_state() */
function saveRegisterState(
  env: VerifierEnv,
  frame: FuncState,
  spi: number,
  reg: Reg,
  size: number,
): void {
  if (size === SLOT) {
    frame.stack[spi] = new StackSlot(SPILLED, reg);
    return;
  }
  let slot = frame.stack[spi]!.withReg(reg);
  for (let i = SLOT - 1; i >= SLOT - size; i--) slot = slot.withType(i, t.STACK_SPILL);
  for (let i = SLOT - size - 1; i >= 0; i--) {
    slot = slot.withType(i, markStackSlotMisc(slot.typeAt(i)));
  }
  frame.stack[spi] = slot;
}

const SPILLED = allBytes(t.STACK_SPILL);

/** Whether the instruction stores an immediate. is_bpf_st_mem() */
function storedImm(env: VerifierEnv, insnIdx: number): number | undefined {
  const insn = env.insns[insnIdx];
  return insn?.kind === 'st' ? insn.imm : undefined;
}

/** What was spilled is no more; its bytes are some bytes. scrub_special_slot() */
function scrubSpecialSlot(frame: FuncState, spi: number): void {
  const slot = frame.stack[spi]!;
  let scrubbed = slot.withReg(NOT_INIT_REG);
  if (isStackSlotSpecial(slot)) {
    for (let i = 0; i < SLOT; i++)
      scrubbed = scrubbed.withType(i, scrubSpilledSlot(slot.typeAt(i)));
  }
  frame.stack[spi] = scrubbed;
}

/** A stack slot that is written to before it was may be read before, speculatively. */
function needsNospec(slot: StackSlot, off: number, size: number, reg: Reg | undefined): boolean {
  if (reg && isSpillable(reg.type)) return true;
  const first = byteOf(off);
  for (let i = 0; i < size; i++) {
    const type = slot.typeAt(first - i);
    if (type !== t.STACK_MISC && type !== t.STACK_ZERO) return true;
  }
  return false;
}

/** check_stack_write_fixed_off() */
function checkStackWriteFixedOff(
  env: VerifierEnv,
  frame: FuncState,
  off: number,
  size: number,
  valueRegno: number,
  insnIdx: number,
): void {
  const spi = spiOf(off);
  const slot = frame.stack[spi]!;
  if (!env.allowPtrLeaks && isSpilled(slot) && !isSpilledScalar(slot) && size !== SLOT) {
    throw env.reject(EACCES, 'attempt to corrupt spilled pointer on stack');
  }
  const cur = env.frame;
  const reg = valueRegno >= 0 ? cur.regs[valueRegno]! : undefined;
  if (!env.bypassSpecV4 && needsNospec(slot, off, size, reg)) {
    env.aux[insnIdx]!.nospecResult = true;
  }
  destroyIfDynptrStackSlot(env, frame, spi);
  checkFastcallStackContract(env, frame, insnIdx, off);
  env.markSlotScratched(spi);
  const isWholeSlot = off % SLOT === 0;
  const imm = reg ? undefined : storedImm(env, insnIdx);
  if (reg && isWholeSlot && reg.type === t.SCALAR_VALUE && env.bpfCapable) {
    spillScalar(env, frame, spi, size, valueRegno);
  } else if (imm !== undefined && isWholeSlot && env.bpfCapable) {
    saveRegisterState(env, frame, spi, constReg(BigInt(imm)), size);
  } else if (reg && isSpillable(reg.type)) {
    spillPointer(env, frame, spi, reg, size, insnIdx);
  } else {
    const isZero = reg ? isNullReg(reg) : imm === 0;
    writeBytes(env, frame, off, size, isZero, valueRegno);
    return;
  }
  pushJmpHistory(env, env.cur, INSN_F_STACK_ACCESS, spi, frame.frameno);
}

function spillScalar(
  env: VerifierEnv,
  frame: FuncState,
  spi: number,
  size: number,
  valueRegno: number,
): void {
  const { regs } = env;
  if (fitsIn(regs[valueRegno]!, size)) {
    regs[valueRegno] = assignScalarIdBeforeMov(env, regs[valueRegno]!);
    saveRegisterState(env, frame, spi, regs[valueRegno]!, size);
  } else {
    // What is there is not what the register is.
    saveRegisterState(env, frame, spi, regs[valueRegno]!.with({ id: 0 }), size);
  }
}

function spillPointer(
  env: VerifierEnv,
  frame: FuncState,
  spi: number,
  reg: Reg,
  size: number,
  insnIdx: number,
): void {
  if (size !== SLOT) {
    verboseLinfo(env, insnIdx, '; ');
    throw env.reject(EACCES, 'invalid size of register spill');
  }
  if (frame !== env.frame && reg.type === t.PTR_TO_STACK) {
    const text = 'cannot spill pointers to stack into stack frame of the caller';
    throw env.reject(EINVAL, text);
  }
  saveRegisterState(env, frame, spi, reg, size);
}

function writeBytes(
  env: VerifierEnv,
  frame: FuncState,
  off: number,
  size: number,
  isZero: boolean,
  valueRegno: number,
): void {
  const spi = spiOf(off);
  scrubSpecialSlot(frame, spi);
  // Bytes are no register any more: what they are taken for must hold for later states too.
  if (isZero && valueRegno >= 0) markChainPrecision(env, valueRegno);
  const type = isZero ? t.STACK_ZERO : t.STACK_MISC;
  const first = byteOf(off);
  let slot = frame.stack[spi]!;
  for (let i = 0; i < size; i++) slot = slot.withType((first - i) & (SLOT - 1), type);
  frame.stack[spi] = slot;
}

/**
 * Any of the bytes may be written to: what was spilled there is lost, and what was not written to
 * counts as written for those who may see such bytes. check_stack_write_var_off()
 */
function checkStackWriteVarOff(
  env: VerifierEnv,
  frame: FuncState,
  ptrReg: Reg,
  off: number,
  size: number,
  valueRegno: number,
  insnIdx: number,
): void {
  const minOff = Number(ptrReg.s.smin) + off;
  const maxOff = Number(ptrReg.s.smax) + off + size;
  const isZero = valueRegno >= 0 ? isNullReg(env.regs[valueRegno]!) : storedImm(env, insnIdx) === 0;
  for (let i = minOff; i < maxOff; i++) destroyIfDynptrStackSlot(env, frame, spiOf(i));
  checkFastcallStackContract(env, frame, insnIdx, minOff);
  let isZeroUsed = false;
  for (let i = minOff; i < maxOff; i++) {
    if (maybeWriteByte(env, frame, i, isZero, insnIdx)) isZeroUsed = true;
  }
  if (isZeroUsed && valueRegno >= 0) markChainPrecision(env, valueRegno);
}

/** Whether the byte is still known to be zero because zero is what may be written. */
function maybeWriteByte(
  env: VerifierEnv,
  frame: FuncState,
  off: number,
  isZero: boolean,
  insnIdx: number,
): boolean {
  const spi = spiOf(off);
  const slot = frame.stack[spi]!;
  const byte = byteOf(off);
  const type = slot.typeAt(byte);
  env.markSlotScratched(spi);
  if (!env.allowPtrLeaks && type !== t.STACK_MISC && type !== t.STACK_ZERO) {
    env.verbose(`spilled ptr in range of var-offset stack write; insn ${insnIdx}, ptr off: ${off}`);
    throw env.reject(EINVAL, '');
  }
  if (isZero && type === t.STACK_SPILL && isSpilledScalar(slot) && isNullReg(slot.reg)) return true;
  scrubSpecialSlot(frame, spi);
  const scrubbed = frame.stack[spi]!.typeAt(byte);
  const staysZero = isZero && scrubbed === t.STACK_ZERO;
  const isUnwritten = scrubbed === t.STACK_INVALID || scrubbed === t.STACK_POISON;
  if (isUnwritten && !env.allowUninitStack) {
    throw env.reject(
      EINVAL,
      'uninit stack in range of var-offset write prohibited for !root; ' +
        `insn ${insnIdx}, off: ${off}`,
    );
  }
  if (!staysZero) frame.stack[spi] = frame.stack[spi]!.withType(byte, t.STACK_MISC);
  return staysZero;
}

/** check_stack_write() */
export function checkStackWrite(
  env: VerifierEnv,
  reg: Reg,
  off: number,
  size: number,
  valueRegno: number,
  insnIdx: number,
): void {
  const frame = env.func(reg);
  const { s } = reg;
  if (s.isConst) checkStackWriteFixedOff(env, frame, off + s.num, size, valueRegno, insnIdx);
  else checkStackWriteVarOff(env, frame, reg, off, size, valueRegno, insnIdx);
}
