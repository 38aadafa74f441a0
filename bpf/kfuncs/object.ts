import { site } from '../../sim/site.ts';
import type { Sim } from '../../sim/request.ts';
import { args } from '../helpers/args.ts';
import type { ArgType, Call, Helper, Result } from '../helpers/prototype.ts';
import { giveBack } from '../objects/give-back.ts';
import type { ObjectType } from '../objects/object-type.ts';
import { objectsOf } from '../objects/objects.ts';
import { percpuObjectsOf } from '../objects/percpu.ts';
import { kfunc, type Kfunc } from './prototype.ts';

type Decoded<A extends readonly ArgType<unknown>[]> = {
  -readonly [K in keyof A]: A[K] extends ArgType<infer T> ? T : never;
};

interface Row<A extends readonly ArgType<unknown>[]> {
  readonly args: A;
  readonly isPointer?: boolean;
  /** The program owns what it gives. */
  readonly acquires?: boolean;
  readonly run: (call: Call, type: ObjectType, ...args: Decoded<A>) => Result | Sim<Result>;
}

const UNTYPED: ObjectType = {
  sizeBytes: 0,
  record: undefined,
  nodeOff: 0,
  isPercpu: false,
  kernelStruct: '',
};

/** A kfunc to which the verifier says what type of object it is about. KF_IMPLICIT_ARGS */
export function typedKfunc<const A extends readonly ArgType<unknown>[]>(
  name: string,
  { args: types, isPointer = false, acquires = false, run }: Row<A>,
): Kfunc {
  const of = (type: ObjectType): Kfunc =>
    kfunc({
      name,
      args: types,
      isPointer,
      run: (call, ...given) => run(call, type, ...given),
    });
  const bound = (type: ObjectType): Helper => {
    if (!acquires) return of(type);
    return { ...of(type), giveBack: ({ kernel }, given) => giveBack(kernel, given, type) };
  };
  return { ...of(UNTYPED), bound };
}

/** Two names for the same: NAME_impl() is what programs called before NAME() was. */
function both<const A extends readonly ArgType<unknown>[]>(name: string, row: Row<A>): Kfunc[] {
  return [typedKfunc(name, row), typedKfunc(`${name}_impl`, row)];
}

const REF = site('bpf_refcount_acquire', 'inc_not_zero');

/** kernel/bpf/helpers.c */
export const OBJECT_KFUNCS: readonly Kfunc[] = [
  ...both('bpf_obj_new', {
    args: [args.anything],
    isPointer: true,
    acquires: true,
    run: ({ kernel }, type) => objectsOf(kernel).alloc(type),
  }),
  ...both('bpf_obj_drop', {
    args: [args.btfId],
    *run({ kernel }, { record }, addr) {
      yield* objectsOf(kernel).__bpf_obj_drop_impl(addr, record);
      return 0;
    },
  }),
  ...both('bpf_percpu_obj_new', {
    args: [args.anything],
    isPointer: true,
    acquires: true,
    run: ({ kernel }, { sizeBytes }) => percpuObjectsOf(kernel).alloc(sizeBytes),
  }),
  ...both('bpf_percpu_obj_drop', {
    args: [args.btfId],
    *run({ kernel }, _, addr) {
      yield* percpuObjectsOf(kernel).drop(addr);
      return 0;
    },
  }),
  ...both('bpf_refcount_acquire', {
    args: [args.btfId],
    isPointer: true,
    acquires: true,
    *run({ kernel }, { record }, addr) {
      const isAlive = yield* objectsOf(kernel).refcount_inc_not_zero(
        REF,
        addr + record!.refcountOff,
      );
      return isAlive ? addr : 0;
    },
  }),
];
