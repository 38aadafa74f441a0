import { BTF_KINDS, LINKAGES, TYPE_BYTES } from '../btf/kinds.ts';
import type { BtfKind } from '../btf/types.ts';

/** What clang leaves open of an object's types, but the kernel wants to know. */
export interface BtfFix {
  /** By the name of a section of variables. */
  section(name: string): DataSectionFix | undefined;
  /** Global functions that are for the object alone, and so are static to the kernel. */
  readonly hidden: ReadonlySet<string>;
}

/** What is known of a section of variables. */
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
const STATIC = LINKAGES.indexOf('static');
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
export function fixBtf(btf: Uint8Array, { section, hidden }: BtfFix): Uint8Array {
  const hasKsyms = recordsOf(viewOf(btf)).some(isKsyms);
  const bytes = hasKsyms ? withDummy(btf) : btf.slice();
  const view = viewOf(bytes);
  const records = recordsOf(view);
  for (const record of records.slice(1)) {
    const infoAt = record.at + 4;
    const setLinkage = (linkage: number): void =>
      view.setUint32(infoAt, (view.getUint32(infoAt, true) & ~0xffff) | linkage, true);
    if (record.kind === 'var' && view.getUint32(record.at + TYPE_BYTES, true) === EXTERN) {
      view.setUint32(record.at + TYPE_BYTES, GLOBAL, true);
    } else if (record.kind === 'func' && record.vlen === EXTERN) {
      setLinkage(GLOBAL);
    } else if (record.kind === 'func' && hidden.has(record.name)) {
      setLinkage(STATIC);
    } else if (isKsyms(record)) {
      fixKsyms(view, records, record);
    } else if (record.kind === 'datasec') {
      const fix = section(record.name);
      if (fix) fixSection(view, records, record, fix);
    }
  }
  return bytes;
}

function isKsyms({ kind, name }: TypeRecord): boolean {
  return kind === 'datasec' && name === '.ksyms';
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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

/**
 * The section becomes one of ints: entries that are functions become the dummy, which is the last
 * type, and variables ints, the type before it. libbpf.c: bpf_object__collect_externs()
 */
function fixKsyms(view: DataView, records: readonly TypeRecord[], { at, vlen }: TypeRecord): void {
  const dummy = records.length - 1;
  for (let i = 0; i < vlen; i++) {
    const entryAt = at + TYPE_BYTES + i * 12;
    const target = records[view.getUint32(entryAt, true)]!;
    if (target.kind === 'var') view.setUint32(target.at + 8, dummy - 1, true);
    else {
      nameParams(view, records[view.getUint32(target.at + 8, true)]!, records[dummy]!);
      view.setUint32(entryAt, dummy, true);
    }
    view.setUint32(entryAt + 4, i * INT_BYTES, true);
    view.setUint32(entryAt + 8, INT_BYTES, true);
  }
  view.setUint32(at + 8, vlen * INT_BYTES, true);
}

/** Functions of the kernel's own must name their parameters; declarations need not. */
function nameParams(view: DataView, { at, vlen }: TypeRecord, dummy: TypeRecord): void {
  for (let i = 0; i < vlen; i++) {
    const paramAt = at + TYPE_BYTES + i * 8;
    const isUnnamed = view.getUint32(paramAt, true) === 0;
    const isVararg = view.getUint32(paramAt + 4, true) === 0;
    if (isUnnamed && !isVararg) view.setUint32(paramAt, view.getUint32(dummy.at, true), true);
  }
}

const INT_BYTES = 4;
const INT_BITS = 32;
const INT_NAME = 'int';
const DUMMY_NAME = 'dummy_ksym';

/** Behind the last type: an int, and a variable of it. */
function withDummy(btf: Uint8Array): Uint8Array {
  const old = viewOf(btf);
  const [hdrLen, typeOff, typeLen] = [4, 8, 12].map((at) => old.getUint32(at, true));
  const typesEnd = hdrLen! + typeOff! + typeLen!;
  const [strOff, strLen] = [old.getUint32(16, true), old.getUint32(20, true)];
  const int = recordsOf(old).length;
  const info = (kind: BtfKind): number => BTF_KINDS.indexOf(kind) << 24;
  const intType = [strLen, info('int'), INT_BYTES, INT_BITS];
  const dummyVar = [strLen + INT_NAME.length + 1, info('var'), int, GLOBAL];
  const words = Uint32Array.from([...intType, ...dummyVar]);
  const text = `${INT_NAME}\0${DUMMY_NAME}\0`;
  const stringsEnd = hdrLen! + strOff + strLen;
  const out = new Uint8Array(btf.length + words.byteLength + text.length);
  out.set(btf.subarray(0, typesEnd));
  out.set(new Uint8Array(words.buffer), typesEnd);
  out.set(btf.subarray(typesEnd, stringsEnd), typesEnd + words.byteLength);
  const textAt = stringsEnd + words.byteLength;
  for (let i = 0; i < text.length; i++) out[textAt + i] = text.charCodeAt(i);
  out.set(btf.subarray(stringsEnd), textAt + text.length);
  const made = viewOf(out);
  made.setUint32(12, typeLen! + words.byteLength, true);
  made.setUint32(16, strOff + words.byteLength, true);
  made.setUint32(20, strLen + text.length, true);
  return out;
}
