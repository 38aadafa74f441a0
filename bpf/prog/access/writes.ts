import { EACCES } from '../../../kernel/errno.ts';
import { aggregateNamed, sizeOf, type Aggregate } from '../../btf/resolve.ts';
import type { Btf } from '../../btf/types.ts';
import type { ProgOps } from '../ops.ts';

/** `a.b`: b of a. `in`: a member that holds that struct, though BTF has it as bytes. */
interface WritableMember {
  readonly struct: string;
  readonly member: string;
  readonly in?: { readonly struct: string; readonly member: string };
  /** It may be written to from any byte of it on. */
  readonly isRange?: boolean;
}

/**
 * Members of kernel structs that a type of program may write to: of the struct that its pointer is
 * to, and of those that it begins with.
 */
export interface WritableStructs {
  /** As the messages name the struct. */
  readonly name: string;
  readonly structs: readonly string[];
  readonly members: readonly WritableMember[];
}

/** Where a member begins and ends; through unnamed structs. */
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
export function writesTo(table: WritableStructs): NonNullable<ProgOps['btfStructAccess']> {
  return (struct, off, size, log, btf) => {
    if (!table.structs.includes(struct)) {
      log('only read is supported\n');
      return EACCES;
    }
    const end = endOfMember(btf, table.members, off);
    if (end === undefined) {
      log(`no write support to ${table.name} at off ${off}\n`);
      return EACCES;
    }
    if (off + size <= end) return 0;
    log(
      `write access at off ${off} with size ${size} beyond the member of ${table.name} ` +
        `ended at ${end}\n`,
    );
    return EACCES;
  };
}

/** Where the member ends that a write at `off` begins in; undefined: in none. */
function endOfMember(btf: Btf, members: readonly WritableMember[], off: number) {
  for (const { struct, member, in: outer, isRange } of members) {
    const base = outer ? placeOf(btf, outer.struct, outer.member).start : 0;
    const { start, end } = placeOf(btf, struct, member);
    if (start < 0 || base < 0) continue;
    const at = off - base;
    if (isRange ? at >= start && at < end : at === start) return base + end;
  }
  return undefined;
}

/** Connections that are tracked: nf_conntrack_btf_struct_access() */
export const conntrack = writesTo({
  name: 'nf_conn',
  structs: ['nf_conn', 'nf_conn___init'],
  members: [{ struct: 'nf_conn', member: 'mark' }],
});
