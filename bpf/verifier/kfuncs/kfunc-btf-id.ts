import { EINVAL } from '../../../kernel/errno.ts';
import { btfTypeStr } from '../../btf/kinds.ts';
import { idOf, resolveId } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import * as kf from '../../kfuncs/flags.ts';
import { btfIsProjectionOf } from '../../prog/ctx-type.ts';
import { regArgName } from '../access/access-types.ts';
import { btfStructIdsMatch } from '../access/btf-walk.ts';
import type { VerifierEnv } from '../env.ts';
import { REG_STRUCTS, type KfuncArg } from './kfunc-arg-kind.ts';
import { btfTypeName, regTypeStr } from '../values/reg-names.ts';
import { regIsReferenced } from '../objects/refs.ts';
import { isRcuReg, typeHasUnsafeModifiers } from '../access/trust.ts';
import * as t from '../types.ts';

/** A pointer to an object of the kernel's, whose type the parameter names. */
export function checkKfuncBtfIdArg(env: VerifierEnv, arg: KfuncArg, structId: number): void {
  const { reg, argno } = arg;
  const base = t.baseType(reg.type);
  const isUnsafe = typeHasUnsafeModifiers(reg.type) && !isRcuReg(reg);
  if ((base !== t.PTR_TO_BTF_ID || isUnsafe) && !REG_STRUCTS.has(base)) {
    const expected = base | (t.typeFlags(reg.type) & t.TRUSTED_MODIFIERS);
    const text = `${regTypeStr(reg.type)} expected ${regTypeStr(expected)} or socket`;
    throw env.reject(EINVAL, `${regArgName(argno)} is ${text}`);
  }
  processKfArgPtrToBtfId(env, arg, structId);
}

/** process_kf_arg_ptr_to_btf_id() */
function processKfArgPtrToBtfId(env: VerifierEnv, arg: KfuncArg, refId: number): void {
  const { meta, reg, argno } = arg;
  const isBtfId = t.baseType(reg.type) === t.PTR_TO_BTF_ID;
  const btf = isBtfId ? reg.btf! : env.kernelBtf;
  const struct = REG_STRUCTS.get(t.baseType(reg.type)) ?? '';
  const btfId = resolveId(btf, isBtfId ? reg.btfId : idOf(env.kernelBtf, struct, 'struct'));
  // What is given back must be exactly that; elsewhere a struct that begins with it will do.
  const strict =
    (meta.has(kf.KF_RELEASE) && regIsReferenced(env, reg)) ||
    btfTypeIdsNocastAlias(btf, btfId, meta.btf, refId);
  const needed = btfTypeName(meta.btf, refId);
  const given = btfTypeName(btf, btfId);
  const isSame = btfStructIdsMatch(env, {
    btf,
    btfId,
    off: reg.s.num,
    needBtf: meta.btf,
    needId: refId,
    strict,
    walkFlexArrays: (reg.type & t.MEM_ALLOC) === 0,
  });
  if (isSame || btfIsProjectionOf(needed, given)) return;
  const name = regArgName(argno);
  const neededType = `${btfTypeStr(meta.btf.types[refId])} ${needed}`;
  const givenType = `${btfTypeStr(btf.types[btfId])} ${given}`;
  throw env.reject(
    EINVAL,
    `kernel function ${meta.funcName} ${name} expected pointer to ${neededType} ` +
      `but ${name} has a pointer to ${givenType}`,
  );
}

const NOCAST_ALIAS_SUFFIX = '___init';

/** Two structs of which one is the other not yet initialized. btf_type_ids_nocast_alias() */
function btfTypeIdsNocastAlias(btf: Btf, id: number, needBtf: Btf, needId: number): boolean {
  const a = btfTypeName(btf, id);
  const b = btfTypeName(needBtf, needId);
  return a === b + NOCAST_ALIAS_SUFFIX || b === a + NOCAST_ALIAS_SUFFIX;
}
