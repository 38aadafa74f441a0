import { E2BIG, EINVAL } from '../../../kernel/errno.ts';
import { FUNC } from '../../helpers/func-ids.ts';
import type { Insn } from '../../isa/insn.ts';
import { isAsyncCallbackCallingInsn, isSyncCallbackCallingInsn } from './callback-insns.ts';
import { kfuncMetaIfAny } from './call-summary.ts';
import type { VerifierEnv } from '../env.ts';
import { createJt } from './jump-table.ts';
import {
  isIterNextKfunc,
  isKfuncPktChanging,
  isKfuncSleepable,
  isThrowKfunc,
} from '../kfuncs/kfunc-meta.ts';
import { verboseLinfo } from '../report/line-info.ts';
import type { SubprogInfo } from '../subprog-info.ts';
import { findContainingSubprog } from '../subprog-query.ts';
import { insnSlots } from './successors.ts';

// How far the walk is with an instruction: come to, with its first and second edge; done.
const DISCOVERED = 0x10;
const EXPLORED = 0x20;
const FALLTHROUGH = 1;
const BRANCH = 2;

type Call = Extract<Insn, { kind: 'call' }>;

/** One walk in depth through the whole program. It marks where states are to be compared. */
class CfgWalk {
  readonly #env: VerifierEnv;
  readonly #state: Uint8Array;
  readonly #stack: number[] = [];

  constructor(env: VerifierEnv) {
    this.#env = env;
    this.#state = new Uint8Array(env.insns.length);
  }

  run(): void {
    const { exceptionCallbackSubprog: callback, subprogs } = this.#env;
    this.#walkFrom(0);
    const start = callback === 0 ? 0 : subprogs[callback]!.start;
    if (start !== 0 && this.#state[start] !== EXPLORED) this.#walkFrom(start);
    this.#checkReached();
  }

  #walkFrom(start: number): void {
    this.#state[start] = DISCOVERED;
    this.#stack.push(start);
    while (this.#stack.length > 0) {
      const at = this.#stack.at(-1)!;
      if (this.#visit(at)) continue;
      this.#state[at] = EXPLORED;
      this.#stack.pop();
    }
  }

  #checkReached(): void {
    const env = this.#env;
    for (let i = 0; i < env.insns.length; i++) {
      if (this.#state[i] !== EXPLORED) throw env.reject(EINVAL, `unreachable insn ${i}`);
      if (insnSlots(env.insns[i]!) === 1) continue;
      if (this.#state[i + 1] !== 0) {
        throw env.reject(EINVAL, `jump into the middle of ldimm64 insn ${i}`);
      }
      i++;
    }
  }

  /** Whether there is more to be done before the instruction is. visit_insn() */
  #visit(at: number): boolean {
    const env = this.#env;
    const insn = env.insns[at]!;
    switch (insn?.kind) {
      case 'exit':
        return false;
      case 'call':
        return this.#visitCall(at, insn);
      case 'ld_imm64':
        if (insn.from === 'func') return this.#visitFuncCall(at, at + insn.imm + 1);
        return this.#push(at, at + 2, FALLTHROUGH);
      case 'gotox':
        return this.#visitGotox(at);
      case 'ja': {
        const target = at + insn.off + 1;
        const isMore = this.#push(at, target, FALLTHROUGH);
        this.#markTarget(target);
        return isMore;
      }
      case 'jmp':
      case 'may_goto':
        env.aux[at]!.prunePoint = true;
        if (insn.kind === 'may_goto') env.aux[at]!.forceCheckpoint = true;
        return this.#push(at, at + 1, FALLTHROUGH) || this.#push(at, at + insn.off + 1, BRANCH);
      case 'ld_abs':
      case 'ld_ind':
        this.#visitAbnormalReturn(at);
        return this.#push(at, at + 1, FALLTHROUGH);
      default:
        return this.#push(at, at + 1, FALLTHROUGH);
    }
  }

  #markTarget(target: number): void {
    const aux = this.#env.aux[target]!;
    aux.prunePoint = true;
    aux.jmpPoint = true;
    aux.jumpTarget = true;
  }

  /** An edge from t to w. Whether w is to be visited now. push_insn() */
  #push(t: number, w: number, edge: number): boolean {
    const env = this.#env;
    const state = this.#state;
    if (state[t]! >= (DISCOVERED | edge)) return false;
    if (w < 0 || w >= env.insns.length) {
      verboseLinfo(env, t, `${t}: `);
      throw env.reject(EINVAL, `jump out of range from insn ${t} to ${w}`);
    }
    if (edge === BRANCH) this.#markTarget(w);
    if (state[w] === 0) {
      state[t] = DISCOVERED | edge;
      state[w] = DISCOVERED;
      this.#pushStack(w);
      return true;
    }
    if (state[w] === EXPLORED) {
      state[t] = DISCOVERED | edge;
    } else if (!env.bpfCapable) {
      verboseLinfo(env, t, `${t}: `);
      verboseLinfo(env, w, `${w}: `);
      throw env.reject(EINVAL, `back-edge from insn ${t} to ${w}`);
    }
    return false;
  }

  #pushStack(w: number): void {
    if (this.#stack.length >= this.#env.insns.length) throw this.#env.reject(E2BIG, '');
    this.#stack.push(w);
  }

  /** visit_func_call_insn(); `callee`: the first slot of the function, if it is the program's. */
  #visitFuncCall(at: number, callee: number | undefined): boolean {
    const env = this.#env;
    const next = at + insnSlots(env.insns[at]!);
    if (this.#push(at, next, FALLTHROUGH)) return true;
    env.aux[next]!.prunePoint = true;
    env.aux[next]!.jmpPoint = true;
    if (callee === undefined) return false;
    env.aux[at]!.prunePoint = true;
    this.#mergeCalleeEffects(at, callee);
    return this.#push(at, callee, BRANCH);
  }

  #subprogOf(at: number): SubprogInfo {
    return findContainingSubprog(this.#env, at)!;
  }

  /** As the callee has been walked through by the last time this is called. */
  #mergeCalleeEffects(at: number, callee: number): void {
    const [to, from] = [this.#subprogOf(at), this.#subprogOf(callee)];
    to.changesPktData ||= from.changesPktData;
    to.mightSleep ||= from.mightSleep;
    to.mightThrow ||= from.mightThrow;
  }

  #visitCall(at: number, insn: Call): boolean {
    const env = this.#env;
    const aux = env.aux[at]!;
    if (isAsyncCallbackCallingInsn(env, insn)) aux.prunePoint = true;
    if (isSyncCallbackCallingInsn(env, insn)) {
      aux.callsCallback = true;
      aux.forceCheckpoint = true;
      aux.prunePoint = true;
      aux.jmpPoint = true;
    }
    if (insn.target === 'helper') this.#noteHelper(at, insn);
    if (insn.target === 'kfunc') this.#noteKfunc(at, insn);
    return this.#visitFuncCall(at, insn.target === 'subprog' ? at + insn.imm + 1 : undefined);
  }

  #noteHelper(at: number, { imm }: Call): void {
    const env = this.#env;
    const subprog = this.#subprogOf(at);
    if (env.ops.helper(imm, env.prog)?.mightSleep) subprog.mightSleep = true;
    if (env.world.helper(imm)?.isChangingPkt) subprog.changesPktData = true;
    if (imm === FUNC.tail_call) this.#visitAbnormalReturn(at);
  }

  #noteKfunc(at: number, insn: Call): void {
    const env = this.#env;
    const meta = kfuncMetaIfAny(env, insn);
    if (!meta) return;
    const subprog = this.#subprogOf(at);
    if (isIterNextKfunc(meta)) {
      env.aux[at]!.prunePoint = true;
      env.aux[at]!.forceCheckpoint = true;
    }
    if (isKfuncSleepable(meta)) subprog.mightSleep = true;
    if (isKfuncPktChanging(meta)) subprog.changesPktData = true;
    if (isThrowKfunc(env, insn)) subprog.mightThrow = true;
  }

  /** visit_gotox_insn() */
  #visitGotox(at: number): boolean {
    const env = this.#env;
    const targets = (env.aux[at]!.jt ??= createJt(env, at));
    env.aux[at]!.prunePoint = true;
    let goesOn = false;
    for (const target of targets) {
      if (target < 0 || target >= env.insns.length) {
        throw env.reject(EINVAL, `indirect jump out of range from insn ${at} to ${target}`);
      }
      env.aux[target]!.jmpPoint = true;
      env.aux[target]!.jumpTarget = true;
      if (this.#state[target] !== 0) continue;
      this.#pushStack(target);
      this.#state[target] = DISCOVERED;
      goesOn = true;
    }
    return goesOn;
  }

  /** Tail calls and packet loads may end the function. visit_abnormal_return_insn() */
  #visitAbnormalReturn(at: number): void {
    this.#env.aux[at]!.jt ??= [at + 1, this.#subprogOf(at).exitIdx];
  }
}

/** Every instruction is reached, and nothing jumps where there is none. bpf_check_cfg() */
export function checkCfg(env: VerifierEnv): void {
  new CfgWalk(env).run();
  env.changesPktData = env.subprogs[0]!.changesPktData;
  env.mightSleep = env.subprogs[0]!.mightSleep;
}
