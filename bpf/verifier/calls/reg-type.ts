import { EACCES } from '../../../kernel/errno.ts';
import { idOf } from '../../btf/resolve.ts';
import { checkPtrOffReg } from '../access/access-mem.ts';
import { type ArgNo, regArgName, regFromArgno } from '../access/access-types.ts';
import { argTypeIsRelease, compatibleRegTypes, MEM_TYPES } from './arg-types.ts';
import { btfStructIdsMatch } from '../access/btf-walk.ts';
import type { CallArgMeta } from './call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import { mapKptrMatchType } from '../access/kptr-access.ts';
import type { Reg } from '../values/reg.ts';
import { btfTypeName, regTypeStr } from '../values/reg-names.ts';
import * as t from '../types.ts';

const BTF_ID = t.PTR_TO_BTF_ID;

/** Pointers to objects of the kernel's, whose type is compared. */
const KERNEL_OBJECTS: ReadonlySet<number> = new Set([
  BTF_ID,
  BTF_ID | t.PTR_TRUSTED,
  BTF_ID | t.PTR_TRUSTED | t.PTR_MAYBE_NULL,
  BTF_ID | t.MEM_RCU,
  BTF_ID | t.PTR_MAYBE_NULL,
  BTF_ID | t.PTR_MAYBE_NULL | t.MEM_RCU,
]);

/** Pointers to objects of the program's own types. */
const LOCAL_OBJECTS: ReadonlySet<number> = new Set([
  BTF_ID | t.MEM_ALLOC,
  BTF_ID | t.MEM_PERCPU | t.MEM_ALLOC,
  BTF_ID | t.MEM_ALLOC | t.NON_OWN_REF,
  BTF_ID | t.MEM_ALLOC | t.NON_OWN_REF | t.MEM_RCU,
]);

/** Pointers that the helpers that take them look at themselves. */
const PERCPU_OBJECTS: ReadonlySet<number> = new Set([
  BTF_ID | t.MEM_PERCPU,
  BTF_ID | t.MEM_PERCPU | t.MEM_RCU,
  BTF_ID | t.MEM_PERCPU | t.PTR_TRUSTED,
]);

/** Helpers that take objects of the program's own types. */
const TAKES_LOCAL_OBJECTS: ReadonlySet<string> = new Set([
  'bpf_spin_lock',
  'bpf_spin_unlock',
  'bpf_kptr_xchg',
]);

/** The type to compare with, where the argument or the call allows more of it. */
function foldedType(argno: ArgNo, reg: Reg, argType: number, meta: CallArgMeta): number {
  let { type } = reg;
  if ((argType & t.MEM_RDONLY) !== 0) type &= ~t.MEM_RDONLY;
  if ((argType & t.PTR_MAYBE_NULL) !== 0) type &= ~t.PTR_MAYBE_NULL;
  if (t.baseType(argType) === t.ARG_PTR_TO_MEM) type &= ~t.DYNPTR_TYPE_FLAG_MASK;
  // An object of the program's own may be what is put into a kptr.
  const isKptr = meta.funcName === 'bpf_kptr_xchg' && regFromArgno(argno) === 2;
  if (isKptr && (type & t.MEM_ALLOC) !== 0) type &= ~(t.MEM_ALLOC | t.MEM_PERCPU);
  return type;
}

/**
 * A register is of a type that the argument may have; `argStructId` is the struct of the kernel's
 * that it must then point to. check_reg_type()
 */
export function checkRegType(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  argType: number,
  argStructId: number | undefined,
  meta: CallArgMeta,
): void {
  const compatible = compatibleRegTypes(argType);
  if (!compatible) throw env.bug(`unsupported arg type ${argType}`);
  if (!compatible.types.includes(foldedType(argno, reg, argType, meta))) {
    const expected = compatible.types.map(regTypeStr).join(', ');
    const text = `${regArgName(argno)} type=${regTypeStr(reg.type)} expected=${expected}`;
    throw env.reject(EACCES, text);
  }
  if (t.baseType(reg.type) !== BTF_ID) return;
  if (compatible === MEM_TYPES) {
    if ((argType & t.MEM_RDONLY) !== 0) return;
    throw env.reject(
      EACCES,
      `${meta.funcName}() may write into memory pointed by ${regArgName(argno)} ` +
        `type=${regTypeStr(reg.type)}`,
    );
  }
  if (KERNEL_OBJECTS.has(reg.type)) {
    const needId = argStructId ?? idOf(env.kernelBtf, compatible.struct ?? '', 'struct');
    checkKernelObject(env, reg, argno, argType, needId, meta);
  } else if (LOCAL_OBJECTS.has(reg.type)) {
    if (!TAKES_LOCAL_OBJECTS.has(meta.funcName)) {
      throw env.bug('unimplemented handling of MEM_ALLOC');
    }
    const isSource = meta.funcName === 'bpf_kptr_xchg' && regFromArgno(argno) === 2;
    if (isSource) checkKptr(env, reg, argno, meta);
  } else if (!PERCPU_OBJECTS.has(reg.type)) {
    throw env.bug('invalid PTR_TO_BTF_ID register for type match');
  }
}

function checkKernelObject(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  argType: number,
  needId: number,
  meta: CallArgMeta,
): void {
  const isRelease = argTypeIsRelease(argType);
  if (t.mayBeNull(reg.type) && (!t.mayBeNull(argType) || isRelease)) {
    throw env.reject(EACCES, `Possibly NULL pointer passed to helper ${regArgName(argno)}`);
  }
  if (meta.funcName === 'bpf_kptr_xchg') {
    checkKptr(env, reg, argno, meta);
    return;
  }
  checkPtrOffReg(env, reg, argno, true);
  const isMatch = btfStructIdsMatch(env, {
    btf: reg.btf!,
    btfId: reg.btfId,
    off: Number(reg.s.svalue),
    needBtf: env.kernelBtf,
    needId,
    // All kinds of sockets begin with a sock_common, and are released as one.
    strict: isRelease && meta.funcName !== 'bpf_sk_release',
    walkFlexArrays: (reg.type & t.MEM_ALLOC) === 0,
  });
  if (isMatch) return;
  throw env.reject(
    EACCES,
    `${regArgName(argno)} is of type ${btfTypeName(reg.btf!, reg.btfId)} ` +
      `but ${btfTypeName(env.kernelBtf, needId)} is expected`,
  );
}

/** What is put into a kptr is of the kptr's type. */
function checkKptr(env: VerifierEnv, reg: Reg, argno: ArgNo, meta: CallArgMeta): void {
  mapKptrMatchType(env, meta.kptrField!, reg, regFromArgno(argno));
}
