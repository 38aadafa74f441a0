import { EINVAL } from '../../../kernel/errno.ts';
import type { VerifierEnv } from '../env.ts';
import * as t from '../types.ts';

/** Pointers through which an access is rewritten: an instruction may not have others too. */
const REWRITTEN: ReadonlySet<number> = new Set([
  t.PTR_TO_CTX,
  t.PTR_TO_SOCKET,
  t.PTR_TO_SOCK_COMMON,
  t.PTR_TO_TCP_SOCK,
  t.PTR_TO_XDP_SOCK,
  t.PTR_TO_BTF_ID,
  t.PTR_TO_ARENA,
]);

function isRewritten(type: number): boolean {
  return REWRITTEN.has(t.baseType(type));
}

/** is_ptr_to_mem_or_btf_id() */
function isMemOrBtfId(type: number): boolean {
  return t.baseType(type) === t.PTR_TO_MEM || t.baseType(type) === t.PTR_TO_BTF_ID;
}

/** What must be assumed of a pointer that is one or the other. */
function merged(type: number, previous: number): number {
  const isMem = t.baseType(type) === t.PTR_TO_MEM || t.baseType(previous) === t.PTR_TO_MEM;
  const flags = (type | previous) & (t.PTR_UNTRUSTED | t.MEM_RDONLY);
  return (isMem ? t.PTR_TO_MEM : t.PTR_TO_BTF_ID) | flags;
}

/** The instruction accesses memory through such a pointer. save_aux_ptr_type() */
export function saveAuxPtrType(env: VerifierEnv, type: number, allowTrustMismatch: boolean): void {
  const aux = env.curAux;
  const previous = aux.ptrType;
  if (previous === t.NOT_INIT) {
    aux.ptrType = type;
    return;
  }
  if (type === previous || !(isRewritten(type) || isRewritten(previous))) return;
  if (!allowTrustMismatch || !isMemOrBtfId(type) || !isMemOrBtfId(previous)) {
    throw env.reject(EINVAL, 'same insn cannot be used with different pointers');
  }
  aux.ptrType = merged(type, previous);
}
