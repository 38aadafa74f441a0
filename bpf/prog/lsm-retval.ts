import type { RetvalRange } from '../verifier/retval-range.ts';
import { BOOL_LSM_HOOKS } from './lsm-hooks.ts';
import { range } from './retval.ts';
import type { ProgView } from './view.ts';

/** include/linux/err.h */
const MAX_ERRNO = 4095;

/** What a hook of the LSM may return; undefined: nothing. bpf_lsm_get_retval_range() */
export function lsmRetvalRange({ attach }: ProgView): RetvalRange | undefined {
  const proto = attach?.btf.types[attach.protoId];
  if (proto?.kind !== 'func_proto' || proto.type === 0) return undefined;
  return BOOL_LSM_HOOKS.has(attach!.name) ? range(0, 1) : range(-MAX_ERRNO, 0);
}
