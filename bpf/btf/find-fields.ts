import { E2BIG, EEXIST, EINVAL, ENOENT } from '../../kernel/errno.ts';
import * as field from './field-types.ts';
import { DEPTH_MAX, idOf, isModifier } from './resolve.ts';
import type { Btf, BtfOf, BtfType } from './types.ts';

/** A field as it is found, before what it is about is looked at. struct btf_field_info */
export interface FieldInfo {
  readonly type: number;
  readonly off: number;
  /** Pointers: the id of the struct that is pointed to. */
  readonly targetId: number;
  /** Roots of graphs: the id of the struct of their elements, and the member that links them. */
  readonly valueBtfId: number;
  readonly nodeName: string;
}

/** Fields that cannot be so: thrown and caught within the parsing of one record. */
export class BadFields {
  /** Positive. */
  readonly errno: number;

  constructor(errno: number) {
    this.errno = errno;
  }
}

/** How many of them a type may have. BTF_FIELDS_MAX */
const FIELDS_MAX = 11;

/** What one search goes by: `seen` are the unique fields there were. */
interface Search {
  readonly btf: Btf;
  readonly mask: number;
  readonly tags: PointerTags;
  seen: number;
}

/** What a field may stand in: a member of a struct, or a variable in a section. */
interface Place {
  /** Whose decl tags say what a root contains, and which component they are of. */
  readonly ownerId: number;
  readonly component: number;
  readonly typeId: number;
  readonly off: number;
  /** Bytes that it must have; 0: any. */
  readonly expectedSize: number;
}

/** All fields of the kinds in `mask`, in the order of the type. btf_find_field() */
export function findFields(
  btf: Btf,
  typeId: number,
  mask: number,
  tags: PointerTags = TAGS,
): readonly FieldInfo[] {
  const type = btf.types[typeId];
  const search: Search = { btf, mask, tags, seen: 0 };
  if (type?.kind === 'struct') return inStruct(search, typeId, type, FIELDS_MAX, 0);
  if (type?.kind === 'datasec') return inDatasec(search, type);
  throw new BadFields(EINVAL);
}

/** btf_find_struct_field() */
function inStruct(
  search: Search,
  ownerId: number,
  { members }: BtfOf<'struct' | 'union'>,
  room: number,
  level: number,
): FieldInfo[] {
  const found: FieldInfo[] = [];
  for (const [component, { type: typeId, bitOffset }] of members.entries()) {
    if (bitOffset % 8 !== 0) throw new BadFields(EINVAL); // even of a bitfield
    const place = { ownerId, component, typeId, off: bitOffset / 8, expectedSize: 0 };
    found.push(...at(search, place, room - found.length, level));
  }
  return found;
}

/** btf_find_datasec_var() */
function inDatasec(search: Search, { vars }: BtfOf<'datasec'>): FieldInfo[] {
  const found: FieldInfo[] = [];
  for (const { type: ownerId, offsetBytes: off, sizeBytes: expectedSize } of vars) {
    const owner = search.btf.types[ownerId] as BtfOf<'var'>;
    const place = { ownerId, component: -1, typeId: owner.type, off, expectedSize };
    found.push(...at(search, place, FIELDS_MAX - found.length, 0));
  }
  return found;
}

/** btf_find_field_one() */
function at(search: Search, place: Place, room: number, level: number): FieldInfo[] {
  const { btf } = search;
  let typeId = place.typeId;
  let type = btf.types[typeId];
  let count = 1;
  for (let depth = 0; type?.kind === 'array'; depth++) {
    if (depth === DEPTH_MAX) throw new BadFields(E2BIG);
    count *= type.count;
    typeId = type.type;
    type = btf.types[typeId];
  }
  if (count === 0 || !type) return [];
  const kind = kindOf(search, type);
  if (!kind && type.kind === 'struct') {
    if (place.expectedSize !== 0 && place.expectedSize !== type.sizeBytes * count) return [];
    return nested(search, { ...place, typeId }, type, { count, room, level });
  }
  if (!kind) return [];
  const { sizeBytes, align } = kind;
  if (place.expectedSize !== 0 && place.expectedSize !== sizeBytes * count) return [];
  if (place.off % align !== 0) return [];
  const info = infoOf(search, kind, { ...place, typeId }, type);
  if (!info) return [];
  if (room <= 0) throw new BadFields(E2BIG);
  return count > 1 ? repeat([info], count, sizeBytes, room) : [info];
}

/** btf_find_nested_struct() */
function nested(
  search: Search,
  { off, typeId }: Place,
  type: BtfOf<'struct' | 'union'>,
  { count, room, level }: { count: number; room: number; level: number },
): FieldInfo[] {
  if (level + 1 >= DEPTH_MAX) throw new BadFields(E2BIG);
  const inner = inStruct(search, typeId, type, room, level + 1);
  if (inner.length === 0) return [];
  const shifted = inner.map((info) => ({ ...info, off: info.off + off }));
  return count > 1 ? repeat(shifted, count, type.sizeBytes, room) : shifted;
}

const REPEATABLE = field.BPF_KPTR | field.BPF_UPTR | field.BPF_GRAPH_ROOT;

/** The same fields in every element of an array. btf_repeat_fields() */
function repeat(
  infos: readonly FieldInfo[],
  count: number,
  elementBytes: number,
  room: number,
): FieldInfo[] {
  if (infos.some(({ type }) => (type & REPEATABLE) === 0)) throw new BadFields(EINVAL);
  if (infos.length * count > room) throw new BadFields(E2BIG);
  return Array.from({ length: count }, (_, i) =>
    infos.map((info) => ({ ...info, off: info.off + i * elementBytes })),
  ).flat();
}

/** btf_get_field_type() */
function kindOf(search: Search, type: BtfType): field.FieldKind | undefined {
  const row = field.STRUCT_FIELDS.find(({ name }) => name === type.name);
  if (row && (search.mask & row.type) !== 0) {
    if (row.isUnique) {
      if ((search.seen & row.type) !== 0) throw new BadFields(E2BIG);
      search.seen |= row.type;
    }
    return row;
  }
  const mayPoint = (search.mask & (field.BPF_KPTR | field.BPF_UPTR)) !== 0;
  return mayPoint && type.kind !== 'struct' ? field.fieldKind(field.BPF_KPTR_REF) : undefined;
}

/** What the field says of itself; undefined where it is none after all. */
function infoOf(
  { btf, mask, tags }: Search,
  kind: field.FieldKind,
  place: Place,
  type: BtfType,
): FieldInfo | undefined {
  const { off } = place;
  if ((kind.type & field.BPF_KPTR) !== 0) return findKptr(btf, type, off, mask, tags);
  if (type.kind !== 'struct' || type.sizeBytes !== kind.sizeBytes) return undefined;
  const info = { type: kind.type, off, targetId: 0, valueBtfId: 0, nodeName: '' };
  return (kind.type & field.BPF_GRAPH_ROOT) === 0
    ? info
    : { ...info, ...findGraphRoot(btf, place) };
}

/** The type tags that mark pointers, and as what. */
export type PointerTags = Readonly<Record<string, number>>;

const TAGS: PointerTags = {
  kptr_untrusted: field.BPF_KPTR_UNREF,
  kptr: field.BPF_KPTR_REF,
  percpu_kptr: field.BPF_KPTR_PERCPU,
  uptr: field.BPF_UPTR,
};

/** Those of v6.1, where `kptr` says another thing. */
export const OLD_TAGS: PointerTags = {
  kptr: field.BPF_KPTR_UNREF,
  kptr_ref: field.BPF_KPTR_REF,
};

/** A pointer with a type tag that says what it holds. btf_find_kptr() */
export function findKptr(
  btf: Btf,
  of: BtfType,
  off: number,
  mask: number,
  known: PointerTags = TAGS,
): FieldInfo | undefined {
  const pointer = of.kind === 'volatile' ? btf.types[of.type] : of;
  if (pointer?.kind !== 'ptr') return undefined;
  let tags = 0;
  let targetId = pointer.type;
  let target = btf.types[targetId];
  while (target && isModifier(target)) {
    if (target.kind === 'type_tag') tags |= known[target.name] ?? 0;
    targetId = target.type;
    target = btf.types[targetId];
  }
  if ((tags & (tags - 1)) !== 0) throw new BadFields(EINVAL); // one of them only
  if ((tags & mask) === 0) return undefined;
  if (target?.kind !== 'struct') throw new BadFields(EINVAL);
  return { type: tags, off, targetId, valueBtfId: 0, nodeName: '' };
}

/** What a root says that it contains: `contains:STRUCT:MEMBER`. btf_find_graph_root() */
function findGraphRoot(
  btf: Btf,
  { ownerId, component }: Place,
): Pick<FieldInfo, 'valueBtfId' | 'nodeName'> {
  const text = declTagValue(btf, ownerId, component, 'contains:');
  const colon = typeof text === 'string' ? text.indexOf(':') : -1;
  if (typeof text !== 'string' || colon < 0) throw new BadFields(EINVAL);
  const valueBtfId = idOf(btf, text.slice(0, colon), 'struct');
  if (valueBtfId === 0) throw new BadFields(ENOENT);
  const nodeName = text.slice(colon + 1);
  if (nodeName === '') throw new BadFields(EINVAL);
  return { valueBtfId, nodeName };
}

/** What follows `key` in the one decl tag that begins with it. btf_find_decl_tag_value() */
export function declTagValue(
  btf: Btf,
  typeId: number,
  component: number,
  key: string,
): string | typeof ENOENT | typeof EEXIST {
  const tags = declTagsOf(btf, typeId).filter(
    (tag) => tag.component === component && tag.name.startsWith(key),
  );
  if (tags.length === 0) return ENOENT;
  return tags.length > 1 ? EEXIST : tags[0]!.name.slice(key.length);
}

const declTags = new WeakMap<Btf, ReadonlyMap<number, readonly BtfOf<'decl_tag'>[]>>();

/** In the order in which they stand. */
export function declTagsOf(btf: Btf, typeId: number): readonly BtfOf<'decl_tag'>[] {
  let byType = declTags.get(btf);
  if (!byType) {
    const made = new Map<number, BtfOf<'decl_tag'>[]>();
    for (const type of btf.types) {
      if (type?.kind !== 'decl_tag') continue;
      const list = made.get(type.type);
      if (list) list.push(type);
      else made.set(type.type, [type]);
    }
    declTags.set(btf, (byType = made));
  }
  return byType.get(typeId) ?? [];
}
