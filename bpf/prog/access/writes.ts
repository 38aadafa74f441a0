import { EACCES } from '../../../kernel/errno.ts';
import { aggregateNamed, sizeOf, type Aggregate } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import type { ProgOps } from '../ops.ts';

/**
 * Members of kernel structs that a type of program may write to: by the struct that its pointer is
 * to, `struct member` from the structs that it begins with.
 */
export interface WritableStructs {
  /** As the messages name the struct. */
  readonly name: string;
  readonly structs: readonly string[];
  readonly members: readonly (readonly [struct: string, member: string])[];
}

/** Where a member begins and ends; through unnamed structs. `a.b`: b of a. */
function placeOf(btf: Btf, struct: string, path: string): { start: number; end: number } {
  const type = aggregateNamed(btf, struct);
  let start = 0;
  let end = 0;
  let of: Aggregate | undefined = type;
  for (const name of path.split('.')) {
    const found = of && memberOf(btf, of, name, start);
    if (!found) return { start: -1, end: -1 };
    ({ start, end } = found);
    of = found.type;
  }
  return { start, end };
}

interface Found {
  readonly start: number;
  readonly end: number;
  readonly type: Aggregate | undefined;
}

function memberOf(btf: Btf, of: Aggregate, wanted: string, base: number): Found | undefined {
  for (const { name, type: id, bitOffset } of of.members) {
    const start = base + Math.trunc(bitOffset / 8);
    const type = btf.types[id];
    const inner = type?.kind === 'struct' || type?.kind === 'union' ? type : undefined;
    if (name === wanted) return { start, end: start + sizeOf(btf, id), type: inner };
    const deep = name === '' && inner ? memberOf(btf, inner, wanted, start) : undefined;
    if (deep) return deep;
  }
  return undefined;
}

/** The rule of such a table. *_btf_struct_access() */
export function writesTo(
  table: WritableStructs,
  ranges: readonly string[] = [],
): NonNullable<ProgOps['btfStructAccess']> {
  return (struct, off, size, log, btf) => {
    if (!table.structs.includes(struct)) {
      log('only read is supported\n');
      return EACCES;
    }
    const place = table.members
      .map(([of, member]) => ({ member, ...placeOf(btf, of, member) }))
      .find(({ member, start, end }) =>
        ranges.includes(member) ? off >= start && off < end : off === start,
      );
    if (!place) {
      log(`no write support to ${table.name} at off ${off}\n`);
      return EACCES;
    }
    if (off + size <= place.end) return 0;
    log(
      `write access at off ${off} with size ${size} beyond the member of ${table.name} ` +
        `ended at ${place.end}\n`,
    );
    return EACCES;
  };
}

/** Connections that are tracked: nf_conntrack_btf_struct_access() */
export const conntrack = writesTo({
  name: 'nf_conn',
  structs: ['nf_conn', 'nf_conn___init'],
  members: [['nf_conn', 'mark']],
});
