import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import { parseFormat } from '../../helpers/format.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { checkMapAccess } from '../access/access-map.ts';
import { ACCESS_HELPER, type ArgNo, regArgName } from '../access/access-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { Rejection } from '../rejection.ts';
import { PTR_TO_MAP_VALUE } from '../types.ts';

/**
 * A string that nobody can change: in a read-only map, at a constant place, with its NUL.
 * check_arg_const_str()
 */
export function checkArgConstStr(env: VerifierEnv, reg: Reg, argno: ArgNo): void {
  if (reg.type !== PTR_TO_MAP_VALUE) throw new Rejection(EINVAL);
  const map = reg.map!;
  const name = regArgName(argno);
  if (map.type === MAP_TYPE.INSN_ARRAY) {
    const text = `${name} points to insn_array map which cannot be used as const string`;
    throw env.reject(EACCES, text);
  }
  if (!env.world.isRdonlyMap(map)) {
    throw env.reject(EACCES, `${name} does not point to a readonly map'`);
  }
  if (!reg.s.isConst) throw env.reject(EACCES, `${name} is not a constant address'`);
  if (!map.map_direct_value_addr) {
    throw env.reject(EACCES, 'no direct value access support for this map type');
  }
  const size = map.valueSize - Number(reg.s.value);
  checkMapAccess(env, reg, argno, 0, size, false, ACCESS_HELPER);
  if (constStrAt(env, reg) === undefined) {
    throw env.reject(EINVAL, 'string is not zero-terminated');
  }
}

/** The string that a checked register points to, one character a byte. */
export function constStrAt(env: VerifierEnv, reg: Reg): string | undefined {
  const map = reg.map!;
  let text = '';
  for (let at = Number(reg.s.value); at < map.valueSize; at++) {
    const byte = env.world.readFrozen(map, at, 1);
    if (byte === undefined) throw env.reject(EINVAL, 'direct value access on string failed');
    if (byte === 0n) return text;
    text += String.fromCharCode(Number(byte));
  }
  return undefined;
}

/**
 * The format of bpf_snprintf() goes with its arguments, each 64 bits wide.
 * check_bpf_snprintf_call()
 */
export function checkBpfSnprintfCall(env: VerifierEnv): void {
  const size = env.regs[5]!.s.value;
  if (size % 8n !== 0n) throw new Rejection(EINVAL);
  const format = constStrAt(env, env.regs[3]!) ?? '';
  if (!parseFormat(format, Number(size / 8n))) {
    throw env.reject(EINVAL, 'Invalid format string');
  }
}
