import { assert } from '../../base/assert.ts';
import type { DeclaredKfunc } from './declare.ts';
import * as common from './declared-common.ts';
import * as generic from './declared-generic.ts';
import * as kernel from './declared-kernel.ts';
import * as net from './declared-net.ts';
import * as netfilter from './declared-netfilter.ts';
import * as roster from './declared-roster.ts';
import * as schedExt from './declared-sched-ext.ts';
import { KFUNC_TYPES } from './declared-types.ts';
import { KF_FASTCALL, KF_IMPLICIT_ARGS } from './flags.ts';

/**
 * Every kfunc of Linux 7.2, by name: those that run here (table.ts) and those that are only known.
 * One that is registered more than once may be called from where any of that allows.
 */
export const DECLARED_KFUNCS: ReadonlyMap<string, DeclaredKfunc> = merged(
  [common, generic, kernel, net, netfilter, schedExt, roster].flatMap((sets) =>
    Object.values(sets).flat(),
  ),
);

function merged(rows: readonly DeclaredKfunc[]): ReadonlyMap<string, DeclaredKfunc> {
  const byName = new Map<string, DeclaredKfunc>();
  for (const row of rows) {
    const known = byName.get(row.name);
    assert(!known || known.flags === row.flags, `${row.name} has two sets of flags`);
    const hooks = new Set([...(known?.hooks ?? []), ...row.hooks]);
    byName.set(row.name, { ...row, hooks: [...hooks], filter: row.filter ?? known?.filter });
  }
  return byName;
}

/** What the verifier adds, where it is not the program's own struct bpf_prog_aux. */
const IMPLICIT_PARAMS: Readonly<Record<string, string>> = {
  bpf_list_add: 'struct btf_struct_meta *meta, u64 off',
};

/** The functions behind kfuncs with KF_IMPLICIT_ARGS: NAME_impl, where that is no kfunc itself. */
function implDeclarations(): readonly string[] {
  const rows = [...DECLARED_KFUNCS.values()].filter(
    ({ name, flags }) => (flags & KF_IMPLICIT_ARGS) !== 0 && !DECLARED_KFUNCS.has(`${name}_impl`),
  );
  return rows.map(({ name, declaration }) => {
    const own = declaration.replace(`${name}(`, `${name}_impl(`).slice(0, -1);
    const comma = own.endsWith('(') ? '' : ', ';
    return `${own}${comma}${IMPLICIT_PARAMS[name] ?? 'struct bpf_prog_aux *aux'})`;
  });
}

/** All of it in C, for the kernel's BTF. */
export const KFUNC_DECLARATIONS: string = [
  KFUNC_TYPES.trimEnd().slice(0, -1),
  ...[...DECLARED_KFUNCS.values()].map(({ declaration }) => declaration),
  ...implDeclarations(),
  '',
].join(';\n');

/** What the kernel's BTF says of kfuncs, as pahole and resolve_btfids put it there. */
export const KFUNC_TAGS: readonly { readonly name: string; readonly tag: string }[] = [
  ...DECLARED_KFUNCS.values(),
].flatMap(({ name, flags }) => [
  { name, tag: 'bpf_kfunc' },
  ...((flags & KF_FASTCALL) === 0 ? [] : [{ name, tag: 'bpf_fastcall' }]),
]);
