import { EEXIST, EFAULT, EINVAL, ENOENT } from '../../kernel/errno.ts';
import { DTORS } from './dtors.ts';
import * as kind from './field-types.ts';
import { BadFields, findFields, type FieldInfo, type PointerTags } from './find-fields.ts';
import { idOf } from './resolve.ts';
import type { Btf } from './types.ts';

/** What a pointer in a map or an object holds. struct btf_field_kptr */
export interface FieldKptr {
  readonly btf: Btf;
  readonly btfId: number;
  /** It is a type of the kernel's, not of the program's own. */
  readonly isKernel: boolean;
}

/** What is linked from the root of a list or tree. struct btf_field_graph_root */
export interface FieldGraphRoot {
  readonly btf: Btf;
  readonly valueBtfId: number;
  /** Where the node stands in the value. */
  readonly nodeOffset: number;
}

/** struct btf_field */
export interface BtfField {
  /** BPF_*: field-types.ts. */
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly kptr: FieldKptr | undefined;
  readonly graphRoot: FieldGraphRoot | undefined;
}

/**
 * The special fields of a map's value, or of a struct. Offsets are -EINVAL where there is none.
 * struct btf_record
 */
export interface BtfRecord {
  readonly fieldMask: number;
  readonly spinLockOff: number;
  readonly resSpinLockOff: number;
  readonly timerOff: number;
  readonly wqOff: number;
  readonly refcountOff: number;
  readonly taskWorkOff: number;
  /** Ascending by offset. */
  readonly fields: readonly BtfField[];
}

/** btf_record_has_field() */
export function btfRecordHasField(record: BtfRecord | undefined, mask: number): boolean {
  return record !== undefined && (record.fieldMask & mask) !== 0;
}

/** The field of such a kind that begins there. btf_record_find() */
export function btfRecordFind(
  record: BtfRecord | undefined,
  offset: number,
  mask: number,
): BtfField | undefined {
  if (!btfRecordHasField(record, mask)) return undefined;
  return record!.fields.find((field) => field.offset === offset && (field.type & mask) !== 0);
}

/** Whether values have the same fields, of the same types. btf_record_equal() */
export function btfRecordEqual(a: BtfRecord | undefined, b: BtfRecord | undefined): boolean {
  if (!a || !b) return a === b;
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => isSameField(field, b.fields[i]!))
  );
}

function isSameField(a: BtfField, b: BtfField): boolean {
  return (
    a.type === b.type &&
    a.offset === b.offset &&
    a.kptr?.btf === b.kptr?.btf &&
    a.kptr?.btfId === b.kptr?.btfId &&
    a.graphRoot?.btf === b.graphRoot?.btf &&
    a.graphRoot?.valueBtfId === b.graphRoot?.valueBtfId &&
    a.graphRoot?.nodeOffset === b.graphRoot?.nodeOffset
  );
}

/** Fields of a map's value. map_check_btf() */
export const MAP_FIELDS =
  kind.BPF_SPIN_LOCK |
  kind.BPF_RES_SPIN_LOCK |
  kind.BPF_TIMER |
  kind.BPF_KPTR |
  kind.BPF_LIST_HEAD |
  kind.BPF_RB_ROOT |
  kind.BPF_REFCOUNT |
  kind.BPF_WORKQUEUE |
  kind.BPF_UPTR |
  kind.BPF_TASK_WORK;

/** Which fields are looked for, and in what. */
export interface FieldsQuery {
  readonly btf: Btf;
  /** A struct, or a section of variables. */
  readonly typeId: number;
  /** BPF_* */
  readonly mask: number;
  readonly valueSize: number;
  /** Pointers to types of the same name here are to the kernel's. */
  readonly kernelBtf: () => Btf;
  /** Undefined: those of today. */
  readonly tags?: PointerTags | undefined;
}

/**
 * The special fields of a type: undefined where it has none, a negative errno where they cannot be
 * so. btf_parse_fields()
 */
export function btfParseFields(query: FieldsQuery): BtfRecord | undefined | number {
  try {
    const infos = findFields(query.btf, query.typeId, query.mask, query.tags);
    return infos.length === 0 ? undefined : recordOf(query, infos);
  } catch (error) {
    if (error instanceof BadFields) return -error.errno;
    throw error;
  }
}

function recordOf(query: FieldsQuery, infos: readonly FieldInfo[]): BtfRecord {
  const fields: BtfField[] = [];
  const offsets = new Map<number, number>();
  let mask = 0;
  let nextOff = 0;
  for (const info of infos) {
    const { sizeBytes: size, isUnique } = kind.fieldKind(info.type);
    if (info.off + size > query.valueSize) throw new BadFields(EFAULT);
    if (info.off < nextOff) throw new BadFields(EEXIST);
    nextOff = info.off + size;
    mask |= info.type;
    if (isUnique) offsets.set(info.type, info.off);
    fields.push({ type: info.type, offset: info.off, size, ...detailsOf(query, info) });
  }
  const offsetOf = (type: number): number => offsets.get(type) ?? -EINVAL;
  const record: BtfRecord = {
    fieldMask: mask,
    spinLockOff: offsetOf(kind.BPF_SPIN_LOCK),
    resSpinLockOff: offsetOf(kind.BPF_RES_SPIN_LOCK),
    timerOff: offsetOf(kind.BPF_TIMER),
    wqOff: offsetOf(kind.BPF_WORKQUEUE),
    refcountOff: offsetOf(kind.BPF_REFCOUNT),
    taskWorkOff: offsetOf(kind.BPF_TASK_WORK),
    fields: fields.toSorted((a, b) => a.offset - b.offset),
  };
  checkTogether(record);
  return record;
}

/** What fields need of each other. */
function checkTogether({ fieldMask, spinLockOff, resSpinLockOff, refcountOff }: BtfRecord): void {
  const isLocked = spinLockOff >= 0 || resSpinLockOff >= 0;
  if (spinLockOff >= 0 && resSpinLockOff >= 0) throw new BadFields(EINVAL);
  if ((fieldMask & kind.BPF_GRAPH_ROOT) !== 0 && !isLocked) throw new BadFields(EINVAL);
  const isInTwoGraphs = (fieldMask & kind.BPF_GRAPH_NODE) === kind.BPF_GRAPH_NODE;
  if (refcountOff < 0 && isInTwoGraphs) throw new BadFields(EINVAL);
}

function detailsOf(query: FieldsQuery, info: FieldInfo): Pick<BtfField, 'kptr' | 'graphRoot'> {
  const isPointer = (info.type & (kind.BPF_KPTR | kind.BPF_UPTR)) !== 0;
  const isRoot = (info.type & kind.BPF_GRAPH_ROOT) !== 0;
  return {
    kptr: isPointer ? kptrOf(query, info) : undefined,
    graphRoot: isRoot ? graphRootOf(query.btf, info) : undefined,
  };
}

/** btf_parse_kptr() */
function kptrOf({ btf, kernelBtf: kernel }: FieldsQuery, info: FieldInfo): FieldKptr {
  const kernelBtf = kernel();
  const { name } = btf.types[info.targetId]!;
  const id = idOf(kernelBtf, name, 'struct');
  if (id === 0) return { btf, btfId: info.targetId, isKernel: false };
  // Only what the kernel knows how to give up may be owned by a map.
  if (info.type === kind.BPF_KPTR_REF && !DTORS.has(name)) throw new BadFields(ENOENT);
  return { btf: kernelBtf, btfId: id, isKernel: true };
}

/** btf_parse_graph_root() */
function graphRootOf(btf: Btf, { type, valueBtfId, nodeName }: FieldInfo): FieldGraphRoot {
  const wanted = kind.fieldKind(
    type === kind.BPF_LIST_HEAD ? kind.BPF_LIST_NODE : kind.BPF_RB_NODE,
  );
  const value = btf.types[valueBtfId]!;
  const nodes = value.kind === 'struct' ? value.members.filter((m) => m.name === nodeName) : [];
  if (nodes.length === 0) throw new BadFields(ENOENT);
  for (const { type: typeId, bitOffset } of nodes) {
    const node = btf.types[typeId];
    if (node?.kind !== 'struct' || node.name !== wanted.name) throw new BadFields(EINVAL);
    if (bitOffset % (8 * wanted.align) !== 0) throw new BadFields(EINVAL);
  }
  if (nodes.length > 1) throw new BadFields(EINVAL);
  return { btf, valueBtfId, nodeOffset: nodes[0]!.bitOffset / 8 };
}
