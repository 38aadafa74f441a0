import { E2BIG, EFAULT, EINVAL } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import type { FuncInfo, LineInfo, WrongInfo } from '../verifier/program.ts';
import type { BpfAttr } from './attr.ts';
import type { BpfContext } from './context.ts';
import { AT } from './prog-attrs.ts';

/** MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE */
const INFO_RECORD_MAX = 252;
const FUNC_INFO_BYTES = 8;
const LINE_INFO_BYTES = 16;

/** What a program's BTF is said to describe, as records of bpf(2). */
export interface ProgInfo {
  readonly funcs: Uint8Array<ArrayBuffer>;
  readonly lines: Uint8Array<ArrayBuffer>;
  /** Why there are no lines, which is said when functions are known. */
  readonly wrongLines?: WrongInfo;
}

export const NO_INFO: ProgInfo = { funcs: new Uint8Array(0), lines: new Uint8Array(0) };

/** bpf_check_btf_info_early() */
export function* takeInfo(bpf: BpfContext, attr: BpfAttr): Sim<ProgInfo | WrongInfo> {
  const funcs = yield* take(bpf, attr, {
    size: AT.funcInfoRecSize,
    pointer: AT.funcInfo,
    count: AT.funcInfoCnt,
    known: FUNC_INFO_BYTES,
    wrongSize: (size) => `invalid func info rec size ${size}\n`,
    wrongTail: 'nonzero tailing record in func info',
  });
  if (!(funcs instanceof Uint8Array)) return funcs;
  const lines = yield* take(bpf, attr, {
    size: AT.lineInfoRecSize,
    pointer: AT.lineInfo,
    count: AT.lineInfoCnt,
    known: LINE_INFO_BYTES,
    wrongSize: () => '',
    wrongTail: 'nonzero tailing record in line_info',
  });
  if (lines instanceof Uint8Array) return { funcs, lines };
  return { funcs, lines: NO_INFO.lines, wrongLines: lines };
}

interface Places {
  readonly size: number;
  readonly pointer: number;
  readonly count: number;
  /** Bytes of a record as this kernel has it: what is behind them must be zero. */
  readonly known: number;
  wrongSize(size: number): string;
  readonly wrongTail: string;
}

function* take(
  bpf: BpfContext,
  attr: BpfAttr,
  { size: sizeAt, pointer, count: countAt, known, wrongSize, wrongTail }: Places,
): Sim<Uint8Array<ArrayBuffer> | WrongInfo> {
  const count = attr.u32(countAt);
  if (count === 0) return new Uint8Array(0);
  const size = attr.u32(sizeAt);
  const isFit = size >= known && size <= INFO_RECORD_MAX && size % 4 === 0;
  if (!isFit) return { errno: EINVAL, message: wrongSize(size) };
  // Some of them would be for the same instruction, or for none.
  if (count > attr.u32(AT.insnCnt)) return { errno: EINVAL, message: '' };
  const given = yield* bpf.kernel.mm.copy_from_user(attr.ptr(pointer), count * size);
  if (!given) return { errno: EFAULT, message: '' };
  const records = new Uint8Array(count * known);
  for (let i = 0; i < count; i++) {
    const record = given.subarray(i * size, (i + 1) * size);
    const isKnown = record.subarray(known).every((byte) => byte === 0);
    if (!isKnown) return { errno: E2BIG, message: wrongTail };
    records.set(record.subarray(0, known), i * known);
  }
  return records;
}

export function funcInfos({ funcs }: ProgInfo): FuncInfo[] {
  const words = new Uint32Array(funcs.buffer);
  return Array.from({ length: words.length / 2 }, (_, i) => ({
    insnOff: words[2 * i]!,
    typeId: words[2 * i + 1]!,
  }));
}

/** Line and column in one word. BPF_LINE_INFO_LINE_NUM(), BPF_LINE_INFO_LINE_COL() */
const COLUMN_BITS = 10;

/** With the strings of the BTF that they go with. */
export function lineInfos({ lines }: ProgInfo, btf: Uint8Array | undefined): LineInfo[] {
  const words = new Uint32Array(lines.buffer);
  const stringAt = stringsOf(btf);
  return Array.from({ length: words.length / 4 }, (_, i) => {
    const place = words[4 * i + 3]!;
    return {
      insnOff: words[4 * i]!,
      fileName: stringAt(words[4 * i + 1]!),
      line: stringAt(words[4 * i + 2]!),
      lineNumber: place >>> COLUMN_BITS,
      column: place & ((1 << COLUMN_BITS) - 1),
      isUnnamed: Math.max(words[4 * i + 1]!, words[4 * i + 2]!) >= stringBytes(btf),
    };
  });
}

/** btf_name_offset_valid() */
function stringBytes(btf: Uint8Array | undefined): number {
  return btf ? new DataView(btf.buffer, btf.byteOffset, btf.byteLength).getUint32(20, true) : 0;
}

/** Each string once: many lines are of the same file. */
function stringsOf(btf: Uint8Array | undefined): (off: number) => string {
  if (!btf) return () => '';
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const start = view.getUint32(4, true) + view.getUint32(16, true);
  const known = new Map<number, string>();
  return (off) => {
    let text = known.get(off);
    if (text === undefined) {
      const end = btf.indexOf(0, start + off);
      text = String.fromCharCode(...btf.subarray(start + off, end < 0 ? btf.length : end));
      known.set(off, text);
    }
    return text;
  };
}

/**
 * Where dead code was taken out: each record at the instruction that came behind, the last one
 * winning. `now`: by old slot, the new one. bpf_adj_linfo_after_remove()
 */
export function movedInfo({ funcs, lines }: ProgInfo, now: Int32Array): ProgInfo {
  return { funcs: moved(funcs, FUNC_INFO_BYTES, now), lines: moved(lines, LINE_INFO_BYTES, now) };
}

function moved(
  records: Uint8Array<ArrayBuffer>,
  bytes: number,
  now: Int32Array,
): Uint8Array<ArrayBuffer> {
  const length = now.at(-1)!;
  const kept = new Map<number, Uint8Array>();
  for (let at = 0; at < records.length; at += bytes) {
    const record = records.slice(at, at + bytes);
    const view = new DataView(record.buffer);
    const slot = now[view.getUint32(0, true)]!;
    view.setUint32(0, slot, true);
    kept.delete(slot);
    if (slot < length) kept.set(slot, record);
  }
  const all = new Uint8Array(kept.size * bytes);
  [...kept.values()].forEach((record, i) => all.set(record, i * bytes));
  return all;
}
