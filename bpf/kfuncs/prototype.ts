import { helper, type ArgType, type Call, type Helper } from '../helpers/prototype.ts';
import type { Result } from '../helpers/prototype.ts';
import type { Sim } from '../../sim/request.ts';
import { OLD_KFUNCS } from './declared-old.ts';
import { DECLARED_KFUNCS } from './declared.ts';

/** A kernel function that programs may call: found by name in the kernel's BTF. */
export interface Kfunc extends Helper {
  /** KF_* */
  readonly flags: number;
}

type Body<A extends readonly ArgType<unknown>[]> = (
  call: Call,
  ...args: { -readonly [K in keyof A]: A[K] extends ArgType<infer T> ? T : never }
) => Result | Sim<Result>;

interface Declared<A extends readonly ArgType<unknown>[]> {
  readonly name: string;
  readonly args: A;
  readonly isPointer?: boolean;
  readonly costNs?: number;
  readonly run: Body<A>;
  /** What is called where the program may not sleep, if that is another function. */
  readonly nonSleepable?: Body<A>;
}

/**
 * Says what a kfunc does. Its prototype and flags are declared for all of them together
 * (declared.ts). Its number is the id of its type in the kernel's BTF: not known here.
 */
export function kfunc<const A extends readonly ArgType<unknown>[]>(row: Declared<A>): Kfunc {
  const { name, args, isPointer = false, costNs, run, nonSleepable } = row;
  const { flags } = (DECLARED_KFUNCS.get(name) ?? OLD_KFUNCS.find((old) => old.name === name))!;
  const cost = costNs === undefined ? {} : { costNs };
  const of = (body: Body<A>): Helper =>
    helper({ id: 0, name, args, isPointer, ...cost, run: body });
  const other = nonSleepable && { nonSleepable: of(nonSleepable) };
  return { ...of(run), ...other, flags };
}
