import type { Compacted } from './dead-code.ts';

/** Bytes of struct bpf_func_info and struct bpf_line_info; both begin with a slot. */
const FUNC_INFO_BYTES = 8;
const LINE_INFO_BYTES = 16;

type Moved = Pick<Compacted, 'was' | 'now'>;

/** Records of functions where those are now; of what is gone, none. */
export function movedFuncInfo(records: Uint8Array, { now }: Moved): Uint8Array<ArrayBuffer> {
  return moved(records, FUNC_INFO_BYTES, (start, next) => {
    const at = now[start]!;
    return at < now[next ?? now.length - 1]! ? at : undefined;
  });
}

/**
 * Records of lines where those are now. What is left behind a part that is gone takes over its last
 * line, if it begins none. bpf_adj_linfo_after_remove()
 */
export function movedLineInfo(records: Uint8Array, { was, now }: Moved): Uint8Array<ArrayBuffer> {
  return moved(records, LINE_INFO_BYTES, (slot, next) => {
    const at = now[slot]!;
    if (at >= was.length) return undefined;
    const isOvertaken = next !== undefined && next <= was[at]!;
    return was[at] === slot || !isOvertaken ? at : undefined;
  });
}

/** `place`: where a record goes, by its slot and that of the next; undefined: it goes away. */
function moved(
  records: Uint8Array,
  size: number,
  place: (slot: number, next: number | undefined) => number | undefined,
): Uint8Array<ArrayBuffer> {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const kept = new Uint8Array(records.length);
  const out = new DataView(kept.buffer);
  let end = 0;
  for (let from = 0; from < records.length; from += size) {
    const behind = from + size;
    const next = behind < records.length ? view.getUint32(behind, true) : undefined;
    const at = place(view.getUint32(from, true), next);
    if (at === undefined) continue;
    kept.set(records.subarray(from, behind), end);
    out.setUint32(end, at, true);
    end += size;
  }
  return kept.slice(0, end);
}
