import type { VerifierEnv } from '../env.ts';
import type { Reg } from '../values/reg.ts';
import { regIsReferenced } from '../objects/refs.ts';
import * as t from '../types.ts';

// Whether an object that a register points to will still be there.

/** Pointers that only the kernel makes. reg2btf_ids[] */
const ALWAYS_TRUSTED: ReadonlySet<number> = new Set([
  t.PTR_TO_SOCKET,
  t.PTR_TO_SOCK_COMMON,
  t.PTR_TO_TCP_SOCK,
  t.CONST_PTR_TO_MAP,
]);

/** bpf_type_has_unsafe_modifiers() */
export function typeHasUnsafeModifiers(type: number): boolean {
  return (t.typeFlags(type) & ~t.TRUSTED_MODIFIERS) !== 0;
}

/** is_trusted_reg() */
export function isTrustedReg(env: VerifierEnv, reg: Reg): boolean {
  if (regIsReferenced(env, reg)) return true;
  if (typeHasUnsafeModifiers(reg.type)) return false;
  if (ALWAYS_TRUSTED.has(t.baseType(reg.type))) return true;
  return (t.typeFlags(reg.type) & t.TRUSTED_MODIFIERS) !== 0;
}

/** is_rcu_reg() */
export function isRcuReg(reg: Reg): boolean {
  return (reg.type & t.MEM_RCU) !== 0;
}
