import { BPF_RES_SPIN_LOCK, BPF_SPIN_LOCK } from '../../btf/field-types.ts';
import {
  type BtfField,
  btfRecordFind,
  btfRecordHasField,
  type BtfRecord,
} from '../../btf/record.ts';
import { btfFindStructMeta } from '../../btf/struct-meta.ts';
import type { Reg } from '../values/reg.ts';
import { isAllocObj, PTR_TO_MAP_VALUE } from '../types.ts';

/** The special fields of the map value, or of the program's object. reg_btf_record() */
export function regBtfRecord(reg: Reg): BtfRecord | undefined {
  if (reg.type === PTR_TO_MAP_VALUE) return reg.map!.record;
  return isAllocObj(reg.type) ? btfFindStructMeta(reg.btf, reg.btfId)?.record : undefined;
}

/** reg_may_point_to_spin_lock() */
export function regMayPointToSpinLock(reg: Reg): boolean {
  return btfRecordHasField(regBtfRecord(reg), BPF_SPIN_LOCK | BPF_RES_SPIN_LOCK);
}

/** The field of such a kind that begins at an offset. reg_find_field_offset() */
export function regFindFieldOffset(reg: Reg, off: number, mask: number): BtfField | undefined {
  return btfRecordFind(regBtfRecord(reg), off, mask);
}
