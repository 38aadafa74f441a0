import { MAX_BPF_FUNC_REG_ARGS } from './types.ts';

/** What a global function says of one argument. struct bpf_subprog_arg_info */
export interface SubprogArg {
  /** ARG_* with flags. */
  readonly argType: number;
  readonly memSize: number;
  readonly btfId: number;
}

/** One function of the program. struct bpf_subprog_info */
export class SubprogInfo {
  /** Its first slot. */
  start: number;
  /** From BTF; '' without. */
  name = '';
  /** Where its instructions begin in env.postorder; those of the next one end them. */
  postorderStart = 0;
  /** PRIV_STACK_*: stack-depth.ts. */
  privStackMode = 0;
  /** Slot of one of its exits. */
  exitIdx = 0;
  stackDepth = 0;
  insnsTotal = 0;
  /** Below: slots that only bpf_fastcall spills use. */
  fastcallStackOff = 0;
  hasTailCall = false;
  mightThrow = false;
  tailCallReachable = false;
  hasLdAbs = false;
  isCb = false;
  isAsyncCb = false;
  isExceptionCb = false;
  argsCached = false;
  keepFastcallStack = false;
  changesPktData = false;
  mightSleep = false;
  /** Parameters, as BTF says, whether `args` has got to know them or not. */
  argCnt = 0;
  args: SubprogArg[] = [];
  /** Incoming and the most outgoing arguments on the stack. */
  stackArgCnt = 0;
  maxOutStackArgCnt = 0;
  /** struct bpf_func_info_aux */
  isGlobal = false;
  isUnreliable = false;
  called = false;
  verified = false;

  constructor(start: number) {
    this.start = start;
  }

  /** Arguments that it gets on the stack. bpf_in_stack_arg_cnt() */
  get inStackArgCnt(): number {
    return Math.max(this.argCnt - MAX_BPF_FUNC_REG_ARGS, 0);
  }
}
