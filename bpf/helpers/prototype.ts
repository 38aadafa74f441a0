import type { Sim } from '../../sim/request.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Memory } from '../../kernel/memory.ts';
import type { BpfMap } from '../maps/map.ts';
import type { ObjectType } from '../objects/object-type.ts';
import type { Program } from '../prog/program.ts';
import type { Registry } from '../registry.ts';

/** What a helper or kfunc can ask of the run that calls it. */
export interface Call {
  readonly kernel: Kernel;
  readonly memory: Memory;
  readonly prog: Program;
  /** Every map, by the address of its struct bpf_map. */
  readonly maps: Registry<BpfMap>;
  /** Address of the run's bpf_frame. */
  readonly frame: number;
  /** Address of the context that the program was given. */
  readonly ctx: number;
  /** Ends the program: its frames go, and its exception callback, or else the cookie, gives r0. */
  throwException?(cookie: bigint): void;
  /**
   * Calls the subprogram that begins at slot `pc` of the program with r1 to r5, one frame deeper:
   * its r0. A bigint is the register's value, a number the memory offset of a pointer. For
   * bpf_loop, bpf_for_each_map_elem, timers.
   */
  callback(pc: number, ...args: readonly (number | bigint)[]): Sim<bigint>;
  /**
   * Lines, with the call trace behind them, for the error stream of the program. `via`: functions
   * of the kernel's through which they come there from the program, innermost first.
   */
  report(text: string, via: readonly string[]): Sim<void>;
}

/** Of an integer: signed, and sign-extended. Of a pointer: a memory offset, or 0 for NULL. */
export type Result = number | bigint;

/** How an argument comes out of its register. */
export interface ArgType<T> {
  /** `reg` is the address of the register in the frame. */
  decode(call: Call, reg: number): T;
}

type Decoded<A extends readonly ArgType<unknown>[]> = {
  -readonly [K in keyof A]: A[K] extends ArgType<infer T> ? T : never;
};

/** A helper as the tables hold it: what it does. What it takes, the verifier knows: protos.ts. */
export interface Helper {
  /** BPF_FUNC_*; include/uapi/linux/bpf.h */
  readonly id: number;
  readonly name: string;
  /** Its result is an address, or 0. */
  readonly isPointer: boolean;
  /** Virtual time of one call, beside what its steps take. */
  readonly costNs: number;
  /**
   * Does it: the arguments come out of the registers from r1 on, which stand at `regs` in the
   * frame. The result is a generator where it may yield or take a lock; else plain, and then
   * engines call it without leaving. A number is sign-extended, or a memory offset.
   */
  invoke(call: Call, regs: number): Result | Sim<Result>;
  /** What is called instead where the program may not sleep. fixup_kfunc_call() */
  readonly nonSleepable?: Helper;
  /** The row for one call of it, about objects of that type. fixup_kfunc_call() */
  bound?(type: ObjectType): Helper;
  /**
   * Of a bound one that acquires: gives back what a call has given, as its owner would have to.
   * `given` is what the call returned.
   */
  giveBack?(call: Call, given: number): Sim<void>;
}

interface Declared<A extends readonly ArgType<unknown>[]> {
  readonly id: number;
  readonly name: string;
  readonly args: A;
  readonly isPointer?: boolean;
  readonly costNs?: number;
  readonly run: (call: Call, ...args: Decoded<A>) => Result | Sim<Result>;
}

const DEFAULT_COST_NS = 20;

/** Declares a helper: its arguments type those of its code. */
export function helper<const A extends readonly ArgType<unknown>[]>(row: Declared<A>): Helper {
  const { id, name, args, isPointer = false, costNs = DEFAULT_COST_NS, run } = row;
  return { id, name, isPointer, costNs, invoke: invoker(args, run as Body) };
}

type Body = (call: Call, ...args: readonly unknown[]) => Result | Sim<Result>;

/** By the number of arguments, so that a call allocates no list of them. */
function invoker(args: readonly ArgType<unknown>[], run: Body): Helper['invoke'] {
  const [a, b, c, d, e] = args;
  if (!a) return (call) => run(call);
  if (!b) return (call, regs) => run(call, a.decode(call, regs));
  if (!c) return (call, regs) => run(call, a.decode(call, regs), b.decode(call, regs + 8));
  if (!d) {
    return (call, regs) =>
      run(call, a.decode(call, regs), b.decode(call, regs + 8), c.decode(call, regs + 16));
  }
  return (call, regs) =>
    run(
      call,
      a.decode(call, regs),
      b.decode(call, regs + 8),
      c.decode(call, regs + 16),
      d.decode(call, regs + 24),
      e?.decode(call, regs + 32),
    );
}
