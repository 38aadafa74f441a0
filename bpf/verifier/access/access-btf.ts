import { EACCES, EINVAL, ENOTSUPP, EPERM } from '../../../kernel/errno.ts';
import { btfFieldTypeName } from '../../btf/field-types.ts';
import { btfFindStructMeta } from '../../btf/struct-meta.ts';
import type { Btf } from '../../btf/types.ts';
import { type AccessType, type ArgNo, BPF_READ, BPF_WRITE, regArgName } from './access-types.ts';
import { btfStructWalk } from './btf-walk.ts';
import type { VerifierEnv } from '../env.ts';
import { mapStruct } from './map-struct.ts';
import { pointerReg, type Reg } from '../values/reg.ts';
import { btfTypeName } from '../values/reg-names.ts';
import { regIsReferenced } from '../objects/refs.ts';
import { markRegUnknown } from '../values/regs.ts';
import { inRcuCs } from '../objects/sections.ts';
import { tnumText } from '../report/print-state.ts';
import { isRcuReg, isTrustedReg } from './trust.ts';
import * as trusted from './trusted-fields.ts';
import * as t from '../types.ts';

// Loads from, and stores to, structs of the kernel's and of the program's own.

/** What a load from a struct gives. */
export interface Loaded {
  /** SCALAR_VALUE, PTR_TO_BTF_ID or PTR_TO_MEM. */
  readonly type: number;
  /** PTR_TO_BTF_ID: to which struct. */
  readonly btfId: number;
  readonly flag: number;
  /** The member that the pointer stands in. */
  readonly field: string;
}

const LOADED_SCALAR: Loaded = { type: t.SCALAR_VALUE, btfId: 0, flag: 0, field: '' };
const LOADED_MEM: Loaded = {
  type: t.PTR_TO_MEM,
  btfId: 0,
  flag: t.MEM_RDONLY | t.PTR_UNTRUSTED,
  field: '',
};

function isAlloc(type: number): boolean {
  return (type & t.MEM_ALLOC) !== 0;
}

/** btf_struct_access() */
export function btfStructAccess(env: VerifierEnv, reg: Reg, off: number, size: number): Loaded {
  const btf = reg.btf!;
  const isLocal = isAlloc(reg.type);
  if (isLocal) checkSpecialFields(env, reg, off, size);
  let walk = btfStructWalk(btf, reg.btfId, { off, size, flag: 0, walkFlexArrays: !isLocal });
  while (walk.kind === 'struct') {
    const { id, flag } = walk;
    walk = btfStructWalk(btf, id, { off: 0, size, flag, walkFlexArrays: !isLocal });
  }
  switch (walk.kind) {
    case 'error':
      throw env.reject(walk.errno, walk.message);
    case 'scalar':
      return LOADED_SCALAR;
    case 'ptr_untrusted':
      return LOADED_MEM;
    case 'ptr':
      // What a program wrote into its own object is a number to it from then on.
      if (isLocal) return LOADED_SCALAR;
      return { type: t.PTR_TO_BTF_ID, btfId: walk.id, flag: walk.flag, field: walk.field };
  }
}

/** Fields that the kernel knows what to do with are not the program's to touch. */
function checkSpecialFields(env: VerifierEnv, reg: Reg, off: number, size: number): void {
  const meta = btfFindStructMeta(reg.btf, reg.btfId);
  for (const field of meta?.record.fields ?? []) {
    if (off >= field.offset + field.size || field.offset >= off + size) continue;
    const text = `direct access to ${btfFieldTypeName(field.type)} is disallowed`;
    throw env.reject(EACCES, text);
  }
}

/** What was loaded, in its register. mark_btf_ld_reg() */
export function markBtfLdReg(
  env: VerifierEnv,
  regs: Reg[],
  regno: number,
  regType: number,
  btf: Btf,
  btfId: number,
  flag: number,
): void {
  switch (regType) {
    case t.SCALAR_VALUE:
      markRegUnknown(env, regs, regno);
      return;
    case t.PTR_TO_BTF_ID: {
      const id = t.mayBeNull(flag) ? env.newId() : 0;
      regs[regno] = pointerReg(t.PTR_TO_BTF_ID | flag, { btf, btfId, id });
      return;
    }
    case t.PTR_TO_MEM:
      regs[regno] = pointerReg(t.PTR_TO_MEM | flag, { memSize: 0 });
      return;
    default:
      throw env.bug(`unexpected reg_type ${regType} in mark_btf_ld_reg\n`);
  }
}

/** A type of the kernel's, not of a program's. btf_is_kernel() */
function isKernelBtf(env: VerifierEnv, btf: Btf | undefined): boolean {
  return btf === env.kernelBtf;
}

/** check_ptr_to_btf_access() */
export function checkPtrToBtfAccess(
  env: VerifierEnv,
  regs: Reg[],
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  atype: AccessType,
  valueRegno: number,
): void {
  const name = btfTypeName(reg.btf!, reg.btfId);
  checkMayAccessStruct(env, reg, name);
  const at = offsetInStruct(env, reg, argno, off, name);
  if ((reg.type & t.MEM_USER) !== 0) {
    const text = `${regArgName(argno)} is ptr_${name} access user memory: off=${at}`;
    throw env.reject(EACCES, text);
  }
  if ((reg.type & t.MEM_PERCPU) !== 0) {
    const text = `${regArgName(argno)} is ptr_${name} access percpu memory: off=${at}`;
    throw env.reject(EACCES, text);
  }
  if (atype === BPF_WRITE) {
    checkStructWrite(env, reg, argno, at, size, name);
    return;
  }
  checkIsOwned(env, reg);
  const loaded = btfStructAccess(env, reg, at, size);
  if (valueRegno < 0) return;
  const flag = loaded.type === t.PTR_TO_BTF_ID ? walkedFlags(env, reg, loaded) : loaded.flag;
  markBtfLdReg(env, regs, valueRegno, loaded.type, reg.btf!, loaded.btfId, flag);
}

function checkMayAccessStruct(env: VerifierEnv, reg: Reg, name: string): void {
  if (!env.allowPtrLeaks) {
    throw env.reject(
      EPERM,
      `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`,
    );
  }
  if (!env.prog.isGplCompatible && isKernelBtf(env, reg.btf)) {
    throw env.reject(
      EINVAL,
      `Cannot access kernel 'struct ${name}' from non-GPL compatible program`,
    );
  }
}

function offsetInStruct(
  env: VerifierEnv,
  { s }: Reg,
  argno: ArgNo,
  off: number,
  name: string,
): number {
  if (!s.isConst) {
    throw env.reject(
      EACCES,
      `${regArgName(argno)} is ptr_${name} invalid variable offset: ` +
        `off=${off}, var_off=${tnumText(s.tnum)}`,
    );
  }
  const at = Number(BigInt.asIntN(32, s.value + BigInt(off)));
  if (at >= 0) return at;
  throw env.reject(
    EACCES,
    `${regArgName(argno)} is ptr_${name} invalid negative access: off=${at}`,
  );
}

/** Only the program's own objects are written to, and what its type allows of the kernel's. */
function checkStructWrite(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  name: string,
): void {
  if ((reg.type & t.PTR_UNTRUSTED) !== 0) throw env.reject(EACCES, 'only read is supported');
  if (env.ops.btfStructAccess && !isAlloc(reg.type)) {
    if (!isKernelBtf(env, reg.btf)) throw env.bug('reg->btf must be kernel btf');
    const errno = env.ops.btfStructAccess(name, off, size, (text) => env.verbose(text), reg.btf!);
    if (errno === 0) return;
    throw env.reject(
      errno,
      `${regArgName(argno)} cannot write into ptr_${name} at off=${off} size=${size}`,
    );
  }
  if (!t.isAllocObj(reg.type)) throw env.reject(EACCES, 'only read is supported');
  checkIsOwned(env, reg);
  btfStructAccess(env, reg, off, size);
}

function checkIsOwned(env: VerifierEnv, reg: Reg): void {
  const { type } = reg;
  if (!isAlloc(type) || t.isNonOwningRef(type) || isRcuReg(reg)) return;
  if (!regIsReferenced(env, reg)) throw env.bug('allocated object must have a referenced id');
}

/** How far the pointer that was found can be relied on, by where it was found. */
function walkedFlags(env: VerifierEnv, reg: Reg, { btfId, flag, field }: Loaded): number {
  if ((reg.type & t.PTR_UNTRUSTED) !== 0) return t.PTR_UNTRUSTED;
  const deprecated = flag & ~(t.TRUSTED_MODIFIERS | t.MEM_RCU);
  if (!isTrustedReg(env, reg) && !isRcuReg(reg)) return deprecated;
  if (trusted.typeIsTrusted(reg, field, btfId)) return flag | t.PTR_TRUSTED;
  if (trusted.typeIsTrustedOrNull(reg, field, btfId)) {
    return flag | t.PTR_TRUSTED | t.PTR_MAYBE_NULL;
  }
  // Outside of a read section, the object may go away at any time.
  if (!inRcuCs(env) || t.mayBeNull(reg.type)) return t.PTR_UNTRUSTED;
  if (trusted.typeIsRcu(reg, field, btfId)) return flag | t.MEM_RCU;
  if (trusted.typeIsRcuOrNull(reg, field, btfId)) {
    return (flag | t.MEM_RCU | t.PTR_MAYBE_NULL) & ~t.PTR_UNTRUSTED;
  }
  if ((flag & t.MEM_RCU) !== 0) return flag | t.PTR_MAYBE_NULL;
  return (flag & (t.MEM_PERCPU | t.MEM_USER)) !== 0 ? flag : deprecated;
}

/** check_ptr_to_map_access() */
export function checkPtrToMapAccess(
  env: VerifierEnv,
  regs: Reg[],
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  atype: AccessType,
  valueRegno: number,
): void {
  const map = reg.map!;
  const { name, btfId } = mapStruct(env.kernelBtf, map.type);
  if (btfId === 0) {
    throw env.reject(ENOTSUPP, `map_ptr access not supported for map type ${map.type}`);
  }
  if (!env.allowPtrLeaks) {
    throw env.reject(
      EPERM,
      `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`,
    );
  }
  if (off < 0) {
    throw env.reject(EACCES, `${regArgName(argno)} is ${name} invalid negative access: off=${off}`);
  }
  if (atype !== BPF_READ) throw env.reject(EACCES, `only read from ${name} is supported`);
  const mapReg = pointerReg(t.PTR_TO_BTF_ID, { btf: env.kernelBtf, btfId });
  const loaded = btfStructAccess(env, mapReg, off, size);
  if (valueRegno < 0) return;
  markBtfLdReg(env, regs, valueRegno, loaded.type, env.kernelBtf, loaded.btfId, loaded.flag);
}
