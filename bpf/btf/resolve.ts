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
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const type = btf.types[at];
    if (!type || !isModifier(type)) return at;
    at = type.type;
  }
  return at;
}

type Modifier = Extract<
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
