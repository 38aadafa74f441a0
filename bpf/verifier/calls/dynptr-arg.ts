import { EINVAL } from '../../../kernel/errno.ts';
import { checkMemAccess } from '../access/access.ts';
import { type ArgNo, BPF_WRITE, regArgName } from '../access/access-types.ts';
import type { DynptrDesc } from './call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { dynptrTypeStr } from '../values/reg-names.ts';
import type { RefObjDesc } from '../objects/refs.ts';
import {
  argToDynptrType,
  DYNPTR_SLOTS,
  dynptrGetSpi,
  isDynptrRegValidInit,
  isDynptrRegValidUninit,
  isDynptrTypeExpected,
  markStackSlotsDynptr,
} from '../objects/stack-dynptr.ts';
import { existingSpi } from '../objects/stack-objects.ts';
import * as t from '../types.ts';

/**
 * A dynptr that is an argument: one that is made (MEM_UNINIT), one that is given back
 * (OBJ_RELEASE), or one that is used. `dynptr` gets to know which it was. process_dynptr_func()
 */
export function processDynptrFunc(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  insnIdx: number,
  argType: number,
  refObj: RefObjDesc,
  dynptr: DynptrDesc | undefined,
): void {
  if (reg.type !== t.PTR_TO_STACK && reg.type !== t.CONST_PTR_TO_DYNPTR) {
    const text = `${regArgName(argno)} expected pointer to stack or const struct bpf_dynptr`;
    throw env.reject(EINVAL, text);
  }
  if ((argType & t.MEM_UNINIT) !== 0) {
    makeDynptr(env, reg, argno, insnIdx, argType, refObj, dynptr!);
    return;
  }
  checkDynptr(env, reg, argno, argType);
  const found = reg.type === t.CONST_PTR_TO_DYNPTR ? reg : dynptrOnStack(env, reg);
  if (dynptr) {
    dynptr.type = found.dynptrType;
    dynptr.id = found.id;
    dynptr.parentId = found.parentId;
  }
}

function makeDynptr(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  insnIdx: number,
  argType: number,
  refObj: RefObjDesc,
  dynptr: DynptrDesc,
): void {
  if (!isDynptrRegValidUninit(env, reg)) {
    throw env.reject(EINVAL, 'Dynptr has to be an uninitialized dynptr');
  }
  for (let i = 0; i < DYNPTR_SLOTS; i++) {
    const off = i * t.BPF_REG_SIZE;
    checkMemAccess(env, insnIdx, reg, argno, off, 8, BPF_WRITE, -1, false, false);
  }
  markStackSlotsDynptr(env, reg, argType, insnIdx, refObj, dynptr);
}

function checkDynptr(env: VerifierEnv, reg: Reg, argno: ArgNo, argType: number): void {
  if (reg.type === t.CONST_PTR_TO_DYNPTR && (argType & t.OBJ_RELEASE) !== 0) {
    throw env.reject(EINVAL, 'CONST_PTR_TO_DYNPTR cannot be released');
  }
  if (!isDynptrRegValidInit(env, reg)) {
    throw env.reject(EINVAL, `Expected an initialized dynptr as ${regArgName(argno)}`);
  }
  if (!isDynptrTypeExpected(env, reg, argType & ~t.OBJ_RELEASE)) {
    const expected = dynptrTypeStr(argToDynptrType(argType));
    const text = `Expected a dynptr of type ${expected} as ${regArgName(argno)}`;
    throw env.reject(EINVAL, text);
  }
}

function dynptrOnStack(env: VerifierEnv, reg: Reg): Reg {
  const spi = existingSpi(dynptrGetSpi(env, reg));
  for (let i = 0; i < DYNPTR_SLOTS; i++) env.markSlotScratched(spi - i);
  return env.func(reg).stack[spi]!.reg;
}
