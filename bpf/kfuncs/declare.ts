import { assert } from '../../base/assert.ts';
import * as flags from './flags.ts';

/** Where a kfunc may be called. kernel/bpf/btf.c: enum btf_kfunc_hook */
export type KfuncHook =
  | 'common'
  | 'xdp'
  | 'tc'
  | 'struct_ops'
  | 'tracing'
  | 'syscall'
  | 'fmodret'
  | 'cgroup'
  | 'sched_act'
  | 'sk_skb'
  | 'socket_filter'
  | 'lwt'
  | 'netfilter'
  | 'kprobe';

/** What else must hold for that: struct btf_kfunc_id_set, filter. */
export type KfuncFilter = 'lsm' | 'session' | 'trace_iter' | 'qdisc' | 'sched_ext';

/** A kfunc of Linux, whether or not it runs here. */
export interface DeclaredKfunc {
  readonly name: string;
  /** C, without a semicolon. */
  readonly declaration: string;
  /** KF_* */
  readonly flags: number;
  readonly hooks: readonly KfuncHook[];
  readonly filter: KfuncFilter | undefined;
}

const FLAGS: Readonly<Record<string, number>> = flags;
const DECLARATION = /^(.*\b(\w+)\((?:[^()]|\([^()]*\))*\))((?: KF_\w+)*)$/;

/** Kfuncs that are registered together: C declarations, each followed by its flags. */
export function kfuncSet(
  { hooks, filter }: { readonly hooks: readonly KfuncHook[]; readonly filter?: KfuncFilter },
  text: string,
): readonly DeclaredKfunc[] {
  const rows = text.split(';').map((row) => row.trim().replaceAll(/\s+/g, ' '));
  return rows.filter(Boolean).map((row) => {
    const found = DECLARATION.exec(row);
    assert(found, `no declaration of a kfunc: ${row}`);
    const [, declaration, name, words] = found;
    return { name: name!, declaration: declaration!, flags: flagsOf(words!), hooks, filter };
  });
}

function flagsOf(words: string): number {
  let all = 0;
  for (const word of words.split(' ').filter(Boolean)) {
    const flag = FLAGS[word];
    assert(flag !== undefined, `no flag ${word}`);
    all |= flag;
  }
  return all;
}
