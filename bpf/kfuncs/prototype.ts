import {
  helper,
  type ArgType,
  type Call,
  type Helper,
  type RetKind,
} from '../helpers/prototype.ts';
import type { Result } from '../helpers/prototype.ts';
import type { Sim } from '../../sim/request.ts';

/** include/linux/btf.h */
export const KF_ACQUIRE = 1 << 0;
export const KF_RELEASE = 1 << 1;
export const KF_RET_NULL = 1 << 2;
export const KF_SLEEPABLE = 1 << 5;
export const KF_RCU = 1 << 7;
export const KF_ITER_NEW = 1 << 8;
export const KF_ITER_NEXT = 1 << 9;
export const KF_ITER_DESTROY = 1 << 10;

/** A kernel function that programs may call: found by name in the kernel's BTF. */
export interface Kfunc extends Helper {
  /** KF_* */
  readonly flags: number;
  /** Its C prototype: what it returns, and its parameters by name, in order. */
  readonly returns: string;
  readonly params: Readonly<Record<string, string>>;
}

interface Declared<A extends readonly ArgType<unknown>[]> {
  readonly name: string;
  readonly flags?: number;
  readonly returns: string;
  readonly params: Readonly<Record<string, string>>;
  readonly args: A;
  readonly ret: RetKind;
  readonly run: (
    call: Call,
    ...args: { -readonly [K in keyof A]: A[K] extends ArgType<infer T> ? T : never }
  ) => Result | Sim<Result>;
}

/** Declares a kfunc. Its number is the id of its type in the kernel's BTF: not known here. */
export function kfunc<const A extends readonly ArgType<unknown>[]>(row: Declared<A>): Kfunc {
  const { flags = 0, returns, params, name, args, ret, run } = row;
  const mightSleep = (flags & KF_SLEEPABLE) !== 0;
  return { ...helper({ id: 0, name, args, ret, mightSleep, run }), flags, returns, params };
}
