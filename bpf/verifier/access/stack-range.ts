import { EACCES } from '../../../kernel/errno.ts';
import { checkStackAccessWithinBounds } from './stack-bounds.ts';
import {
  type AccessType,
  type ArgNo,
  BPF_WRITE,
  regArgName,
  regFromArgno,
} from './access-types.ts';
import type { CallArgMeta } from '../calls/call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { unknownReg } from '../values/regs.ts';
import { isSpilled, spiOf } from '../values/stack.ts';
import { scrubSpilledSlot } from '../objects/stack-objects.ts';
import { byteOf } from './stack-write.ts';
import type { FuncState } from '../state.ts';
import { tnumText } from '../report/print-state.ts';
import * as t from '../types.ts';

/** Least and greatest offset of the first byte that is accessed. */
interface Extent {
  readonly minOff: number;
  readonly maxOff: number;
  /** Bytes from each of them. */
  readonly size: number;
}

/**
 * Stack whose bytes are read, or written, by somebody else: all must hold something that he may
 * see. A negative `accessSize` is that of an argument of a global function or kfunc, which may not
 * look at slots that are known to be dead. check_stack_range_initialized()
 */
export function checkStackRangeInitialized(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  accessSize: number,
  zeroSizeAllowed: boolean,
  type: AccessType,
  meta: CallArgMeta | undefined,
): void {
  const clobber = type === BPF_WRITE;
  const allowPoison = accessSize < 0 || clobber;
  const size = Math.abs(accessSize);
  if (size === 0 && !zeroSizeAllowed) throw env.reject(EACCES, 'invalid zero-sized read');
  checkStackAccessWithinBounds(env, reg, argno, off, size, type);
  const extent = extentOf(env, reg, argno, off, size);
  const frame = env.func(reg);
  if (meta?.rawMode && reg.s.isConst) {
    checkNoDynptr(env, frame, extent);
    meta.accessSize = size;
    meta.regno = regFromArgno(argno);
    return;
  }
  for (let i = extent.minOff; i < extent.maxOff + size; i++) {
    if (!mayUseByte(env, frame, i, clobber, allowPoison)) {
      throw unreadable(env, reg, argno, i, extent);
    }
  }
}

function extentOf(env: VerifierEnv, { s }: Reg, argno: ArgNo, off: number, size: number): Extent {
  if (s.isConst) return { minOff: s.num + off, maxOff: s.num + off, size };
  if (!env.bypassSpecV1) {
    throw env.reject(
      EACCES,
      `${regArgName(argno)} variable offset stack access prohibited for !root, ` +
        `var_off=${tnumText(s.tnum)}`,
    );
  }
  return { minOff: Number(s.smin) + off, maxOff: Number(s.smax) + off, size };
}

/** What is filled may not be what the helper looks at meanwhile. */
function checkNoDynptr(env: VerifierEnv, frame: FuncState, { minOff, maxOff, size }: Extent): void {
  for (let i = minOff; i < maxOff + size; i++) {
    if (frame.stack[spiOf(i)]?.typeAt(byteOf(i)) !== t.STACK_DYNPTR) continue;
    throw env.reject(EACCES, `potential write to dynptr at off=${i} disallowed`);
  }
}

/** Whether a byte may be given away; one that may be overwritten holds anything from now on. */
function mayUseByte(
  env: VerifierEnv,
  frame: FuncState,
  off: number,
  clobber: boolean,
  allowPoison: boolean,
): boolean {
  const spi = spiOf(off);
  const byte = byteOf(off);
  const slot = frame.stack[spi]!;
  const type = slot.typeAt(byte);
  if (type === t.STACK_MISC) return true;
  if (type === t.STACK_ZERO || (type === t.STACK_INVALID && env.allowUninitStack)) {
    if (clobber) frame.stack[spi] = slot.withType(byte, t.STACK_MISC);
    return true;
  }
  if (isSpilled(slot) && (slot.reg.type === t.SCALAR_VALUE || env.allowPtrLeaks)) {
    if (clobber) clobberSlot(env, frame, spi);
    return true;
  }
  return type === t.STACK_POISON && allowPoison;
}

function clobberSlot(env: VerifierEnv, frame: FuncState, spi: number): void {
  let slot = frame.stack[spi]!.withReg(unknownReg(env));
  for (let j = 0; j < t.BPF_REG_SIZE; j++) {
    slot = slot.withType(j, scrubSpilledSlot(slot.typeAt(j)));
  }
  frame.stack[spi] = slot;
}

function unreadable(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  at: number,
  { minOff, size }: Extent,
): unknown {
  const name = regArgName(argno);
  const type = env.func(reg).stack[spiOf(at)]!.typeAt(byteOf(at));
  if (type === t.STACK_POISON) {
    return env.reject(
      EACCES,
      `reading from stack ${name} off ${minOff}+${at - minOff} size ${size}, ` +
        'slot poisoned by dead code elimination',
    );
  }
  if (reg.s.isConst) {
    const text = `invalid read from stack ${name} off ${minOff}+${at - minOff} size ${size}`;
    return env.reject(EACCES, text);
  }
  return env.reject(
    EACCES,
    `invalid read from stack ${name} var_off ${tnumText(reg.s.tnum)}+${at - minOff} size ${size}`,
  );
}
