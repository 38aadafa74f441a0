import { FUNC, type FuncName } from './func-ids.ts';
import { FUNC_PROTOS } from './protos.ts';
import type { Helper } from './prototype.ts';
import { baseType, RET_INTEGER, RET_VOID } from '../verifier/types.ts';

/** Of a helper of Linux: what its prototype says, for the row that says what it does. */
export function row(name: FuncName): Pick<Helper, 'id' | 'name' | 'isPointer'> {
  const id = FUNC[name];
  const ret = baseType(FUNC_PROTOS.get(id)!.ret);
  return { id, name: `bpf_${name}`, isPointer: ret !== RET_INTEGER && ret !== RET_VOID };
}
