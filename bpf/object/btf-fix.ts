import { BTF_KINDS, LINKAGES, TYPE_BYTES } from '../btf/kinds.ts';
import type { BtfKind } from '../btf/types.ts';

/** What clang leaves open of a section of variables. */
export interface DataSectionFix {
  readonly sizeBytes: number;
  /** Bytes from the start of the section, by the variable's name. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** Bytes behind struct btf_type, fixed and for each of its vlen entries. */
const EXTRA_BYTES: Partial<Record<BtfKind, readonly [fixed: number, each: number]>> = {
  int: [4, 0],
  array: [12, 0],
  struct: [0, 12],
  union: [0, 12],
  enum: [0, 8],
  func_proto: [0, 8],
  var: [4, 0],
  datasec: [0, 12],
  decl_tag: [4, 0],
  enum64: [0, 12],
};
const VAR_SIZE = TYPE_BYTES + 4;
const GLOBAL = LINKAGES.indexOf('global');
const EXTERN = LINKAGES.indexOf('extern');

interface TypeRecord {
  readonly kind: BtfKind;
  readonly name: string;
  readonly at: number;
  readonly vlen: number;
}

/**
 * A copy of valid .BTF as the kernel takes it: sizes of data sections, offsets of their variables
 * in ascending order, and externs as if they were defined here. Strings keep their offsets.
 * libbpf.c: btf_fixup_datasec(), bpf_object__collect_externs()
 */
export function fixBtf(
  btf: Uint8Array,
  fixOf: (section: string) => DataSectionFix | undefined,
): Uint8Array {
  const bytes = btf.slice();
  const view = new DataView(bytes.buffer);
  const records = recordsOf(view);
  let dummyFor = 0; // name of an extern function: what stands for it must be a variable
  for (const record of records.slice(1)) {
    const infoAt = record.at + 4;
    if (record.kind === 'var' && view.getUint32(record.at + TYPE_BYTES, true) === EXTERN) {
      view.setUint32(record.at + TYPE_BYTES, GLOBAL, true);
    } else if (record.kind === 'func' && record.vlen === EXTERN) {
      view.setUint32(infoAt, (view.getUint32(infoAt, true) & ~0xffff) | GLOBAL, true);
    } else if (record.kind === 'datasec') {
      const fix = fixOf(record.name);
      if (fix) fixSection(view, records, record, fix);
    }
  }
  for (const record of records.slice(1)) {
    if (record.kind === 'datasec') dummyFor ||= replaceFunctions(view, records, record);
  }
  return dummyFor === 0 ? bytes : withDummy(bytes, dummyFor);
}

function recordsOf(view: DataView): TypeRecord[] {
  const hdrLen = view.getUint32(4, true);
  const strings = hdrLen + view.getUint32(16, true);
  const end = hdrLen + view.getUint32(8, true) + view.getUint32(12, true);
  const records: TypeRecord[] = [{ kind: 'int', name: '', at: 0, vlen: 0 }];
  for (let at = hdrLen + view.getUint32(8, true); at < end;) {
    const info = view.getUint32(at + 4, true);
    const kind = BTF_KINDS[(info >>> 24) & 0x1f] as BtfKind;
    const vlen = info & 0xffff;
    records.push({ kind, name: text(view, strings + view.getUint32(at, true)), at, vlen });
    const [fixed, each] = EXTRA_BYTES[kind] ?? [0, 0];
    at += TYPE_BYTES + fixed + vlen * each;
  }
  return records;
}

function text(view: DataView, at: number): string {
  let found = '';
  for (let i = at; view.getUint8(i) !== 0; i++) found += String.fromCharCode(view.getUint8(i));
  return found;
}

function fixSection(
  view: DataView,
  records: readonly TypeRecord[],
  { at, vlen }: TypeRecord,
  { sizeBytes, offsets }: DataSectionFix,
): void {
  view.setUint32(at + 8, sizeBytes, true);
  const entries = Array.from({ length: vlen }, (_, i) => {
    const entryAt = at + TYPE_BYTES + i * 12;
    const type = view.getUint32(entryAt, true);
    const known = offsets.get(records[type]?.name ?? '');
    const offset = known ?? view.getUint32(entryAt + 4, true);
    return { type, offset, size: view.getUint32(entryAt + 8, true) };
  });
  entries.sort((a, b) => a.offset - b.offset);
  for (const [i, { type, offset, size }] of entries.entries()) {
    const entryAt = at + TYPE_BYTES + i * 12;
    view.setUint32(entryAt, type, true);
    view.setUint32(entryAt + 4, offset, true);
    view.setUint32(entryAt + 8, size, true);
  }
}

/** Entries that are functions become the dummy, which will be the last type. Its name, or 0. */
function replaceFunctions(
  view: DataView,
  records: readonly TypeRecord[],
  { at, vlen }: TypeRecord,
): number {
  let name = 0;
  for (let i = 0; i < vlen; i++) {
    const entryAt = at + TYPE_BYTES + i * 12;
    const target = records[view.getUint32(entryAt, true)];
    if (target?.kind !== 'func') continue;
    name = view.getUint32(target.at, true);
    view.setUint32(entryAt, records.length, true);
    view.setUint32(entryAt + 8, 4, true);
  }
  return name;
}

/** With a variable behind the last type. Its own type is the first one that has a size of 4. */
function withDummy(bytes: Uint8Array, nameOffset: number): Uint8Array {
  const view = new DataView(bytes.buffer);
  const records = recordsOf(view);
  const int = records.findIndex(
    ({ kind, at }, id) => id > 0 && kind === 'int' && view.getUint32(at + 8, true) === 4,
  );
  const hdrLen = view.getUint32(4, true);
  const typesEnd = hdrLen + view.getUint32(8, true) + view.getUint32(12, true);
  const out = new Uint8Array(bytes.length + VAR_SIZE);
  out.set(bytes.subarray(0, typesEnd));
  out.set(bytes.subarray(typesEnd), typesEnd + VAR_SIZE);
  const made = new DataView(out.buffer);
  made.setUint32(typesEnd, nameOffset, true);
  made.setUint32(typesEnd + 4, BTF_KINDS.indexOf('var') << 24, true);
  made.setUint32(typesEnd + 8, Math.max(int, 1), true);
  made.setUint32(typesEnd + TYPE_BYTES, GLOBAL, true);
  made.setUint32(12, made.getUint32(12, true) + VAR_SIZE, true);
  made.setUint32(16, made.getUint32(16, true) + VAR_SIZE, true);
  return out;
}
