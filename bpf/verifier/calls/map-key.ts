import { EINVAL } from '../../../kernel/errno.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import { INNER_MAP } from '../../maps/flags.ts';
import type { BpfMap } from '../../maps/map.ts';
import { MAP_TYPE } from '../../uapi.ts';
import type { VerifierEnv } from '../env.ts';
import { markChainPrecision, markChainPrecisionBatch } from '../search/precision.ts';
import type { Reg } from '../values/reg.ts';
import { isSpilledScalar } from '../values/stack.ts';
import { BPF_REG_SIZE, PTR_TO_STACK, SCALAR_VALUE, STACK_SPILL, STACK_ZERO } from '../types.ts';

/** Of the key that a call is given, in InsnAux.mapKeyState: several; and whether it was seen. */
export const BPF_MAP_KEY_POISON = 1n << 63n;
export const BPF_MAP_KEY_SEEN = 1n << 62n;

/** A key that is in the map always has a value. can_elide_value_nullness() */
export function canElideValueNullness({ flags, type }: BpfMap): boolean {
  if ((flags & INNER_MAP) !== 0) return false;
  return type === MAP_TYPE.ARRAY || type === MAP_TYPE.PERCPU_ARRAY;
}

/** The key behind a pointer, signed, or undefined: not known. get_constant_map_key() */
export function getConstantMapKey(env: VerifierEnv, key: Reg, keySize: number): bigint | undefined {
  if (!env.bpfCapable || key.type !== PTR_TO_STACK || !key.s.isConst) return undefined;
  const first = -Number(key.s.svalue) - 1;
  const spi = Math.floor(first / BPF_REG_SIZE);
  const byte = first % BPF_REG_SIZE;
  const slot = env.func(key).stack[spi]!;
  const run = (type: number): number => {
    let length = 0;
    while (byte - length >= 0 && slot.typeAt(byte - length) === type) length++;
    return length;
  };
  if (run(STACK_ZERO) >= keySize) return 0n;
  if (!isSpilledScalar(slot) || run(STACK_SPILL) !== keySize) return undefined;
  if (!slot.reg.s.isConst) return undefined;
  // What follows relies on the value: paths with another are not the same.
  env.bt.setSlot(key.frameno, spi);
  markChainPrecisionBatch(env, env.cur);
  return slot.reg.s.svalue;
}

/** Which entry a tail call goes to, if always the same. record_func_key() */
export function recordFuncKey(
  env: VerifierEnv,
  map: BpfMap | undefined,
  funcId: number,
  insnIdx: number,
): void {
  if (funcId !== FUNC.tail_call) return;
  if (map?.type !== MAP_TYPE.PROG_ARRAY) {
    env.verbose('expected prog array map for tail call');
    throw env.reject(EINVAL, '');
  }
  const aux = env.aux[insnIdx]!;
  const { type, s } = env.regs[3]!;
  if (type !== SCALAR_VALUE || !s.isConst || s.value >= BigInt(map.maxEntries)) {
    aux.mapKeyState = BPF_MAP_KEY_POISON | BPF_MAP_KEY_SEEN;
    return;
  }
  markChainPrecision(env, 3);
  const isSeen = (aux.mapKeyState & BPF_MAP_KEY_SEEN) !== 0n;
  if (!isSeen) aux.mapKeyState = s.value | BPF_MAP_KEY_SEEN;
  else if (aux.mapKeyState !== (s.value | BPF_MAP_KEY_SEEN)) {
    aux.mapKeyState = BPF_MAP_KEY_POISON | BPF_MAP_KEY_SEEN;
  }
}
