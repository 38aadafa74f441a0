import { EACCES } from '../../../kernel/errno.ts';
import { BPF_KPTR, BPF_UPTR } from '../../btf/field-types.ts';
import { btfRecordFind } from '../../btf/record.ts';
import { ATTACH_TYPE, MAP_TYPE } from '../../uapi.ts';
import { checkPtrToBtfAccess, checkPtrToMapAccess } from './access-btf.ts';
import {
  checkCtxAccess,
  checkFlowKeysAccess,
  checkSockAccess,
  newCtxAccess,
} from './access-ctx.ts';
import { checkMapAccess, checkMapAccessType } from './access-map.ts';
import { checkBufferAccess, checkMemRegionAccess, checkTpBufferAccess } from './access-mem.ts';
import { checkPacketAccess, mayAccessDirectPktData } from './access-packet.ts';
import { checkStackAccess } from './access-stack.ts';
import {
  ACCESS_DIRECT,
  type AccessType,
  type ArgNo,
  BPF_READ,
  BPF_WRITE,
  regArgName,
} from './access-types.ts';
import { checkPtrAlignment } from './alignment.ts';
import type { VerifierEnv } from '../env.ts';
import { checkMapKptrAccess } from './kptr-access.ts';
import { clearScalarId } from '../insns/linked-regs.ts';
import { readFrozenMap } from './map-read.ts';
import { constReg, pointerReg, type Reg } from '../values/reg.ts';
import { regTypeStr } from '../values/reg-names.ts';
import { isPointerValue, markRegUnknown } from '../values/regs.ts';
import { Scalar } from '../values/scalar.ts';
import { scalarAdd } from '../values/scalar-alu.ts';
import { coerceRegToSize, coerceRegToSizeSx } from '../values/scalar-cast.ts';
import * as t from '../types.ts';

export { checkPtrOffReg } from './access-mem.ts';

/** One load or store of an instruction, or of a helper byte by byte. */
interface Access {
  readonly insnIdx: number;
  readonly reg: Reg;
  readonly argno: ArgNo;
  readonly off: number;
  readonly size: number;
  readonly type: AccessType;
  /** The register that is stored, or loaded to; -1: none. */
  readonly valueRegno: number;
  readonly isLdsx: boolean;
}

/** How memory is accessed through a type of pointer. Loads leave what they load in its register. */
type AccessRule = (env: VerifierEnv, access: Access) => void;

/** What is stored where others can read it is no kernel address. */
function checkNoLeak(env: VerifierEnv, { type, valueRegno }: Access, into: string): void {
  if (type !== BPF_WRITE || valueRegno < 0 || !isPointerValue(env, valueRegno)) return;
  throw env.reject(EACCES, `R${valueRegno} leaks addr into ${into}`);
}

/** A number of which nothing is known but its size. */
function loadUnknown(env: VerifierEnv, { type, valueRegno }: Access): void {
  if (type === BPF_READ && valueRegno >= 0) markRegUnknown(env, env.regs, valueRegno);
}

function checkNoWrite(env: VerifierEnv, { reg, argno, type }: Access): void {
  if (type !== BPF_WRITE) return;
  throw env.reject(EACCES, `${regArgName(argno)} cannot write into ${regTypeStr(reg.type)}`);
}

function invalidMem(env: VerifierEnv, { reg, argno }: Access): unknown {
  return env.reject(EACCES, `${regArgName(argno)} invalid mem access '${regTypeStr(reg.type)}'`);
}

const accessMapKey: AccessRule = (env, access) => {
  const { reg, argno, off, size, type } = access;
  if (type === BPF_WRITE) {
    throw env.reject(EACCES, `write to change key ${regArgName(argno)} not allowed`);
  }
  checkMemRegionAccess(env, reg, argno, off, size, reg.map!.keySize, false);
  loadUnknown(env, access);
};

const accessMapValue: AccessRule = (env, access) => {
  const { insnIdx, reg, argno, off, size, type, valueRegno } = access;
  checkNoLeak(env, access, 'map');
  checkMapAccessType(env, reg, off, size, type);
  checkMapAccess(env, reg, argno, off, size, false, ACCESS_DIRECT);
  const map = reg.map!;
  if (map.record && reg.s.isConst) {
    const field = btfRecordFind(map.record, off + reg.s.num, BPF_KPTR | BPF_UPTR);
    if (field) {
      checkMapKptrAccess(env, valueRegno, insnIdx, field);
      return;
    }
  }
  if (type === BPF_READ && valueRegno >= 0) loadFromMap(env, access);
};

function loadFromMap(env: VerifierEnv, access: Access): void {
  const { reg, off, size, valueRegno, isLdsx } = access;
  const map = reg.map!;
  const { regs } = env;
  if (map.type === MAP_TYPE.INSN_ARRAY) {
    if (size !== 8) throw env.reject(EACCES, `Invalid read of ${size} bytes from insn_array`);
    const s = off === 0 ? reg.s : scalarAdd(reg.s, Scalar.of(BigInt(off)));
    regs[valueRegno] = reg.with({ s, type: t.PTR_TO_INSN });
    return;
  }
  const known = reg.s.isConst ? readFrozenMap(env, map, off + reg.s.num, size, isLdsx) : undefined;
  if (known === undefined) {
    markRegUnknown(env, regs, valueRegno);
    return;
  }
  const { precise } = regs[valueRegno]!;
  regs[valueRegno] = constReg(known, precise);
}

const accessMem: AccessRule = (env, access) => {
  const { reg, argno, off, size, type, valueRegno } = access;
  const isReadOnly = (reg.type & t.MEM_RDONLY) !== 0;
  if (t.mayBeNull(reg.type)) throw invalidMem(env, access);
  if (isReadOnly) checkNoWrite(env, access);
  checkNoLeak(env, access, 'mem');
  // Loads from memory that may not be there are made so that they may fault.
  const isProbed = isReadOnly && (reg.type & t.PTR_UNTRUSTED) !== 0;
  if (!isProbed) checkMemRegionAccess(env, reg, argno, off, size, reg.memSize, false);
  if (valueRegno >= 0 && type === BPF_READ) markRegUnknown(env, env.regs, valueRegno);
};

const accessCtx: AccessRule = (env, access) => {
  const { insnIdx, reg, argno, off, size, type, valueRegno, isLdsx } = access;
  checkNoLeak(env, access, 'ctx');
  const info = newCtxAccess(env, isLdsx);
  checkCtxAccess(env, insnIdx, reg, argno, off, size, type, info);
  if (type !== BPF_READ || valueRegno < 0) return;
  const { regs } = env;
  const { regType, btf, btfId, refId } = info;
  if (regType === t.SCALAR_VALUE) {
    markRegUnknown(env, regs, valueRegno);
    if (info.isRetval) markHookRetval(env, valueRegno);
    return;
  }
  const isBtfId = t.baseType(regType) === t.PTR_TO_BTF_ID;
  let id = isBtfId ? refId : 0;
  if (t.mayBeNull(regType) && id === 0) id = env.newId();
  const of = isBtfId ? { btf, btfId } : {};
  // What is loaded is a whole pointer, whatever the instruction says.
  regs[valueRegno] = pointerReg(regType, { ...of, id });
};

/** What a security hook can have returned. get_func_retval_range() */
function markHookRetval(env: VerifierEnv, regno: number): void {
  const { prog, regs } = env;
  const isHook = prog.type.name === 'LSM' && prog.expectedAttachType === ATTACH_TYPE.LSM_MAC;
  const range = isHook ? prog.type.retvalRange(prog) : undefined;
  if (!range) return;
  const s = Scalar.UNKNOWN.withSrange32(range.min, range.max)
    .withSrange64(BigInt(range.min), BigInt(range.max))
    .sync();
  regs[regno] = regs[regno]!.with({ s });
}

const accessStack: AccessRule = (env, access) => {
  const { insnIdx, reg, argno, off, size, type, valueRegno } = access;
  checkStackAccess(env, insnIdx, reg, argno, off, size, type, valueRegno);
};

const accessPacket: AccessRule = (env, access) => {
  const { reg, argno, off, size, type } = access;
  if (type === BPF_WRITE && !mayAccessDirectPktData(env, undefined, type)) {
    throw env.reject(EACCES, 'cannot write into packet');
  }
  checkNoLeak(env, access, 'packet');
  checkPacketAccess(env, reg, argno, off, size, false);
  loadUnknown(env, access);
};

const accessFlowKeys: AccessRule = (env, access) => {
  const { reg, argno, off, size } = access;
  checkNoLeak(env, access, 'flow keys');
  checkFlowKeysAccess(env, reg, argno, off, size);
  loadUnknown(env, access);
};

const accessSock: AccessRule = (env, access) => {
  const { insnIdx, reg, argno, off, size } = access;
  checkNoWrite(env, access);
  checkSockAccess(env, insnIdx, reg, argno, off, size);
  loadUnknown(env, access);
};

const accessTpBuffer: AccessRule = (env, access) => {
  const { reg, argno, off } = access;
  checkTpBufferAccess(env, reg, argno, off);
  loadUnknown(env, access);
};

const accessBtfId: AccessRule = (env, access) => {
  const { reg, argno, off, size, type, valueRegno } = access;
  if (t.mayBeNull(reg.type)) throw invalidMem(env, access);
  checkPtrToBtfAccess(env, env.regs, reg, argno, off, size, type, valueRegno);
};

const accessMapPtr: AccessRule = (env, { reg, argno, off, size, type, valueRegno }) => {
  checkPtrToMapAccess(env, env.regs, reg, argno, off, size, type, valueRegno);
};

const accessBuf: AccessRule = (env, access) => {
  const { reg, argno, off } = access;
  if (t.mayBeNull(reg.type)) throw invalidMem(env, access);
  if ((reg.type & t.MEM_RDONLY) !== 0) checkNoWrite(env, access);
  checkBufferAccess(env, reg, argno, off);
  loadUnknown(env, access);
};

/** By the whole type: with a flag, such pointers are not for use. */
const RULES_BY_TYPE: ReadonlyMap<number, AccessRule> = new Map([
  [t.PTR_TO_MAP_KEY, accessMapKey],
  [t.PTR_TO_MAP_VALUE, accessMapValue],
  [t.PTR_TO_CTX, accessCtx],
  [t.PTR_TO_STACK, accessStack],
  [t.PTR_TO_PACKET, accessPacket],
  [t.PTR_TO_PACKET_META, accessPacket],
  [t.PTR_TO_FLOW_KEYS, accessFlowKeys],
  [t.PTR_TO_SOCKET, accessSock],
  [t.PTR_TO_SOCK_COMMON, accessSock],
  [t.PTR_TO_TCP_SOCK, accessSock],
  [t.PTR_TO_XDP_SOCK, accessSock],
  [t.PTR_TO_TP_BUFFER, accessTpBuffer],
  [t.CONST_PTR_TO_MAP, accessMapPtr],
  [t.PTR_TO_ARENA, loadUnknown],
]);

/** By the base type: flags say more. */
const RULES_BY_BASE: ReadonlyMap<number, AccessRule> = new Map([
  [t.PTR_TO_MEM, accessMem],
  [t.PTR_TO_BTF_ID, accessBtfId],
  [t.PTR_TO_BUF, accessBuf],
]);

/**
 * Memory at (reg + off) may be read, or written, by so many bytes (not the code of the size, as in
 * Linux). `valueRegno` is the register that is stored, or loaded to, or -1: something is.
 * check_mem_access()
 */
export function checkMemAccess(
  env: VerifierEnv,
  insnIdx: number,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  type: AccessType,
  valueRegno: number,
  strictAlignmentOnce: boolean,
  isLdsx: boolean,
): void {
  checkPtrAlignment(env, reg, off, size, strictAlignmentOnce);
  env.aux[insnIdx]!.accessTypes |= 1 << t.baseType(reg.type);
  const access = { insnIdx, reg, argno, off, size, type, valueRegno, isLdsx };
  const rule = RULES_BY_TYPE.get(reg.type) ?? RULES_BY_BASE.get(t.baseType(reg.type));
  if (!rule) throw invalidMem(env, access);
  rule(env, access);
  if (size < t.BPF_REG_SIZE && valueRegno >= 0 && type === BPF_READ) {
    cutToSize(env, valueRegno, size, isLdsx);
  }
}

/** What a load of some bytes can give if nothing is known of them. */
const UNKNOWN_BY_SIZE = new Map<number, Scalar>();
const UNKNOWN_SX_BY_SIZE = new Map<number, Scalar>();
for (const size of [1, 2, 4]) {
  UNKNOWN_BY_SIZE.set(size, coerceRegToSize(Scalar.UNKNOWN, size));
  UNKNOWN_SX_BY_SIZE.set(size, coerceRegToSizeSx(Scalar.UNKNOWN, size));
}

function cutToSize(env: VerifierEnv, regno: number, size: number, isLdsx: boolean): void {
  const { regs } = env;
  const reg = regs[regno]!;
  if (reg.type !== t.SCALAR_VALUE) return;
  if (reg.s === Scalar.UNKNOWN) {
    const s = (isLdsx ? UNKNOWN_SX_BY_SIZE : UNKNOWN_BY_SIZE).get(size)!;
    regs[regno] = isLdsx ? clearScalarId(reg).with({ s }) : reg.with({ s });
    return;
  }
  if (!isLdsx) {
    regs[regno] = reg.with({ s: coerceRegToSize(reg.s, size) });
    return;
  }
  // With its sign, it may be another number than those that it was the same as.
  const isSame = reg.s.umax < 1n << BigInt(size * 8 - 1);
  const s = coerceRegToSizeSx(reg.s, size);
  regs[regno] = (isSame ? reg : clearScalarId(reg)).with({ s });
}
