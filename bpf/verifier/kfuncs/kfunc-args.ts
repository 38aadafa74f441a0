import { resolve, resolveId } from '../../btf/resolve.ts';
import type { Btf, BtfType } from '../../btf/types.ts';
import type { Reg } from '../values/reg.ts';
import { SCALAR_VALUE } from '../types.ts';

// What the parameters of kfuncs say of themselves, by the ends of their names and by their types.

/** struct btf_param */
export interface KfuncParam {
  readonly name: string;
  readonly type: number;
}

/** btf_type_is_scalar() */
export function isScalarType(type: BtfType | undefined): boolean {
  return type?.kind === 'int' || type?.kind === 'enum' || type?.kind === 'enum64';
}

/** How many bytes the pointer before it points to. is_kfunc_arg_mem_size() */
export function isKfuncArgMemSize(btf: Btf, arg: KfuncParam, reg: Reg): boolean {
  return isSize(btf, arg, reg) && arg.name.endsWith('__sz');
}

/** The same, and a constant. is_kfunc_arg_const_mem_size() */
export function isKfuncArgConstMemSize(btf: Btf, arg: KfuncParam, reg: Reg): boolean {
  return isSize(btf, arg, reg) && arg.name.endsWith('__szk');
}

function isSize(btf: Btf, arg: KfuncParam, reg: Reg): boolean {
  return isScalarType(resolve(btf, arg.type)) && reg.type === SCALAR_VALUE;
}

/** is_kfunc_arg_constant() */
export function isKfuncArgConstant(arg: KfuncParam): boolean {
  return arg.name.endsWith('__k');
}

/** is_kfunc_arg_ignore() */
export function isKfuncArgIgnore(arg: KfuncParam): boolean {
  return arg.name.endsWith('__ign');
}

/** is_kfunc_arg_map() */
export function isKfuncArgMap(arg: KfuncParam): boolean {
  return arg.name.endsWith('__map');
}

/** is_kfunc_arg_alloc_obj() */
export function isKfuncArgAllocObj(arg: KfuncParam): boolean {
  return arg.name.endsWith('__alloc');
}

/** is_kfunc_arg_uninit() */
export function isKfuncArgUninit(_btf: Btf, arg: KfuncParam): boolean {
  return arg.name.endsWith('__uninit');
}

/** is_kfunc_arg_refcounted_kptr() */
export function isKfuncArgRefcountedKptr(arg: KfuncParam): boolean {
  return arg.name.endsWith('__refcounted_kptr');
}

/** is_kfunc_arg_nullable() */
export function isKfuncArgNullable(arg: KfuncParam): boolean {
  return arg.name.endsWith('__nullable');
}

/** is_kfunc_arg_nonown_allowed() */
export function isKfuncArgNonownAllowed(arg: KfuncParam): boolean {
  return arg.name.endsWith('__nonown_allowed');
}

/** is_kfunc_arg_const_str() */
export function isKfuncArgConstStr(arg: KfuncParam): boolean {
  return arg.name.endsWith('__str');
}

/** is_kfunc_arg_irq_flag() */
export function isKfuncArgIrqFlag(arg: KfuncParam): boolean {
  return arg.name.endsWith('__irq_flag');
}

/** An iterator that a kfunc takes which is none of its own. */
export function hasIterSuffix(arg: KfuncParam): boolean {
  return arg.name.endsWith('__iter');
}

/** A pointer to this struct of the kernel's. __is_kfunc_ptr_arg_type() */
export function isKfuncPtrArgType(btf: Btf, arg: KfuncParam, struct: string): boolean {
  const pointer = resolve(btf, arg.type);
  if (pointer?.kind !== 'ptr') return false;
  const target = btf.types[resolveId(btf, pointer.type)];
  return (target?.kind === 'struct' || target?.kind === 'fwd') && target.name === struct;
}

/** is_kfunc_arg_dynptr() */
export function isKfuncArgDynptr(btf: Btf, arg: KfuncParam): boolean {
  return isKfuncPtrArgType(btf, arg, 'bpf_dynptr');
}

/** is_kfunc_arg_prog_aux() */
export function isKfuncArgProgAux(btf: Btf, arg: KfuncParam): boolean {
  return isKfuncPtrArgType(btf, arg, 'bpf_prog_aux');
}

/** A pointer to a function. is_kfunc_arg_callback() */
export function isKfuncArgCallback(btf: Btf, arg: KfuncParam): boolean {
  const pointer = resolve(btf, arg.type);
  return pointer?.kind === 'ptr' && resolve(btf, pointer.type)?.kind === 'func_proto';
}
