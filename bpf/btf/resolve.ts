import type { Btf, BtfType } from './types.ts';

/** Longer chains of typedefs and modifiers, or arrays of arrays, are refused by decodeBtf(). */
export const DEPTH_MAX = 32;

export type Aggregate = Extract<BtfType, { readonly kind: 'struct' | 'union' }>;

/** The type behind typedefs, const and the like; undefined for void. btf_type_skip_modifiers() */
export function resolve(btf: Btf, id: number): BtfType | undefined {
  return btf.types[resolveId(btf, id)];
}

/** The same as an id. */
export function resolveId(btf: Btf, id: number): number {
  let at = id;
  for (;;) {
    const type = btf.types[at];
    if (!type || !isModifier(type)) return at;
    at = type.type;
  }
}

export type Modifier = Extract<
  BtfType,
  { readonly kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'type_tag' }
>;

export function isModifier(type: BtfType): type is Modifier {
  switch (type.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
      return true;
    default:
      return false;
  }
}

/** Bytes of a value of this type; 0 where it has none. btf__resolve_size() */
export function sizeOf(btf: Btf, id: number, depth = 0): number {
  const type = resolve(btf, id);
  if (!type || depth > DEPTH_MAX) return 0;
  if (type.kind === 'ptr') return 8;
  if (type.kind === 'array') return type.count * sizeOf(btf, type.type, depth + 1);
  if (type.kind === 'var') return sizeOf(btf, type.type, depth + 1);
  return 'sizeBytes' in type ? type.sizeBytes : 0;
}

/** Bytes; 1 where it has no value. btf__align_of() */
export function alignOf(btf: Btf, id: number): number {
  return alignInfoOf(btf).alignOf(resolveId(btf, id));
}

/** Whether its members cannot stand where they do unless it is packed. btf_is_struct_packed() */
export function isPacked(btf: Btf, id: number): boolean {
  return alignInfoOf(btf).isPacked(id);
}

const infos = new WeakMap<Btf, AlignInfo>();

function alignInfoOf(btf: Btf): AlignInfo {
  let info = infos.get(btf);
  if (!info) infos.set(btf, (info = new AlignInfo(btf)));
  return info;
}

/** Alignments by id: without memory, nested structs would be looked at again and again. */
class AlignInfo {
  readonly #btf: Btf;
  readonly #aligns: Uint8Array;
  readonly #packed: Uint8Array;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#aligns = new Uint8Array(btf.types.length);
    this.#packed = new Uint8Array(btf.types.length);
  }

  isPacked(id: number): boolean {
    this.alignOf(id);
    return this.#packed[id] === 1;
  }

  alignOf(id: number): number {
    const known = this.#aligns[id];
    if (known === undefined) return 1;
    if (known === 0) this.#aligns[id] = this.#find(id);
    return this.#aligns[id]!;
  }

  #find(id: number): number {
    const type = this.#btf.types[id];
    switch (type?.kind) {
      case 'ptr':
        return 8;
      case 'int':
      case 'float':
      case 'enum':
      case 'enum64':
        return Math.min(Math.max(type.sizeBytes, 1), 16);
      case 'array':
      case 'var':
        return this.alignOf(resolveId(this.#btf, type.type));
      case 'struct':
      case 'union':
        return this.#ofAggregate(id, type);
      default:
        return 1;
    }
  }

  #ofAggregate(id: number, { members, sizeBytes }: Aggregate): number {
    let align = 1;
    let packed = false;
    for (const { type, bitOffset, bits } of members) {
      const own = this.alignOf(resolveId(this.#btf, type));
      align = Math.max(align, own);
      if (bits === 0) packed ||= bitOffset % (own * 8) !== 0;
      else packed ||= (bitOffset % (sizeOf(this.#btf, type) * 8)) + bits > own * 8;
    }
    packed ||= sizeBytes % align !== 0;
    this.#packed[id] = packed ? 1 : 0;
    return packed ? 1 : align;
  }
}

/** A struct or union of this name, the first that is defined. */
export function aggregateNamed(btf: Btf, name: string): Aggregate | undefined {
  for (const id of btf.idsOf(name)) {
    const type = btf.types[id]!;
    if (type.kind === 'struct' || type.kind === 'union') return type;
  }
  return undefined;
}

/** The id of the type of this name and kind, or 0. btf_find_by_name_kind() */
export function idOf(btf: Btf, name: string, kind: BtfType['kind']): number {
  return btf.idsOf(name).find((id) => btf.types[id]!.kind === kind) ?? 0;
}

function ownSize(type: BtfType): number | undefined {
  if (type.kind === 'ptr') return 8;
  return 'sizeBytes' in type && type.kind !== 'datasec' ? type.sizeBytes : undefined;
}

/** Bytes of a value, arrays counted through; undefined where it has no size. btf_resolve_size() */
export function btfResolveSize(btf: Btf, id: number): number | undefined {
  let count = 1;
  let type = btf.types[id];
  for (let depth = 0; depth < DEPTH_MAX && type; depth++) {
    if (isModifier(type)) {
      type = btf.types[type.type];
    } else if (type.kind === 'array') {
      count *= type.count;
      type = btf.types[type.type];
    } else {
      const size = ownSize(type);
      return size === undefined || count * size > 0xffff_ffff ? undefined : count * size;
    }
  }
  return undefined;
}
