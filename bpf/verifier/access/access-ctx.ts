import { EACCES } from '../../../kernel/errno.ts';
import type { CtxAccess } from '../../prog/access/info.ts';
import * as sock from '../../prog/access/sock.ts';
import { resolveProgType } from '../../prog/types.ts';
import { checkMemRegionAccess, checkPtrOffReg, negativeMin } from './access-mem.ts';
import { type AccessType, type ArgNo, BPF_WRITE, regArgName } from './access-types.ts';
import type { VerifierEnv } from '../env.ts';
import { verboseLinfo } from '../report/line-info.ts';
import { findReferenceState } from '../objects/refs.ts';
import type { Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { tnumText } from '../report/print-state.ts';
import * as t from '../types.ts';

const U16_MAX = 0xffff;
/** sizeof(struct bpf_flow_keys) */
const FLOW_KEYS_BYTES = 56;

function isPlainCtx(env: VerifierEnv): boolean {
  return resolveProgType(env.prog).name === 'SYSCALL';
}

/** Its context is plain memory, of a size that is checked when it runs. is_var_ctx_off_allowed() */
export function isVarCtxOffAllowed(env: VerifierEnv): boolean {
  return env.world.facts.anySyscallCtxOff && isPlainCtx(env);
}

/** What a load of a context is before its rule says more. */
export function newCtxAccess(env: VerifierEnv, isLdsx: boolean): CtxAccess {
  return {
    regType: t.SCALAR_VALUE,
    ctxFieldSize: 0,
    btf: undefined,
    btfId: 0,
    refId: 0,
    isLdsx,
    kernelBtf: env.kernelBtf,
    isRetval: false,
    log: (text) => env.verbose(text),
  };
}

/** Why the type of program does not allow an access; undefined where it does. */
function refusal(
  env: VerifierEnv,
  off: number,
  size: number,
  type: AccessType,
  info: CtxAccess,
): string | undefined {
  const { prog } = env;
  const isAskew = isPlainCtx(env) && !env.world.facts.anySyscallCtxOff && off % size !== 0;
  if (isAskew || !env.ops.isValidAccess(off, size, type === BPF_WRITE, prog, info)) {
    return `invalid bpf_context access off=${off} size=${size}`;
  }
  if (t.baseType(info.regType) !== t.PTR_TO_BTF_ID) return undefined;
  if (info.refId === 0 || findReferenceState(env.cur, info.refId)) return undefined;
  return `invalid bpf_context access off=${off}. Reference may already be released`;
}

/**
 * A member of the context is read or written as a type of program may; `info` gets to say what it
 * is. check_ctx_access(), __check_ctx_access()
 */
export function checkCtxAccess(
  env: VerifierEnv,
  insnIdx: number,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  type: AccessType,
  info: CtxAccess,
): void {
  if (isVarCtxOffAllowed(env)) {
    checkMemRegionAccess(env, reg, argno, off, size, U16_MAX, false);
  } else {
    checkPtrOffReg(env, reg, argno, !env.ops.hasConvertCtxAccess);
  }
  const at = off + Number(reg.s.umax);
  const refused = refusal(env, at, size, type, info);
  if (refused !== undefined) {
    env.verbose(`${refused}\n`);
    verboseLinfo(env, insnIdx, '; ');
    throw env.reject(EACCES, '');
  }
  if (t.baseType(info.regType) !== t.PTR_TO_BTF_ID) {
    env.aux[insnIdx]!.ctxFieldSize = info.ctxFieldSize;
  }
  env.maxCtxOffset = Math.max(env.maxCtxOffset, at + size);
}

/** check_flow_keys_access() */
export function checkFlowKeysAccess(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
): void {
  const { s } = reg;
  if (!s.isConst) {
    throw env.reject(
      EACCES,
      `${regArgName(argno)} invalid variable offset to flow keys: ` +
        `off=${off}, var_off=${tnumText(s.tnum)}`,
    );
  }
  const at = off + s.num;
  if (at < 0 || at + size > FLOW_KEYS_BYTES) {
    throw env.reject(EACCES, `invalid access to flow keys off=${at} size=${size}`);
  }
}

/** check_sock_access() */
export function checkSockAccess(
  env: VerifierEnv,
  insnIdx: number,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
): void {
  if (reg.s.smin < 0n) throw negativeMin(env, argno);
  const info = { ctxFieldSize: 0 };
  if (!isValidSockAccess(reg.type, off, size, info)) {
    throw env.reject(
      EACCES,
      `${regArgName(argno)} invalid ${regTypeStr(reg.type)} access off=${off} size=${size}`,
    );
  }
  env.aux[insnIdx]!.ctxFieldSize = info.ctxFieldSize;
}

function isValidSockAccess(
  type: number,
  off: number,
  size: number,
  info: { ctxFieldSize: number },
): boolean {
  switch (type) {
    case t.PTR_TO_SOCK_COMMON:
      return sock.bpfSockCommonIsValidAccess(off, size, info);
    case t.PTR_TO_SOCKET:
      return sock.bpfSockIsValidAccess(off, size, info);
    case t.PTR_TO_TCP_SOCK:
      return sock.bpfTcpSockIsValidAccess(off, size);
    case t.PTR_TO_XDP_SOCK:
      return sock.bpfXdpSockIsValidAccess(off, size);
    default:
      return false;
  }
}
