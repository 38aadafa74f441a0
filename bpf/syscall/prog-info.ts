import { E2BIG, EFAULT, EINVAL } from '../../kernel/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Sim } from '../../sim/request.ts';
import { StringTable } from '../elf/strings.ts';
import type { FuncInfo, LineInfo } from '../verifier/program.ts';
import type { BpfAttr } from './attr.ts';

/** MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE */
const RECORD_MAX = 252;
const FUNC_BYTES = 8;
const LINE_BYTES = 16;
const COLUMN_BITS = 10;

/** Where in the attributes an array of records is described. */
export interface InfoPlaces {
  readonly recordSize: number;
  readonly pointer: number;
  readonly count: number;
}

/** Records as this kernel has them. check_btf_func_early(), check_btf_line() */
export function* takeInfo(
  kernel: Kernel,
  attr: BpfAttr,
  at: InfoPlaces,
  knownBytes: number,
): Sim<Uint8Array<ArrayBuffer> | number> {
  const count = attr.u32(at.count);
  if (count === 0) return new Uint8Array(0);
  const size = attr.u32(at.recordSize);
  if (size < knownBytes || size > RECORD_MAX || size % 4 !== 0) return -EINVAL;
  const given = yield* kernel.mm.copy_from_user(attr.ptr(at.pointer), count * size);
  if (!given) return -EFAULT;
  const records = new Uint8Array(count * knownBytes);
  for (let i = 0; i < count; i++) {
    const record = given.subarray(i * size, (i + 1) * size);
    if (record.subarray(knownBytes).some((byte) => byte !== 0)) return -E2BIG;
    records.set(record.subarray(0, knownBytes), i * knownBytes);
  }
  return records;
}

export function* takeFuncInfo(kernel: Kernel, attr: BpfAttr, at: InfoPlaces) {
  return yield* takeInfo(kernel, attr, at, FUNC_BYTES);
}

export function* takeLineInfo(kernel: Kernel, attr: BpfAttr, at: InfoPlaces) {
  return yield* takeInfo(kernel, attr, at, LINE_BYTES);
}

/** struct bpf_func_info */
export function decodeFuncInfo(records: Uint8Array): FuncInfo[] {
  const view = viewOf(records);
  return Array.from({ length: records.length / FUNC_BYTES }, (_, i) => ({
    insnOff: view.getUint32(i * FUNC_BYTES, true),
    typeId: view.getUint32(i * FUNC_BYTES + 4, true),
  }));
}

/** struct bpf_line_info; its strings are those of the BTF object. */
export function decodeLineInfo(records: Uint8Array, btf: Uint8Array): LineInfo[] {
  if (records.length === 0) return [];
  const strings = stringsOf(btf);
  const view = viewOf(records);
  return Array.from({ length: records.length / LINE_BYTES }, (_, i) => {
    const at = i * LINE_BYTES;
    const fileName = strings.at(view.getUint32(at + 4, true));
    const line = strings.at(view.getUint32(at + 8, true));
    const place = view.getUint32(at + 12, true);
    return {
      insnOff: view.getUint32(at, true),
      fileName: fileName ?? '',
      line: line ?? '',
      lineNumber: place >>> COLUMN_BITS,
      column: place & ((1 << COLUMN_BITS) - 1),
      isUnnamed: fileName === undefined || line === undefined,
    };
  });
}

/** struct btf_header: hdr_len, str_off and str_len. */
function stringsOf(btf: Uint8Array): StringTable {
  const view = viewOf(btf);
  const start = view.getUint32(4, true) + view.getUint32(16, true);
  return new StringTable(btf.subarray(start, start + view.getUint32(20, true)));
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
