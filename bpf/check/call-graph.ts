import { BPF_FUNC_tail_call } from '../uapi.ts';
import { E2BIG, EACCES, EINVAL } from '../../kernel/errno.ts';
import type { Insns } from '../isa/insn.ts';
import { MAX_BPF_STACK } from '../vm/frame.ts';
import type { Reject } from './reject.ts';
import { subprogTarget } from './subprogs.ts';

/** Bytes of stack beneath a function that makes tail calls must be fewer. */
const TAIL_CALL_STACK_MAX = 256;
/** A frame's stack takes a multiple of this where programs are compiled. round_up_stack_depth() */
const STACK_ALIGN = 16;

/** Which subprogram calls which, by index; callbacks are not calls. */
export class CallGraph {
  readonly #subprogs: readonly number[];
  /** In the order of the calls. */
  readonly #callees: readonly (readonly number[])[];
  readonly #hasTailCall: readonly boolean[];

  constructor(insns: Insns, subprogs: readonly number[]) {
    const byStart = new Map(subprogs.map((start, i) => [start, i]));
    const callees = subprogs.map(() => new Set<number>());
    const hasTailCall = subprogs.map(() => false);
    let current = -1;
    for (const [slot, insn] of insns.entries()) {
      if (byStart.has(slot)) current = byStart.get(slot)!;
      if (insn?.kind !== 'call') continue;
      if (insn.target === 'subprog')
        callees[current]!.add(byStart.get(subprogTarget(insn, slot)!)!);
      if (insn.target === 'helper' && insn.imm === BPF_FUNC_tail_call) hasTailCall[current] = true;
    }
    this.#subprogs = subprogs;
    this.#callees = callees.map((set) => [...set]);
    this.#hasTailCall = hasTailCall;
  }

  /** No function calls itself, by whatever way. sort_subprogs_topo() */
  recursion(nameAt: (slot: number) => string): Reject | undefined {
    const done = new Set<number>();
    const path = new Set<number>();
    const visit = (from: number): Reject | undefined => {
      path.add(from);
      for (const to of this.#callees[from]!) {
        if (path.has(to)) {
          const [caller, callee] = [from, to].map((i) => `${nameAt(this.#subprogs[i]!)}()`);
          return { errno: EINVAL, message: `recursive call from ${caller} to ${callee}` };
        }
        const found = done.has(to) ? undefined : visit(to);
        if (found) return found;
      }
      path.delete(from);
      done.add(from);
      return undefined;
    };
    for (const i of this.#subprogs.keys()) {
      const found = done.has(i) ? undefined : visit(i);
      if (found) return found;
    }
    return undefined;
  }

  /** Where calls nest too deeply. There is no recursion. check_func_call() */
  tooDeep(framesMax: number): Reject | undefined {
    if (this.#framesOf(0, []) <= framesMax) return undefined;
    return { errno: E2BIG, message: `the call stack of ${framesMax + 1} frames is too deep` };
  }

  #framesOf(i: number, known: number[]): number {
    const below = this.#callees[i]!.map((to) => known[to] ?? this.#framesOf(to, known));
    return (known[i] = 1 + Math.max(0, ...below));
  }

  /** Where the stacks of nested calls take too much. check_max_stack_depth() */
  tooMuchStack(depths: readonly number[]): Reject | undefined {
    const own = depths.map((bytes) => Math.ceil(bytes / STACK_ALIGN) * STACK_ALIGN);
    return this.#findStack(0, 0, 1, own, []);
  }

  /** `tried`: by subprogram, with how much before it nothing was wrong: with less, nothing is. */
  #findStack(
    i: number,
    before: number,
    frame: number,
    own: readonly number[],
    tried: number[],
  ): Reject | undefined {
    if (before <= (tried[i] ?? -1)) return undefined;
    if (i > 0 && this.#hasTailCall[i] && before >= TAIL_CALL_STACK_MAX) {
      const message =
        `tail_calls are not allowed when call stack of previous frames is ${before} bytes. ` +
        'Too large';
      return { errno: EACCES, message };
    }
    const depth = before + own[i]!;
    if (depth > MAX_BPF_STACK) {
      const message = `combined stack size of ${frame} calls is ${depth}. Too large`;
      return { errno: EACCES, message };
    }
    for (const to of this.#callees[i]!) {
      const found = this.#findStack(to, depth, frame + 1, own, tried);
      if (found) return found;
    }
    tried[i] = before;
    return undefined;
  }
}
