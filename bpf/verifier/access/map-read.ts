import { MAP_TYPE } from '../../uapi.ts';
import type { BpfMap } from '../../maps/map.ts';
import type { VerifierEnv } from '../env.ts';

/**
 * What a load from a value that nobody can change will give; undefined: not known.
 * bpf_map_direct_read()
 */
export function readFrozenMap(
  env: VerifierEnv,
  map: BpfMap,
  off: number,
  size: number,
  isLdsx: boolean,
): bigint | undefined {
  if (!map.map_direct_value_addr || map.type === MAP_TYPE.INSN_ARRAY) return undefined;
  if (!env.world.isRdonlyMap(map)) return undefined;
  const addr = map.map_direct_value_addr(off);
  if (addr < 0) throw env.reject(-addr, '');
  const value = env.world.readFrozen(map, off, size);
  if (value === undefined || !isLdsx) return value;
  return BigInt.asUintN(64, BigInt.asIntN(size * 8, value));
}
