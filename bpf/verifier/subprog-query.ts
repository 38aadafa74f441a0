import { resolve } from '../btf/resolve.ts';
import type { BtfOf } from '../btf/types.ts';
import type { VerifierEnv } from './env.ts';

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
