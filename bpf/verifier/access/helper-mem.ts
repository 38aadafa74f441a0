import { EACCES } from '../../../kernel/errno.ts';
import { checkPtrToBtfAccess } from './access-btf.ts';
import { isVarCtxOffAllowed } from './access-ctx.ts';
import { checkMapAccess, checkMapAccessType } from './access-map.ts';
import { checkBufferAccess, checkMemRegionAccess } from './access-mem.ts';
import { checkPacketAccess } from './access-packet.ts';
import {
  ACCESS_HELPER,
  type AccessType,
  type ArgNo,
  argIdxFromArgno,
  BPF_READ,
  BPF_WRITE,
  regArgName,
  regFromArgno,
} from './access-types.ts';
import { CallArgMeta } from '../calls/call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import { markPtrNotNullReg } from '../insns/null-check.ts';
import { markChainPrecision } from '../search/precision.ts';
import { isNullReg, type Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { markStackArgPrecision } from './stack-arg.ts';
import { checkStackRangeInitialized } from './stack-range.ts';
import * as t from '../types.ts';

// Memory that is handed to a helper, a kfunc or a global function.

const U16_MAX = 0xffff;
const S32_MAX = 0x7fff_ffff;
const VAR_SIZE_MAX = BigInt(t.BPF_MAX_VAR_SIZ);

/** Pointers to what may not be written to. */
function checkMayWrite(env: VerifierEnv, reg: Reg, argno: ArgNo, type: AccessType): void {
  if (type !== BPF_WRITE) return;
  const isReadOnly = (reg.type & t.MEM_RDONLY) !== 0 || t.baseType(reg.type) === t.PTR_TO_MAP_KEY;
  if (!isReadOnly) return;
  throw env.reject(EACCES, `${regArgName(argno)} cannot write into ${regTypeStr(reg.type)}`);
}

/**
 * A helper may access so many bytes behind a pointer. `accessSize` is negative for stack that is
 * handed to a global function or kfunc. check_helper_mem_access()
 */
export function checkHelperMemAccess(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  accessSize: number,
  accessType: AccessType,
  zeroSizeAllowed: boolean,
  meta: CallArgMeta | undefined,
): void {
  switch (t.baseType(reg.type)) {
    case t.PTR_TO_PACKET:
    case t.PTR_TO_PACKET_META:
      checkPacketAccess(env, reg, argno, 0, accessSize, zeroSizeAllowed);
      return;
    case t.PTR_TO_MAP_KEY:
      checkMayWrite(env, reg, argno, accessType);
      checkMemRegionAccess(env, reg, argno, 0, accessSize, reg.map!.keySize, false);
      return;
    case t.PTR_TO_MAP_VALUE:
      checkMapAccessType(env, reg, 0, accessSize, accessType);
      checkMapAccess(env, reg, argno, 0, accessSize, zeroSizeAllowed, ACCESS_HELPER);
      return;
    case t.PTR_TO_MEM:
      checkMayWrite(env, reg, argno, accessType);
      checkMemRegionAccess(env, reg, argno, 0, accessSize, reg.memSize, zeroSizeAllowed);
      return;
    case t.PTR_TO_BUF:
      checkMayWrite(env, reg, argno, accessType);
      checkBufferAccess(env, reg, argno, 0);
      return;
    case t.PTR_TO_STACK:
      checkStackRangeInitialized(env, reg, argno, 0, accessSize, zeroSizeAllowed, accessType, meta);
      return;
    case t.PTR_TO_BTF_ID:
      checkPtrToBtfAccess(env, env.regs, reg, argno, 0, accessSize, accessType, -1);
      return;
    case t.PTR_TO_CTX:
      if (!isVarCtxOffAllowed(env)) break;
      checkMemRegionAccess(env, reg, argno, 0, accessSize, U16_MAX, zeroSizeAllowed);
      env.maxCtxOffset = Math.max(env.maxCtxOffset, Number(reg.s.umax) + accessSize);
      return;
    default:
  }
  if (zeroSizeAllowed && accessSize === 0 && isNullReg(reg)) return;
  throw env.reject(
    EACCES,
    `${regArgName(argno)} type=${regTypeStr(reg.type)} expected=${regTypeStr(t.PTR_TO_STACK)}`,
  );
}

/**
 * A pointer and the size of what is behind it, which is what it may be at most.
 * check_mem_size_reg()
 */
export function checkMemSizeReg(
  env: VerifierEnv,
  memReg: Reg,
  sizeReg: Reg,
  memArgno: ArgNo,
  sizeArgno: ArgNo,
  accessType: AccessType,
  zeroSizeAllowed: boolean,
  meta: CallArgMeta,
): void {
  const { s } = sizeReg;
  const { umin, umax } = s;
  meta.msizeMaxValue = umax;
  if (s.smin < 0n) {
    throw env.reject(
      EACCES,
      `${regArgName(sizeArgno)} min value is negative, ` + "either use unsigned or 'var &= const'",
    );
  }
  if (umin === 0n && !zeroSizeAllowed) {
    const text = `invalid zero-sized read: u64=[${umin},${BigInt.asIntN(64, umax)}]`;
    throw env.reject(EACCES, `${regArgName(sizeArgno)} ${text}`);
  }
  if (umax >= VAR_SIZE_MAX) {
    throw env.reject(
      EACCES,
      `${regArgName(sizeArgno)} unbounded memory access, ` +
        "use 'var &= const' or 'if (var < const)'",
    );
  }
  // Of a size that is not known, not all may be filled: it must have been written before.
  const rawMeta = s.isConst ? meta : undefined;
  const size = Number(umax);
  checkHelperMemAccess(env, memReg, memArgno, size, accessType, zeroSizeAllowed, rawMeta);
  const regno = regFromArgno(sizeArgno);
  if (regno >= 0) markChainPrecision(env, regno);
  else markStackArgPrecision(env, argIdxFromArgno(sizeArgno));
}

/** As the callee sees it, which checks for NULL. */
function assumedNotNull(reg: Reg): Reg {
  return t.mayBeNull(reg.type) ? markPtrNotNullReg(reg) : reg;
}

/** Memory that a global function or kfunc reads and writes. check_mem_reg() */
export function checkMemReg(env: VerifierEnv, reg: Reg, argno: ArgNo, memSize: number): void {
  if (isNullReg(reg)) return;
  if (memSize > S32_MAX) {
    const text = `${regArgName(argno)} memory size ${memSize} is too large`;
    throw env.reject(EACCES, text);
  }
  const at = assumedNotNull(reg);
  const size = t.baseType(reg.type) === t.PTR_TO_STACK ? -memSize : memSize;
  checkHelperMemAccess(env, at, argno, size, BPF_READ, true, undefined);
  checkHelperMemAccess(env, at, argno, size, BPF_WRITE, true, undefined);
}

/** The same with its size in another argument. check_kfunc_mem_size_reg() */
export function checkKfuncMemSizeReg(
  env: VerifierEnv,
  memReg: Reg,
  sizeReg: Reg,
  memArgno: ArgNo,
  sizeArgno: ArgNo,
): void {
  const meta = new CallArgMeta();
  const at = assumedNotNull(memReg);
  checkMemSizeReg(env, at, sizeReg, memArgno, sizeArgno, BPF_READ, true, meta);
  checkMemSizeReg(env, at, sizeReg, memArgno, sizeArgno, BPF_WRITE, true, meta);
}
