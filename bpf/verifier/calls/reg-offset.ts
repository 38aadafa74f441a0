import { EINVAL } from '../../../kernel/errno.ts';
import { isVarCtxOffAllowed } from '../access/access-ctx.ts';
import { checkPtrOffReg } from '../access/access-mem.ts';
import { type ArgNo, regArgName } from '../access/access-types.ts';
import { argTypeIsDynptr, argTypeIsRelease } from './arg-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import * as t from '../types.ts';

/** May be passed at any offset, constant or not: the access is checked. */
const ANY_OFFSET: ReadonlySet<number> = new Set([
  t.PTR_TO_STACK,
  t.PTR_TO_PACKET,
  t.PTR_TO_PACKET_META,
  t.PTR_TO_MAP_KEY,
  t.PTR_TO_MAP_VALUE,
  t.PTR_TO_MEM,
  t.PTR_TO_MEM | t.MEM_RDONLY,
  t.PTR_TO_MEM | t.MEM_RINGBUF,
  t.PTR_TO_BUF,
  t.PTR_TO_BUF | t.MEM_RDONLY,
  t.PTR_TO_ARENA,
  t.SCALAR_VALUE,
]);

const OBJ = t.PTR_TO_BTF_ID | t.MEM_ALLOC;
/** May point into the object, at a constant offset. */
const FIXED_OFFSET: ReadonlySet<number> = new Set([
  t.PTR_TO_BTF_ID,
  OBJ,
  t.PTR_TO_BTF_ID | t.PTR_TRUSTED,
  t.PTR_TO_BTF_ID | t.MEM_RCU,
  OBJ | t.NON_OWN_REF,
  OBJ | t.NON_OWN_REF | t.MEM_RCU,
]);

/** Where a pointer that is an argument may point to. check_func_arg_reg_off() */
export function checkFuncArgRegOff(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  argType: number,
  btfIdFixedOffOk = true,
): void {
  if (argTypeIsRelease(argType)) {
    // What is released is behind the dynptr, which may be anywhere on the stack.
    if (argTypeIsDynptr(argType) && reg.type === t.PTR_TO_STACK) return;
    if (!reg.s.isConst || reg.s.value !== 0n) {
      throw env.reject(
        EINVAL,
        `${regArgName(argno)} must have zero offset ` +
          'when passed to release func or trusted arg to kfunc',
      );
    }
  }
  if (ANY_OFFSET.has(reg.type)) return;
  if (FIXED_OFFSET.has(reg.type)) {
    checkPtrOffReg(env, reg, argno, btfIdFixedOffOk);
    return;
  }
  // Passed on as a context, it must be as it came: to a tail call, or an extension of a function.
  const isMemory = reg.type === t.PTR_TO_CTX && argType !== t.ARG_PTR_TO_CTX;
  if (isMemory && isVarCtxOffAllowed(env)) return;
  checkPtrOffReg(env, reg, argno, false);
}
