import type { Btf } from './types.ts';

/** Types with an index of their names. */
export function makeBtf(types: Btf['types']): Btf {
  const ids = new Map<string, number[]>();
  types.forEach((type, id) => {
    if (!type || type.name === '') return;
    const list = ids.get(type.name);
    if (list) list.push(id);
    else ids.set(type.name, [id]);
  });
  return { types, idsOf: (name) => ids.get(name) ?? [] };
}
