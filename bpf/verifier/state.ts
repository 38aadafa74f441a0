import { NOT_INIT_REG, type Reg } from './values/reg.ts';
import type { RetvalRange } from './values/retval-range.ts';
import { INVALID_SLOT, type StackSlot } from './values/stack.ts';
import { BPF_REG_SIZE, MAX_BPF_REG } from './types.ts';

/** Something acquired and not yet given back. A value. struct bpf_reference_state */
export interface RefState {
  /** REF_TYPE_* */
  readonly type: number;
  readonly id: number;
  /** Where it was acquired. */
  readonly insnIdx: number;
  /** REF_TYPE_PTR: the object it is derived from, or 0. */
  readonly parentId: number;
  /** Locks: the map or BTF object that the lock is in. */
  readonly ptr: object | undefined;
}

const NO_RANGE: RetvalRange = { min: 0, max: 0, return32bit: false };
const NOTHING_READ = Array.from<Reg>({ length: MAX_BPF_REG }).fill(NOT_INIT_REG);

const SHARED_NOTHING = 0;
const SHARED_STACK = 1;
const SHARED_WHOLE = 2;
type Shared = typeof SHARED_NOTHING | typeof SHARED_STACK | typeof SHARED_WHOLE;

/** One function on the way: registers and stack. struct bpf_func_state */
export class FuncState {
  readonly regs: Reg[];
  /** stack[0] is r10-8 to r10-1, and so on downwards. */
  readonly stack: StackSlot[];
  /** The call instruction that led here; BPF_MAIN_FUNC (-1) in the first. */
  readonly callsite: number;
  readonly frameno: number;
  readonly subprogno: number;
  asyncEntryCnt = 0;
  callbackRetRange = NO_RANGE;
  inCallbackFn = false;
  inAsyncCallbackFn = false;
  inExceptionCallbackFn = false;
  noStackArgLoad = false;
  /** How often the callback of the frame below has been simulated. */
  callbackDepth = 0;
  /** Instructions on this path, here and in what was called; a copy begins with none. */
  insnsSubtotal = 0;
  /** Arguments beyond the fifth, on their way to a callee. */
  stackArgRegs: Reg[] = [];
  /** Of a kept state: how much of it others have too, so that it is not to be changed. */
  shared: Shared = SHARED_NOTHING;

  /** With nothing in registers and stack, or with what is given, which becomes its own. */
  constructor(
    callsite: number,
    frameno: number,
    subprogno: number,
    regs: Reg[] = NOTHING_READ.slice(),
    stack: StackSlot[] = [],
  ) {
    this.callsite = callsite;
    this.frameno = frameno;
    this.subprogno = subprogno;
    this.regs = regs;
    this.stack = stack;
  }

  /** Bytes, a multiple of 8. */
  get allocatedStack(): number {
    return this.stack.length * BPF_REG_SIZE;
  }

  /** At least so many bytes. grow_stack_state() */
  growStack(sizeBytes: number): void {
    while (this.allocatedStack < sizeBytes) this.stack.push(INVALID_SLOT);
  }

  copy(): FuncState {
    return this.#copyWith(this.regs.slice(), this.stack.slice());
  }

  /**
   * A copy that is kept, and changed only through VerifierState.ownFrame(): it shares with another
   * one what is the same in both. Functions further out rarely change.
   */
  keptCopy(other: FuncState | undefined): FuncState {
    if (!other || !isSame(this.stack, other.stack)) return this.copy();
    if (this.#isSameAs(other)) {
      other.shared = SHARED_WHOLE;
      return other;
    }
    if (other.shared === SHARED_NOTHING) other.shared = SHARED_STACK;
    const to = this.#copyWith(this.regs.slice(), other.stack);
    to.shared = SHARED_STACK;
    return to;
  }

  #isSameAs(other: FuncState): boolean {
    return (
      this.callsite === other.callsite &&
      this.subprogno === other.subprogno &&
      this.asyncEntryCnt === other.asyncEntryCnt &&
      this.callbackRetRange === other.callbackRetRange &&
      this.inCallbackFn === other.inCallbackFn &&
      this.inAsyncCallbackFn === other.inAsyncCallbackFn &&
      this.inExceptionCallbackFn === other.inExceptionCallbackFn &&
      this.noStackArgLoad === other.noStackArgLoad &&
      this.callbackDepth === other.callbackDepth &&
      isSame(this.regs, other.regs) &&
      isSame(this.stackArgRegs, other.stackArgRegs)
    );
  }

  #copyWith(regs: Reg[], stack: StackSlot[]): FuncState {
    const { callsite, frameno, subprogno } = this;
    const to = new FuncState(callsite, frameno, subprogno, regs, stack);
    to.asyncEntryCnt = this.asyncEntryCnt;
    to.callbackRetRange = this.callbackRetRange;
    to.inCallbackFn = this.inCallbackFn;
    to.inAsyncCallbackFn = this.inAsyncCallbackFn;
    to.inExceptionCallbackFn = this.inExceptionCallbackFn;
    to.noStackArgLoad = this.noStackArgLoad;
    to.callbackDepth = this.callbackDepth;
    if (this.stackArgRegs.length > 0) to.stackArgRegs = this.stackArgRegs.slice();
    return to;
  }
}

/** INSN_F_*: what an entry of the history says beside where it was. */
export const INSN_F_STACK_ACCESS = 1;
export const INSN_F_DST_REG_STACK = 2;
export const INSN_F_SRC_REG_STACK = 4;
export const INSN_F_STACK_ARG_ACCESS = 8;

/** One of the registers or slots that got to know the same. struct linked_reg */
export interface LinkedReg {
  readonly frameno: number;
  readonly isReg: boolean;
  /** The register's number, or the slot's. */
  readonly index: number;
}

/** struct bpf_jmp_history_entry. The last one of a state may still be changed. */
export interface HistoryEntry {
  readonly idx: number;
  readonly prevIdx: number;
  flags: number;
  /** Of a stack access: whose stack, and the slot. */
  frame: number;
  spi: number;
  linkedRegs: readonly LinkedReg[];
}

/** The very same values in two arrays. */
function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}

/** All that is known on one path at one instruction. struct bpf_verifier_state */
export class VerifierState {
  frames: FuncState[] = [];
  parent: VerifierState | undefined;
  refs: readonly RefState[] = [];
  /** Branches still to explore from here; 0: all that follows is safe. */
  branches = 0;
  insnIdx = 0;
  activeLocks = 0;
  activePreemptLocks = 0;
  activeIrqId = 0;
  activeLockId = 0;
  activeLockPtr: object | undefined;
  activeRcuLocks = 0;
  speculative = false;
  inSleepable = false;
  firstInsnIdx = 0;
  lastInsnIdx = 0;
  /** Of a back edge: the cached state that it equals. */
  equalState: VerifierState | undefined;
  history: HistoryEntry[] = [];
  dfsDepth = 0;
  callbackUnrollDepth = 0;
  mayGotoDepth = 0;
  // Of a state that is kept for comparison: struct bpf_verifier_state_list.
  missCnt = 0;
  hitCnt = 0;
  inFreeList = false;

  get curframe(): number {
    return this.frames.length - 1;
  }

  /** The function that runs. */
  get frame(): FuncState {
    return this.frames[this.frames.length - 1]!;
  }

  /** How many references of REF_TYPE_PTR and others there are: acquired_refs. */
  get acquiredRefs(): number {
    return this.refs.length;
  }

  /** With its history, as bpf_copy_verifier_state() does. */
  copy(): VerifierState {
    return this.#copyWith(this.frames.map((frame) => frame.copy()));
  }

  /** The same, to be kept as a child of its parent. */
  keptCopy(): VerifierState {
    const others = this.parent?.frames;
    return this.#copyWith(this.frames.map((frame, i) => frame.keptCopy(others?.[i])));
  }

  /** A frame of a kept state, whose registers, or stack too, are to be changed. */
  ownFrame(frameno: number, withStack: boolean): FuncState {
    const frame = this.frames[frameno]!;
    const isOwn = withStack ? frame.shared === SHARED_NOTHING : frame.shared !== SHARED_WHOLE;
    return isOwn ? frame : (this.frames[frameno] = frame.copy());
  }

  #copyWith(frames: FuncState[]): VerifierState {
    const to = new VerifierState();
    to.frames = frames;
    to.parent = this.parent;
    to.refs = this.refs;
    to.branches = this.branches;
    to.insnIdx = this.insnIdx;
    to.activeLocks = this.activeLocks;
    to.activePreemptLocks = this.activePreemptLocks;
    to.activeIrqId = this.activeIrqId;
    to.activeLockId = this.activeLockId;
    to.activeLockPtr = this.activeLockPtr;
    to.activeRcuLocks = this.activeRcuLocks;
    to.speculative = this.speculative;
    to.inSleepable = this.inSleepable;
    to.firstInsnIdx = this.firstInsnIdx;
    to.lastInsnIdx = this.lastInsnIdx;
    to.equalState = this.equalState;
    to.history = this.history.slice();
    to.dfsDepth = this.dfsDepth;
    to.callbackUnrollDepth = this.callbackUnrollDepth;
    to.mayGotoDepth = this.mayGotoDepth;
    return to;
  }

  /** Where a frame is: at its call, but for the last. bpf_frame_insn_idx() */
  insnIdxOf(frame: number): number {
    return frame === this.curframe ? this.insnIdx : this.frames[frame + 1]!.callsite;
  }

  /**
   * Every register, and everything spilled, of all frames, replaced by what `change` gives: itself
   * where nothing changes. bpf_for_each_reg_in_vstate(); with `slots`, dynptrs and the like too.
   */
  mapRegs(change: (reg: Reg, frame: FuncState) => Reg, isSlot: (slot: StackSlot) => boolean): void {
    for (const frame of this.frames) {
      const { regs, stack, stackArgRegs } = frame;
      for (let i = 0; i < regs.length; i++) regs[i] = change(regs[i]!, frame);
      for (let i = 0; i < stack.length; i++) {
        const slot = stack[i]!;
        if (!isSlot(slot)) continue;
        const reg = change(slot.reg, frame);
        if (reg !== slot.reg) stack[i] = slot.withReg(reg);
      }
      for (let i = 0; i < stackArgRegs.length; i++) {
        stackArgRegs[i] = change(stackArgRegs[i]!, frame);
      }
    }
  }
}

/** A branch still to be explored. struct bpf_verifier_stack_elem */
export interface PendingBranch {
  readonly state: VerifierState;
  readonly insnIdx: number;
  readonly prevInsnIdx: number;
  /** Where the log is cut back to. */
  readonly logPos: number;
}

/** One visit of a strongly connected component, by a chain of calls. struct bpf_scc_visit */
export interface SccVisit {
  /** Call sites and the component, joined. */
  readonly callchain: string;
  /** The state that entered, while paths from it are explored. */
  entryState: VerifierState | undefined;
  /** States that were found equal to one whose marks are not complete yet. */
  backedges: VerifierState[];
  /** How many of them are counted in env.numBackedges. */
  numBackedges: number;
}
