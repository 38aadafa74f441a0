import { essentialName } from '../btf/match.ts';
import { idOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { Target } from './relocate.ts';

/**
 * How externs of .ksyms are found in a kernel: functions and typed variables in its BTF, variables
 * without a type (`extern const void symbol __ksym`) by their address, as /proc/kallsyms has it.
 * libbpf.c: bpf_object__resolve_ksyms_btf_id(), bpf_object__read_kallsyms_file()
 */
export function kernelSymbols(
  btf: Btf,
  addressOf: (name: string) => bigint | undefined,
): Target['ksym'] {
  return ({ kind, name, typeId }) => {
    if (kind === 'ksym' && typeId === 0) {
      const address = addressOf(name);
      return address === undefined ? undefined : { address };
    }
    const btfId = idOf(btf, essentialName(name), kind === 'kfunc' ? 'func' : 'var');
    return btfId === 0 ? undefined : { btfId };
  };
}
