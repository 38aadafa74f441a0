import { assert } from '../../../base/assert.ts';
import type { StructType, Fields } from '../../../base/layout.ts';
import { parseC } from '../../btf/c-parse.ts';
import { CTypes } from '../../btf/c-types.ts';
import { sizeOf, type Aggregate } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import { UAPI } from '../../kernel-types/uapi.ts';

/** A member of a context: the bytes from `start` to before `end`. */
export interface Member {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What a context is made of; unions give several members of the same bytes. */
export interface CtxLayout {
  readonly sizeBytes: number;
  readonly members: readonly Member[];
}

/** Of a struct that programs and the simulated kernel share. */
export function layoutOf({ sizeBytes, rows }: StructType<Fields>): CtxLayout {
  const members = rows.map(({ name, offsetBytes, type }) => ({
    name,
    start: offsetBytes,
    end: offsetBytes + type.sizeBytes,
  }));
  return { sizeBytes, members };
}

let uapi: Btf | undefined;

/** Of a struct that only programs know, by its C text. */
export function uapiLayout(struct: string): CtxLayout {
  uapi ??= uapiTypes();
  const type = uapi.types.find((found) => found?.kind === 'struct' && found.name === struct);
  assert(type?.kind === 'struct', `struct ${struct} is declared`);
  return { sizeBytes: type.sizeBytes, members: membersOf(uapi, type, 0) };
}

function uapiTypes(): Btf {
  const c = new CTypes();
  parseC(c, UAPI);
  return { types: c.types, idsOf: () => [] };
}

function membersOf(btf: Btf, { members }: Aggregate, base: number): Member[] {
  return members.flatMap(({ name, type, bitOffset }) => {
    const start = base + bitOffset / 8;
    const inner = btf.types[type];
    if (name === '' && (inner?.kind === 'struct' || inner?.kind === 'union')) {
      return membersOf(btf, inner, start);
    }
    return [{ name, start, end: start + sizeOf(btf, type) }];
  });
}
