import { EACCES } from '../../../kernel/errno.ts';
import { BPF_KPTR, BPF_UPTR, btfFieldTypeName } from '../../btf/field-types.ts';
import type { BtfField } from '../../btf/record.ts';
import { RDONLY_PROG, WRONLY_PROG } from '../../maps/flags.ts';
import type { BpfMap } from '../../maps/map.ts';
import { MAP_TYPE } from '../../uapi.ts';
import { checkMemRegionAccess } from './access-mem.ts';
import {
  ACCESS_DIRECT,
  type AccessSrc,
  type AccessType,
  type ArgNo,
  BPF_READ,
  BPF_WRITE,
} from './access-types.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';

/** Programs may do that with the map at all. check_map_access_type() */
export function checkMapAccessType(
  env: VerifierEnv,
  reg: Reg,
  off: number,
  size: number,
  type: AccessType,
): void {
  const { flags, valueSize } = reg.map!;
  if ((flags & (RDONLY_PROG | WRONLY_PROG)) === 0) return;
  const isReadOnly = (flags & RDONLY_PROG) !== 0;
  const at = reg.s.smin + BigInt(off);
  if (type === BPF_WRITE && isReadOnly) {
    throw env.reject(
      EACCES,
      `write into map forbidden, value_size=${valueSize} off=${at} size=${size}`,
    );
  }
  if (type === BPF_READ && !isReadOnly) {
    throw env.reject(
      EACCES,
      `read from map forbidden, value_size=${valueSize} off=${at} size=${size}`,
    );
  }
}

const ENTRY_BYTES = 8;

/** Bytes behind a pointer to a value. map_mem_size() */
function mapMemSize(map: BpfMap): number {
  return map.type === MAP_TYPE.INSN_ARRAY ? map.maxEntries * ENTRY_BYTES : map.valueSize;
}

/**
 * The bytes are in the value, and none is of a field that the kernel knows what to do with, but for
 * whole pointers that an instruction loads or stores. check_map_access()
 */
export function checkMapAccess(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  off: number,
  size: number,
  zeroSizeAllowed: boolean,
  src: AccessSrc,
): void {
  const map = reg.map!;
  checkMemRegionAccess(env, reg, argno, off, size, mapMemSize(map), zeroSizeAllowed);
  const { record } = map;
  if (!record) return;
  const first = Number(reg.s.smin) + off;
  const end = Number(reg.s.umax) + off + size;
  for (const field of record.fields) {
    if (first < field.offset + field.size && field.offset < end) {
      checkFieldAccess(env, reg, field, off, size, src);
    }
  }
}

function checkFieldAccess(
  env: VerifierEnv,
  { s }: Reg,
  field: BtfField,
  off: number,
  size: number,
  src: AccessSrc,
): void {
  const name = btfFieldTypeName(field.type);
  const refuse = (what: string): unknown => env.reject(EACCES, `${name} ${what}`);
  if ((field.type & (BPF_KPTR | BPF_UPTR)) === 0) {
    throw refuse('cannot be accessed directly by load/store');
  }
  if (src !== ACCESS_DIRECT) throw refuse('cannot be accessed indirectly by helper');
  if (!s.isConst) throw refuse('access cannot have variable offset');
  if (field.offset !== off + s.num) {
    throw refuse(`access misaligned expected=${field.offset} off=${off + s.num}`);
  }
  if (size !== field.size) throw refuse('access size must be BPF_DW');
}
