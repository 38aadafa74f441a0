import type { Btf } from '../btf/types.ts';
import type { BpfMap } from '../maps/map.ts';
import type { KernelWorld } from './world.ts';
import type { Insn } from '../isa/insn.ts';
import type { Insns } from '../isa/insn.ts';
import { BacktrackState } from './search/backtrack-state.ts';
import { IdMap } from './search/id-map.ts';
import { InsnAux } from './insn-aux.ts';
import type { VerifierLog } from './report/log.ts';
import {
  BPF_F_ANY_ALIGNMENT,
  BPF_F_STRICT_ALIGNMENT,
  BPF_F_TEST_REG_INVARIANTS,
  BPF_F_TEST_STATE_FREQ,
  type LineInfo,
  type LoadedProgram,
} from './program.ts';
import type { Reg } from './values/reg.ts';
import type { ProgOps } from '../prog/ops.ts';
import type { StackLiveness } from './liveness/stack-liveness.ts';
import { Rejection } from './rejection.ts';
import type { FuncState, HistoryEntry, PendingBranch, SccVisit } from './state.ts';
import { VerifierState } from './state.ts';
import type { SubprogInfo } from './subprog-info.ts';

/**
 * One verification: what is looked at, what is allowed to whom, and where it stands. The rules are
 * functions that take it. struct bpf_verifier_env
 */
export class VerifierEnv {
  readonly prog: LoadedProgram;
  readonly world: KernelWorld;
  readonly log: VerifierLog;
  /** By slot; may be rewritten where branches are found dead. */
  insns: Insns;
  readonly aux: InsnAux[];
  /** Ascending by start; one more behind the last, at the end of the program. */
  subprogs: SubprogInfo[] = [];
  /** How many there are, without the one behind. */
  subprogCnt = 0;
  /** Slots of every function, each behind those that it leads to; dead branches are not in it. */
  postorder: number[] = [];
  /** Strongly connected components, counted from 1. */
  sccCnt = 0;
  /** In the order in which they are first named. */
  readonly usedMaps: BpfMap[] = [];
  readonly insnArrayMaps: BpfMap[] = [];
  /** The one that the program uses, if any. prog->aux->arena */
  arena: BpfMap | undefined;
  /** What is read of stacks, by the pass that finds out. */
  liveness: StackLiveness | undefined;
  /** Indices of subprogs, callees before callers. */
  subprogTopoOrder: number[] = [];
  exceptionCallbackSubprog = 0;

  /** The rules of its type; of an extension, of the type of what it extends. */
  ops: ProgOps;

  // What the loader's capabilities and flags allow.
  readonly allowPtrLeaks: boolean;
  readonly allowUninitStack: boolean;
  readonly bypassSpecV1: boolean;
  readonly bypassSpecV4: boolean;
  readonly bpfCapable: boolean;
  readonly strictAlignment: boolean;
  readonly testStateFreq: boolean;
  readonly testRegInvariants: boolean;

  // Where it stands.
  cur: VerifierState = new VerifierState();
  insnIdx = 0;
  prevInsnIdx = 0;
  /** The entry of the history of this instruction, if it has one by now. */
  curHistEnt: HistoryEntry | undefined;
  /**
   * The checking mode: told of each state before its instruction is looked at, on every path; none
   * is left out for being like another.
   */
  readonly observe: ((env: VerifierEnv) => void) | undefined;
  /** Counts the calls of do_check(); begins with 1. */
  passCnt = 0;
  idGen = 0;
  exploreAluLimits = false;
  seenDirectWrite = false;

  // The search: branches to explore, states to compare with.
  readonly pending: PendingBranch[] = [];
  /** By a hash of instruction and call site; the newest last. */
  exploredStates: (VerifierState[] | undefined)[] = [];
  readonly sccVisits = new Map<string, SccVisit>();
  readonly bt = new BacktrackState();
  readonly idMap = new IdMap();
  exploredStatesSize = 0;
  freeListSize = 0;
  numBackedges = 0;

  // What has been accessed since the state was last printed: bits of registers and of slots.
  scratchedRegs = 0;
  scratchedSlots = 0n;
  /** By slot: an instruction as it was printed. */
  readonly insnLines: { readonly insn: Insn | null | undefined; readonly line: string }[] = [];
  /** Where the log stood behind the last instruction, and how long its line was. */
  prevLogPos = 0;
  prevInsnPrintPos = 0;
  /** The line of source printed last. */
  prevLinfo: LineInfo | undefined;

  // Statistics.
  insnProcessed = 0;
  /** The most that is held at once, on any path. */
  heldMax = 0;
  jmpsProcessed = 0;
  prevInsnProcessed = 0;
  prevJmpsProcessed = 0;
  totalStates = 0;
  peakStates = 0;
  maxStatesPerInsn = 0;
  maxStackDepth = 0;

  // What the program gets to have, found out on the way.
  maxCtxOffset = 0;
  changesPktData = false;
  mightSleep = false;

  constructor(
    prog: LoadedProgram,
    world: KernelWorld,
    log: VerifierLog,
    observe?: (env: VerifierEnv) => void,
  ) {
    const { caps, flags } = prog;
    this.prog = prog;
    this.observe = observe;
    this.world = world;
    this.ops = prog.type;
    this.log = log;
    this.insns = prog.insns;
    this.aux = prog.insns.map(() => new InsnAux());
    this.allowPtrLeaks = caps.perfmon;
    this.allowUninitStack = caps.perfmon;
    this.bypassSpecV1 = caps.perfmon;
    this.bypassSpecV4 = caps.perfmon;
    this.bpfCapable = caps.bpf;
    this.strictAlignment =
      (flags & BPF_F_STRICT_ALIGNMENT) !== 0 && (flags & BPF_F_ANY_ALIGNMENT) === 0;
    this.testStateFreq = caps.bpf && (flags & BPF_F_TEST_STATE_FREQ) !== 0;
    this.testRegInvariants = (flags & BPF_F_TEST_REG_INVARIANTS) !== 0;
  }

  /** The function that runs in the state that is looked at. */
  get frame(): FuncState {
    return this.cur.frame;
  }

  /** Its registers. */
  get regs(): Reg[] {
    return this.cur.frame.regs;
  }

  /** The instruction that is looked at. */
  get insn(): Insn {
    return this.insns[this.insnIdx]!;
  }

  get curAux(): InsnAux {
    return this.aux[this.insnIdx]!;
  }

  get kernelBtf(): Btf {
    return this.world.kernelBtf;
  }

  /** The frame that a pointer to stack points into. bpf_func() */
  func(reg: Reg): FuncState {
    return this.cur.frames[reg.frameno]!;
  }

  newId(): number {
    return ++this.idGen;
  }

  /** Prints as it is. verbose() */
  verbose(text: string): void {
    this.log.print(text);
  }

  /** Says why, and is to be thrown: `throw env.reject(EACCES, 'R1 !read_ok')`. No line end. */
  reject(errno: number, message: string): Rejection {
    if (message !== '') this.log.print(`${message}\n`);
    return new Rejection(errno);
  }

  /** What cannot be. verifier_bug() */
  bug(message: string): Rejection {
    return this.reject(14 /* EFAULT */, `verifier bug: ${message}`);
  }

  markRegScratched(regno: number): void {
    this.scratchedRegs |= 1 << regno;
  }

  markSlotScratched(spi: number): void {
    // Nobody looks at them but the log.
    if (this.log.isOn) this.scratchedSlots |= 1n << BigInt(spi);
  }
}
