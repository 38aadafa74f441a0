import { EACCES } from '../../../kernel/errno.ts';
import { type ArgNo, regArgName } from './access-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import type { Rejection } from '../rejection.ts';
import { tnumText } from '../report/print-state.ts';
import * as t from '../types.ts';

// Bounds of memory of a known size, and of pointers that must be as they came.

const VAR_OFF_MAX = BigInt(t.BPF_MAX_VAR_OFF);

/** A sum of 64 bits as an int holds it. */
function toInt(n: bigint): number {
  return Number(BigInt.asIntN(32, n));
}

/** Says that bytes from `off` on are not all in memory of that size. __check_mem_access() */
function tellOutside(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  memSize: number,
): void {
  switch (reg.type) {
    case t.PTR_TO_MAP_KEY:
      env.verbose(`invalid access to map key, key_size=${memSize} off=${off} size=${size}\n`);
      break;
    case t.PTR_TO_MAP_VALUE:
      env.verbose(`invalid access to map value, value_size=${memSize} off=${off} size=${size}\n`);
      break;
    case t.PTR_TO_PACKET:
    case t.PTR_TO_PACKET_META:
    case t.PTR_TO_PACKET_END: {
      const pointer = `${regArgName(argno)}(id=${reg.id},off=${off},r=${memSize})`;
      env.verbose(`invalid access to packet, off=${off} size=${size}, ${pointer}\n`);
      break;
    }
    case t.PTR_TO_CTX:
      env.verbose(`invalid access to context, ctx_size=${memSize} off=${off} size=${size}\n`);
      break;
    default:
      env.verbose(`invalid access to memory, mem_size=${memSize} off=${off} size=${size}\n`);
  }
}

/** A constant offset with which an access is in memory, whatever else. */
function isWithin(at: number, off: number, size: number, memSize: number): boolean {
  return (
    at >= 0 && at < t.BPF_MAX_VAR_OFF && at + off >= 0 && size > 0 && at + off + size <= memSize
  );
}

/** An offset that may be negative. */
export function negativeMin(env: VerifierEnv, argno: ArgNo): Rejection {
  return env.reject(
    EACCES,
    `${regArgName(argno)} min value is negative, ` +
      'either use unsigned index or do a if (index >=0) check.',
  );
}

/**
 * All bytes that an access may reach from the least to the greatest value of the pointer are in
 * memory of that size. check_mem_region_access()
 */
export function checkMemRegionAccess(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  memSize: number,
  zeroSizeAllowed: boolean,
): void {
  const { s } = reg;
  if (s.isConst && isWithin(s.num, off, size, memSize)) return;
  const isInside = (at: number): boolean =>
    at >= 0 && (size > 0 || (size === 0 && zeroSizeAllowed)) && at + size <= memSize;
  const { smin, umax } = s;
  const name = (): string => regArgName(argno);
  const fromInt = BigInt(off);
  if (smin < 0n && smin + fromInt < 0n) {
    throw negativeMin(env, argno);
  }
  const first = toInt(smin + fromInt);
  if (!isInside(first)) {
    tellOutside(env, reg, argno, first, size, memSize);
    throw env.reject(EACCES, `${name()} min value is outside of the allowed memory range`);
  }
  if (umax >= VAR_OFF_MAX) {
    throw env.reject(
      EACCES,
      `${name()} unbounded memory access, make sure to bounds check any such access`,
    );
  }
  const last = toInt(umax + fromInt);
  if (isInside(last)) return;
  tellOutside(env, reg, argno, last, size, memSize);
  throw env.reject(EACCES, `${name()} max value is outside of the allowed memory range`);
}

/**
 * A pointer that may be used only as it came, or at a constant offset from that.
 * __check_ptr_off_reg(); check_ptr_off_reg() is it without an offset.
 */
export function checkPtrOffReg(env: VerifierEnv, reg: Reg, argno: ArgNo, fixedOffOk = false): void {
  const { s, type } = reg;
  if (!s.isConst) {
    const text = `variable ${regTypeStr(type)} access var_off=${tnumText(s.tnum)} disallowed`;
    throw env.reject(EACCES, text);
  }
  if (s.svalue < 0n) {
    throw env.reject(
      EACCES,
      `negative offset ${regTypeStr(type)} ptr ${regArgName(argno)} off=${s.svalue} disallowed`,
    );
  }
  if (!fixedOffOk && s.value !== 0n) {
    throw env.reject(
      EACCES,
      `dereference of modified ${regTypeStr(type)} ptr ${regArgName(argno)} ` +
        `off=${s.svalue} disallowed`,
    );
  }
}

/** Memory whose size is found out when it is used. __check_buffer_access() */
function checkBuffer(env: VerifierEnv, bufInfo: string, reg: Reg, argno: ArgNo, off: number): void {
  const { s } = reg;
  if (!s.isConst) {
    throw env.reject(
      EACCES,
      `${regArgName(argno)} invalid variable buffer offset: ` +
        `off=${off}, var_off=${tnumText(s.tnum)}`,
    );
  }
  const start = s.svalue + BigInt(off);
  if (start < 0n) {
    throw env.reject(
      EACCES,
      `${regArgName(argno)} invalid negative ${bufInfo} buffer offset: ` +
        `off=${off}, var_off=${s.svalue}`,
    );
  }
}

/** check_tp_buffer_access() */
export function checkTpBufferAccess(env: VerifierEnv, reg: Reg, argno: ArgNo, off: number): void {
  checkBuffer(env, 'tracepoint', reg, argno, off);
}

/** check_buffer_access() */
export function checkBufferAccess(env: VerifierEnv, reg: Reg, argno: ArgNo, off: number): void {
  checkBuffer(env, (reg.type & t.MEM_RDONLY) !== 0 ? 'rdonly' : 'rdwr', reg, argno, off);
}
