import { resolve } from '../btf/resolve.ts';
import type { BtfOf } from '../btf/types.ts';
import type { VerifierEnv } from './env.ts';
import type { SubprogInfo } from './subprog-info.ts';

/** The function of a subprogram in the program's BTF; undefined without func_info. */
export function subprogFunc(env: VerifierEnv, subprog: number): BtfOf<'func'> | undefined {
  const info = env.prog.funcInfo[subprog];
  const func = info && env.prog.btf?.types[info.typeId];
  return func?.kind === 'func' ? func : undefined;
}

/** subprog_name() */
export function subprogName(env: VerifierEnv, subprog: number): string {
  return subprogFunc(env, subprog)?.name ?? '';
}

/** bpf_subprog_is_global() */
export function subprogIsGlobal(env: VerifierEnv, subprog: number): boolean {
  return subprogFunc(env, subprog)?.linkage === 'global';
}

/** subprog_returns_void() */
export function subprogReturnsVoid(env: VerifierEnv, subprog: number): boolean {
  const func = subprogFunc(env, subprog);
  const { btf } = env.prog;
  const proto = func && btf?.types[func.type];
  return proto?.kind === 'func_proto' && resolve(btf!, proto.type) === undefined;
}

/** The subprogram that an instruction is in. bpf_find_containing_subprog() */
export function findContainingSubprog(env: VerifierEnv, off: number): SubprogInfo | undefined {
  if (off < 0 || off >= env.insns.length || env.subprogCnt === 0) return undefined;
  let low = 0;
  let high = env.subprogCnt - 1;
  while (low < high) {
    const middle = low + ((high - low + 1) >>> 1);
    if (env.subprogs[middle]!.start <= off) low = middle;
    else high = middle - 1;
  }
  return env.subprogs[low];
}

/** The subprogram that begins at a slot, or -1. bpf_find_subprog() */
export function findSubprog(env: VerifierEnv, start: number): number {
  let low = 0;
  let high = env.subprogCnt - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = env.subprogs[middle]!.start;
    if (found === start) return middle;
    if (found < start) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
