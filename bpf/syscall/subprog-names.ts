import type { Btf } from '../btf/types.ts';
import type { FuncInfo } from '../verifier/program.ts';

/**
 * Names of the subprograms for call traces. The main program has the name that it was loaded by.
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
    return i === 0 ? name : named || `F${i}`;
  });
}
