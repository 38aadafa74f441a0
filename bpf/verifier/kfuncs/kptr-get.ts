import { EINVAL } from '../../../kernel/errno.ts';
import { BPF_KPTR_REF } from '../../btf/field-types.ts';
import { btfRecordFind } from '../../btf/record.ts';
import { resolve } from '../../btf/resolve.ts';
import type { BtfType } from '../../btf/types.ts';
import type { VerifierEnv } from '../env.ts';
import type { KfuncCallArgMeta } from './kfunc-meta.ts';
import { PTR_TO_MAP_VALUE } from '../types.ts';

/**
 * The place of a kptr in a map's value, from which the kfunc takes the object: spec 02 R13, v6.1.
 * A part of btf_check_func_arg_match() there
 */
export function checkKptrPlace(env: VerifierEnv, meta: KfuncCallArgMeta): void {
  const reg = env.regs[1]!;
  if (reg.type !== PTR_TO_MAP_VALUE) {
    throw env.reject(EINVAL, 'arg#0 expected pointer to map value');
  }
  if (!reg.s.isConst) throw env.reject(EINVAL, 'arg#0 cannot have variable offset');
  const off = reg.s.num;
  const kptr = reg.map?.record && btfRecordFind(reg.map.record, off, BPF_KPTR_REF);
  if (!kptr) {
    const text = `arg#0 no referenced pointer at map value offset=${reg.s.value}`;
    throw env.reject(EINVAL, text);
  }
  const wanted = pointedTwice(meta);
  const { btf, btfId } = kptr.kptr!;
  if (btf !== meta.btf || btf.types[btfId] !== wanted) {
    const text =
      `kernel function ${meta.funcName} args#0 expected pointer to struct ${wanted?.name} ` +
      `but R1 points to a pointer to struct ${btf.types[btfId]?.name}`;
    throw env.reject(EINVAL, text);
  }
}

/** What its first parameter points to a pointer to. */
function pointedTwice({ btf, proto }: KfuncCallArgMeta): BtfType | undefined {
  const outer = resolve(btf, proto.params[0]!.type);
  const inner = outer?.kind === 'ptr' ? resolve(btf, outer.type) : undefined;
  return inner?.kind === 'ptr' ? resolve(btf, inner.type) : undefined;
}
