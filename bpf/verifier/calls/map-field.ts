import { EACCES, EINVAL } from '../../../kernel/errno.ts';
import * as field from '../../btf/field-types.ts';
import { btfFieldTypeName } from '../../btf/field-types.ts';
import { btfRecordFind, btfRecordHasField, type BtfRecord } from '../../btf/record.ts';
import { type ArgNo, regArgName } from '../access/access-types.ts';
import type { CallArgMeta, MapDesc } from './call-meta.ts';
import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { regBtfRecord } from '../objects/reg-record.ts';
import { isAllocObj } from '../types.ts';

// Arguments that point to a special field of a map's value: timers and the like, and kptrs.

function fieldOff({ timerOff, taskWorkOff, wqOff }: BtfRecord, fieldType: number): number {
  if (fieldType === field.BPF_TIMER) return timerOff;
  return fieldType === field.BPF_TASK_WORK ? taskWorkOff : wqOff;
}

/**
 * The register points to the timer, work queue or task work of a map's value; `mapDesc` gets to
 * know of which map. check_map_field_pointer()
 */
export function checkMapFieldPointer(
  env: VerifierEnv,
  reg: Reg,
  argno: ArgNo,
  fieldType: number,
  mapDesc: MapDesc,
): void {
  const map = reg.map!;
  const name = btfFieldTypeName(fieldType);
  if (!reg.s.isConst) {
    throw env.reject(
      EINVAL,
      `${regArgName(argno)} doesn't have constant offset. ` +
        `${name} has to be at the constant offset`,
    );
  }
  if (!map.btf) {
    throw env.reject(EINVAL, `map '${map.name}' has to have BTF in order to use ${name}`);
  }
  if (!map.record || !btfRecordHasField(map.record, fieldType)) {
    throw env.reject(EINVAL, `map '${map.name}' has no valid ${name}`);
  }
  const expected = fieldOff(map.record, fieldType);
  const off = reg.s.svalue;
  if (BigInt(expected) !== off) {
    const text = `off ${off} doesn't point to 'struct ${name}' that is at ${expected}`;
    throw env.reject(EINVAL, text);
  }
  if (mapDesc.ptr) throw env.bug(`Two map pointers in a ${name} helper`);
  mapDesc.uid = reg.mapUid;
  mapDesc.ptr = map;
}

/** process_timer_func() */
export function processTimerFunc(env: VerifierEnv, reg: Reg, argno: ArgNo, map: MapDesc): void {
  checkMapFieldPointer(env, reg, argno, field.BPF_TIMER, map);
}

/** The kptr that something is put into; `meta` gets to know which. process_kptr_func() */
export function processKptrFunc(env: VerifierEnv, regno: number, meta: CallArgMeta): void {
  const reg = env.regs[regno]!;
  if (!isAllocObj(reg.type)) {
    const map = reg.map!;
    if (!map.btf) {
      const text = `map '${map.name}' has to have BTF in order to use bpf_kptr_xchg`;
      throw env.reject(EINVAL, text);
    }
    meta.map.ptr = map;
  }
  if (!reg.s.isConst) {
    throw env.reject(
      EINVAL,
      `R${regno} doesn't have constant offset. kptr has to be at the constant offset`,
    );
  }
  const record = regBtfRecord(reg);
  if (!btfRecordHasField(record, field.BPF_KPTR)) {
    throw env.reject(EINVAL, `R${regno} has no valid kptr`);
  }
  const off = Number(BigInt.asUintN(32, reg.s.value));
  const kptr = btfRecordFind(record, off, field.BPF_KPTR);
  if (!kptr) throw env.reject(EACCES, `off=${off | 0} doesn't point to kptr`);
  if (kptr.type !== field.BPF_KPTR_REF && kptr.type !== field.BPF_KPTR_PERCPU) {
    throw env.reject(EACCES, `off=${off | 0} kptr isn't referenced kptr`);
  }
  meta.kptrField = kptr;
}
