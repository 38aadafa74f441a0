import type { Btf } from '../btf/types.ts';
import type { FuncInfo } from '../verifier/program.ts';

/**
 * Names of functions for call traces, as BTF has them; without, the main program has the name that
 * it was loaded by. bpf_prog_ksym_set_name()
 */
export function subprogNames(
  infos: readonly FuncInfo[],
  btf: Btf | undefined,
  subprogs: readonly number[],
  name: string,
): string[] {
  return subprogs.map((start, i) => {
    const info = infos.find(({ insnOff }) => insnOff === start);
    const named = info && btf?.types[info.typeId]?.name;
    return named || (i === 0 ? name : `F${i}`);
  });
}
