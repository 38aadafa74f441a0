import { E2BIG, EACCES, EINVAL } from '../../../kernel/errno.ts';
import { ATTACH_TYPE } from '../../uapi.ts';
import { MAX_BPF_STACK } from '../../vm/frame.ts';
import type { VerifierEnv } from '../env.ts';
import { isThrowKfunc } from '../kfuncs/kfunc-meta.ts';
import type { SubprogInfo } from '../subprog-info.ts';
import { findSubprog, subprogIsGlobal } from '../subprog-query.ts';
import { subprogTarget } from './topo.ts';

// enum priv_stack_mode: whether a function's stack is of its own, apart from its callers'.
const PRIV_STACK_UNKNOWN = 0;
const NO_PRIV_STACK = 1;
const PRIV_STACK_ADAPTIVE = 2;
/** Smaller stacks are not worth it. BPF_PRIV_STACK_MIN_SIZE */
const PRIV_STACK_MIN = 64;
/** Bytes of stack beneath a function that makes tail calls must be fewer. */
const TAIL_CALL_STACK_MAX = 256;
/** Where programs are compiled. round_up_stack_depth() */
const STACK_ALIGN = 16;

function roundedDepth({ stackDepth }: SubprogInfo): number {
  return Math.ceil(stackDepth / STACK_ALIGN) * STACK_ALIGN;
}

/** Not for programs that nothing keeps from running twice at once. bpf_enable_priv_stack() */
function allowsPrivStack({ prog, subprogs, subprogCnt }: VerifierEnv): boolean {
  if (subprogs.slice(0, subprogCnt).some(({ hasTailCall }) => hasTailCall)) return false;
  switch (prog.type.name) {
    case 'KPROBE':
    case 'TRACEPOINT':
    case 'PERF_EVENT':
    case 'RAW_TRACEPOINT':
      return true;
    case 'TRACING':
      return prog.expectedAttachType !== ATTACH_TYPE.TRACE_ITER;
    default:
      return false;
  }
}

/** A function that is being walked through, called by that before it. */
interface Frame {
  readonly subprog: number;
  /** How many calls in a row of functions that are not verified by themselves. */
  readonly frame: number;
  /** What is the same wherever nothing else can come of it. */
  readonly key: string;
  /** Where the walk is. */
  slot: number;
  tailCallReachable: boolean;
}

/**
 * Walks through all calls from one function, with the stack that they take together.
 * check_max_stack_depth_subprog()
 */
class DepthWalk {
  readonly #env: VerifierEnv;
  readonly #isPrivate: boolean;
  readonly #frames: Frame[] = [];
  /** Keys of functions that were walked through: once more would change nothing. */
  readonly #done = new Set<string>();
  #depth = 0;

  constructor(env: VerifierEnv, isPrivate: boolean) {
    this.#env = env;
    this.#isPrivate = isPrivate;
  }

  run(subprog: number): void {
    this.#enter(subprog, 0, false, '');
    while (this.#frames.length > 0) {
      const top = this.#frames.at(-1)!;
      if (!this.#nextCall(top)) this.#leave(top);
    }
  }

  #callers(): SubprogInfo[] {
    return this.#frames.map(({ subprog }) => this.#env.subprogs[subprog]!);
  }

  #enter(subprog: number, frame: number, tailCallReachable: boolean, key: string): void {
    const env = this.#env;
    const info = env.subprogs[subprog]!;
    if (!this.#isPrivate) info.privStackMode = NO_PRIV_STACK;
    this.#frames.push({ subprog, frame, key, slot: info.start, tailCallReachable });
    if (info.hasLdAbs && this.#callers().some(({ isCb }) => isCb)) {
      throw env.reject(EINVAL, 'cannot use BPF_LD_[ABS|IND] within callback');
    }
    if (subprog !== 0 && info.hasTailCall && this.#depth >= TAIL_CALL_STACK_MAX) {
      const message =
        'tail_calls are not allowed when call stack of previous frames is ' +
        `${this.#depth} bytes. Too large`;
      throw env.reject(EACCES, message);
    }
    this.#addStack(subprog, info);
  }

  #addStack(subprog: number, info: SubprogInfo): void {
    const env = this.#env;
    const depth = roundedDepth(info);
    if (info.stackArgCnt !== 0) {
      info.privStackMode = NO_PRIV_STACK; // the register is taken, on x86
    } else if (this.#isPrivate && info.privStackMode === PRIV_STACK_UNKNOWN) {
      if (depth >= PRIV_STACK_MIN) info.privStackMode = PRIV_STACK_ADAPTIVE;
    }
    if (info.privStackMode === PRIV_STACK_ADAPTIVE) {
      env.maxStackDepth = Math.max(env.maxStackDepth, depth);
      if (depth <= MAX_BPF_STACK) return;
      throw env.reject(EACCES, `stack size of subprog ${subprog} is ${depth}. Too large`);
    }
    this.#depth += depth;
    env.maxStackDepth = Math.max(env.maxStackDepth, this.#depth);
    if (this.#depth <= MAX_BPF_STACK) return;
    const calls = this.#frames.length;
    const message = `combined stack size of ${calls} calls is ${this.#depth}. Too large`;
    throw env.reject(EACCES, message);
  }

  /** Goes on to the next call and into it; false: there is none. */
  #nextCall(top: Frame): boolean {
    const env = this.#env;
    const end = env.subprogs[top.subprog + 1]!.start;
    while (top.slot < end) {
      const slot = top.slot++;
      const insn = env.insns[slot]!;
      if (isThrowKfunc(env, insn)) this.#checkThrow(top, slot);
      const target = subprogTarget(insn, slot);
      if (target === undefined) continue;
      const callee = findSubprog(env, target);
      if (callee < 0) throw env.bug(`callee not found at insn ${target}`);
      const { isAsyncCb, hasTailCall, isExceptionCb } = env.subprogs[callee]!;
      if (isAsyncCb) {
        if (hasTailCall) throw env.bug('subprog has tail_call and async cb');
        if (insn!.kind !== 'call') continue; // has a stack of its own
        if (isExceptionCb) {
          env.verbose(`insn ${slot} cannot call exception cb directly`);
          throw env.reject(EINVAL, '');
        }
      }
      this.#call(top, callee, hasTailCall);
      return true;
    }
    return false;
  }

  #call(top: Frame, callee: number, hasTailCall: boolean): void {
    const env = this.#env;
    const frame = subprogIsGlobal(env, callee) ? 0 : top.frame + 1;
    if (frame >= env.world.framesMax) {
      if (!this.#isPrivate) env.subprogs[callee]!.privStackMode = NO_PRIV_STACK;
      throw env.reject(E2BIG, `the call stack of ${frame} frames is too deep !`);
    }
    const inCb = this.#callers().some(({ isCb }) => isCb);
    const key = `${callee} ${this.#depth} ${frame} ${inCb}`;
    if (!this.#done.has(key)) {
      this.#enter(callee, frame, hasTailCall, key);
      return;
    }
    if (env.subprogs[callee]!.tailCallReachable) this.#markTailCall();
    top.tailCallReachable = env.subprogs[top.subprog]!.tailCallReachable;
  }

  #checkThrow(top: Frame, slot: number): void {
    if (!this.#callers().some(({ isCb }) => isCb)) return;
    const where = `callback subprog ${top.subprog}`;
    const message = `bpf_throw kfunc (insn ${slot}) cannot be called from ${where}`;
    throw this.#env.reject(EINVAL, message);
  }

  #leave(top: Frame): void {
    const env = this.#env;
    const info = env.subprogs[top.subprog]!;
    if (top.tailCallReachable) this.#markTailCall();
    else if (top.subprog === 0 && info.hasTailCall && info.stackArgCnt !== 0) {
      throw env.reject(EINVAL, 'tail_calls are not allowed in programs with stack args');
    }
    if (info.privStackMode !== PRIV_STACK_ADAPTIVE) this.#depth -= roundedDepth(info);
    this.#frames.pop();
    this.#done.add(top.key);
    const caller = this.#frames.at(-1);
    if (caller) caller.tailCallReachable = env.subprogs[caller.subprog]!.tailCallReachable;
  }

  /** Every function on the way here may be ended by a tail call. */
  #markTailCall(): void {
    const env = this.#env;
    for (const info of this.#callers().reverse()) {
      if (info.isExceptionCb) throw env.reject(EINVAL, 'cannot tail call within exception cb');
      if (info.stackArgCnt !== 0) {
        throw env.reject(EINVAL, 'tail_calls are not allowed in programs with stack args');
      }
      info.tailCallReachable = true;
    }
  }
}

/** The stacks of nested calls fit into one. check_max_stack_depth() */
export function checkMaxStackDepth(env: VerifierEnv): void {
  const isPrivate = allowsPrivStack(env);
  for (let i = env.subprogCnt - 1; i >= 0; i--) {
    if (i !== 0 && !env.subprogs[i]!.isAsyncCb) continue;
    new DepthWalk(env, i === 0 && isPrivate).run(i);
  }
}
